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
    ],
)
def test_writings_of_the_same(written: str, other: str) -> None:
    """Case, width, accents and quotation marks make no difference to a search."""
    assert folded(written) == folded(other)
    assert weights([written, "nothing of it"], other)[0] > 0


@given(st.lists(st.text(max_size=30), max_size=8))
def test_many_letters_and_few(texts: list[str]) -> None:
    """A text is folded alike by itself and among many others with other letters."""
    every = "áéíóúàèìòùâêîôûãñõäëïöüåçşğıőűčřžąę"
    joined = "\n".join(text.replace("\n", " ") for text in texts)
    assert folded(f"{joined}\n{every}").rpartition("\n")[0] == folded(joined)
