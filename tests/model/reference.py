"""What a memory is, without databases, transactions or workers: lists and numbers.

It is written to be read in one go and compared with; where the two disagree, one of them is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MAX_WAIT = 900.0

_SAID = re.compile(r"^I (like|gave up) (\w+)$")


@dataclass
class Said:
    """One message of a user."""

    id: str
    text: str
    at: float
    state: Literal["unread", "read", "dead", "gone"] = "unread"

    @property
    def claim(self) -> tuple[str, str]:
        """What it says of what the user likes: a verb and a thing, both empty for nothing."""
        found = _SAID.match(self.text)
        return (found[1], found[2]) if found else ("", "")


@dataclass
class Change:
    """One thing that came or went."""

    verb: Literal["add", "remove"]
    thing: str
    erased: bool = False


@dataclass
class Revision:
    """What was changed at once, by whom, and which earlier one (by number) it takes back."""

    by: Literal["model", "edit", "undo", "forget"]
    changes: list[Change]
    undoes: int = 0


@dataclass
class Chat:
    """A thread of a user, and when it is looked at."""

    said: list[Said] = field(default_factory=list)
    due: float | None = None
    not_before: float = 0.0
    attempts: int = 0
    given_up: bool = False

    def all(self, state: str) -> list[Said]:
        return [said for said in self.said if said.state == state]

    def rest(self) -> None:
        """Nothing is due, and nothing went wrong."""
        self.due, self.not_before, self.attempts, self.given_up = None, 0.0, 0, False


@dataclass
class Taken:
    """A batch that a worker has taken."""

    user: str
    thread: str
    token: int
    epoch: int
    batch: list[Said]


@dataclass
class Person:
    """A user: what is known, and who works on it."""

    chats: dict[str, Chat] = field(default_factory=dict)
    interests: list[str] = field(default_factory=list)
    history: list[Revision] = field(default_factory=list)
    edited_at: float = 0.0
    erased_at: dict[str, float] = field(default_factory=dict)
    token: int = 0
    epoch: int = 0
    lease_until: float = 0.0
    served: float = 0.0
    paused: bool = False

    def chat(self, thread: str) -> Chat:
        return self.chats.setdefault(thread, Chat())

    def oldest(self) -> tuple[float, str] | None:
        """The thread that is looked at first, and when."""
        return min(((c.due, t) for t, c in self.chats.items() if c.due is not None), default=None)

    def queued(self) -> float | None:
        """Since when, or from when on, this user stands in the queue; None: not at all."""
        first = self.oldest()
        if self.paused or first is None:
            return None
        return max(first[0], self.served, self.lease_until)

    def make(self, verb: Literal["add", "remove"], thing: str) -> list[Change]:
        """Do this, if it is not so already."""
        if (verb == "add") == (thing in self.interests):
            return []
        if verb == "add":
            self.interests.append(thing)
        else:
            self.interests.remove(thing)
        return [Change(verb, thing)]

    def learn(self, batch: list[Said]) -> bool:
        """Fold what was said into what is known; whether anything of it was new.

        What was said before an edit changes nothing any more, and what was erased does not come
        back by words from before. What was said twice counts as said the second time.
        """
        changes: list[Change] = []
        for said in batch:
            verb, thing = said.claim
            at = max(same.at for same in batch if same.text == said.text)
            if not verb or at <= self.edited_at:
                continue
            if verb == "like" and at > self.erased_at.get(thing, 0.0):
                changes += self.make("add", thing)
            if verb == "gave up":
                changes += self.make("remove", thing)
        if changes:
            self.history.append(Revision("model", changes))
        return bool(changes)

    def edit(self, verb: Literal["add", "remove"], thing: str, now: float) -> None:
        changes = self.make(verb, thing)
        if changes:
            self.history.append(Revision("edit", changes))
            self.edited_at = now

    def undo(self, number: int | None, now: float) -> bool:
        """Take back a revision, or the newest that stands; whether anything was taken back."""
        number = self.newest() if number is None else number
        changes: list[Change] = []
        for change in reversed(self.history[number - 1].changes if number else []):
            if not change.erased:
                changes += self.make("remove" if change.verb == "add" else "add", change.thing)
        if changes:
            self.history.append(Revision("undo", changes, undoes=number))
            self.edited_at = now
        return bool(changes)

    def newest(self) -> int:
        """The newest revision that takes nothing back and was not taken back; 0 for none."""
        undone = {revision.undoes for revision in self.history}
        standing = [
            number
            for number, revision in enumerate(self.history, 1)
            if revision.by in {"model", "edit"} and number not in undone
        ]
        return max(standing, default=0)

    def forget(self, thing: str, now: float) -> None:
        """Erase a thing, from the past too; a batch that is being read is worth nothing."""
        self.epoch += 1
        self.erased_at[thing] = now
        for change in [change for revision in self.history for change in revision.changes]:
            change.erased |= change.thing == thing
        if self.history:
            gone = self.make("remove", thing)
            self.history.append(
                Revision("forget", [Change("remove", "", erased=True) for _ in gone])
            )


@dataclass
class Reference:
    """Everybody."""

    people: dict[str, Person] = field(default_factory=dict)

    def person(self, user: str) -> Person:
        return self.people.setdefault(user, Person())

    def jobs(self) -> Iterator[tuple[str, str, Chat]]:
        """Threads with something unread, or dead."""
        for user, person in self.people.items():
            for thread, chat in person.chats.items():
                if chat.all("unread") or chat.all("dead"):
                    yield user, thread, chat

    def next_due(self) -> float | None:
        """When somebody can be claimed."""
        return min(filter(None, (p.queued() for p in self.people.values())), default=None)

    def remember(
        self, user: str, thread: str, said: list[Said], now: float, delay: float | None
    ) -> None:
        person, chat = self.person(user), self.person(user).chat(thread)
        for message in said:
            message.state = "gone" if person.paused else "unread"
        chat.said += said
        unread = chat.all("unread")
        moved = delay is not None and unread
        if not moved and (person.paused or not said):
            return
        if chat.given_up:
            chat.attempts, chat.not_before, chat.given_up = 0, 0.0, False
        quiet = now + (60.0 if delay is None else delay)
        chat.due = max(chat.not_before, min(quiet, max(now, unread[0].at + MAX_WAIT)))

    def take(self, user: str, thread: str, now: float, lease: float) -> Taken:
        person = self.person(user)
        person.token += 1
        person.lease_until = now + lease
        return Taken(user, thread, person.token, person.epoch, person.chat(thread).all("unread"))

    def release(self, user: str, now: float) -> None:
        person = self.person(user)
        person.lease_until, person.served = 0.0, now

    def holds(self, taken: Taken) -> bool:
        """Whether nobody has claimed the user since."""
        return self.person(taken.user).token == taken.token

    def commit(self, taken: Taken, now: float) -> str:
        """What was learned is known, what was read is read; what came of it."""
        person, chat = self.person(taken.user), self.person(taken.user).chat(taken.thread)
        if person.token != taken.token:
            return "lost"
        if person.epoch != taken.epoch or person.paused:
            self.release(taken.user, now)
            return "paused" if person.paused else "forgotten"
        changed = person.learn(taken.batch)
        for said in taken.batch:
            if said.state == "unread":
                said.state = "read"
        if chat.all("unread"):
            chat.attempts, chat.not_before, chat.given_up = 0, 0.0, False
            chat.due = now if chat.due is None else chat.due
        else:
            chat.rest()
        self.release(taken.user, now)
        return "changed" if changed else "unchanged"

    def fail(self, taken: Taken, now: float, retry_in: float | None, *, poison: bool) -> None:
        """Try again later, never, or bury the batch and go on with the others."""
        chat = self.person(taken.user).chat(taken.thread)
        if not chat.all("unread"):
            chat.rest()
        elif poison:
            for said in taken.batch:
                if said.state == "unread":
                    said.state = "dead"
            chat.attempts, chat.due = 0, now if chat.all("unread") else None
        else:
            chat.attempts += 1
            chat.given_up = retry_in is None
            chat.due = None if retry_in is None else now + retry_in
            chat.not_before = chat.not_before if retry_in is None else now + retry_in
        self.release(taken.user, now)

    def retry(self, user: str, thread: str, now: float) -> bool:
        chat = self.person(user).chat(thread)
        for said in chat.all("dead"):
            said.state = "unread"
        if not chat.all("unread"):
            return False
        chat.rest()
        chat.due = now
        return True

    def drop(self, user: str, thread: str) -> int:
        chat = self.person(user).chat(thread)
        dropped = [*chat.all("unread"), *chat.all("dead")]
        for said in dropped:
            said.state = "gone"
        if dropped:
            chat.rest()
            self.person(user).epoch += 1
        return len(dropped)
