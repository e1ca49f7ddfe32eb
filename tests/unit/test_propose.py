"""Changes that a program proposes while the user is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.support.graphs import memory_in

from usermemory import Change, UserMemory
from usermemory.errors import IdentityError, InvalidInput
from usermemory.propose import Proposing
from usermemory.records import Forgotten, Refused
from usermemory.testing import FakeClock

SAID = [("user", "Please remember that I love bouldering and chess.")]

WORDS = """golf chess opera yoga rugby tennis ferrets zymurgy jazz karate sushi trains kayaks
violins baking magic falcons poker knitting dominoes hockey welding bonsai ludo"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(tmp_path: Path, clock: FakeClock) -> Iterator[UserMemory]:
    with memory_in(tmp_path, clock=clock) as memory:
        yield memory


def add(item: str, quote: str | None = None) -> Change:
    """A change of the interests."""
    return Change("interests", "add", item, f"I love {item}" if quote is None else quote)


def test_what_the_words_bear_out_is_made(memory: UserMemory) -> None:
    """One revision holds what was made, and the answer what was refused."""
    asked = [add("bouldering"), add("golf"), add("chess", "I love bouldering and chess")]
    proposed = memory.propose("will", "1", asked, SAID, by="my tool")
    assert proposed.revision is not None
    assert [change.after for change in proposed.revision.changes] == ["bouldering", "chess"]
    assert [one.reason for one in proposed.rejections] == ["quote_not_found"]
    assert memory.history("will") == [proposed.revision]
    assert (proposed.revision.by, proposed.revision.thread_id) == ("my tool", "1")
    recalled = memory.recall("will")
    assert recalled.document["interests"] == ["bouldering", "chess"]
    assert recalled.stamps["interests"] == {"learned": memory.clock.now()}


def test_refusals_alone_make_no_revision(memory: UserMemory) -> None:
    """Where nothing is borne out, nothing is written, the user is not even made."""
    assert memory.propose("will", "1", [add("golf")], SAID).revision is None
    assert memory.propose("will", "1", [], SAID).rejections == ()
    assert memory.propose("will", "1", [add("bouldering")], []).revision is None
    assert memory.history("will") == []


def test_evidence_has_its_place_in_the_inbox(memory: UserMemory) -> None:
    """A message that was remembered before is named by its number, with the time it was said."""
    said: list[Any] = [
        {"role": "user", "content": SAID[0][1], "id": "m1", "timestamp": 1_700_000_000}
    ]
    memory.remember("will", "1", ["Hello.", *said])
    memory.propose("will", "1", [add("bouldering")], said)
    (evidence,) = memory.why("will", "interests", "bouldering")
    assert (evidence.seq, evidence.message_id, evidence.at) == (2, "m1", 1_700_000_000)


def test_a_message_that_is_remembered_later_is_evidence_too(memory: UserMemory) -> None:
    """Tools alone need no inbox: what the memory never saw was said now."""
    memory.propose("will", "1", [add("bouldering")], SAID)
    (evidence,) = memory.why("will", "interests", "bouldering")
    assert (evidence.seq, evidence.at) == (0, memory.clock.now())


def test_a_profile_that_moved_is_judged_anew(
    memory: UserMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another wrote between our look and our commit is kept, and not written twice."""
    real = Proposing.begin
    hooks = iter([lambda: memory.propose("will", "2", [add("chess")], both)])
    both = [("user", "I love chess. I love bouldering.")]

    def look(*args: Any) -> Any:
        found = real(*args)
        next(hooks, lambda: None)()
        return found

    monkeypatch.setattr(Proposing, "begin", look)
    proposed = memory.propose("will", "1", [add("chess"), add("bouldering")], both)
    assert [one.reason for one in proposed.rejections] == ["duplicate"]
    assert memory.recall("will").document["interests"] == ["chess", "bouldering"]
    assert [revision.number for revision in memory.history("will")] == [2, 1]


def test_a_pause_in_between_counts(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is paused after our look is not learned about."""
    real = Proposing.begin

    def look(*args: Any) -> Any:
        found = real(*args)
        memory.pause("will")
        return found

    monkeypatch.setattr(Proposing, "begin", look)
    proposed = memory.propose("will", "1", [add("bouldering")], SAID)
    assert [one.reason for one in proposed.rejections] == ["paused"]
    assert memory.history("will") == []


def test_an_erasure_in_between_counts(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is erased after our look is not written back, though the profile never held it."""
    real = Proposing.begin
    hooks = iter([lambda: memory.forget("will", "interests", "bouldering")])

    def look(*args: Any) -> Any:
        found = real(*args)
        next(hooks, lambda: None)()
        return found

    memory.remember("will", "1", said := [("user", SAID[0][1])])
    monkeypatch.setattr(Proposing, "begin", look)
    proposed = memory.propose("will", "1", [add("bouldering")], said)
    assert [one.reason for one in proposed.rejections] == ["erased"]
    assert memory.recall("will").document["interests"] == []


def test_an_edit_stands_against_older_words(memory: UserMemory, clock: FakeClock) -> None:
    """What was remembered before an edit changes that field no more; what is said later does."""
    before = [{"role": "user", "content": "Remember that I'm 33.", "id": "m1"}]
    memory.remember("will", "1", before)
    clock.advance(1)
    memory.edit("will", [{"op": "replace", "path": "/age", "value": 34}], by="support")
    clock.advance(1)
    change = Change("age", "set", 33, "I'm 33")
    refused = memory.propose("will", "1", [change], before).rejections
    assert [one.reason for one in refused] == ["edited_by_hand"]
    assert memory.propose("will", "1", [change], ["Really, I'm 33."]).revision


def test_a_second_proposal_may_correct_the_first(memory: UserMemory, clock: FakeClock) -> None:
    """What counts is when the words were said, not when they were saved."""
    said = [{"role": "user", "content": "I'm 33, no, I'm 34.", "id": "m1"}]
    memory.remember("will", "1", said)
    clock.advance(5)
    for age in (33, 34):
        change = Change("age", "set", age, f"I'm {age}")
        assert memory.propose("will", "1", [change], said).revision
    assert memory.recall("will").stamps["age"] == {"learned": clock.now() - 5}


def test_older_words_do_not_replace_what_was_said_since(
    memory: UserMemory, clock: FakeClock
) -> None:
    """A conversation that is read late loses against what was saved at once."""
    memory.remember("will", "1", ["I'm 33."])
    clock.advance(5)
    saved = Change("age", "set", 34, "I'm 34")
    assert memory.propose("will", "2", [saved], ["Remember that I'm 34 now."]).revision
    memory.trigger("will")
    assert memory.recall("will").document["age"] == 34


def test_it_can_be_undone(memory: UserMemory) -> None:
    """A proposal is a revision like any other."""
    memory.propose("will", "1", [add("bouldering")], SAID)
    assert memory.undo("will").revision is not None
    assert memory.recall("will").document["interests"] == []


def test_an_erasure_is_judged_first(memory: UserMemory) -> None:
    """An erasure needs the user's words, and a second look or the application's confirmation."""
    memory.propose("will", "1", [add("bouldering"), add("chess", "bouldering and chess")], SAID)
    asked = ("interests", "Chess")
    said = ["Please forget chess."]
    reasons = {}
    for quote in ("forget everything", "forget chess"):
        refused = memory.propose_erasure("will", "1", *asked, quote, said)
        assert isinstance(refused, Refused)
        reasons[quote] = refused.reason
    assert reasons == {"forget everything": "quote_not_found", "forget chess": "doubtful"}
    would = memory.propose_erasure(
        "will", "1", *asked, "forget chess", said, confirmed=True, dry_run=True
    )
    assert isinstance(would, Forgotten)
    assert would.values == 1
    assert "chess" in memory.recall("will").document["interests"]
    erased = memory.propose_erasure("will", "1", *asked, "forget chess", said, confirmed=True)
    assert isinstance(erased, Forgotten)
    assert erased.values == 1
    assert memory.recall("will").document["interests"] == ["bouldering"]


def test_many_at_once_lose_nothing(memory: UserMemory) -> None:
    """Of twenty-four proposals at the same time each is made."""
    items = WORDS.split()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: memory.propose("will", i, [add(i)], [f"I love {i}."]), items))
    assert sorted(memory.recall("will").document["interests"]) == sorted(items)
    assert len(memory.history("will")) == 24


async def test_it_can_be_awaited(memory: UserMemory) -> None:
    """`apropose` does the same, beside others on the loop."""
    asked = [memory.apropose("will", i, [add(i)], [f"I love {i}."]) for i in ("golf", "chess")]
    done = await asyncio.gather(*asked)
    assert all(proposed.revision for proposed in done)
    assert len(memory.history("will")) == 2


def test_a_profile_under_an_older_schema_keeps_its_own(tmp_path: Path) -> None:
    """What the schema no longer takes stays in the profile."""

    class Old(BaseModel):
        diet: str | None = None
        interests: list[str] = []

    class New(BaseModel):
        interests: list[str] = []

    with memory_in(tmp_path, schema=Old) as memory:
        memory.propose("will", "1", [Change("diet", "set", "vegan", "I'm vegan")], ["I'm vegan."])
    with memory_in(tmp_path, schema=New) as memory:
        memory.propose("will", "1", [add("chess")], ["I love chess."])
    with memory_in(tmp_path, schema=Old) as memory:
        assert memory.recall("will").document == {"diet": "vegan", "interests": ["chess"]}


@pytest.mark.parametrize(("user_id", "thread_id"), [("", "1"), ("will", ""), (7.0, "1")])
def test_ids_are_checked(memory: UserMemory, user_id: Any, thread_id: Any) -> None:
    """An id that cannot be used is refused before anything is read."""
    with pytest.raises(IdentityError):
        memory.propose(user_id, thread_id, [add("bouldering")], SAID)
    with pytest.raises(InvalidInput, match="message 0"):
        memory.propose("will", "1", [add("bouldering")], [7])
