"""Which of the passed messages are new: the rules one by one, then a simulated chat."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermemory.messages import digest
from usermemory.messages.align import WINDOW, Alignment, Mark, Passed, align, ids_to_ask
from usermemory.records import Message


def said(text: str, own_id: str | None = None) -> Message:
    """A message by the user, or by the assistant where the text begins with a capital."""
    return Message("assistant" if text[0].isupper() else "user", text, id=own_id)


def by(*texts: str) -> list[Message]:
    """Messages from "text" or "text#id"."""
    return [said(text.partition("#")[0], text.partition("#")[2] or None) for text in texts]


@dataclass
class Thread:
    """What a store keeps of one thread, and the loop that a store runs."""

    marks: list[Mark] = field(default_factory=list)
    digests: int = 0
    read: int = 0
    asked: int = 0

    def digest(self, message: Message) -> str:
        self.digests += 1
        return digest("salt", message)

    def remember(self, messages: list[Message]) -> Alignment:
        alignment = self.look(messages)
        self.marks += [Mark(m.id, digest("salt", m)) for m in alignment.new + alignment.edited]
        return alignment

    def look(self, messages: list[Message]) -> Alignment:
        passed = Passed(NewestFirst(self, messages), self.digest)
        window, stored = self.marks[-passed.window :], {m.id: m.digest for m in self.marks if m.id}
        known: dict[str, str | None] = {}
        while ids := ids_to_ask(passed, window, known):
            self.asked += len(ids)
            known |= {key: stored.get(key) for key in ids}
        return align(passed, window, known)


@dataclass
class NewestFirst:
    """A call's messages from the end; the thread counts those that were read."""

    thread: Thread
    messages: list[Message]

    def __length_hint__(self) -> int:
        return len(self.messages)

    def __iter__(self):
        for message in reversed(self.messages):
            self.thread.read += 1
            yield message


def new(before: list[str], passed: list[str]) -> list[str]:
    """The texts that are new when these are passed to a thread that was given those."""
    thread = Thread([Mark(m.id, digest("salt", m)) for m in by(*before)])
    return [message.text for message in thread.look(by(*passed)).new]


CASES: list[tuple[str, list[str], list[str], list[str]]] = [
    ("all is new in an empty thread", [], ["a", "B"], ["a", "B"]),
    ("nothing is new in an empty call", ["a"], [], []),
    # By id.
    ("a known id is known", ["a#1"], ["a#1"], []),
    ("unknown ids are new", ["a#1"], ["a#1", "B#2"], ["B#2"]),
    ("the same words under a new id are new", ["yes#1"], ["yes#2"], ["yes#2"]),
    ("a repeated yes is new", ["yes#1", "Ok#2"], ["yes#1", "Ok#2", "yes#3"], ["yes#3"]),
    ("an id may stand anywhere", ["a#1", "B#2"], ["x#9", "a#1", "y#8", "B#2"], ["y#8"]),
    ("in front of known ids is nothing new", ["a#1", "B#2"], ["x", "a#1", "B#2", "c#3"], ["c#3"]),
    ("the same under one id is one", [], ["a#1", "B#2", "a#1"], ["B#2", "a#1"]),
    ("another text under one id is new", [], ["a#1", "B#2", "c#1"], ["a", "B#2", "c#1"]),
    (
        "the end of a thread behind a greeting is known",
        ["i love tea", "Ok", "i love golf", "Ok"],
        ["Welcome back", "i love golf", "Ok", "i love go"],
        ["i love go"],
    ),
    (
        "in letters that say more each too",
        ["我喜欢茶", "OK", "我喜欢登山", "OK"],
        ["WELCOME", "我喜欢登山", "OK", "i love go"],
        ["i love go"],
    ),
    # Without ids, by place.
    ("the whole thread again is known", ["a", "B"], ["a", "B"], []),
    (
        "a greeting in front is nothing new",
        ["i love tea", "Ok", "i love golf", "Ok"],
        ["Welcome", "i love tea", "Ok", "i love golf", "Ok"],
        [],
    ),
    (
        "in front and behind",
        ["i love tea", "Ok", "i love golf", "Ok"],
        ["hello", "i love tea", "Ok", "i love golf", "Ok", "bye"],
        ["bye"],
    ),
    (
        "a summary in front of a window",
        ["a", "B", "i love tea a lot", "Fine, noted"],
        ["summary", "i love tea a lot", "Fine, noted", "bye"],
        ["bye"],
    ),
    (
        "any number of examples in front",
        ["i love tea", "Ok", "i love golf", "Ok"],
        [*(f"example {n}" for n in range(9)), "Hi", "i love tea", "Ok", "i love golf", "Ok", "bye"],
        ["bye"],
    ),
    (
        "examples in front of a window",
        ["a", "B", "i love tea a lot", "Fine, noted"],
        ["one", "Two", "three", "Four", "five", "Six", "i love tea a lot", "Fine, noted", "bye"],
        ["bye"],
    ),
    (
        "examples under fresh ids",
        ["a#1", "B#2", "c#3"],
        ["e1#f1", "E2#f2", "e3#f3", "E4#f4", "e5#f5", "a#7", "B#8", "c#3", "D#4"],
        ["D#4"],
    ),
    (
        "older messages with ids are taken in",
        ["c#3", "D#4"],
        ["x#x1", "Y#x2", "a#1", "B#2", "c#3", "D#4"],
        ["x", "Y", "a", "B"],
    ),
    (
        "the same answer to another question",
        ["what about buses", "Sorry, that is not possible today"],
        ["what about trains", "Sorry, that is not possible today"],
        ["what about trains", "Sorry, that is not possible today"],
    ),
    ("a repeated thread is new again", ["hi", "Ho"], ["x", "hi", "Ho"], ["x", "hi", "Ho"]),
    ("what follows the whole thread is new", ["a", "B"], ["a", "B", "c", "D"], ["c", "D"]),
    ("only the new messages", ["a", "B"], ["c"], ["c"]),
    ("a window that overlaps by one", ["a", "B", "c"], ["c", "D"], ["D"]),
    ("words right after themselves are a redelivery", ["a", "yes"], ["yes"], []),
    ("the same words after an answer are new", ["yes", "Ok"], ["yes"], ["yes"]),
    ("a second yes after a first is new", ["yes"], ["yes", "yes"], ["yes"]),
    ("repeats do not confuse", ["yes", "Ok"], ["yes", "Ok", "yes", "Ok"], ["yes", "Ok"]),
    ("the call leaves tool results out", ["a", "Tool", "B"], ["a", "B", "c"], ["c"]),
    ("the answer was thrown away", ["a", "B", "c", "D"], ["a", "B", "c"], []),
    ("another answer in its place", ["a", "B", "c", "D"], ["a", "B", "c", "E"], ["E"]),
    # Fresh ids each time, also by place.
    ("fresh ids, whole thread", ["a#1", "B#2"], ["a#3", "B#4", "c#5"], ["c#5"]),
    ("fresh ids, nothing new", ["a#1", "B#2", "c#3"], ["a#4", "B#5", "c#6"], []),
    ("the same exchange with ids", ["a#1", "B#2"], ["a#3", "B#4"], ["a#3", "B#4"]),
    ("fresh ids, second message ever", ["hi#1"], ["hi#2", "Hello#3"], ["Hello#3"]),
    ("fresh ids, last known", ["a#1", "B#2", "c#3"], ["a#4", "B#5", "c#3", "D#6"], ["D#6"]),
    (
        "fresh ids, tools left out, last known",
        ["a#1", "B#2", "Tool#3", "D#4", "e#5"],
        ["a#6", "D#7", "e#5", "F#8"],
        ["F#8"],
    ),
    ("old words put before a known id", ["a#1", "B#2", "c#3"], ["B#2", "a#4", "c#3"], ["a#4"]),
    # Some with ids and some without.
    ("answers with ids", ["a", "B#1"], ["a", "B#1", "c", "D#2"], ["c", "D#2"]),
    ("the question before a new answer", ["a", "B#1", "c"], ["a", "B#1", "c", "D#2"], ["D#2"]),
    ("the same question twice", ["a", "B#1"], ["a", "B#1", "a"], ["a"]),
    ("the answer is asked for again", ["a", "B#1", "c", "D#2"], ["B#1", "c"], []),
    ("another question in its place", ["a", "B#1", "c", "D#2"], ["a", "B#1", "e"], ["e"]),
]


@pytest.mark.parametrize(
    ("before", "passed", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rule(before: list[str], passed: list[str], expected: list[str]) -> None:
    """Each rule tells what is new from what the thread was given before."""
    assert new(before, passed) == [message.text for message in by(*expected)]


def test_edited() -> None:
    """A known id with other words is an edit, in the call's order, and no news."""
    thread = Thread()
    thread.remember(by("a#1", "B#2", "c#3"))
    alignment = thread.remember(by("x#1", "B#2", "y#3", "D#4"))
    assert [m.text for m in alignment.edited] == ["x", "y"]
    assert [m.text for m in alignment.new] == ["D"]
    assert thread.remember(by("x#1", "B#2", "y#3", "D#4")) == Alignment()


def test_ids_that_begin_anew() -> None:
    """A known id beside other messages than before is a doubtful edit; beside the same, an edit."""
    thread = Thread()
    thread.remember(by("i love chess#1", "Nice#2"))
    again = thread.remember(by("I am Will#1", "Hello#2"))
    assert (len(again.edited), again.reused) == (2, {"1", "2"})
    thread = Thread()
    thread.remember(by("i love ches#1", "Nice#2", "And golf#3"))
    assert thread.remember(by("i love ches#1", "Nice#2", "Or tennis#3")).reused == set()
    thread = Thread()
    thread.remember(by("i love ches#1"))
    assert thread.remember(by("Hello#1", "New answer#7")).reused == set()


def test_old_fork() -> None:
    """A call that goes on from far back is recognised by its ids, which the store is asked for."""
    thread, history = Thread(), by(*(f"text {i}#{i}" for i in range(1_000)))
    thread.remember(history)
    thread.asked = thread.read = 0
    for turn in range(3):
        fork = by(*(f"fork {i}#f{i}" for i in range(turn + 1)))
        assert thread.remember(history[:500] + fork).new == (fork[-1],)
    assert thread.asked < 150
    assert thread.read < 150


def test_long_repetition() -> None:
    """An endless exchange of the same two words is still counted, as far as the marks reach."""
    for turns in range(WINDOW // 2):
        before = ["yes", "Ok"] * turns
        assert new(before, [*before, "yes", "Ok"]) == ["yes", "Ok"]


def test_many_at_once() -> None:
    """A long thread that grew by hundreds while the memory was away is caught up with."""
    for shape in ("text {0}#{0}", "text {0}"):
        texts = [shape.format(i) for i in range(400)]
        assert new(texts[:100], texts) == [m.text for m in by(*texts[100:])]


Way = Literal["whole", "new", "window", "fresh", "fresher", "plain", "answers"]
WAYS: tuple[Way, ...] = ("whole", "new", "window", "fresh", "fresher", "plain", "answers")


def passed_as(way: Way, thread: list[Message], fresh: int, turn: int, call: int) -> list[Message]:
    """The thread as a caller of this kind passes it; ``fresh`` messages were not passed before."""
    if way == "new":
        return thread[-fresh:]
    if way == "window":
        return thread[-max(4, fresh) :]
    ids = {
        "fresh": lambda m: f"{turn}-{m.id}",  # a stateless graph: one run, one set of ids
        "fresher": lambda m: f"{turn}-{call}-{m.id}",
        "plain": lambda _: None,
        "answers": lambda m: None if m.author == "user" else m.id,
        "whole": lambda m: m.id,
    }
    return [replace(m, id=ids[way](m)) for m in thread]


@given(
    way=st.sampled_from(WAYS),
    texts=st.lists(
        st.tuples(st.sampled_from(["yes", "no", "thanks"]), st.sampled_from(["Ok", "Sure"])),
        min_size=1,
        max_size=30,
    ),
    twice=st.booleans(),
    again=st.sets(st.integers(0, 29)),
)
def test_chat(way: Way, texts: list[tuple[str, str]], twice: bool, again: set[int]) -> None:
    """In a chat full of repeated words, each message comes out new exactly once."""
    store, thread, out = Thread(), list[Message](), list[Message]()
    for turn, (question, answer) in enumerate(texts):
        thread.append(said(question, f"q{turn}"))
        if twice:
            out += store.remember(passed_as(way, thread, 1, turn, 1)).new
        thread.append(said(answer, f"a{turn}"))
        call = passed_as(way, thread, 1 if twice else 2, turn, 2)
        out += store.remember(call).new
        if turn in again:
            out += store.remember(call).new
    assert [(m.author, m.text) for m in out] == [(m.author, m.text) for m in thread]


@given(
    way=st.sampled_from(["whole", "answers", "plain"]),
    failed=st.lists(st.booleans(), min_size=1, max_size=40),
)
def test_failed_calls(way: Way, failed: list[bool]) -> None:
    """What a call could not store, the next call that passes it does."""
    store, thread, out = Thread(), list[Message](), list[Message]()
    for turn, fails in enumerate([*failed, False]):
        thread += [said(f"text {turn % 7}", f"q{turn}"), said(f"Answer {turn}", f"a{turn}")]
        if not fails:
            out += store.remember(passed_as(way, thread, 2, turn, 1)).new
    assert [m.text for m in out] == [m.text for m in thread]


@pytest.mark.parametrize("way", WAYS)
def test_cost(way: Way) -> None:
    """Remembering one more turn reads, hashes and asks as much in a long thread as in a short."""
    costs: list[tuple[int, int, int]] = []
    store, thread = Thread(), list[Message]()
    for turn in range(500):
        thread += [said("yes", f"q{turn}"), said(f"Fine {turn % 3}", f"a{turn}")]
        store.digests = store.read = store.asked = 0
        assert len(store.remember(passed_as(way, thread, 2, turn, 1)).new) == 2
        costs.append((store.digests, store.read, store.asked))
    assert costs[-1] == costs[100]
    assert max(costs[-1]) < 40
