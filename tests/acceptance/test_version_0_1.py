"""A database of version 0.1: what was known is known, and what was erased stays erased."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import psycopg
import pytest
from pydantic import BaseModel
from tests.support.postgres import fresh

from usermemory import Change, Extraction, Remember, Request, UserMemory
from usermemory.erasure import Tombstone, buried
from usermemory.store import codec
from usermemory.testing import FakeClock

FIXTURES = Path(__file__).parents[1] / "fixtures"
DUMP = (FIXTURES / "version-0.1.sql").read_text(encoding="utf-8")
OF_SERVER = (FIXTURES / "version-0.1-postgresql.sql").read_text(encoding="utf-8")
ERASED_AT = 1_767_274_810.0
BEFORE, AFTER = ERASED_AT - 5, ERASED_AT + 60

LITHIUM = "Takes lithium every morning"
COMES_BACK = {
    ("erased", "diet", "allergic to peanuts"): [
        "Allergic to PEANUTS",
        "peanuts: allergic",
        "Is allergic to peanuts since childhood",
        "has a peanut allergy",
    ],
    ("erased", "core_memories", LITHIUM): [
        "takes LITHIUM  every morning",
        "every morning takes lithium",
        "Taking lithium in the mornings",
        "takes lithium",
    ],
    ("erased", "interests", "painting watercolours"): [
        "Painting Watercolours",
        "watercolours, painting",
        "paints watercolour",
        "likes to paint in watercolours",
    ],
    ("gelöscht", "age", 41): [],
    ("gelöscht", "interests", "klettern in den Alpen"): [
        "Klettern in den ALPEN",
        "in den Alpen klettern",
        "klettert gern in den Alpen",
    ],
}
"""What was erased, and ways in which older words would bring it back."""

OTHERS = {
    ("erased", "diet"): ["allergic to shellfish", "vegan"],
    ("erased", "core_memories"): ["Likes trains", "Has a sister called Ana"],
    ("erased", "interests"): ["chess", "oil painting", LITHIUM],
    ("gelöscht", "age"): [42],
    ("gelöscht", "interests"): ["Wandern in den Bergen", "Schach"],
}


class Person(BaseModel):
    """The schema that the file was made with."""

    name: str | None = None
    age: int | None = None
    city: str | None = None
    diet: str | None = None
    interests: list[str] = []
    core_memories: Annotated[list[str], Remember(about="anyone")] = []


@pytest.fixture
def rows() -> Iterator[sqlite3.Connection]:
    """The tables as version 0.1 left them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(DUMP)
        yield connection


QUOTES = {
    "I'm allergic to peanuts.": Change("diet", "set", "Allergic to Peanuts"),
    "I collect stamps.": Change("interests", "add", "stamps"),
    "I love painting watercolours.": Change("interests", "add", "Painting Watercolours"),
    "I enjoy watercolour painting.": Change("interests", "add", "watercolour painting"),
}


class Reader:
    """Finds a change behind each of the quotes."""

    def extract(self, request: Request) -> Extraction:
        said = [message.text for message in request.batch]
        return Extraction(
            tuple(
                replace(change, quote=quote)
                for quote, change in QUOTES.items()
                if any(quote in text for text in said)
            )
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that version 0.1 made."""
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "memory.db")) as connection:
            connection.executescript(DUMP)
        yield f"sqlite:///{tmp_path}/memory.db"
        return
    with fresh() as address:
        server, _, schema = address.rpartition("schema=")
        with psycopg.connect(server.rstrip("?&"), autocommit=True) as connection:
            script = re.sub(r"\busermemory(?=\.|;)", schema, OF_SERVER)
            connection.execute(script.encode())
        yield address


def opened(url: str, clock: FakeClock) -> UserMemory:
    """A memory of today on a database of version 0.1."""
    return UserMemory(url, schema=Person, model=Reader(), worker=False, clock=clock)


def stones(rows: sqlite3.Connection, user_id: str) -> tuple[list[Tombstone], str]:
    """A user's tombstones and secret."""
    found = rows.execute("SELECT * FROM usermemory_tombstones WHERE user_id = ?", (user_id,))
    kept = [
        Tombstone(row["field"], row["digest"], frozenset(json.loads(row["words"])), ERASED_AT)
        for row in found
    ]
    known = rows.execute("SELECT salt FROM usermemory_users WHERE user_id = ?", (user_id,))
    return kept, known.fetchone()["salt"]


@pytest.mark.parametrize("user_id", ["ana", "béla", "jun", "erased", "gelöscht"])
def test_what_was_known_is_known(user_id: str, url: str, rows: sqlite3.Connection) -> None:
    """Profiles and histories are read as they were written."""
    profile = rows.execute("SELECT * FROM usermemory_profiles WHERE user_id = ?", (user_id,))
    written = profile.fetchone()
    past = rows.execute(
        "SELECT revision, at, author, changes FROM usermemory_revisions WHERE user_id = ? "
        "ORDER BY revision DESC",
        (user_id,),
    ).fetchall()
    with opened(url, FakeClock(AFTER)) as memory:
        recalled = memory.recall(user_id)
        assert recalled.document == json.loads(written["document"])
        assert recalled.revision == written["revision"]
        history = [(one.number, one.at, one.by, one.changes) for one in memory.history(user_id)]
    assert history == [(*row[:3], codec.changes_of(row["changes"])) for row in past]


def test_why_it_was_known(url: str) -> None:
    """The words that a value rests on are still told."""
    with opened(url, FakeClock(AFTER)) as memory:
        assert [one.quote for one in memory.why("ana", "city")] == ["I've moved to Ghent"]
        assert [one.quote for one in memory.why("jun", "interests", "登山")] == ["登山が好きです"]


@pytest.mark.parametrize(("user_id", "field", "value"), COMES_BACK)
def test_what_was_erased_is_known_again(
    user_id: str, field: str, value: Any, rows: sqlite3.Connection
) -> None:
    """Older words do not bring it back in another case, order, ending or wording; newer ones do."""
    kept, salt = stones(rows, user_id)
    for said in [value, *COMES_BACK[user_id, field, value]]:
        assert buried(kept, salt, field, said, BEFORE), said
        assert not buried(kept, salt, field, said, AFTER)
    for said in OTHERS[user_id, field]:
        assert not buried(kept, salt, field, said, BEFORE), said


def test_numbers_in_words(rows: sqlite3.Connection) -> None:
    """Version 0.1 wrote "two" as 2; the word is not held against a value that has no digits."""
    _, salt = stones(rows, "erased")
    # What it kept of "Has two daughters": 2 and "daugh".
    words = frozenset({"ce1e16fbacd07b5b", "c9a865f3e2ad5b96"})
    stone = Tombstone("core_memories", "", words, ERASED_AT)
    assert buried([stone], salt, "core_memories", "two daughters", BEFORE)
    assert not buried([stone], salt, "core_memories", "two sons", BEFORE)
    assert not buried([stone], salt, "core_memories", "has 3 daughters", BEFORE)


def test_old_words_and_new_ones(url: str) -> None:
    """A message from before the erasure teaches all but what was erased; said anew, it counts."""
    clock = FakeClock(BEFORE)
    with opened(url, clock) as memory:
        memory.remember("erased", "older", [("user", " ".join(QUOTES))])
        clock.advance(AFTER - BEFORE)
        (outcome,) = memory.trigger("erased")
        assert [(one.reason, one.change.field) for one in outcome.rejections] == [
            ("erased", "diet"),
            ("erased", "interests"),
            ("erased", "interests"),
        ]
        document = memory.recall("erased").document
        assert (document["diet"], document["interests"]) == (None, ["stamps"])
        memory.remember("erased", "newer", [("user", "I'm allergic to peanuts.")])
        (outcome,) = memory.trigger("erased")
        assert outcome.rejections == ()
        assert memory.recall("erased").document["diet"] == "Allergic to Peanuts"


def test_erased_again(url: str) -> None:
    """What was said anew can be erased anew: then it covers the time in between, too."""
    clock = FakeClock(AFTER)
    with opened(url, clock) as memory:
        for thread, quote in (("newer", "I love painting"), ("newest", "I enjoy watercolour")):
            (said,) = (one for one in QUOTES if one.startswith(quote))
            memory.remember("erased", thread, [("user", said)])
            clock.advance(1)
        memory.trigger("erased", "newer")
        assert memory.forget("erased", "interests", "Painting Watercolours").values == 1
        (outcome,) = memory.trigger("erased")
        assert [one.reason for one in outcome.rejections] == ["erased"]
        assert memory.recall("erased").document["interests"] == []
