"""Flows without a database: what they ask for, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pytest

from usermemory.records import Message
from usermemory.store.driver import Flow, Step, statements
from usermemory.store.flows import claim, recall
from usermemory.store.flows.remember import Policy, remember

T = TypeVar("T")
USER = {
    "token": 3,
    "epoch": 0,
    "revision": 1,
    "lease_until": 0.0,
    "paused": 0,
    "salt": "salt",
    "now": 100.0,
}


def drive(
    flow: Flow[T], answers: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[T, list[Step]]:
    """Run a flow on canned rows: what it returned, and the statements that it made."""
    steps: list[Step] = []
    try:
        step = next(flow)
        while True:
            steps.append(step)
            step = flow.send(answers.get(step[0], []))
    except StopIteration as end:
        return end.value, steps


def test_remember_locks_the_user_first() -> None:
    """Remembering locks the user, stores what is new, and schedules it after the delay."""
    messages = [Message("user", "hello", id="1")]
    scheduled, steps = drive(
        remember("will", "t", messages, Policy(60.0, 900.0)), {"lock_user": [USER]}
    )
    names = [name for name, _ in steps]
    assert names[0] == "lock_user"
    assert names[-3:] == ["add_message", "save_thread", "refresh_user"]
    assert (scheduled.new, scheduled.due_at) == (1, 160.0)


def test_remember_without_news_writes_nothing() -> None:
    """Passing what is known already makes no writing statement."""
    known = Message("user", "hello", id="1")
    _, first = drive(remember("will", "t", [known], Policy(60.0, 900.0)), {"lock_user": [USER]})
    digest = next(given["digest"] for name, given in first if name == "add_message")
    _, steps = drive(
        remember("will", "t", [known], Policy(60.0, 900.0)),
        {"lock_user": [USER], "marks": [{"kind": "mark", "message_id": "1", "digest": digest}]},
    )
    assert not {"add_message", "save_thread", "refresh_user"} & {name for name, _ in steps}


@pytest.mark.parametrize("paused", [True, False])
def test_claim_thread_says_why_not(paused: bool) -> None:
    """A user who cannot be claimed is either paused or held by somebody."""
    thread = {
        **dict.fromkeys(("due_at", "first_at", "at_most"), None),
        **dict.fromkeys(("not_before", "unread_chars", "next_seq", "dead", "attempts"), 0),
        "state": "waiting",
        "unread": 1,
        "last_error": "",
    }
    answer, _ = drive(
        claim.claim_thread("will", "t", "", "me", 60.0),
        {"thread": [thread], "is_paused": [{"paused": int(paused)}]},
    )
    assert answer == ("paused" if paused else "held")


def test_recall_is_one_statement() -> None:
    """A recall makes one statement, whatever it is asked to bring."""
    row = {"kind": "profile", "text": None, "number": None, "at": None, "pending": 0, "now": 9.0}
    for arguments, statement in (((), "recall"), ((20, "t", 5), "recall_beside")):
        recalled, steps = drive(
            recall.recall("will", *arguments), {statement: [{**row, "stamps": None}]}
        )
        assert [name for name, _ in steps] == [statement]
        assert recalled.document == {}


def test_every_statement_has_its_reason() -> None:
    """Each named statement stands under a comment that says why it is there."""
    from importlib.resources import files

    text = files("usermemory.store").joinpath("queries.sql").read_text(encoding="utf-8")
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("-- name: "):
            assert lines[index + 1].startswith("-- "), line
    assert len(statements()) == text.count("-- name: ")
