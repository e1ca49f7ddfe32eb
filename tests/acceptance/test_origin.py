"""The story of the how-to that this package grew from: three threads, one user, no key."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.graphs import COLOURS, chatting

from usermemory.offline import OfflineChatModel
from usermemory.testing import FakeClock

BUILDING = "I'm building long term memory for you! then you can know me"
FIRST = ["Hi there, I'm will", "Sorry Im testing something!", "Well it's not that bad i guess!"]


@pytest.mark.parametrize("colour", COLOURS)
async def test_the_bot_knows_will_in_the_next_thread(tmp_path: Path, colour: str) -> None:
    """Gathered once the first thread went quiet, from words that can be shown, used in two more."""
    async with chatting(tmp_path, colour, OfflineChatModel()) as chat:
        memory, clock = chat.memory, chat.memory.clock
        assert isinstance(clock, FakeClock)
        for line in [*FIRST, BUILDING, BUILDING]:
            await chat.say(line, "convo 1")
            clock.advance(59)
            assert memory.run_due() == []
        assert memory.recall("will").revision == 0

        clock.advance(1)
        assert [outcome.status for outcome in memory.run_due()] == ["changed"]
        assert memory.run_due() == []
        [revision] = memory.history("will")
        assert {change.field for change in revision.changes} == {"name", "core_memories"}
        assert [found.quote for found in memory.why("will", "name")] == ["Hi there, I'm will"]
        [memory_of_work] = memory.recall("will").document["core_memories"]
        assert "long term memory" in memory_of_work

        answer = await chat.say("Hi there. guess what i'm working on?", "convo 2")
        assert "Will" in answer
        assert "long term memory" in answer
        await chat.say("I been working! making some progress", "convo 3")
        answer = await chat.say("Guess what i was working on? Remeber?", "convo 3")
        assert "long term memory" in answer
        assert await chat.say("HI?", "convo 3")


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_stranger_is_not_taken_for_will(tmp_path: Path, colour: str) -> None:
    """What one user said is told to nobody else."""
    async with chatting(tmp_path, colour, OfflineChatModel()) as chat:
        for line in [*FIRST, BUILDING]:
            await chat.say(line, "convo 1")
        chat.memory.trigger("will")
        answer = await chat.say("Guess what i was working on?", "convo 2", "ana")
    assert "Will" not in answer
    assert "long term memory" not in answer
