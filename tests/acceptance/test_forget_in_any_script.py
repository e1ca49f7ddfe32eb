"""A value is erased in whatever script it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from usermemory import UserMemory
from usermemory.conformance.harness import Listener
from usermemory.store.copying import everything

VALUES = {
    "Thai": "ปีนเขาที่กระบี่",
    "Lao": "ປີນພູ",
    "Khmer": "ឡើងភ្នំ",
    "Burmese": "တောင်တက်ခြင်း",
    "Han": "在黄山爬山",
    "kana": "ロッククライミング",
    "Hangul": "암벽등반",
    "Arabic": "تسلُّق الجبال",
    "Hebrew": "טיפוס הרים",
    "Devanagari": "पर्वतारोहण",
    "Cyrillic": "скалолазание",
    "a lone accent": "\u0301",
    "tone marks alone": "\u0e48\u0e49",
    "a picture": "🧗",
    "C++": "C++",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_nothing_of_it_is_left(value: str, tmp_path: Path) -> None:
    """It leaves the profile, the history and the messages, which keep the words around it."""
    with UserMemory(str(tmp_path / "m.db"), model=Listener(), worker=False) as memory:
        memory.edit("will", {"interests": ["chess", value]}, by="will")
        memory.remember("will", "t", [("user", f"Today: {value} – and {value}!")])
        assert memory.forget("will", "interests", value).values == 1
        assert memory.recall("will").document["interests"] == ["chess"]
        (said,) = memory.recall("will", tail=True).tail
        assert said.text == "Today: [erased] – and [erased]!"
        assert value not in everything(memory.driver, "will")
        assert memory.forget("will", "interests", value).values == 0


@pytest.mark.parametrize("letter", ["a", "ก", "東", "\u0301", "🎹", "a "])
def test_out_of_a_long_message(letter: str, tmp_path: Path) -> None:
    """A message of 100,000 characters of one kind is searched as any other."""
    with UserMemory(str(tmp_path / "m.db"), model=Listener(), worker=False) as memory:
        memory.edit("will", {"interests": [letter * 50 + " x"]}, by="will")
        memory.remember("will", "t", [("user", letter * (100_000 // len(letter)))])
        assert memory.forget("will", "interests").values == 1
