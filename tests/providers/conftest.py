"""Real provider classes against the loopback server, and snapshots of what they send."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from tests.support.provider_server import ProviderServer

from usermemory.extract import Request
from usermemory.records import Message
from usermemory.schema import UserProfile, schema_of

_SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


def openai(server: ProviderServer, **settings: Any) -> ChatOpenAI:
    """OpenAI's class, which takes the loopback server for OpenAI's own."""
    return ChatOpenAI(
        model="gpt-test", base_url=server.openai_url, api_key="x", max_retries=0, **settings
    )


def anthropic(server: ProviderServer, **settings: Any) -> ChatAnthropic:
    """Anthropic's class, with a fixed limit of tokens."""
    return ChatAnthropic(
        model="claude-test",
        base_url=server.url,
        api_key="x",
        max_retries=0,
        max_tokens=1_000,
        **settings,
    )


@pytest.fixture
def ollama(server: ProviderServer) -> Iterator[ChatOllama]:
    """Ollama's class, which always streams, with a short time-out."""
    model = ChatOllama(model="llama-test", base_url=server.url, client_kwargs={"timeout": 0.5})
    yield model
    model._client._client.close()  # nobody else would


@pytest.fixture(params=[openai, anthropic], ids=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, server: ProviderServer) -> BaseChatModel:
    """One of the provider classes, with a short time-out."""
    return request.param(server, timeout=0.5)


@pytest.fixture
def as_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the loopback server as OpenAI's own, strict mode and all."""
    monkeypatch.setattr("usermemory.extract.manner.elsewhere", lambda _: False)


@pytest.fixture
def asked() -> Request:
    """A small batch with one fact in it."""
    schema = schema_of(UserProfile)
    return Request(
        schema=schema,
        document={**schema.empty(), "name": "Ana"},
        batch=(
            Message("assistant", "What have you been up to?", at=1_762_000_000.0),
            Message("user", "I took up rowing in Bergen.", at=1_762_000_060.0),
        ),
        context=(Message("user", "hello", at=1_761_999_990.0),),
    )


@pytest.fixture
def same_as_before() -> Callable[[str, Any], None]:
    """Compare with a file; run with USERMEMORY_SNAPSHOTS=write to accept what is sent now."""

    def compare(name: str, value: Any) -> None:
        file = _SNAPSHOTS / f"{name}.json"
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        if os.environ.get("USERMEMORY_SNAPSHOTS") == "write":
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
