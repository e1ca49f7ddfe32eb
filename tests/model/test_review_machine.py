"""Propose, approve, edit, decline, forget and undo in any order, against what should be."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from usermemory import Change, Proposal, UserMemory
from usermemory.errors import Conflict, InvalidInput
from usermemory.testing import FakeClock

THINGS = ["chess", "table tennis", "tea"]
things = st.sampled_from(THINGS)


class Reviewed(RuleBasedStateMachine):
    """One user; what is liked waits for a person before it is known."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.memory = UserMemory(
            Path(self.folder.name) / "memory.db", worker=False, review="all", clock=self.clock
        )
        self.known: list[str] = []
        self.waiting: dict[str, str] = {}
        self.ended: set[str] = set()
        self.said = 0

    @rule(thing=things)
    def propose(self, thing: str) -> None:
        """New words propose it; it waits, unless it does already or is known."""
        self.said += 1
        words = f"I like {thing}, {self.said}"
        self.clock.advance(1)
        change = Change("interests", "add", thing, words)
        done = self.memory.propose("will", f"t{self.said}", [change], [words])
        assert done.revision is None
        if thing in self.known:
            assert [one.reason for one in done.rejections] == ["duplicate"]
        elif thing not in self.waiting:
            assert done.waiting == 1
            (new,) = [one for one in self.memory.proposals("will") if thing in _values(one)]
            self.waiting[thing] = new.id

    @rule(thing=things)
    def approve(self, thing: str) -> None:
        """What waits becomes known once; what does not wait is an error."""
        proposal_id = self.waiting.pop(thing, "none")
        self.clock.advance(1)
        if proposal_id == "none":
            with pytest.raises(Conflict):
                self.memory.approve(proposal_id)
            return
        done = self.memory.approve(proposal_id, by="ann")
        self.ended.add(proposal_id)
        if thing in self.known:
            assert done.revision is None
        else:
            assert done.revision is not None
            self.known.append(thing)

    @rule(thing=things)
    def decline(self, thing: str) -> None:
        """What waits is gone, and nothing is known by it."""
        if proposal_id := self.waiting.pop(thing, None):
            self.memory.decline(proposal_id)
            self.ended.add(proposal_id)

    @rule()
    def decided_twice(self) -> None:
        """What was decided on is an error, and changes nothing."""
        for proposal_id in self.ended:
            with pytest.raises(Conflict):
                self.memory.approve(proposal_id)
            with pytest.raises(Conflict):
                self.memory.decline(proposal_id)

    @rule(thing=things)
    def add_by_hand(self, thing: str) -> None:
        """An edit is made at once; what waits beside it goes on waiting."""
        if thing not in self.known:
            self.clock.advance(1)
            shown = self.memory.recall("will").document
            edited = {**shown, "interests": [*shown["interests"], thing]}
            self.memory.edit("will", edited, by="will")
            self.known.append(thing)

    @rule(thing=things)
    def forget(self, thing: str) -> None:
        """It goes from the profile and from what waits, and no text of it is left."""
        self.clock.advance(1)
        if thing in self.known or thing in self.waiting:
            done = self.memory.forget("will", "interests", thing)
            assert done.proposals == (thing in self.waiting)
        else:
            try:
                self.memory.forget("will", "interests", thing)
            except InvalidInput:
                return
        if thing in self.known:
            self.known.remove(thing)
        self.ended.add(self.waiting.pop(thing, "none"))
        for other in THINGS:
            assert (other in self.known) or other not in self.memory.recall("will").document
        assert self.memory.verify_erased("will", thing).erased

    @rule()
    def undo(self) -> None:
        """The newest revision that stands is taken back; what waits goes on waiting."""
        self.clock.advance(1)
        self.memory.undo("will")
        self.known = list(self.memory.recall("will").document["interests"])

    @invariant()
    def agree(self) -> None:
        """Known is what was approved or edited in; waiting is what nobody decided on."""
        assert sorted(self.memory.recall("will").document["interests"]) == sorted(self.known)
        found = {one.id: _values(one) for one in self.memory.proposals("will")}
        assert found == {key: [thing] for thing, key in self.waiting.items()}

    def teardown(self) -> None:
        """The file goes."""
        self.memory.close()
        self.folder.cleanup()


def _values(proposal: Proposal) -> list[str]:
    return [one.after for one in proposal.changes]


TestReviewed = Reviewed.TestCase
TestReviewed.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
