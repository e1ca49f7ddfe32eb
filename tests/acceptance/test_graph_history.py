"""A graph without a saver: the application passes what it has, each turn, in any form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from tests.support.graphs import COLOURS, chatting

from usermemory.langgraph import create_chatbot
from usermemory.testing import ScriptedModel

USER = [
    "Hello.",
    "My name is Will.",
    "yes",
    "I love bouldering.",
    "yes",
    "yes",
    "I love chess.",
    "I love zymurgy.",
]

History = Sequence[tuple[str, str]]


def fresh_ids(history: History) -> list[Any]:
    """The whole thread, whose messages get new ids in every turn."""
    kinds: dict[str, Any] = {"user": HumanMessage, "assistant": AIMessage}
    return [kinds[role](text) for role, text in history]


def dicts(history: History) -> list[Any]:
    """The whole thread, as OpenAI's clients hold it."""
    return [{"role": role, "content": text} for role, text in history]


def window(history: History) -> list[Any]:
    """The last few messages."""
    return dicts(history[-5:])


def last(history: History) -> list[Any]:
    """Only what the user just said."""
    return dicts(history[-1:])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("passed", [fresh_ids, dicts, window, last])
async def test_each_message_is_stored_once(
    tmp_path: Path, colour: str, passed: Callable[[History], list[Any]]
) -> None:
    """However the thread is passed, the inbox holds each turn's two messages once, in order."""
    model = ScriptedModel(replies=lambda messages: f"Noted {len(messages[-1].text)} letters.")
    history: list[tuple[str, str]] = []
    async with chatting(tmp_path, colour, model) as chat:
        chat.bot = create_chatbot(chat.memory, model)
        for number, text in enumerate(USER, start=1):
            history.append(("user", text))
            state = await chat.invoke({"messages": passed(history)})
            history.append(("assistant", state["messages"][-1].text))
            assert chat.unread() == 2 * number
        assert sum(outcome.messages for outcome in chat.memory.trigger("will")) == 16
        document = chat.memory.recall("will").document
        assert document["name"] == "Will"
        assert document["interests"] == ["bouldering", "chess", "zymurgy"]
        await chat.invoke({"messages": passed([*history, ("user", "Bye.")])})
        assert chat.unread() == 2
