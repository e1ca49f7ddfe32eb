"""``search_memory`` in real agents; and a long profile shows them what matters to the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.graphs import COLOURS, Chat, chatting
from tests.support.tool_calls import agent_with_tools, bot_with_tools, calling, script, told

from usermemory.testing import ScriptedModel

pytestmark = pytest.mark.parametrize("colour", COLOURS)

BUILDS = pytest.mark.parametrize("build", [agent_with_tools, bot_with_tools])


def searching(query: str, **given: Any) -> Any:
    return calling("search_memory", query=query, **{"since": None, "until": None} | given)


async def say(chat: Chat, text: str) -> list[tuple[str, str]]:
    """One turn; what the tools answered in it."""
    return told(await chat.invoke({"messages": [("user", text)]}))


@BUILDS
async def test_it_finds_what_was_told(tmp_path: Path, colour: str, build: Any) -> None:
    """The model is told what is known, when it was said and in which words, of this user alone."""
    async with chatting(tmp_path, colour, script(searching("climb")), build=build) as chat:
        chat.memory.edit("ana", {"interests": ["climbing shoes"]}, by="ana")
        chat.memory.remember("will", "old", ["I like climbing"])
        chat.memory.trigger("will")
        ((status, text),) = await say(chat, "What did I say of climbing?")
    assert status == "success"
    assert 'known: interests: "climbing" ("I like climbing")' in text
    assert "shoes" not in text


@BUILDS
async def test_what_is_wrong_is_said(tmp_path: Path, colour: str, build: Any) -> None:
    """A time backwards, an empty query and a foreign id are answered, and end no turn."""
    calls = [
        searching("tea", since="2026-02-01", until="2026-01-01"),
        searching(""),
        searching("tea", user_id="ana"),
        searching("tea"),
    ]
    async with chatting(tmp_path, colour, script(*calls), build=build) as chat:
        answers = await say(chat, "What of tea?")
    assert [status for status, _ in answers] == ["error", "error", "error", "success"]
    assert "ends before" in answers[0][1]
    assert "empty" in answers[1][1]
    assert "no user_id" in answers[2][1]
    assert answers[3][1] == "Nothing about this is kept."


@BUILDS
async def test_what_matters_is_shown(tmp_path: Path, colour: str, build: Any) -> None:
    """Of hundreds of memories the bot is told the one that the user's last words are about."""
    memories = [f"Talked of day {number} at the harbour office" for number in range(400)]
    memories[3] = "Has a flat in Lisbon"
    model = ScriptedModel(replies=lambda _: "Yes.")
    async with chatting(tmp_path, colour, model, build=build) as chat:
        chat.memory.edit("will", {"core_memories": memories}, by="will")
        await chat.say("Hello!")
        await chat.say("Is my flat in Lisbon let?")
    before, after = (call.messages[0].text for call in model.calls[-2:])
    assert "Has a flat in Lisbon" not in before
    assert "Has a flat in Lisbon" in after
