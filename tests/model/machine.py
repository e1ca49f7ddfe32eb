"""Anything in any order, on a real database and on the reference; they agree after each step."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Literal
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.faults.proof import read_more_than_once
from tests.model.reference import Reference, Said, Taken

from usermemory import UserMemory, settings
from usermemory.conformance.harness import Listener
from usermemory.errors import Conflict
from usermemory.store.flows.claim import Claim, claim_due, give_back, renew
from usermemory.store.flows.commit import Failure, fail
from usermemory.store.flows.recall import next_due
from usermemory.testing import FakeClock

LEASE = 60.0

users = st.sampled_from(["will", "ana"])
threads = st.sampled_from(["a", "b"])
things = st.sampled_from(["chess", "tea", "fog", "jazz"])
texts = st.one_of(
    things.map("I like {}".format), things.map("I gave up {}".format), st.just("Hello")
)
delays = st.sampled_from([None, 0.0, 300.0])

Held = tuple[Claim, Taken]


class Machine(RuleBasedStateMachine):
    """A memory, and what it should be; a subclass says where the database is."""

    claims: Bundle[Held] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.url = self.database()
        # However much goes at once: how a batch that removes too much is halved is told elsewhere.
        self.stack.enter_context(patch.object(settings, "FEW", 1_000))
        self.clock = FakeClock()
        self.listener = Listener()
        self.memory = self.stack.enter_context(
            UserMemory(self.url, model=self.listener, worker=False, clock=self.clock)
        )
        self.reference = Reference()
        self.numbers = iter(range(1, 1_000_000))

    def database(self) -> str:
        """The URL of an empty database, which `stack` removes."""
        raise NotImplementedError

    def tick(self) -> float:
        """No two things happen at the same time."""
        return self.clock.advance(1.0)

    # The chat

    @rule(user=users, thread=threads, new=st.lists(texts, max_size=3), delay=delays)
    def remember(self, user: str, thread: str, new: list[str], delay: float | None) -> None:
        """The whole thread is passed each time, as most applications do."""
        now = self.tick()
        said = [Said(f"m{next(self.numbers)}", text, now) for text in new]
        passed = [*self.reference.person(user).chat(thread).said, *said]
        messages = [{"role": "user", "content": each.text, "id": each.id} for each in passed]
        scheduled = self.memory.remember(user, thread, messages, delay)
        self.reference.remember(user, thread, said, now, delay)
        assert scheduled.new == len(said)
        assert scheduled.due_at == self.reference.person(user).chat(thread).due

    # Workers

    @precondition(lambda self: self.reference.next_due() is not None)
    @rule(target=claims, patience=st.sampled_from([0.0, 61.0, 1_000.0]))
    def claim(self, patience: float) -> Any:
        self.clock.advance(patience)
        now = self.tick()
        claim = self.memory.driver.write(claim_due, "worker", LEASE)
        first = self.reference.next_due()
        if claim is None:
            assert first is None or first > now
            return multiple()
        person = self.reference.person(claim.user_id)
        assert person.queued() == first, "whoever has waited longest comes first"
        due, thread = person.oldest() or (0.0, "")
        assert (claim.thread_id, due <= now) == (thread, True)
        taken = self.reference.take(claim.user_id, thread, now, LEASE)
        assert claim.token == taken.token, (claim.token, taken.token)
        assert [message.id for message in claim.batch] == [said.id for said in taken.batch]
        return claim, taken

    @rule(target=claims, user=users, thread=threads, text=texts)
    def say_and_claim(self, user: str, thread: str, text: str) -> Any:
        """What is said is claimed at once, so that workers have enough to do."""
        self.remember(user=user, thread=thread, new=[text], delay=0.0)
        return self.claim(patience=61.0)

    @rule(held=consumes(claims), how=st.sampled_from(["commit", "later", "never", "poison"]))
    def finish(self, held: Held, how: str) -> None:
        """The model has answered, or failed on the batch."""
        now = self.tick()
        claim, taken = held
        if how == "commit":
            outcome = self.memory.consolidator.consolidate(claim)
            came, expected = outcome.reason or outcome.status, self.reference.commit(taken, now)
            assert came == expected, f"{came}, not {expected}"
            return
        poison = how == "poison"
        retry_in = 30.0 if how == "later" else None
        buried = tuple(message.seq for message in claim.batch) if poison else ()
        failure = Failure("unusable", "no JSON", retry_in, poison=buried)
        assert self.memory.driver.write(fail, claim, failure) == self.reference.holds(taken)
        if self.reference.holds(taken):
            self.reference.fail(taken, now, retry_in, poison=poison)

    @rule(
        held=consumes(claims),
        what=st.sampled_from(["edit", "undo", "forget", "drop"]),
        thing=things,
        how=st.sampled_from(["commit", "later", "poison"]),
    )
    def meanwhile(self, held: Held, what: str, thing: str, how: str) -> None:
        """Something happens to the user while the model has the batch."""
        user, thread = held[1].user, held[1].thread
        if what == "undo":
            self.undo(user=user, back=0)
        elif what == "drop":
            self.drop(user=user, thread=thread)
        else:
            {"edit": self.edit, "forget": self.forget}[what](user=user, thing=thing)
        self.finish(held=held, how=how)

    @rule(held=claims)
    def give_back(self, held: Held) -> None:
        now = self.tick()
        claim, taken = held
        given_back = self.memory.driver.write(give_back, claim.user_id, claim.token)
        assert given_back == self.reference.holds(taken)
        if self.reference.holds(taken):
            self.reference.release(taken.user, now)

    @rule(held=claims)
    def renew(self, held: Held) -> None:
        now = self.tick()
        claim, taken = held
        held_still = self.memory.driver.write(renew, claim.user_id, claim.token, LEASE)
        assert held_still == self.reference.holds(taken)
        if held_still:
            self.reference.person(taken.user).lease_until = now + LEASE

    @rule(seconds=st.sampled_from([30.0, 61.0, 1_000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # People

    @precondition(lambda self: any(self.reference.jobs()))
    @rule(user=users)
    def trigger(self, user: str) -> None:
        now = self.tick()
        person = self.reference.person(user)
        if person.lease_until > now:
            return  # It would wait for the worker.
        self.memory.trigger(user)
        if person.paused:
            return
        for thread in sorted(person.chats):
            if person.chats[thread].all("unread"):
                self.reference.commit(self.reference.take(user, thread, now, LEASE), now)

    @rule(user=users, paused=st.booleans())
    def pause(self, user: str, paused: bool) -> None:
        self.tick()
        (self.memory.pause if paused else self.memory.resume)(user)
        self.reference.person(user).paused = paused

    @precondition(lambda self: any(self.reference.jobs()))
    @rule(user=users, thread=threads)
    def retry(self, user: str, thread: str) -> None:
        now = self.tick()
        assert self.memory.retry(user, thread) == self.reference.retry(user, thread, now)

    @precondition(lambda self: any(self.reference.jobs()))
    @rule(user=users, thread=threads)
    def drop(self, user: str, thread: str) -> None:
        self.tick()
        assert self.memory.drop(user, thread) == self.reference.drop(user, thread)

    @rule(user=users, thing=things)
    def edit(self, user: str, thing: str) -> None:
        """Whoever edits adds what is not there, and takes out what is."""
        now = self.tick()
        known = self.memory.recall(user)
        listed = known.document["interests"]
        verb: Literal["add", "remove"] = "remove" if thing in listed else "add"
        new = [item for item in listed if item != thing] + ([thing] if verb == "add" else [])
        with pytest.raises(Conflict):
            self.memory.edit(user, {"interests": new}, by="ana", revision=known.revision + 1)
        self.memory.edit(user, {"interests": new}, by="ana", revision=known.revision)
        self.reference.person(user).edit(verb, thing, now)

    @precondition(lambda self: any(p.history for p in self.reference.people.values()))
    @rule(user=users, back=st.integers(min_value=0, max_value=5))
    def undo(self, user: str, back: int) -> None:
        """The newest that stands, or a certain one."""
        now = self.tick()
        person = self.reference.person(user)
        number = len(person.history) - back if 0 < back < len(person.history) else None
        undone = self.memory.undo(user, number)
        assert (undone.revision is not None) == person.undo(number, now)

    @rule(user=users, thing=things)
    def forget(self, user: str, thing: str) -> None:
        now = self.tick()
        self.memory.forget(user, "interests", thing, anywhere=True)
        self.reference.person(user).forget(thing, now)

    # What is true after each step

    @invariant()
    def what_is_known(self) -> None:
        for user, person in self.reference.people.items():
            recalled = self.memory.recall(user)
            assert sorted(recalled.document["interests"]) == sorted(person.interests)
            assert recalled.revision == len(person.history)
            assert recalled.pending == sum(len(c.all("unread")) for c in person.chats.values())

    @invariant()
    def what_waits(self) -> None:
        now = self.clock.now()
        jobs = {
            (job.user_id, job.thread_id): (
                (job.due_at, job.unread, job.dead, job.attempts),
                (job.state == "dead", job.running),
            )
            for job in self.memory.jobs()
        }
        assert jobs == {
            (user, thread): (
                (chat.due, len(chat.all("unread")), len(chat.all("dead")), chat.attempts),
                (chat.given_up, self.reference.person(user).lease_until > now),
            )
            for user, thread, chat in self.reference.jobs()
        }
        first = self.reference.next_due()
        expected = None if first is None else max(0.0, first - now)
        assert self.memory.driver.read(next_due).wait == expected

    def teardown(self) -> None:
        """In the end everything is read, once, and revisions are numbered without a gap."""
        try:
            for user, person in self.reference.people.items():
                self.pause(user, paused=False)
                for thread, chat in person.chats.items():
                    if chat.all("dead") or chat.given_up:
                        self.retry(user, thread)
            self.clock.advance(100_000.0)
            while isinstance(held := self.claim(patience=0.0), tuple):
                self.finish(held, "commit")
            self.what_is_known()
            assert self.memory.jobs() == []
            assert read_more_than_once(self.url) == []
            for user, person in self.reference.people.items():
                told = [(r.number, len(r.changes)) for r in reversed(self.memory.history(user))]
                assert told == [(n, len(r.changes)) for n, r in enumerate(person.history, 1)]
        finally:
            self.stack.close()
