"""An Ollama that runs on this machine: is there one, and which model has it."""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from usermemory.retry import TooLong, in_time
from usermemory.schema.shape import is_list, is_object

HOST = "OLLAMA_HOST"

_PORT = 11434
_PATIENCE = 1.0
"""Seconds in all: one that is there answers at once, and nobody waits for one that isn't."""
_MOST = 1 << 20


def address() -> str:
    """Where Ollama would be: ``OLLAMA_HOST``, read as Ollama's own programs do, else its default.

    Only schemes and ports that are missing are filled in; ``0.0.0.0``, which is an address to
    serve at and not one to ask, becomes the loopback one.
    """
    said = os.environ.get(HOST, "").strip().strip("\"'")
    bare = "://" not in said
    parts = urlsplit(f"http://{said}" if bare else said)
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - not bound to
    usual = 443 if parts.scheme == "https" else 80
    port = parts.port or (_PORT if bare else usual)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def models(patience: float = _PATIENCE) -> list[str] | None:
    """The chat models of a running Ollama, the one that was changed last first.

    Args:
        patience: Seconds in all, whatever it does or fails to do.

    Returns:
        Names; None if none runs there.
    """
    try:
        return in_time(lambda: _asked(patience), patience)
    except TooLong:
        return None


def _asked(patience: float) -> list[str] | None:
    try:
        parts = urlsplit(address())
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.netloc, timeout=patience)
        try:
            connection.request("GET", "/api/tags")
            response = connection.getresponse()
            answer: Any = json.loads(response.read(_MOST)) if response.status == 200 else None
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError):
        return None
    listed = answer.get("models") if is_object(answer) else None
    return [_name(item) for item in listed if _talks(item)] if is_list(listed) else None


def _name(item: Any) -> str:
    return str(item.get("model") or item.get("name"))


def _talks(item: Any) -> bool:
    """Whether it is a model to talk with, on this machine: neither embeddings nor a cloud's."""
    if not is_object(item) or not (item.get("model") or item.get("name")):
        return False
    details = item.get("details")
    family = str(details.get("family")) if is_object(details) else ""
    kind = f"{_name(item)} {family}".lower()
    return not item.get("remote_host") and "embed" not in kind and "bert" not in kind
