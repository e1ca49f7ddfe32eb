"""Which model is in use where nobody has named one in code."""

from __future__ import annotations

import pytest

from usermemory.choice import choose
from usermemory.errors import ConfigurationError, ModelUnavailable
from usermemory.offline import OfflineChatModel

SETTINGS = (
    *("USERMEMORY_MODEL", "USERMEMORY_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"),
    *("GOOGLE_API_KEY", "MISTRAL_API_KEY"),
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names nothing."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_nothing_named() -> None:
    """Without a name or a key it is the rules, which say so plainly."""
    chosen = choose()
    assert chosen.model == "offline"
    assert chosen.notice.startswith("No language model is in use")
    assert isinstance(chosen.bot(), OfflineChatModel)


def test_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``USERMEMORY_MODEL`` is the model, without a notice; what is said in code wins over it."""
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("USERMEMORY_MODEL", "openai:gpt-test")
    chosen = choose()
    assert (chosen.model, chosen.name, chosen.notice) == ("openai:gpt-test", "openai:gpt-test", "")
    assert choose("offline").model == "offline"


def test_a_key_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model of the provider whose key is set, with a word about why."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    chosen = choose()
    assert chosen.model == "anthropic:claude-haiku-4-5"
    assert "ANTHROPIC_API_KEY is set" in chosen.notice


def test_a_server_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """``USERMEMORY_BASE_URL`` with a model's name is that model there; without one, an error."""
    monkeypatch.setenv("USERMEMORY_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match="needs the name of a model"):
        choose()
    monkeypatch.setenv("USERMEMORY_MODEL", "qwen")
    assert choose().name == "qwen at http://127.0.0.1:1/v1"


def test_what_cannot_be_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose key is missing is an error now, not in the first conversation."""
    monkeypatch.setenv("USERMEMORY_MODEL", "openai:gpt-test")
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        choose()
