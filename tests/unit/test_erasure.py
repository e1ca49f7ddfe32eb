"""What is erased leaves no trace, what is not stays, and older words do not bring it back."""

from __future__ import annotations

import pytest

from usermemory.erasure import (
    EVERYTHING,
    Kept,
    OfMessage,
    OfThread,
    OfValue,
    Plan,
    Refusals,
    Stored,
    Target,
    Tombstone,
    buried,
    plan,
    tombstone,
)
from usermemory.erasure.target import MASK
from usermemory.records import Applied, Change, Evidence, Refused, Revision
from usermemory.schema import UserProfile, schema_of

SCHEMA = schema_of(UserProfile)
SALT = "s" * 32


def evidence(quote: str, thread_id: str = "t", seq: int = 1) -> Evidence:
    return Evidence(quote, thread_id, f"m{seq}", seq, 1.0)


def added(item: str, quote: str, field: str = "interests", **where: object) -> Applied:
    return Applied(field, "add", None, item, None, 0, (evidence(quote, **where),))  # type: ignore[arg-type]


def planned(target: Target, *changes: Applied, refused: tuple[Refusals, ...] = ()) -> Plan:
    """Erase from the profile that these changes made, one revision each."""
    document = SCHEMA.empty()
    for change in changes:
        if change.action == "set":
            document[change.field] = change.after
        elif change.action == "add":
            document[change.field].append(change.after)
    revisions = [Revision(n, 1.0, "model", (c,)) for n, c in enumerate(changes, 1)][::-1]
    messages = [
        Kept(one.thread_id, one.seq, one.message_id, one.quote)
        for change in changes
        for one in change.evidence
    ]
    return plan(target, Stored(document, revisions, messages, refused), SCHEMA)


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ("bouldering", "Bouldering "),
        ("bouldering", "goes bouldering with Ana"),
        ("bouldering", "boulders"),
        ("Has a sister called Ana", "a sister, Ana"),
        ("the old harbour of Bergen", "Bergen's old harbour"),
        (31, 31),
        (["wifi", "hunter2"], ["wifi", "hunter2"]),
    ],
)
def test_a_tombstone_knows_it_again(value: object, same: object) -> None:
    """The same value, inflected, reordered or in a longer one, from words received before."""
    stone = tombstone(SALT, "f", value, erased_at=10.0)
    assert buried([stone], SALT, "f", same, 10.0)
    assert not buried([stone], SALT, "f", same, 10.1)
    assert not buried([stone], SALT, "g", same, 9.0)
    assert not buried([stone], "another", "f", same, 9.0)
    assert not buried([stone], SALT, "f", same, None)


@pytest.mark.parametrize(
    ("value", "other"),
    [("bouldering", "chess"), ("Has a sister called Ana", "Has a brother called Leo"), (31, 32)],
)
def test_a_tombstone_lets_others_pass(value: object, other: object) -> None:
    """Another value of the same field is not held back."""
    assert not buried([tombstone(SALT, "f", value, 10.0)], SALT, "f", other, 9.0)


def test_a_tombstone_of_everything() -> None:
    """After a user was erased, nothing received before teaches anything."""
    stone = Tombstone(EVERYTHING, "", frozenset(), 10.0)
    assert buried([stone], SALT, "name", "Will", 9.0)
    assert not buried([stone], SALT, "name", "Will", 11.0)


def test_a_replaced_value_goes_by_itself() -> None:
    """What took an erased value's place keeps its own words."""
    first = Applied("name", "set", None, "Bill", evidence=(evidence("I'm Bill"),))
    second = Applied("name", "set", "Bill", "Will", evidence=(evidence("call me Will", seq=2),))
    made = planned(OfValue("name", "Bill"), first, second)
    assert made.document["name"] == "Will"
    assert (made.revisions[2][0].before, made.revisions[2][0].after) == (None, "Will")
    assert made.revisions[2][0].evidence[0].quote == "call me Will"
    assert made.revisions[1][0].after is None
    assert made.revisions[1][0].evidence[0].erased


def test_a_quote_that_holds_the_value_goes_whole() -> None:
    """A value that rested on it stays, and says that its evidence is erased."""
    both = "I love chess and tea"
    made = planned(OfValue("interests", "chess"), added("chess", both), added("tea", both))
    (kept,) = made.revisions[2]
    assert (kept.after, kept.erased, kept.evidence[0].quote) == ("tea", False, "")
    assert kept.evidence[0].erased
    assert made.document["interests"] == ["tea"]
    assert (made.forgotten.values, made.forgotten.quotes) == (1, 2)


def test_a_number_goes_with_what_was_said() -> None:
    """A number is too common to be looked for: its quotes are, and others keep theirs."""
    age = Applied("age", "set", None, 31, evidence=(evidence("I'm thirty-one"),))
    other = added("31 cacti", "I have 31 cacti", seq=2)
    made = planned(OfValue("age"), age, other)
    assert made.document["age"] is None
    assert 2 not in made.revisions
    assert [(kept.seq, text) for kept, text in made.messages] == [(1, MASK)]


def test_an_assent_is_said_of_many_things() -> None:
    """A quote of one word goes with its value, and from nowhere else."""
    made = planned(
        OfValue("interests", "chess"),
        added("chess", "yes"),
        added("tea", "yes, I do love tea", seq=2),
    )
    assert made.revisions[1][0].evidence[0].erased
    assert 2 not in made.revisions


def test_what_was_refused_goes_too() -> None:
    """A refused change that quotes it keeps its reason, and nothing else of it."""
    change = Change("interests", "add", "chess", "I love chess")
    refused = Refusals(7, (Refused(change, "duplicate", "known as 'chess'"),), "about chess")
    (left,) = planned(OfValue("interests", "chess", anywhere=True), refused=(refused,)).refused
    (rejection,) = left.rejections
    assert (rejection.reason, rejection.detail, left.error) == ("duplicate", "", "")
    assert rejection.change == Change("interests", "add")


@pytest.mark.parametrize(
    ("change", "goes"),
    [
        (Change("age", "set", 31, "since Sunday"), True),
        (Change("age", "set", 32, "since Sunday"), False),
        (Change("interests", "add", 31, "since Sunday"), False),
        (Change("age_is_31_years", "set", True, "since Sunday"), False),
    ],
    ids=str,
)
def test_a_number_that_was_refused(change: Change, goes: bool) -> None:
    """A number goes where it was refused for the erased field, and from nowhere else."""
    refused = Refusals(7, (Refused(change, "protected"),))
    left = planned(OfValue("age", 31, anywhere=True), refused=(refused,)).refused
    assert [one.change for batch in left for one in batch.rejections] == (
        [Change("age", "set")] if goes else []
    )


def test_a_field_that_a_model_made_up() -> None:
    """A made-up field that is named after what is erased loses its name."""
    change = Change("loves_chess_a_lot", "set", True, "yes")
    refused = Refusals(7, (Refused(change, "unknown_field", "known are name, age"),))
    (left,) = planned(OfValue("interests", "chess", anywhere=True), refused=(refused,)).refused
    assert left.rejections == (Refused(Change("", "set"), "unknown_field"),)


def test_what_rests_on_another_message_too() -> None:
    """A value that two messages taught stays when one is erased, without that one's words."""
    first = added("chess", "I love chess")
    second = added("chess", "yes, chess it is", thread_id="u", seq=2)
    for target in (OfThread("t"), OfMessage("t", "m1"), OfMessage("t", 1)):
        made = planned(target, first, second)
        assert "chess" in made.document["interests"]
        assert made.revisions[1][0].evidence[0].erased
        assert 2 not in made.revisions
        assert made.subjects == ()


def test_what_rests_on_one_message_alone() -> None:
    """It leaves the profile with the message, and is kept from coming back."""
    made = planned(
        OfThread("t"), added("chess", "I love chess"), added("tea", "tea", thread_id="u")
    )
    assert made.document["interests"] == ["tea"]
    assert made.subjects == (("interests", "chess"),)
    assert made.messages[0][1] is None
    assert made.forgotten.threads == ("t",)


def test_a_schema_that_wants_more() -> None:
    """Erasing takes only what was asked, also where the schema refuses what is left: a misfit."""
    schema = schema_of(
        {
            "title": "Strict",
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "default": []}
            },
        }
    )
    stored = Stored({"tags": ["a1b", "c2d"]})
    assert plan(OfValue("tags", "a1b"), stored, schema).document == {"tags": ["c2d"]}


@pytest.mark.parametrize("erased", ["C++!", "Straße", 72.0])
def test_tombstones_of_earlier_versions_hold(erased: object) -> None:
    """A digest that was made before punctuation folded still knows the very same value."""
    import hashlib

    text = erased.casefold() if isinstance(erased, str) else str(erased)
    key = hashlib.blake2b(f"interests\0{text}".encode(), key=SALT.encode(), digest_size=8)
    old = Tombstone("interests", key.hexdigest(), frozenset(), 5.0)
    assert buried([old], SALT, "interests", erased, 1.0)


def test_a_tombstone_knows_its_value_with_other_marks() -> None:
    """Punctuation around makes no new value of an erased one, where it has no words to know."""
    grave = tombstone(SALT, "interests", "C++", 5.0)
    assert buried([grave], SALT, "interests", "“c++”.", 1.0)
