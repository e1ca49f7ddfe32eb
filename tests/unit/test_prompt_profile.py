"""The profile in the prompt: one line, within its room, what matters first."""

from __future__ import annotations

import json
from typing import Annotated, Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory.prompt import shown
from usermemory.prompt.batch import one_line
from usermemory.records import Message
from usermemory.schema import Remember, schema_of
from usermemory.text import tokens


class Profile(BaseModel):
    name: str | None = None
    likes: Annotated[list[str], Remember(max_items=9_000)] = []
    phones: dict[str, str] = {}
    diary: Annotated[str | None, Remember(ask=False)] = None


SCHEMA = schema_of(Profile)


def document(**values: Any) -> dict[str, Any]:
    return {**SCHEMA.empty(), **values}


def test_short_profile_is_shown_whole() -> None:
    """A profile that fits is one line of JSON, without what is empty or never asked for."""
    text = shown(SCHEMA, document(likes=["tea"], name="Ana", diary="x"), [])
    assert text == '{"name": "Ana", "likes": ["tea"]}'


def test_long_profile_shows_what_the_messages_are_about() -> None:
    """Of a long list the items that share a word with the messages stay, then the newest."""
    likes = [f"thing number {n}" for n in range(100)]
    likes[3] = "old bridges"
    text = shown(SCHEMA, document(name="Ana", likes=likes), [Message("user", "Bridges!")], 150)
    line, note = text.splitlines()
    kept = json.loads(line)["likes"]
    assert "old bridges" in kept
    assert kept[-1] == "thing number 99"
    assert kept == [item for item in likes if item in kept], "the order is kept"
    assert note == f"(known too, and not shown: {100 - len(kept)} of likes)"


def test_maps_are_shortened_too() -> None:
    """A long map keeps the entries that the messages name."""
    phones = {f"friend{n}": f"555-{n}" for n in range(100)}
    text = shown(SCHEMA, document(phones=phones), [Message("user", "what is friend7 up to")], 150)
    kept = json.loads(text.splitlines()[0])["phones"]
    assert kept["friend7"] == "555-7"
    assert len(kept) < 100


@given(st.lists(st.text(min_size=1, max_size=80), max_size=60), st.integers(80, 2_000))
def test_never_much_longer_than_its_room(likes: list[str], room: int) -> None:
    """Whatever a profile holds, it takes no more tokens than it was given, a short list aside."""
    text = shown(SCHEMA, document(likes=likes), [Message("user", "hi")], room)
    line = text.split("\n")[0]
    kept = json.loads(line).get("likes", [])
    assert tokens(line) <= room or len(kept) <= 10
    assert len(kept) == len(likes) or tokens(one_line(document(likes=likes))) > room


def test_four_thousand_items_cost_no_more_than_eight_hundred() -> None:
    """What is shown of a profile does not grow with it once it is long."""
    said = [Message("user", "I sold boat number 17")]

    def text(count: int) -> str:
        likes = [f"boat number {n} is red" for n in range(count)]
        return shown(SCHEMA, document(likes=likes), said)

    assert tokens(text(4_000)) <= 1.05 * tokens(text(1_500))
    assert "boat number 17 is red" in text(4_000)
