"""Where a text is looked for as the proof that it is erased."""

from __future__ import annotations

import json

import pytest

from usermemory.store.erased import Wanted


@pytest.mark.parametrize(
    "value",
    [
        "I love bouldering.",
        "BOULDERING",
        "line one\nbouldering today",
        json.dumps({"quote": "line one\nbouldering today"}),
        json.dumps(json.dumps({"quote": "tab\tbouldering"})),
        json.dumps("über\u2028bouldering"),
        b"\x00bouldering\x01",
    ],
)
def test_it_stands_there(value: object) -> None:
    """However it is written: in any case, in JSON, in JSON within JSON, in bytes."""
    assert Wanted(["bouldering"]).in_value(value)


@pytest.mark.parametrize(
    ("text", "value", "spared"),
    [
        ("Ann", "an annual meeting", ()),
        ("tennis", "I play table tennis", ("table tennis",)),
        ("爬山", "我喜欢在黄山爬山", ("在黄山爬山",)),
        ("is vegan", "My sister Lea is vegan", ("Their sister Lea is vegan",)),
    ],
)
def test_it_is_a_part_of_something_else(text: str, value: str, spared: tuple[str, ...]) -> None:
    """A part of a word, or of what another item says more of, is counted and is no find."""
    wanted = Wanted([text], spared)
    assert not wanted.in_value(value)
    assert wanted.kept == 1
    assert wanted.in_value(f"{value}. {text}!")


@pytest.mark.parametrize(
    "value", ["It is on the table. Tennis is fun", "table, tennis", "I saw a tennis table"]
)
def test_a_pause_parts_words(value: str) -> None:
    """Words of two sentences, or of a list, say nothing together."""
    assert Wanted(["tennis"], ["table tennis"]).in_value(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("café", "I love cafe\u0301"),
        ("cafe\u0301", "CAFÉ"),
        ("istanbul", "İSTANBUL"),
        ("O'Brien", '["O’Brien"]'),
        ("new line", "new\nline"),
        ("new line", '{"said": "new\\nline"}'),
        ("co-op", "the co‑op"),
        ("zerowidth", "zero\u200bwidth"),
        ("寿司", "我喜欢寿司和茶"),
        ("서울", "서울에 살아요"),
        ("чай", '["\\u0427\\u0410\\u0419"]'),
        ("Rex", '{"dogs": {"rex": 1}}'),
        ("1.80", '{"height": 1.80}'),
    ],
)
def test_as_erasures_find_it(text: str, value: str) -> None:
    """Accents, spaces, marks and case do not hide what is left, nor does JSON."""
    assert Wanted([text]).in_value(value)


def test_two_values_are_not_one_text() -> None:
    """Words that stand in two items are no phrase."""
    assert not Wanted(["red wine"]).in_value('["red", "wine"]')


def test_bytes_in_another_case_or_form() -> None:
    """A file is searched for the text in capitals, and with its accents apart, too."""
    assert Wanted(["чай"]).in_bytes("ЧАЙ".encode()) == 1
    assert Wanted(["café"]).in_bytes(b"cafe\xcc\x81") == 1
