"""Servers of models that run on this machine: is there one, and which model has it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from usermemory.retry import TooLong, in_time
from usermemory.schema.shape import is_list, is_object

HOST = "OLLAMA_HOST"

_PORT = 11434
_PATIENCE = 1.0
"""Seconds in all: one that is there answers at once, and nobody waits for one that isn't."""

_PORTS = {8080: "llama-server", 8000: "vLLM", 1234: "LM Studio"}
"""Where servers that speak OpenAI's protocol listen, if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks OpenAI's protocol.

    Attributes:
        kind: What usually listens there.
        base_url: As ``--base-url`` takes it.
        model: The first model that it has.
    """

    kind: str
    base_url: str
    model: str


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
        url = f"{address()}/api/tags"
    except ValueError:  # what the variable says is no address
        return None
    answer = _asked(url, patience)
    listed = answer.get("models") if is_object(answer) else None
    return [_name(item) for item in listed if _talks(item)] if is_list(listed) else None


def servers(patience: float = _PATIENCE) -> list[Server]:
    """What speaks OpenAI's protocol at the usual ports of this machine.

    Args:
        patience: Seconds for each port, whatever is there.
    """
    found: list[Server] = []
    for port, kind in _PORTS.items():
        base_url = f"http://127.0.0.1:{port}/v1"
        answer = _asked(f"{base_url}/models", patience)
        listed = answer.get("data") if is_object(answer) else None
        named = (one.get("id") for one in listed or () if is_object(one))
        found += [Server(kind, base_url, str(name)) for name in [*named][:1] if name]
    return found


def _asked(url: str, patience: float) -> Any:
    """The JSON that a server answers with; None if there is none, or it takes too long."""
    import httpx

    def ask() -> Any:
        # Not by way of a proxy of the environment: it is this machine, or a neighbour.
        with httpx.Client(trust_env=False, timeout=patience) as client:
            response = client.get(url)
        return response.json() if response.status_code == 200 else None

    try:
        return in_time(ask, patience)
    except (TooLong, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None


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
