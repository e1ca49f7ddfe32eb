"""How the checks read words, clauses and dates, and what holds for all of them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usermemory.checks import CHECKS, Accepted, check
from usermemory.checks import text as text_module
from usermemory.checks.claim import Claim, numbers_in
from usermemory.checks.clauses import clauses, sentences_around
from usermemory.checks.dates import explained
from usermemory.checks.languages import known, spoken
from usermemory.checks.pasted import without_pasted
from usermemory.checks.polarity import turned
from usermemory.checks.quote import find
from usermemory.checks.text import Text, Texts
from usermemory.checks.words import Word, alike, fold, folded, same_name, words
from usermemory.fold import Case
from usermemory.fold import fold as fold_changes
from usermemory.records import Change, Message, Refused
from usermemory.schema import UserProfile, schema_of

SCHEMA = schema_of(UserProfile)
ENGLISH = next(language for language in known() if language.code == "en")
TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "I",
            "don't",
            "like",
            "my",
            "sister",
            "Ana",
            "Rome",
            "32",
            "thirty",
            "two",
            ".",
            ",",
            "?",
            '"',
            ">",
            "and",
            "or",
            "not",
            "yes",
            "live",
            "in",
        ]
    ),
    max_size=14,
).map(" ".join)


def judged(change: Change, *messages: Message, **more: Any) -> Accepted | Refused:
    document = SCHEMA.empty() | more.pop("document", {})
    return check(change, document=document, schema=SCHEMA, batch=messages, **more)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("climb", "climbing"),
        ("hike", "hiking"),
        ("run", "runner"),
        ("allergy", "allergic"),
        ("painting", "paint"),
        ("opera", "opera"),
    ],
)
def test_forms_of_a_word_are_alike(one: str, other: str) -> None:
    """Inflected forms of one word count as the same."""
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("cat", "caravan"), ("rome", "romania"), ("32", "321"), ("ana", "and")]
)
def test_different_words_are_not_alike(one: str, other: str) -> None:
    """A short common beginning does not make two words the same."""
    assert not alike(one, other)


def test_names_are_the_same_only_to_the_letter() -> None:
    """A name matches itself and its genitive, and an inflected one only where names inflect."""
    assert same_name("ana", "anas", inflected=False)
    assert not same_name("anna", "anne", inflected=False)
    assert same_name("warszawa", "warszawie", inflected=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("thirty-two", "32"),
        ("thirty two", "32"),
        ("zweiunddreißig", "32"),
        ("trente-deux", "32"),
        ("quatre-vingt-onze", "91"),
        ("treinta y dos", "32"),
        ("5,000", "5000"),
        ("1,85", "1.85"),
        ("12th", "12"),
        ("٣٢", "32"),
    ],
)
def test_numbers_are_read_in_words_and_digits(text: str, number: str) -> None:
    """Number words of every known language, and digits of any script, give the number."""
    assert numbers_in(words(text), frozenset(known())) == {number}


def test_a_date_with_dots_is_three_numbers() -> None:
    """Dots between more than two numbers do not join them."""
    assert numbers_in(words("am 12.03.1990"), frozenset(known())) == {"12", "3", "1990"}


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_words_stand_where_they_say(text: str) -> None:
    """Each word's place cuts exactly that word out of the text."""
    for word in words(text):
        assert text[word.start : word.end] == word.text


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_folding_twice_is_folding_once(text: str) -> None:
    """Folded words stay as they are when folded again."""
    for word in folded(text):
        assert fold(word) == word


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_every_word_is_in_one_clause(text: str) -> None:
    """Clauses leave no word out and repeat none."""
    split = clauses(text, ENGLISH)
    assert [word for clause in split for word in clause.words] == words(text)


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_blanking_what_is_pasted_moves_nothing(text: str) -> None:
    """What is left of a text stands where it stood."""
    own = without_pasted(text)
    assert len(own) == len(text)
    assert all(mine in (theirs, "\n") for mine, theirs in zip(own, text, strict=True))


@given(
    st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8), min_size=1, max_size=20),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_any_run_of_words_is_found(said: list[str], data: st.DataObject) -> None:
    """A quote of whole words is found whatever its case, spacing and outer punctuation."""
    text = " ".join(said)
    start = data.draw(st.integers(0, len(said) - 1))
    end = data.draw(st.integers(start + 1, len(said)))
    found = find("“" + "   ".join(said[start:end]).upper() + "!”", [Message("user", text)], Texts())
    assert found is not None
    assert found.text == " ".join(said[start:end])


def test_an_inexact_quote_becomes_the_nearest_span() -> None:
    """Of several spans that hold four fifths of the words, the last and shortest is taken."""
    message = Message("user", "I live near here, and I live in Porto with Rex")
    found = find("I live in Porto together with Rex", [message], Texts())
    assert found is not None
    assert found.text == "I live in Porto with Rex"


def test_a_quote_scattered_over_a_long_message_is_none() -> None:
    """Words far apart from each other are no quote."""
    message = Message("user", "I saw " + "lots of other places " * 5 + "and live music in Porto")
    assert find("I live in Porto", [message], Texts()) is None


def test_the_newest_message_is_quoted() -> None:
    """What was said twice rests on the newer message."""
    older, newer = (
        Message("user", "I live in Porto", seq=1),
        Message("user", "I live in Porto", seq=2),
    )
    found = find("live in Porto", [older, newer], Texts())
    assert found is not None
    assert found.message is newer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't eat meat, I'm vegan", [True, False]),
        ("I can't live without coffee", [False]),
        ("no, I like it", [False, False]),
        ("I gave up chess", [True]),
        ("I don't eat meat, fish or eggs", [True, True]),
        ("I can't wait to paint", [False]),
        ("when I'm not at work I paint", [True, False]),
    ],
)
def test_negation_turns_its_own_clause(text: str, expected: list[bool]) -> None:
    """A "not" turns around its clause and what the clause goes on to list, no more."""
    assert turned(clauses(text, ENGLISH), ENGLISH) == expected


def test_the_sentence_around_a_span() -> None:
    """A span is widened to the sentences that it touches."""
    text = "Hi. I live in Porto! And you?"
    start = text.index("Porto")
    assert sentences_around(text, start, start + 5).strip() == "I live in Porto!"


@pytest.mark.parametrize(
    ("text", "code"),
    [("I live here", "en"), ("ich wohne hier", "de"), ("j'habite ici", "fr"), ("vivo aquí", "es")],
)
def test_a_language_is_known_by_its_common_words(text: str, code: str) -> None:
    """Function words tell the language."""
    assert [language.code for language in spoken(folded(text))] == [code]


def test_an_unknown_language_is_none() -> None:
    """A text in a language without lists is in none."""
    assert spoken(folded("私は東京に住んでいます")) == ()


@pytest.mark.parametrize(
    ("value", "text", "passes"),
    [
        ("2026-10", "we moved last month", True),
        ("2026-10-12", "we moved last month", False),
        ("2026-11-21", "it was yesterday", True),
        ("2026-11-18", "it was yesterday", False),
        ("2023", "three years ago", True),
        ("2021", "three years ago", False),
        ("2026-12-04", "on Friday next week", False),
        ("2026-11-27", "on Friday", True),
        ("3 May 2026", "on 3 May", True),
        ("3 May 2019", "on 3 May", False),
        ("2026-02-30", "last month", False),
        ("1", "9999 years ago", False),
    ],
)
def test_dates_follow_by_named_rules_only(value: str, text: str, passes: bool) -> None:
    """What the user did not spell out follows from the message's time, no finer than said."""
    at = 1_795_359_600.0  # 2026-11-22, a Sunday
    assert datetime.fromtimestamp(at, UTC).date().isoformat() == "2026-11-22"
    got = explained(value, [(at, Text(text))], frozenset({ENGLISH}))
    numbers = {str(int(part)) for part in value.split("-") if part.isdigit()} or {"3", "2026"}
    if value.startswith("3 May"):
        numbers = {"3", value[-4:]}
    assert (numbers <= got) is passes


@pytest.mark.parametrize("odd", ["\U00010a40", "9" * 5_000, "\u00b2", "2026-99-99"])
def test_odd_numbers_are_no_dates(odd: str) -> None:
    """Digits that are no number, and numbers that no calendar holds, explain nothing."""
    said = [(1_795_359_600.0, Text(f"{odd} May 2026, born {odd}"))]
    got = explained(f"{odd} May 2026", said, frozenset({ENGLISH}))
    assert odd not in got


def test_a_claim_of_function_words_is_judged_by_them() -> None:
    """A value of nothing but small words ("The Who") still has words to be grounded."""
    assert Claim.of("The Who", frozenset({ENGLISH})).anchors == {"the", "who"}


@given(
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from(["interests", "name", "core_memories", "age"]),
    st.sampled_from(["add", "set", "remove", "clear"]),
)
@settings(max_examples=200, deadline=None)
def test_no_change_is_accepted_without_a_quote(
    mine: str, theirs: str, said: str, field: str, action: Any
) -> None:
    """Whatever is proposed of whatever was said, what is accepted quotes the user verbatim."""
    batch = [Message("user", mine, seq=1, at=1.0), Message("assistant", theirs, seq=2, at=2.0)]
    for quote in (mine, theirs, said):
        verdict = judged(Change(field, action, said, quote), *batch)
        if isinstance(verdict, Accepted):
            (evidence,) = verdict.evidence
            assert evidence.quote
            assert evidence.quote in mine
            assert evidence.seq == 1


LEFT_OUT = {
    "substance": (Change("interests", "add", "unknown", "unknown"), "I like the unknown"),
    "quote": (Change("interests", "add", "chess"), "I like chess"),
    "subject": (Change("interests", "add", "chess", "loves chess"), "my sister loves chess"),
    "grounding": (Change("interests", "add", "poker", "I like chess"), "I like chess"),
    "negation": (Change("interests", "add", "chess", "I hate chess"), "I hate chess"),
    "removal": (Change("interests", "remove", "chess", "hello"), "hello there"),
    "duplicates": (Change("interests", "add", "climbs", "I climb"), "I climb"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_can_be_left_out_alone(name: str) -> None:
    """A change that one check refuses gets through without that check, not without others."""
    change, text = LEFT_OUT[name]
    document = {"interests": ["chess", "climbing"] if name in ("removal", "duplicates") else []}
    said = Message("user", text)
    assert isinstance(judged(change, said, document=document, off=frozenset({name})), Accepted)
    others = frozenset(CHECKS) - {name}
    assert isinstance(judged(change, said, document=document, off=others), Refused)


def test_without_the_quote_check_there_may_be_no_evidence() -> None:
    """Where quotes are not asked for, an accepted change without one has no evidence."""
    verdict = judged(
        Change("interests", "add", "chess"),
        Message("user", "I like chess"),
        off=frozenset({"quote"}),
    )
    assert verdict == Accepted(Change("interests", "add", "chess"), ())


@pytest.mark.parametrize(
    ("at", "passes"), [(10.0, True), (5.0, False), (4.0, False), (None, False)]
)
def test_an_edit_by_hand_outlives_older_words(at: float | None, passes: bool) -> None:
    """After an edit a field changes only by words that came later, whatever is left out."""
    verdict = judged(
        Change("name", "set", "Ana", "I'm Ana"),
        Message("user", "I'm Ana", at=at),
        edited={"name": 5.0},
        off=frozenset(CHECKS),
    )
    assert isinstance(verdict, Accepted) is passes


WILL = [Message("user", "My name is Will."), Message("assistant", "You said: My name is Will.")]


@pytest.mark.parametrize(
    ("context", "batch", "passes"),
    [
        ([], WILL, True),
        ([], WILL[::-1], False),
        ([], [*WILL, WILL[0]], True),
        ([], [WILL[1], *WILL], False),
        (WILL[:1], WILL[::-1], True),
        (WILL[1:], WILL[:1], False),
    ],
)
def test_words_belong_to_who_said_them_first(
    context: list[Message], batch: list[Message], passes: bool
) -> None:
    """What the assistant repeats stays the user's own; what the user repeats never becomes it."""
    change = Change("name", "set", "Will", "My name is Will")
    batch = [replace(message, seq=place) for place, message in enumerate(batch)]
    assert isinstance(judged(change, *batch, context=context), Accepted) is passes


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("Has a stepson called Theo, who is ten", True),
        ("Has a stepson called Theo, who is eleven", False),
        ("Has a stepson called Leo, who is ten", False),
        ("Has a nephew called Theo, a famous goalkeeper", False),
        ("Has a stepson called Theo, who is ten, in Oslo", False),
    ],
)
def test_what_an_answer_takes_out_grounds_what_replaces_it(value: str, passes: bool) -> None:
    """The words of an item that goes may stand in the one about the same person that comes."""
    before = {"core_memories": ["Has a stepson called Theo, nine", "Has a friend in Oslo"]}
    quote = "Theo just turned ten"
    case = Case(SCHEMA, [Message("user", quote)], (), "user-1", "thread", {})
    changes = [
        Change("core_memories", "remove", before["core_memories"][0], quote),
        Change("core_memories", "add", value, quote, "other"),
    ]
    result = fold_changes(SCHEMA.empty() | before, changes, case)
    assert [done.after for done in result.applied] == ([None, value] if passes else [None])


def test_no_message_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many changes an answer holds, each message is taken apart once."""
    said = "I collect stamps, coins and old maps, and I paint birds"
    read: list[str] = []

    def counted(text: str) -> list[Word]:
        read.append(text)
        return words(text)

    monkeypatch.setattr(text_module, "words", counted)
    case = Case(SCHEMA, [Message("user", said)], (), "user-1", "thread", {})
    items = ["stamps", "coins", "old maps", "paint birds", "whales"]
    result = fold_changes(
        SCHEMA.empty(), [Change("interests", "add", item, item) for item in items], case
    )
    assert result.document["interests"] == items[:4]
    assert read.count(said) == 1


def test_checks_of_language_let_unknown_languages_pass() -> None:
    """In a language without lists nothing is refused for its negation or its subject."""
    text = "mia fratino loĝas en Romo"
    verdict = judged(Change("name", "set", "Romo", text), Message("user", text))
    assert isinstance(verdict, Accepted)


def test_a_refusal_names_what_is_missing() -> None:
    """The detail tells whoever repairs a change what the user did not say."""
    verdict = judged(
        Change("core_memories", "add", "Has a sister called Mia", "my sister"),
        Message("user", "my sister is here"),
    )
    assert isinstance(verdict, Refused)
    assert verdict.detail == "the user did not say mia"
