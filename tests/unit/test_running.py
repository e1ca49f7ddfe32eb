"""Whether a server of models runs here, and what is made of it."""

from __future__ import annotations

import pytest
from tests.support.ollama_server import OllamaServer, listed

from usermemory.choice import Choice, choose
from usermemory.extract import models as running

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


def found(monkeypatch: pytest.MonkeyPatch, server: OllamaServer) -> Choice:
    """What a chat chooses where this server runs."""
    monkeypatch.setenv("OLLAMA_HOST", server.host)
    return choose(look=True)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("", "http://127.0.0.1:11434"),
        ("10.0.0.5", "http://10.0.0.5:11434"),
        ("10.0.0.5:8080", "http://10.0.0.5:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - what people set
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("http://gpu.local", "http://gpu.local:80"),
        ("https://gpu.local/", "https://gpu.local:443"),
        ('"gpu.local"', "http://gpu.local:11434"),
    ],
)
def test_address(monkeypatch: pytest.MonkeyPatch, said: str, where: str) -> None:
    """The variable is read as Ollama's own programs read it."""
    monkeypatch.setenv("OLLAMA_HOST", said)
    assert running.address() == where


def test_a_model_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat takes its newest model that talks and runs here, and says so plainly."""
    has = [
        listed("nomic-embed-text:latest", "nomic-bert"),
        listed("all-minilm:latest", "bert"),
        listed("gpt-oss:120b-cloud", remote_host="https://ollama.com:443"),
        listed("qwen3:4b"),
        listed("llama3.2:1b", "llama"),
    ]
    with OllamaServer(has) as server:
        chosen = found(monkeypatch, server)
    assert chosen.model == "ollama:qwen3:4b"
    assert f"ollama:qwen3:4b, since Ollama runs at http://{server.host}" in chosen.notice


def test_a_key_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is set, and where nobody wants it, Ollama is not asked."""
    with OllamaServer([listed("qwen3:4b")]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        assert choose().model == "offline"
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        assert choose(look=True).model == "openai:gpt-5-mini"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs and cannot be used for want of a package is told, with what to install."""
    monkeypatch.setattr("usermemory.extract.models.find_spec", lambda _: None)
    with OllamaServer([listed("qwen3:4b")]) as server:
        chosen = found(monkeypatch, server)
    assert chosen.model == "offline"
    assert "qwen3:4b, but model 'ollama:qwen3:4b' needs a package: pip install \"usermemory[" in (
        chosen.notice
    )


def test_without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a model to talk with is told, with how to get one."""
    with OllamaServer([listed("nomic-embed-text:latest", "nomic-bert")]) as server:
        chosen = found(monkeypatch, server)
    assert chosen.model == "offline"
    assert "ollama pull" in chosen.notice


@pytest.mark.parametrize(
    "server",
    [
        OllamaServer(tags=b"no JSON at all"),
        OllamaServer(tags=b"[]"),
        OllamaServer(tags=b'{"models": "many"}'),
        OllamaServer(tags=b"{}", status=404),
    ],
    ids=["no JSON", "a list", "no list", "404"],
)
def test_something_else_runs_there(monkeypatch: pytest.MonkeyPatch, server: OllamaServer) -> None:
    """Whatever else answers at that port is not taken for Ollama."""
    with server:
        assert "Ollama runs" not in found(monkeypatch, server).notice


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:no-port", "http://[", "a b"])
def test_nothing_runs_there(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Where nobody listens, or the address is none, there is none, and no error."""
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert running.models() is None


def test_one_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the request and says nothing is given up."""
    with OllamaServer(tags=b"") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        assert running.models(patience=0.2) is None


def test_a_server_that_speaks_openais_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a usual port is found with its model; what else listens there is none."""
    with (
        OllamaServer(
            tags=b'{"object": "list", "data": [{"id": "qwen3"}]}', path="/v1/models"
        ) as one,
        OllamaServer(tags=b"<html>", path="/v1/models") as other,
        OllamaServer(tags=b'{"data": [{}, 7]}', path="/v1/models") as third,
    ):
        ports = {one.port: "llama-server", other.port: "vLLM", third.port: "LM Studio"}
        monkeypatch.setattr(running, "_PORTS", ports)
        found = running.servers()
    assert found == [running.Server("llama-server", f"http://127.0.0.1:{one.port}/v1", "qwen3")]
