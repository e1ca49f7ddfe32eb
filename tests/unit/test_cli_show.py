"""What a person is shown of a profile and of its changes."""

from __future__ import annotations

import pytest

from usermemory.cli.output import count, how_far, shortened, span, when
from usermemory.cli.show import change_text, confirmed_line, items_of, profile_table
from usermemory.cli.status import Status
from usermemory.events import Event
from usermemory.records import Applied, Outcome, Revision, Scheduled


def test_items_of_every_kind_of_field() -> None:
    """Each value, item and key that says something is shown once; what is empty is not."""
    document = {
        "name": None,
        "age": 0,
        "tags": ["a", "b"],
        "address": {"city": "Bergen", "street": None, "rooms": []},
        "pets": [{"name": "Rex"}],
        "links": {},
    }
    found = list(items_of(document))
    assert found == [
        ("age", 0),
        ("tags", "a"),
        ("tags", "b"),
        ("address", "city"),
        ("pets", {"name": "Rex"}),
    ]
    assert profile_table({"name": None, "tags": []}, ()) is None


def test_what_was_confirmed() -> None:
    """A field is named with the time it was said again, unless it was changed after that."""
    stamps = {
        "name": {"learned": 100.0, "confirmed": 86_500.0},
        "age": {"learned": 300.0, "confirmed": 200.0},
        "city": {"learned": 100.0, "confirmed": 200.0, "edited": 300.0},
        "tags": {"learned": 100.0},
        "job": {},
    }
    assert confirmed_line(stamps) == f"name ({when(86_500.0)})"
    assert confirmed_line({}) == ""


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Applied("name", "set", None, "Will"), "name: Will"),
        (Applied("name", "set", "Bill", "Will"), "name: Bill → Will"),
        (Applied("name", "clear", "Will"), "- name: Will"),
        (Applied("tags", "add", None, "a"), "+ tags: a"),
        (Applied("tags", "remove", "a"), "- tags: a"),
        (Applied("links", "set", None, "x", key="home"), "links.home: x"),
    ],
)
def test_change_in_a_line(change: Applied, text: str) -> None:
    """A change says what was there and what is there now."""
    assert change_text(change) == text


def test_lengths_of_time_and_text() -> None:
    """Times have a unit that fits, and long text an end that shows it was cut."""
    assert [span(n) for n in (0.4, 42, 150, 7_200, 200_000)] == [
        "0 s",
        "42 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert how_far(None) == ""
    assert how_far(0.0).endswith("d ago")
    assert shortened("a  b\nc", 5) == "a b c"
    assert shortened("abcdef", 5) == "abcd…"
    assert (count(1, "message"), count(2, "message")) == ("1 message", "2 messages")


def told(status: Status, kind: str, thread_id: str = "t", **details: object) -> None:
    status.on_event(Event(kind, "will", thread_id, **details))  # type: ignore[arg-type]


def test_status_line() -> None:
    """The line follows what waits, what is being read and what was learned; other users' not."""
    status = Status("will")
    assert status.line(0) == ""
    status.on_event(Event("scheduled", "eve", "t", scheduled=Scheduled(1.0, 1, 1)))
    assert status.line(2) == "2 messages pending"
    told(status, "scheduled", scheduled=Scheduled(1.0, 1, 1))
    assert status.line(1) == "1 message pending, consolidating in 0 s"
    told(status, "claimed")
    assert status.line(1) == "1 message pending, consolidating"
    revision = Revision(1, 0.0, "model", (Applied("name", "set", None, "Will"),))
    told(status, "consolidated", outcome=Outcome("will", "t", "changed", revision=revision))
    assert status.line(0) == "learned: name: Will"
    told(status, "failed", outcome=Outcome("will", "t", "failed", "timeout", retry_at=1.0))
    assert status.line(1).startswith("1 message pending, consolidating in 0 s  ·  not learned")
    told(status, "error", error=ValueError("the disk is full"))
    assert [news.split(":")[0] for news in status.unsaid()] == ["learned", "not learned", "memory"]
    assert status.unsaid() == []
