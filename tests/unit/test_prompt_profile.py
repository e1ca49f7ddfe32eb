"""The profile in the prompt: one line, within its room, what matters first."""

from __future__ import annotations

import json
from typing import Annotated, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory.prompt.profile import shown
from usermemory.records import Message
from usermemory.schema import Remember, schema_of


class Profile(BaseModel):
    name: str | None = None
    likes: Annotated[list[str], Remember(max_items=900)] = []
    phones: dict[str, str] = {}
    diary: Annotated[str | None, Remember(ask=False)] = None


SCHEMA = schema_of(Profile)


def document(**values: Any) -> dict[str, Any]:
    return {**SCHEMA.empty(), **values}


def test_short_profile_is_shown_whole() -> None:
    """A profile that fits is one line of JSON in the schema's order, without what is not asked."""
    text = shown(SCHEMA, document(likes=["tea"], name="Ana", diary="x"), [])
    assert text == '{"name": "Ana", "likes": ["tea"], "phones": {}}'


def test_long_profile_shows_what_the_messages_are_about() -> None:
    """Of a long list the items that share a word with the messages stay, then the newest."""
    likes = [f"thing number {n}" for n in range(100)]
    likes[3] = "old bridges"
    text = shown(SCHEMA, document(name="Ana", likes=likes), [Message("user", "Bridges!")], 400)
    line, note = text.splitlines()
    kept = json.loads(line)["likes"]
    assert "old bridges" in kept
    assert kept[-1] == "thing number 99"
    assert kept == [item for item in likes if item in kept], "the order is kept"
    assert note == f"(not shown, but known: {100 - len(kept)} of likes)"


def test_maps_are_shortened_too() -> None:
    """A long map keeps the entries that the messages name."""
    phones = {f"friend{n}": f"555-{n}" for n in range(100)}
    text = shown(SCHEMA, document(phones=phones), [Message("user", "what is friend7 up to")], 300)
    kept = json.loads(text.splitlines()[0])["phones"]
    assert kept["friend7"] == "555-7"
    assert len(kept) < 100


@settings(max_examples=100)
@given(st.lists(st.text(max_size=80), max_size=60), st.integers(50, 2_000))
def test_never_much_longer_than_its_room(likes: list[str], room: int) -> None:
    """Whatever a profile holds, its lists take no more characters than they were given."""
    text = shown(SCHEMA, document(likes=likes), [Message("user", "hi")], room)
    line = text.split("\n")[0]
    assert len(line) <= room + len('{"name": null, "likes": [], "phones": {}}')
    assert json.loads(line).keys() == {"name", "likes", "phones"}
