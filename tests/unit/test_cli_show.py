"""What a person is shown of a profile and of its changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel

from usermemory.cli.chat_commands import ChatStatus
from usermemory.cli.common import count, how_far, shortened, span, when
from usermemory.cli.erase import reach_lines
from usermemory.cli.show import (
    change_text,
    confirmed_line,
    nothing_behind,
    profile_items,
    profile_table,
    revision_lines,
    undone_text,
)
from usermemory.records import (
    Applied,
    Change,
    Event,
    Evidence,
    Forgotten,
    Job,
    Outcome,
    Refused,
    Revision,
    Undone,
    Usage,
)
from usermemory.schema import schema_of


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
    found = list(profile_items(document))
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
        (Applied("tags", "add", erased=True), "+ tags: [erased]"),
        (Applied("tags", "remove", erased=True), "- tags: [erased]"),
        (Applied("name", "set", None, "Will", erased=True), "name: [erased] → Will"),
        (Applied("name", "set", "Will", None, erased=True), "name: Will → [erased]"),
        (Applied("name", "set", erased=True), "name: [erased]"),
        (Applied("name", "clear", erased=True), "- name: [erased]"),
    ],
)
def test_change_in_a_line(change: Applied, text: str) -> None:
    """A change says what was there and what is there now."""
    assert change_text(change) == text


def test_a_revision() -> None:
    """A revision says who made it and at what cost; what was erased of it says so."""
    quotes = (Evidence("", "t", erased=True), Evidence("I'm Will", "u"))
    changes = (Applied("name", "set", None, "Will", evidence=quotes),)
    usage = Usage(2, 1_203, 88, 1_024)
    told = revision_lines(Revision(1, 0.0, "model", changes, "u", "haiku", "patch-3", usage)).plain
    assert "thread u  haiku  prompt patch-3  1,203 tokens in (1,024 from the cache), 88 out" in told
    assert told.splitlines()[2:] == ["    evidence erased  thread t", "    “I'm Will”  thread u"]
    for revision, doer in (
        (Revision(2, 0.0, "ana", changes), "by ana"),
        (Revision(2, 0.0, "undo", changes, undoes=(3, 1, 2)), "takes back 1, 2 and 3"),
        (Revision(2, 0.0, "forget", changes), "erased"),
    ):
        assert revision_lines(revision).plain.splitlines()[0].endswith(doer)
    assert "from the past only" in revision_lines(Revision(2, 0.0, "forget", ())).plain


class Person(BaseModel):
    name: str | None = None
    tags: list[str] = []


def test_what_a_profile_rests_on() -> None:
    """Beside an item stand its words, or that they were erased, or who set it by hand."""
    added = [Applied("tags", "add", None, tag) for tag in "abc"]
    erased = replace(added[0], evidence=(Evidence("", "t", erased=True),))
    both = replace(added[2], evidence=(Evidence("", "t", erased=True), Evidence("I like c", "u")))
    history = [Revision(2, 0.0, "ana", (added[1],)), Revision(1, 0.0, "model", (erased, both))]
    table = profile_table({"tags": ["a", "b", "c"]}, history)
    assert table is not None
    told = [str(cell) for cell in table.columns[2].cells]
    assert told == ["evidence erased", "set by ana", "“I like c”"]
    document = {"tags": ["a", "b"], "name": None}
    schema = schema_of(Person)
    assert "Set by ana in revision 2" in nothing_behind(document, history, "tags", "b", schema)
    assert nothing_behind(document, history, "name", None, schema) == "Nothing is known there."
    nobody = nothing_behind({"name": "x"}, [], "name", None, schema)
    assert nobody == "No words of the user stand behind that."


def test_why_a_change_stays() -> None:
    """A change that is not taken back says why: erased, changed again, unknown, or needed."""
    schema = schema_of(Person)
    first, again = Applied("name", "set", None, "Bo"), Applied("name", "set", "Bo", "Will")
    lost, erased = Applied("hobby", "set", None, "x"), Applied("name", "clear", erased=True)
    tag = Applied("tags", "add", None, "y")
    history = [Revision(2, 0.0, "ana", (again,)), Revision(1, 0.0, "model", (first, tag))]
    told = undone_text(Undone(None, (first, lost, erased, tag)), history, schema).plain
    reasons = [line.partition(", since ")[2] for line in told.splitlines()]
    assert reasons == [
        "revision 2 changed it again: name: Bo → Will",
        "the profile has no such field any more",
        "a value of it has been erased",
        "the schema refuses the profile without it",
    ]


def test_what_an_erasure_reaches() -> None:
    """Counts are told in words, none of nothing; fields that keep the value are named."""
    reach = Forgotten(values=1, changes=2, quotes=1, messages=1, elsewhere=("a", "b"))
    first, second = reach_lines(reach, done=False)
    assert first == (
        "It is in: 1 value in the profile, 2 changes in the history, 1 quote and "
        "1 message that is still kept."
    )
    assert second == "a and b mention it too and keep it."
    assert list(reach_lines(Forgotten(), done=True)) == ["Nothing was kept of it."]


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


def told(status: ChatStatus, kind: str, thread_id: str = "t", **details: object) -> None:
    status.on_event(Event(kind, "will", thread_id, **details))  # type: ignore[arg-type]


def test_status_line() -> None:
    """The line says what waits, what is being read and what was learned; other users' not."""
    status = ChatStatus("will")
    due = Job("will", "t", "waiting", 1.0, 1, 0)
    assert status.line([]) == ""
    assert status.line([replace(due, due_at=None, unread=2)]) == "2 messages pending"
    assert status.line([due]) == "1 message pending, consolidating in 0 s"
    assert status.line([replace(due, running=True)]) == "1 message pending, consolidating"
    assert status.line([replace(due, unread=0, dead=1)]) == ""
    revision = Revision(1, 0.0, "model", (Applied("name", "set", None, "Will"),))
    told(status, "consolidated", outcome=Outcome("will", "t", "changed", revision=revision))
    assert status.line([]) == "learned: name: Will"
    status.on_event(Event("failed", "eve", "t", outcome=Outcome("eve", "t", "failed", "timeout")))
    assert status.line([]) == "learned: name: Will"
    told(status, "failed", outcome=Outcome("will", "t", "failed", "timeout", retry_at=1.0))
    line = status.line([due, replace(due, thread_id="u", due_at=2.0)])
    assert line.startswith("2 messages pending, consolidating in 0 s  ·  not learned")
    told(status, "error", error=ValueError("the disk is full"))
    status.note("erased")
    assert status.line([]) == "erased"
    assert [news.split(":")[0] for news in status.unsaid()] == ["learned", "not learned", "memory"]
    assert status.unsaid() == []


def test_what_was_refused_is_news() -> None:
    """A line each says in which field and why, without a word of it; of many only the first."""
    status = ChatStatus("will")
    reasons = ("duplicate", "quote_not_found", *["list_full"] * 5)
    refused = tuple(
        Refused(Change("interests", "add", "chess", "I like chess"), reason, "no chess")
        for reason in reasons
    )
    outcome = Outcome("will", "t", "unchanged", rejections=refused)
    told(status, "consolidated", outcome=outcome)
    told(status, "rejected", outcome=outcome)
    assert status.line([]) == "read; nothing new to learn"
    news = status.unsaid()
    assert news[:3] == [
        "read; nothing new to learn",
        "refused: interests: it is known already",
        "refused: interests: the user did not say the words that were given for it",
    ]
    assert news[-1] == "refused: 2 more; usermemory profile refused will lists them"
    assert (len(news), "chess" in "".join(news)) == (7, False)
