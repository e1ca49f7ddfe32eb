"""Refused changes: a reason in words for each, and what of them may be stored."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermemory.records import Change, Message, Reason, Refused
from usermemory.refused import (
    IN_WORDS,
    MOST_STORED,
    action_of,
    in_words,
    masked,
    shown_field,
    storable,
)
from usermemory.store import codec

PAGE = Path(__file__).parents[2] / "docs" / "learning.md"
SAID = [
    Message("other", "Ana is allergic to peanuts and hates the sea", received=1.0),
    Message("assistant", "Do you live in Lisbon?", received=2.0),
    Message("user", "Yes. And I like green tea, my PIN is long", received=3.0),
]


def kept(change: Change, reason: Reason = "doubtful", detail: str = "", **more: Any) -> Refused:
    """One refused change as it is stored."""
    (one,) = storable([Refused(change, reason, detail)], SAID, **more)
    return one


def test_every_reason_has_its_words() -> None:
    """Each reason of the list is explained; the page explains all that are given today."""
    assert set(IN_WORDS) == set(get_args(Reason))
    page = PAGE.read_text(encoding="utf-8")
    _, _, section = page.partition("## What was refused, and why")
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", section, re.MULTILINE))
    earlier = set(list(get_args(Reason))[-6:])
    assert told == {name: text for name, text in IN_WORDS.items() if name not in earlier}
    assert in_words(Refused(Change("x", "set"), "of_later")) == "of later"  # type: ignore[arg-type]


def test_a_made_up_action_is_not_told_in_the_detail() -> None:
    """It is a model's text, and may be the words of others."""
    made_up: Any = "hates the sea"
    for quote in ("I like green tea", "nobody said"):
        change = Change("interests", made_up, "tea", quote)
        stored = kept(change, "unfit_action", "interests takes add, not hates the sea")
        assert (stored.change.action, stored.detail) == ("", "")


def test_the_users_own_words_are_kept() -> None:
    """A quote of the user's stays, and a value in their words or in nobody's."""
    change = Change("interests", "add", "green TEA", "and i like green tea")
    assert kept(change, detail="interests is protected") == Refused(
        change, "doubtful", "interests is protected"
    )
    assert kept(replace(change, value="Grüner Tee")).change.value == "Grüner Tee"
    assert kept(change, detail="Ana said: hates the sea").detail == ""
    unsaid = kept(replace(change, quote="I adore green tea")).change
    assert (unsaid.value, unsaid.quote) == ("green TEA", "")


@pytest.mark.parametrize(
    "change",
    [
        Change("diet", "set", "no peanuts", "Ana is allergic to peanuts"),
        Change("diet", "set", "allergic to peanuts", "I like green tea"),
        Change("diet", "set", "peanuts", "I like green tea"),
        Change("city", "set", "Lisbon", "Yes"),
        Change("notes", "add", {"about": ["she hates the sea"]}, "Yes"),
        Change("notes", "update", "yes", "Yes", key="allergic to peanuts"),
        Change("notes", "update", {"hates the sea": 1}, "Yes"),
        Change("notes", "add", "Ana is allergic to peanuts", ""),
        Change("notes", "add", "something of a page", "and this too"),
    ],
    ids=lambda change: str(change.value or change.key),
)
def test_the_text_of_others_is_not(change: Change) -> None:
    """A value or key that others said, or a quote that the user did not, leaves only the field."""
    assert kept(change).change == Change(change.field, change.action)


@pytest.mark.parametrize("reason", ["no_quote", "quote_not_found", "not_the_users_words"])
def test_words_that_are_not_the_users(reason: Reason) -> None:
    """Quote and value go in any case; the detail stays if it tells nothing of them."""
    change = Change("diet", "set", "green tea", "I like green tea")
    empty = Change("diet", "set")
    assert kept(change, reason, "no message holds it") == Refused(
        empty, reason, "no message holds it"
    )
    assert kept(change, reason, "not in 'I like green tea'").detail == ""
    peanuts = replace(change, value="peanuts")
    assert kept(peanuts, reason, "nobody said peanuts").detail == ""
    assert kept(change, reason, "found: Ana is allergic").detail == ""


def test_what_was_erased() -> None:
    """Neither the value nor the words of what the user had erased are stored again."""
    change = Change("interests", "add", "green tea", "I like green tea")
    assert kept(change, "erased", "green tea") == Refused(Change("interests", "add"), "erased")
    asked: list[tuple[str, Any, float | None]] = []

    def buried(field: str, value: Any, received: float | None) -> bool:
        asked.append((field, value, received))
        return value == "green tea"

    assert kept(change, buried=buried).change == Change("interests", "add")
    assert asked[0] == ("interests", "green tea", 3.0)
    other = replace(change, value="tea")
    assert kept(other, buried=buried).change == other


def test_a_duplicate_is_known_anyway() -> None:
    """What the profile holds already is told, though the bot has just named it too."""
    change = Change("city", "set", "Lisbon", "Yes")
    assert kept(change, "duplicate").change == change


@pytest.mark.parametrize(
    "value",
    ["4242 4242 4242 4242", 4242424242424242, ["card 4242424242424242"], {"n": "4242424242424242"}],
)
def test_secrets(value: object) -> None:
    """What looks like a secret is masked, in values, keys and details."""
    one = kept(Change("notes", "add", value, "I like green tea"), detail="not 4242424242424242")
    assert "removed" in str(one.change.value)
    assert "4242" not in codec.refusals([one])


def test_a_known_secret_is_masked_where_it_stands_by_itself() -> None:
    """A code of four digits goes from a value, and leaves the numbers and words that hold it."""
    known = {"4711": "PIN", "tea": "password"}
    value = ["my PIN is 4711.", "born in 47110 Rheurdt", "I like steak"]
    assert masked(value, known) == ["my PIN is [PIN removed].", *value[1:]]


def test_what_is_long_is_left_out_whole() -> None:
    """Nothing is cut, since an erasure would not find half a word; so little is stored."""
    long = "x" * 1_001
    one = kept(Change("y" * 65, "add", long, "I like green tea"), "too_long", "z" * 501)
    assert one == Refused(Change("", "add", quote="I like green tea"), "too_long")
    many = [Refused(Change("notes", "add", n, "yes"), "list_full", "full") for n in range(60)]
    stored = storable(many, SAID)
    assert len(stored) == MOST_STORED
    assert (stored[0].detail, stored[-1].detail) == ("full", "full; 10 more were refused")


def test_what_a_model_made_up() -> None:
    """A field that is no name, and an action that is none, are text: neither is kept."""
    for field in ("lives in Lisbon now", "a\nb", "peanuts" * 20):
        assert shown_field(Refused(Change(field, "set"), "unknown_field")) == ""
    assert shown_field(Refused(Change("hobby", "set"), "unknown_field")) == "hobby"
    assert shown_field(Refused(Change("home city", "set"), "protected")) == "home city"
    assert kept(Change("peanuts", "set"), "unknown_field").change.field == ""
    made_up = Change("name", "make him Lisbon", "yes", "Yes")  # type: ignore[arg-type]
    assert action_of(Refused(made_up, "unfit_action")) == ""
    assert kept(made_up, "unfit_action").change.action == ""


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_text = st.text(max_size=30) | st.just("I like \ud800 green")


@given(_text, _json, _text, st.sampled_from(get_args(Reason)), _text, _text)
def test_whatever_a_model_proposes_can_be_stored(
    field: str, value: Any, quote: str, reason: Reason, detail: str, key: str
) -> None:
    """It becomes text that a database takes, and is read as it was."""
    change = Change(field, "add", value, quote, key=key)
    stored = storable([Refused(change, reason, detail)], SAID)
    text = codec.refusals(stored)
    text.encode()
    assert codec.rejections(text) == stored
