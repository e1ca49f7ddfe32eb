"""An erased value is found in texts of any script, and exactly its span is taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermemory.erasure.target import MASK, Needles

LENGTH = 100_000


@pytest.mark.parametrize(
    ("needle", "text", "masked"),
    [
        ("bouldering", "I love Bouldering, bouldering!", f"I love {MASK}, {MASK}!"),
        ("bouldering", "I love boulders", "I love boulders"),
        ("New York", "in new-york, New\nYork", f"in {MASK}, {MASK}"),
        ("Zoë", "I'm Zoe", f"I'm {MASK}"),
        ("Zoe", "I'm Zoe\u0308.", f"I'm {MASK}."),
        ("C", "C, C++ and CSS", f"{MASK}, {MASK}++ and CSS"),
        ("C++", "C, C++ and CSS", f"C, {MASK} and CSS"),
        ("C++", "C++11 and c++.", f"C++11 and {MASK}."),
        ("C#", "私はC#が好き", f"私は{MASK}が好き"),
        ("@x", "私は@xだ, a@x", f"私は{MASK}だ, a@x"),
        ("🎹", "I play 🎹 daily", f"I play {MASK} daily"),
        ("🧗", "climbing🧗, 🧗\ufe0f", f"climbing{MASK}, {MASK}"),
        ("-", "long-term - yes", f"long-term {MASK} yes"),
        ("Yahoo!", "I use yahoo! (Yahoo)", f"I use {MASK} ({MASK})"),
        ("ex\u00adample", "an exam\u200bple here", f"an {MASK} here"),
        ("東京", "私は東京に住んでいます", f"私は{MASK}に住んでいます"),
        ("東京", "東 京と東\u200b京", f"{MASK}と{MASK}"),
        ("花生", "对花生过敏", f"对{MASK}过敏"),
        ("A猫", "私のA猫は", f"私の{MASK}は"),
        ("땅콩", "땅콩은 못 먹어요", f"{MASK}은 못 먹어요"),
        ("ปีนเขา", "ผมชอบปีนเขาที่กระบี่ครับ", f"ผมชอบ{MASK}ที่กระบี่ครับ"),
        ("ປີນພູ", "ຂ້ອຍມັກປີນພູ", f"ຂ້ອຍມັກ{MASK}"),
        ("ឡើងភ្នំ", "ខ្ញុំចូលចិត្តឡើងភ្នំ។", f"ខ្ញុំចូលចិត្ត{MASK}។"),
        ("पर्वतारोहण", "मुझे पर्वतारोहण पसंद है", f"मुझे {MASK} पसंद है"),
        ("قهوة", "أحب قَهْوَة كثيرا", f"أحب {MASK} كثيرا"),
        ("קפה", "אני אוהב קָפֶה מאוד", f"אני אוהב {MASK} מאוד"),
        ("\u0301", "a \u0301 in Orléans, Orle\u0301ans", f"a {MASK} in Orléans, Orle\u0301ans"),
        ("\u0e48\u0e48", "ก่ \u0e48\u0e48 ก", f"ก่ {MASK} ก"),
        ("\u0e48", "ก่ ก", "ก่ ก"),
        ("tea tea", "tea tea tea, more tea", f"{MASK}, more tea"),
        ("tea tea mug", "tea tea tea mug", f"tea {MASK}"),
        ("", "nothing", "nothing"),
    ],
)  # fmt: skip
def test_masking(needle: str, text: str, masked: str) -> None:
    """Whole words go, however they are written; parts of other words stay."""
    needles = Needles([needle])
    assert needles.masked(text) == masked
    assert needles.in_text(text) == (MASK in masked)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4), st.text(max_size=60))
def test_nothing_is_left_of_a_needle(needles: list[str], text: str) -> None:
    """What was masked holds none of the needles any more, but for the mask itself."""
    found = Needles(one for one in needles if "erased" not in one.casefold())
    pieces = found.masked(text).split(MASK)
    assert not any(found.in_text(piece) for piece in pieces) or not found.in_text(text)


@given(
    st.lists(st.sampled_from("ab"), min_size=3, max_size=6),
    st.lists(st.sampled_from("ab"), max_size=20),
)
def test_every_place_is_found(needle: list[str], text: list[str]) -> None:
    """Places that overlap are found as those that don't."""
    size = len(needle)
    starts = [at for at in range(len(text)) if text[at : at + size] == needle]
    gone = {word for at in starts for word in range(at, at + size)}
    left = [word for number, word in enumerate(text) if number not in gone]
    masked = Needles([" ".join(needle)]).masked(" ".join(text))
    assert masked.replace(MASK, "").split() == left


@pytest.mark.parametrize("letter", [*"a1.🎹東กก\u0301\u0e48\u200d'", "a ", "a b ", "1,", "ก่ "])
def test_a_long_message_of_one_letter(letter: str) -> None:
    """Needles made of the same letters cost no more in it than any other."""
    text = (letter * LENGTH)[:LENGTH]
    needles = [letter * 999 + "x", "x" + letter * 999, "climbing", "ปีนเขา", f"{letter}x{letter}"]
    assert not Needles(needles).in_text(text)
    assert Needles(needles).masked(f"{text} climbing") == f"{text} {MASK}"


def test_each_of_many_is_found_by_itself() -> None:
    """Of hundreds that share most of their words, each is found in its own text and in no other."""
    many = [f"likes number {number}" for number in range(300)]
    needles = Needles(many)
    for number in (0, 7, 299):
        assert needles.masked(f"She likes number {number}, really") == "She [erased], really"
    assert not needles.in_text("She likes number 300")
    assert not needles.in_text("number 7, as she likes")
