"""Where the user said it: every script, no more than was said, linear in the text."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from usermemory.judge.quotes import OwnSpan, clause, find_quote, said
from usermemory.records import Message
from usermemory.text import folded_words


def look(quote: str, *texts: str) -> OwnSpan | None:
    return find_quote(
        quote, said([Message("user", text, seq=n) for n, text in enumerate(texts, 1)])
    )


def kept(quote: str, text: str) -> str:
    """What is kept as evidence."""
    found = look(quote, text)
    assert found is not None
    return text[slice(*clause(found))]


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("I'm Will", "Hi, I’m   WILL."),
        ("I love cafe au lait", "i love CAFÉ au lait!"),
        ('she said "yes"', "she said «yes» to me"),
        ("long term memory", "a long-term\nmemory"),
        ("ＡＢＣ", "the ABC of it"),
        ("ชอบปีนเขา", "ผมชอบปีนเขาที่กระบี่ครับ"),
        ("ມັກປີນພູ", "ຂ້ອຍມັກປີນພູ"),
        ("ចូលចិត្តឡើងភ្នំ", "ខ្ញុំចូលចិត្តឡើងភ្នំ"),
        ("東京に住んで", "私は東京に住んでいます。"),
        ("住在上海", "我住在上海，喜欢爬山"),
        ("서른 살", "저는 서른 살이에요"),
        ("मैं २९ साल", "मैं २९ साल का हूँ"),
        ("मैं 29 साल", "मैं २९ साल का हूँ"),
        ("أحب كرة القدم", "أُحِبُّ كُرَةَ القَدَمِ"),
        ("admin", "I'm the a\u200bdmin"),
        ("אני אוהבת שחמט", "שמי דנה ואני אוהבת שחמט"),
        ("مدريد", "أسكن بمدريد الآن"),
        ("I ❤️ jazz", "well I ❤️ jazz"),
        ("🎹", "all day 🎹 and nothing else"),
        ("Ich heisse Jürgen", "Ich heiße Jürgen"),
    ],
)
def test_what_only_folding_tells_apart_is_found(quote: str, text: str) -> None:
    """Case, width, accents, marks, spaces and hidden characters do not matter, in any script."""
    found = look(quote, text)
    assert found is not None
    assert found.exact


@pytest.mark.parametrize(
    ("quote", "text", "span"),
    [
        ("بحب القهوة", "مابحب القهوة", "مابحب القهوة"),
        ("Ankara'da yaşıyor", "Ankara'da yaşıyorum", "Ankara'da yaşıyorum"),
        ("I moved to Bergen week", "I moved to Bergen last week", "I moved to Bergen last week"),
    ],
)
def test_what_needs_more_is_found_and_inexact(quote: str, text: str, span: str) -> None:
    """An attached particle or a word left out is found, as the user's own whole words."""
    found = look(quote, text)
    assert found is not None
    assert (found.text, found.exact) == (span, False)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("I live in Oslo", "I work in Bergen"),
        ("I'm 4", "I'm 42"),
        ("42", "call 1428"),
        ("I weigh 80 kilos now", "I weigh 90 kilos now"),
        ("I love tea and hate cats", "I love tea. My sister has dogs and she does hate cats"),
        ("a", "banana"),
        ("", "anything"),
        (" \u0301", "anything \u0301"),
    ],
)
def test_what_nobody_said_is_not_found(quote: str, text: str) -> None:
    """Other words, other numbers, pieces from two ends of a message and nothing are not there."""
    assert look(quote, text) is None


def test_the_newest_message_counts() -> None:
    """Of two messages that hold the words the newer one is evidence; exact goes before near."""
    found = look("I like tea", "I like tea", "I like tea, too", "I did like tea once")
    assert found is not None
    assert found.said.message.seq == 2


def test_the_parts_of_one_long_message_are_one() -> None:
    """A quote across the cut of a long message is found, and its evidence names the first part."""
    parts = [
        Message("user", "I have moved to ", "m", None, 1.0, 1),
        Message("user", "Bergen for good", "m", None, 1.0, 2, None, 1),
    ]
    found = find_quote("moved to Bergen", said(parts))
    assert found is not None
    assert found.said.part_at(found.start).seq == 1
    other = [parts[0], Message("user", "Bergen for good", "n", None, 1.0, 2)]
    assert find_quote("moved to Bergen", said(other)) is None


@pytest.mark.parametrize(
    ("quote", "text", "clause_"),
    [
        ("eat meat", "I don't eat meat, but fish is fine with me now", "I don't eat meat,"),
        ("soy cocinero", "no soy cocinero, soy diseñador", "no soy cocinero, soy diseñador"),
        ("好きです", "コーヒーは好きじゃないです。紅茶が好きです。", "紅茶が好きです。"),
        ("I like meat", "No, I like meat. Thanks.", "No, I like meat."),
        ("3.5 kilos", "It weighs 3.5 kilos. Good?", "It weighs 3.5 kilos."),
    ],
)
def test_no_not_is_cut_away(quote: str, text: str, clause_: str) -> None:
    """What is kept goes to the ends of the clause, with what little stands before and after."""
    assert kept(quote, text) == clause_


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("My blood type is A-", "My blood type is A+"),
        ("My limit is -5 degrees", "5 degrees"),
        ("My limit is 5 degrees", "-5 degrees"),
        ("I write C", "I write C++"),
        ("It cost €5", "It cost $5"),
        ("I take 3/4 of it", "I take 3.4 of it"),
        ("It has 10² rooms", "It has 102 rooms"),
        ("I fly the 🏳️‍🌈", "🏳️"),
    ],
)
def test_a_sign_is_no_ornament(text: str, quote: str) -> None:
    """Words with another sign beside them are inexact, and exact with the same one."""
    found = look(quote, text)
    assert found is None or not found.exact
    whole = look(text, text)
    assert whole is not None
    assert whole.exact


def test_the_place_with_the_same_sign_is_found() -> None:
    """Where the words stand several times the quote's own sign says which is meant."""
    for text in ("From 5 to 5%", "From 5% to 5"):
        for quote in ("5", "5%"):
            found = look(quote, text)
            assert found is not None
            assert found.exact


def test_one_letter_may_stand_for_several_words() -> None:
    """What unfolds into a sentence is found in both forms."""
    assert look("صلى الله", "I love ﷺ") is not None
    assert look("ﷺ", "I love ﷺ") is not None


def test_a_clause_without_end_is_cut() -> None:
    """Of a message that never pauses a dozen words on each side are kept."""
    text = "and then " * 400 + "I moved to Bergen " + "and then " * 400
    assert "I moved to Bergen" in kept("I moved to Bergen", text)
    assert len(kept("I moved to Bergen", text)) < 300


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(TEXTS, TEXTS, TEXTS)
def test_a_quote_that_is_there_is_found(before: str, quote: str, after: str) -> None:
    """Whole words of a message, in whatever script, are never refused."""
    assume(folded_words(quote))
    text = f"{before} {quote} {after}"
    found = look(quote, text)
    assert found is not None
    assert found.exact
    start, end = clause(found)
    assert start <= found.start < found.end <= end


@given(TEXTS, TEXTS)
def test_a_quote_that_is_not_there_is_not_found(quote: str, text: str) -> None:
    """Of what is found as exact all words stand there, side by side, in the same order."""
    found = look(quote, text)
    if found is not None and found.exact and folded_words(quote):
        assert folded_words(found.text) == folded_words(quote)[:80]


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "a" * n,
        lambda n: "a " * (n // 2),
        lambda n: "'" * n,
        lambda n: "\u0301" * n,
        lambda n: "東" * n,
        lambda n: "กิ" * (n // 2),
        lambda n: "a\u200d" * (n // 2),
        lambda n: ", " * (n // 2),
        lambda n: "```" * (n // 3),
        lambda n: "<a>" * (n // 3),
        lambda n: '"' * n,
        lambda n: "\n" * n,
    ],
)
def test_it_is_linear(make: Callable[[int], str]) -> None:
    """Ten times the text takes about ten times as long, whatever character it repeats."""

    def spent(size: int) -> float:
        text = make(size) + " I moved to Bergen"
        begun = time.process_time()
        for quote in ("I moved to Bergen", "a a a b", "moved Bergen there"):
            if found := look(quote, text):
                clause(found)
                assert found.said.foreign is not None
        return time.process_time() - begun

    small = min(spent(10_000) for _ in range(3))
    assert spent(100_000) < 60 * small + 0.5
