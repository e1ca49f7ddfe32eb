"""When two items of a list are the same: equal after folding, numbers and letters as they are."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory import Remember, UserMemory
from usermemory.changes import Unfit, apply
from usermemory.errors import InvalidDocument
from usermemory.records import Change
from usermemory.schema import UserProfile, schema_of
from usermemory.schema.form import identity

SCHEMA = schema_of(UserProfile)

SAME = [
    ("Climbing.", "climbing"),
    ("no sugar!", "no sugar"),
    ("no sugar !", "no sugar"),
    ("“Dune”", "dune"),
    ("«Dune».", "Dune"),
    ("‘Don’t Look Up’", "Don't look up"),
    ("(chess)", "chess"),
    ("¡Fútbol!", "fútbol"),
    ("tea…", "tea"),
    ("- tea", "tea"),
    ("紅茶。", "紅茶"),
    ("ＴＥＡ", "tea"),
    ("ｶﾞﾗｽ", "ガラス"),
    ("Cafe\u0301", "Café"),
    ("rock  'n'\troll", "Rock ’n’ Roll"),
    ("2019\u20132021", "2019-2021"),
    ("ΟΔΟΣ", "οδος"),
]
OTHERS = [
    ("C", "C++"),
    ("C", "C#"),
    ("NET", ".NET"),
    ("5", "-5"),
    ("5", "5%"),
    ("A", "A+"),
    ("A", "A-"),
    ("6'", '6"'),
    ("sad :(", "sad :)"),
    ("likes Mario", "likes Maria"),
    ("iPhone12", "iPhone13"),
    ("Code is A17", "Code is A18"),
    ("item 1.5", "item 15"),
    ("10²", "102"),
    ("½", "12"),
    ("resume", "résumé"),
    ("schon", "schön"),
    ("Maße", "Masse"),
    ("ball", "bell"),
    ("tea, coffee", "tea coffee"),
    ("!", "?"),
    ("(a) or (b)", "a) or (b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_differences_of_writing_fold(one: str, other: str) -> None:
    """Case, width, composition, white space, and punctuation around make nothing new."""
    assert identity(one) == identity(other)
    document = SCHEMA.validate({"interests": [other]})
    with pytest.raises(Unfit, match="duplicate"):
        apply(document, Change("interests", "add", one), SCHEMA)
    assert apply(document, Change("interests", "remove", one), SCHEMA)[0]["interests"] == []


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_letters_numbers_and_signs_are_something_else(one: str, other: str) -> None:
    """Both are kept, and removing the one never takes the other."""
    document, _ = apply(SCHEMA.empty(), Change("interests", "add", one), SCHEMA)
    with pytest.raises(Unfit, match="item_not_there"):
        apply(document, Change("interests", "remove", other), SCHEMA)
    document, _ = apply(document, Change("interests", "add", other), SCHEMA)
    assert document["interests"] == [one, other]


WORDS = st.text(
    st.characters(categories=["L", "N"], exclude_characters="ŉ"), min_size=1, max_size=8
)
AROUND = st.sampled_from(["{}", " {} ", "{}.", "{}!", "{} ?!", "“{}”", "({}).", "«{}»", "'{}'"])


def letters(text: str) -> list[str]:
    """Letters and digits without case and composition."""
    return [c for c in unicodedata.normalize("NFC", text.casefold()) if c.isalnum()]


@given(
    st.lists(WORDS, min_size=1, max_size=4), AROUND, st.sampled_from([" ", "\t", "  ", "\u3000"])
)
def test_the_same_words_in_other_clothes(words: list[str], around: str, space: str) -> None:
    """White space, marks around and the form of composition never make two things of one."""
    plain = " ".join(words)
    dressed = unicodedata.normalize("NFD", around.format(space.join(words)))
    assert identity(dressed) == identity(plain)
    assert identity(identity(plain)) == identity(plain)


ALIKE = st.text("sSſßẞ2²１1½eéÉE\u0301Kk", min_size=1, max_size=3)


@given(ALIKE | WORDS, ALIKE | WORDS)
def test_what_is_the_same_has_the_same_letters(one: str, other: str) -> None:
    """Nothing is the same whose letters and numbers differ by more than case and width."""
    plain = [unicodedata.normalize("NFKC", text) for text in (one, other)]
    if identity(one) == identity(other):
        assert letters(plain[0]) == letters(plain[1])


@given(st.text("AbcdE0123456789 ", min_size=1), st.text("AbcdE0123456789 ", min_size=1))
def test_plain_texts_are_the_same_exactly_if_they_fold_alike(one: str, other: str) -> None:
    """Of plain letters and digits, case and white space are all that folds."""
    alike = one.lower().split() == other.lower().split()
    assert (identity(one) == identity(other)) == alike


@given(st.text())
def test_any_text_has_an_identity(text: str) -> None:
    """Nothing folds away altogether, and folding twice folds no more."""
    assert bool(identity(text)) == bool(text.strip())
    assert identity(identity(text)) == identity(text)


class Goal(BaseModel):
    name: str
    due: str | None = None


class Runner(BaseModel):
    goals: list[Goal] = []


class Older(BaseModel):
    goals: Annotated[list[Goal], Remember(key="due")] = []


RUN, SWIM = {"name": "run", "due": None}, {"name": "swim", "due": None}


@pytest.mark.parametrize(
    "wanted",
    [
        [{"op": "add", "path": "/goals/-", "value": {"name": "RUN", "due": "May"}}],
        [{"op": "replace", "path": "/goals/1/name", "value": " Run."}],
        {"goals": [RUN, SWIM, {"name": "run", "due": "May"}]},
        {"goals": [RUN, {"name": "x"}, {"name": "X", "due": "May"}]},
    ],
)
def test_no_edit_gives_two_items_one_name(tmp_path: Path, wanted: Any) -> None:
    """The name tells items apart, so a second one of it is refused, however it is written."""
    with UserMemory(tmp_path / "m.db", Runner, model="offline", worker=False) as memory:
        memory.edit("will", {"goals": [RUN, SWIM]}, by="test")
        with pytest.raises(InvalidDocument, match=r"goals\.\d\.name: another item is called that"):
            memory.edit("will", wanted, by="test")
        assert memory.recall("will").document["goals"] == [RUN, SWIM]


def test_two_items_of_one_name_of_older_times_stay(tmp_path: Path) -> None:
    """They are read, and what stands beside them or in them is edited; no third one comes."""
    doubles = [{"name": "run", "due": "May"}, {"name": "Run", "due": "June"}]
    with UserMemory(tmp_path / "m.db", Older, model="offline", worker=False) as memory:
        memory.edit("will", {"goals": doubles}, by="test")
    with UserMemory(tmp_path / "m.db", Runner, model="offline", worker=False) as memory:
        assert memory.recall("will").document["goals"] == doubles
        later = [{"op": "replace", "path": "/goals/1/due", "value": "July"}]
        memory.edit("will", [*later, {"op": "add", "path": "/goals/-", "value": SWIM}], by="test")
        goals = [doubles[0], {"name": "Run", "due": "July"}, SWIM]
        assert memory.recall("will").document["goals"] == goals
        with pytest.raises(InvalidDocument):
            memory.edit("will", {"goals": [*goals, {"name": "RUN"}]}, by="test")
        memory.edit("will", {"goals": [goals[0], {"name": "walk"}]}, by="test")
