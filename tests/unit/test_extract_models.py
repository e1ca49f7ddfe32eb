"""Which model is asked in which manner, and what is said before it cannot be asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import FakeListChatModel
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from usermemory import UserMemory
from usermemory.errors import ConfigurationError, ModelUnavailable
from usermemory.extract.manner import Manner, manner_of
from usermemory.extract.models import chat_model, check_model

KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "MISTRAL_API_KEY",
)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("openai:gpt-5-mini", "set OPENAI_API_KEY"),
        ("anthropic:claude-haiku-4-5", "set ANTHROPIC_API_KEY"),
        ("claude-haiku-4-5", "set ANTHROPIC_API_KEY"),
        ("gpt-5-mini", "set OPENAI_API_KEY"),
        ("google-genai:gemini-x", "set GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("gemini-x", "set GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("mistralai:mistral-x", "set MISTRAL_API_KEY"),
        ("mistral-x", "set MISTRAL_API_KEY"),
        ("groq:llama", "langchain-groq|langchain_groq"),
        ("nonsense:model", "provider:name"),
        ("no-such-model", "provider:name"),
        ("", "provider:name"),
        ("openai:", "provider:name"),
    ],
)
def test_what_is_missing_is_said_before_any_message(spec: str, said: str) -> None:
    """A missing package or key, and an unknown name, are refused with what to do about it."""
    with pytest.raises(ModelUnavailable, match=said):
        check_model(spec)


@pytest.mark.parametrize(
    ("spec", "extra"),
    [
        ("openai:gpt-5-mini", "openai"),
        ("anthropic:claude-haiku-4-5", "anthropic"),
        ("google_genai:gemini-x", "google"),
        ("gemini-x", "google"),
        ("mistralai:mistral-x", "mistral"),
        ("ollama:llama3", "ollama"),
    ],
)
def test_the_extra_of_a_missing_package(
    monkeypatch: pytest.MonkeyPatch, spec: str, extra: str
) -> None:
    """Where a provider's package is missing, the extra that brings it is named, key or not."""
    monkeypatch.setattr("usermemory.extract.models.find_spec", lambda _: None)
    with pytest.raises(ModelUnavailable, match=rf'pip install "usermemory\[{extra}\]"'):
        check_model(spec)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("openai:gpt-5-mini", "ChatOpenAI"),
        ("gpt-5-mini", "ChatOpenAI"),
        ("anthropic:claude-haiku-4-5", "ChatAnthropic"),
        ("claude-haiku-4-5", "ChatAnthropic"),
        ("google_genai:gemini-2.5-flash", "ChatGoogleGenerativeAI"),
        ("gemini-2.5-flash", "ChatGoogleGenerativeAI"),
        ("mistralai:mistral-small-latest", "ChatMistralAI"),
        ("ollama:llama3.2:1b", "ChatOllama"),
    ],
)
def test_a_model_with_its_key_is_built(
    monkeypatch: pytest.MonkeyPatch, spec: str, kind: str
) -> None:
    """With package and key present the model is the provider's own class."""
    for key in KEYS:
        monkeypatch.setenv(key, "x")
    model = chat_model(spec)
    assert type(model).__name__ == kind
    if kind == "ChatOllama":
        assert model.model == "llama3.2:1b"  # type: ignore[attr-defined]


def test_a_server_of_ones_own() -> None:
    """A base URL makes a model of any server that speaks OpenAI's protocol, with or without key."""
    model = chat_model("openai:qwen", "http://127.0.0.1:1/v1")
    assert isinstance(model, ChatOpenAI)
    assert (model.model_name, model.openai_api_base) == ("qwen", "http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match="needs the name of a model"):
        chat_model(" ", "http://127.0.0.1:1/v1")


def test_a_server_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory without a model takes name and server from the environment, as the commands do."""
    monkeypatch.setenv("USERMEMORY_MODEL", "qwen")
    monkeypatch.setenv("USERMEMORY_BASE_URL", "http://127.0.0.1:1/v1")
    with UserMemory(str(tmp_path / "m.db"), worker=False) as memory:
        asked: Any = memory.consolidator.extractor()
    assert asked.model.openai_api_base == "http://127.0.0.1:1/v1"


def test_checking_a_known_provider_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a well-known provider is cheap: its package is looked for, not imported."""
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    check_model("openai:gpt-5-mini")
    with pytest.raises(ModelUnavailable, match="needs langchain"):
        chat_model("openai:gpt-5-mini")


def test_a_chat_model_is_taken_as_it_is() -> None:
    """A chat model passes, anything else that is no name is refused."""
    model = FakeListChatModel(responses=[""])
    assert chat_model(model) is model
    wrong: Any = 42
    with pytest.raises(ConfigurationError, match="42"):
        check_model(wrong)


class Other(FakeListChatModel):
    """A model of somebody's own."""


class Mine(ChatOpenAI):
    """Somebody's own subclass of a provider's class."""


DeepSeek = type("DeepSeek", (ChatOpenAI,), {"__module__": "langchain_deepseek.chat_models"})

ELSEWHERE = {"base_url": "http://127.0.0.1:1/v1"}


@pytest.mark.parametrize(
    ("model", "manner"),
    [
        (ChatOpenAI(model="m", api_key="x"), Manner("json_schema", strict=True, caps=False)),
        (Mine(model="m", api_key="x"), Manner("json_schema", strict=True, caps=False)),
        (
            AzureChatOpenAI(
                model="m", api_key="x", azure_endpoint="https://a.openai.azure.com", api_version="1"
            ),
            Manner("json_schema", strict=True, caps=False),
        ),
        (ChatOpenAI(model="m", api_key="x", **ELSEWHERE), Manner("json_schema")),
        (DeepSeek(model="m", api_key="x"), Manner("function_calling")),
        (ChatAnthropic(model="m", api_key="x"), Manner("function_calling", marks_cache=True)),
        (Other(responses=[""]), Manner("function_calling")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_manner_by_provider_class(model: Any, manner: Manner) -> None:
    """OpenAI gets its strict mode, what only speaks like it does not, unknown ones a tool call."""
    assert manner_of(model) == manner
