"""Changes of one answer, folded one after the other."""

from __future__ import annotations

from typing import Any

from usermemory.fold import Case, Folded, fold
from usermemory.records import Change, Message
from usermemory.schema import UserProfile, schema_of

SCHEMA = schema_of(UserProfile)


def folded(said: list[str], changes: list[Change], **known: Any) -> Folded:
    batch = [Message("user", text, f"m{n}", None, n, n) for n, text in enumerate(said, start=1)]
    return fold(SCHEMA.empty() | known, changes, Case(SCHEMA, batch, (), "will", "t", {}))


def reasons(found: Folded) -> list[str]:
    return [one.reason for one in found.rejections]


def test_an_answer_does_not_clear_what_it_has_just_set() -> None:
    """By words of the same message, a single value is not cleared again."""
    found = folded(
        ["I'm Theo now, my old name is gone"],
        [
            Change("name", "set", "Theo", "I'm Theo now"),
            Change("name", "clear", None, "my old name is gone"),
        ],
        name="Mira",
    )
    assert found.document["name"] == "Theo"
    assert reasons(found) == ["contradicted"]


def test_an_answer_does_not_put_back_what_it_has_just_removed() -> None:
    """By words of the same message, an item that went does not come again, nor the other way."""
    chess = "I've given up chess, my nephew has the chess board now"
    removed = Change("interests", "remove", "chess", "I've given up chess")
    added = Change("interests", "add", "chess", "my nephew has the chess board now")
    found = folded([chess], [removed, added], interests=["chess"])
    assert (found.document["interests"], reasons(found)) == ([], ["contradicted"])


def test_the_user_takes_it_back_later() -> None:
    """In a later message the user may say otherwise, and the last word counts."""
    found = folded(
        ["I love chess", "no, I've given up chess for good"],
        [
            Change("interests", "add", "chess", "I love chess"),
            Change("interests", "remove", "chess", "I've given up chess for good"),
        ],
    )
    assert (found.document["interests"], reasons(found)) == ([], [])


def test_a_value_set_twice() -> None:
    """Of two values for one field the second stays, in one message too."""
    found = folded(
        ["I was 34, since Monday I'm 35"],
        [Change("age", "set", 34, "I was 34"), Change("age", "set", 35, "since Monday I'm 35")],
    )
    assert (found.document["age"], reasons(found)) == (35, [])
