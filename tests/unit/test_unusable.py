"""What could never work is refused where it is passed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.gate import Gate
from usermemory.langgraph import create_chatbot
from usermemory.testing import ScriptedModel


async def hook(*_: Any) -> Any:
    """Nobody awaits this."""


class Hook:
    """Nor that."""

    async def __call__(self, *_: Any) -> Any:
        """Called, and not awaited."""


class Patient(Gate):
    """Nor the answer of this gate."""

    async def opens(self, batch: Any) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return bool(batch)


class Slow:
    """Nor what this extractor finds."""

    async def extract(self, request: Any) -> Any:
        """Asked, and not awaited."""


@pytest.mark.parametrize(
    "given",
    [
        *({name: one} for name in ("on_event", "author", "gate") for one in (hook, Hook())),
        *({"gate": Patient()}, {"model": Slow()}),
    ],
    ids=lambda given: "-".join(f"{name}-{type(one).__name__}" for name, one in given.items()),
)
def test_what_nobody_awaits_is_refused(given: dict[str, Any]) -> None:
    """An ``async def`` where a plain function is called would never run: the error says so."""
    with pytest.raises(ConfigurationError, match="is async, and is not awaited"):
        UserMemory("sqlite:///:memory:", **{"model": "offline", "worker": False, **given})


@pytest.mark.parametrize("name", ["model", "verify", "gate", "author", "on_event"])
def test_a_class_is_no_instance(name: str) -> None:
    """A class is refused by name, with what to pass in its place."""
    given: dict[str, Any] = {"model": "offline", "worker": False, name: ScriptedModel}
    with pytest.raises(ConfigurationError, match=rf"{name}= is the class ScriptedModel; pass an"):
        UserMemory("sqlite:///:memory:", **given)


def test_a_chatbot_takes_no_class_either(tmp_path: Path) -> None:
    """Nor does a chatbot ask a class."""
    model: Any = ScriptedModel
    with (
        UserMemory(str(tmp_path / "memory.db"), model="offline", worker=False) as memory,
        pytest.raises(ConfigurationError, match="is the class ScriptedModel"),
    ):
        create_chatbot(memory, model)
