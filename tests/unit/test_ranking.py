"""How texts are folded, and what they say about a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermemory.ranking import folded, weights


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("ISTANBUL", "İstanbul"),
        ("café", "CAFE\u0301"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("Ｒｅｄ，blue", "red,blue"),
        ("O’Neill", "o'neill"),
        ("ἀρχή", "ΑΡΧΗ"),
        ("ﬁre", "FIRE"),
        ("我住在Bergen", "我住在bergen"),
        ("Việt Nam", "viet nam"),
        ("ԵՐԵՎԱՆ", "երեվան"),
        ("ISPARTA", "ısparta"),
        ("Łódź", "lodz"),
        ("Ørsted", "orsted"),
        ("Đà Nẵng", "da nang"),
        ("Straße", "STRASSE"),
        ("مُحَمَّد", "محمد"),
        ("שָׁלוֹם", "שלום"),
        ("x²", "x2"),
    ],
)
def test_writings_of_the_same(written: str, other: str) -> None:
    """Case, width, accents and quotation marks make no difference to a search."""
    assert folded(written) == folded(other)
    assert weights([written, "nothing of it"], other)[0] > 0


@pytest.mark.parametrize(
    ("query", "text", "other"),
    [
        ("C", "knows C", "a cat, I'd say"),
        ("Does she take vitamin D?", "takes vitamin D", "takes vitamin C"),
        ("C++", "writes C++", "writes C"),
        ("Is C# known?", "likes C#", "likes C"),
        ("🍕", "loves 🍕 at night", "loves 🍣"),
        ("🇩🇪", "from 🇩🇪", "from 🇪🇩"),
        ("قهوة", "يحب القهوة", "يحب الشاي"),
        ("القهوة", "قهوة مفضلة", "شاي"),
    ],
)
def test_letters_signs_and_pictures(query: str, text: str, other: str) -> None:
    """A single letter, a name with signs, a picture and a word behind an article are found."""
    found, less = weights([text, other], query)
    assert found > less


def test_a_long_question() -> None:
    """Of several hundred words those count that are rare and stand in the texts at all."""
    texts = [f"notes about something ordinary, number {number}" for number in range(1_000)]
    texts[700] = "has a cat"
    talk = " ".join(f"extraordinarily{number} irrelevant{number}" for number in range(300))
    found = weights(texts, f"About the cat: {talk} something ordinary number")
    assert max(range(1_000), key=found.__getitem__) == 700


@given(st.lists(st.text(max_size=30), max_size=8))
def test_many_letters_and_few(texts: list[str]) -> None:
    """A text is folded alike by itself and among many others with other letters."""
    every = "áéíóúàèìòùâêîôûãñõäëïöüåçşğıőűčřžąę"
    joined = "\n".join(text.replace("\n", " ") for text in texts)
    assert folded(f"{joined}\n{every}").rpartition("\n")[0] == folded(joined)
