"""What the checks know about single languages: one file of word lists each.

A check that needs a language lets a change pass where the user's words are in none that stands
here. These do (in part, the rest of them works on any language):

- ``grounding``: which words say nothing (``function``, ``frames``), other words for the same
  (``same``), number words, months, relative dates
- ``subject``: whom a clause is about (``first``, ``third``, ``kin``, …), what only asks
  (``asking``), what asks for a story (``tales``)
- ``negation``: what turns a clause around (``negators``, ``unreal``), what makes a sentence hang
  on something (``conditions``, but for ``polite`` ones)
- ``removal``: what says that something still holds (``affirms``)
- ``erasure``: what asks to forget (``erases``)
- ``confirmation``: a short assent (``assents``), alternatives in a question
- ``reported``: what the user only repeats of what the bot says (``reported``), in any language
- ``substance``: words that are no values, orders (``nothing``, ``roles``, ``orders``); these few
  are looked for in every language at once

A new language is a new file with the same keys; lists are words separated by spaces, phrases are
arrays or separated by ``|``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from usermemory.checks.words import fold, folded

CODES = ("en", "de", "fr", "es")
Unit = Literal["day", "week", "month", "year"]
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """The word lists of one language, folded. The files say what is in each.

    Attributes:
        asking: What says "I" or "me" in a question, and tells nothing of the user.
        negators: Groups of words and phrases; any number of one group is one "not".
        harmless: Phrases that look like "not", and are not.
        numbers: Number words and their numbers.
        relative: Phrases with how far off they are: ``("last month", "month", -1)``.
        distances: The same with ``{n}`` for a number.
    """

    code: str
    function: frozenset[str]
    frames: frozenset[str]
    first: frozenset[str]
    possessive: frozenset[str]
    third: frozenset[str]
    theirs: frozenset[str]
    objects: frozenset[str]
    naming: frozenset[str]
    linking: frozenset[str]
    having: frozenset[str]
    second: frozenset[str]
    yours: frozenset[str]
    addressed: tuple[Phrase, ...]
    asking: tuple[Phrase, ...]
    kin: frozenset[str]
    elders: frozenset[str]
    persons: frozenset[str]
    pointing: frozenset[str]
    being: frozenset[str]
    mine: tuple[Phrase, ...]
    prepositions: frozenset[str]
    separators: tuple[Phrase, ...]
    alternatives: frozenset[str]
    negators: tuple[tuple[Phrase, ...], ...]
    harmless: tuple[Phrase, ...]
    contrast: frozenset[str]
    subordinate: frozenset[str]
    unreal: tuple[Phrase, ...]
    conditions: tuple[Phrase, ...]
    polite: tuple[Phrase, ...]
    jokes: tuple[Phrase, ...]
    tales: tuple[re.Pattern[str], ...]
    assents: frozenset[str]
    fillers: frozenset[str]
    affirms: frozenset[str]
    erases: frozenset[str]
    nothing: frozenset[str]
    roles: frozenset[str]
    ambiguous_roles: frozenset[str]
    orders: tuple[re.Pattern[str], ...]
    addresses: tuple[re.Pattern[str], ...]
    reported: tuple[re.Pattern[str], ...]
    same: tuple[frozenset[str], ...]
    numbers: Mapping[str, int]
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    born: frozenset[str]
    relative: tuple[tuple[Phrase, Unit, int], ...]
    distances: tuple[tuple[Phrase, Unit, int], ...]
    inflected_names: bool


@cache
def known() -> tuple[Language, ...]:
    """All languages that stand here."""
    return tuple(_read(code) for code in CODES)


def spoken(said: Sequence[str]) -> tuple[Language, ...]:
    """The language of folded words, by its commonest ones; several on a tie, none if unknown."""
    hits = [(sum(word in common for word in said), language) for language, common in _common()]
    most = max(count for count, _ in hits)
    return tuple(language for count, language in hits if most and count == most)


@cache
def _common() -> tuple[tuple[Language, frozenset[str]], ...]:
    """The words by which each language is known."""
    return tuple(
        (
            one,
            one.function
            | one.frames
            | one.kin
            | one.affirms
            | {phrase[0] for group in one.negators for phrase in group if len(phrase) == 1},
        )
        for one in known()
    )


def _read(code: str) -> Language:
    raw = tomllib.loads((files("usermemory.checks.languages") / f"{code}.toml").read_text("utf-8"))
    lists = {name: read(raw[name]) for read, names in _LISTS.items() for name in names.split()}
    return Language(
        code=code,
        numbers=_numbers(raw),
        inflected_names=raw["inflected_names"],
        **lists,
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(text))


def _phrases(raw: Sequence[str]) -> tuple[Phrase, ...]:
    return tuple(tuple(folded(phrase)) for phrase in raw)


def _groups(raw: Sequence[str]) -> tuple[frozenset[str], ...]:
    return tuple(_words(group) for group in raw)


def _names(text: str) -> tuple[str, ...]:
    return tuple(folded(text))


def _negators(raw: Sequence[str]) -> tuple[tuple[Phrase, ...], ...]:
    # A phrase among the words of a group is written with "_".
    return tuple(_phrases([word.replace("_", " ") for word in group.split()]) for group in raw)


def _offsets(raw: Sequence[tuple[str, Unit, int]]) -> tuple[tuple[Phrase, Unit, int], ...]:
    return tuple(
        (tuple(folded(phrase.replace("{n}", "0"))), unit, step) for phrase, unit, step in raw
    )


def _values(text: str) -> frozenset[str]:
    return frozenset(" ".join(folded(value)) for value in text.split("|"))


def _patterns(raw: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in raw)


def _numbers(raw: Mapping[str, Any]) -> dict[str, int]:
    """Number words up to 99, spaces and hyphens left out, and the language's own further ones."""
    units: list[str] = raw["units"].split()
    table = {fold(word): number for number, word in enumerate(units)}
    for step, ten in enumerate(raw["tens"].split(), start=2):
        table[fold(ten)] = 10 * step
        for number, unit in enumerate(units[1:10], start=1):
            written = raw["tens_pattern"].format(ten=ten, unit=unit)
            table["".join(folded(written))] = 10 * step + number
    return table | {fold(word): number for word, number in raw["numerals"].items()}


_LISTS: Mapping[Callable[[Any], Any], str] = {
    _words: "function frames first possessive third theirs naming linking having second yours kin"
    " elders persons pointing being objects"
    " prepositions alternatives contrast subordinate assents fillers affirms erases born",
    _phrases: "addressed asking separators harmless unreal conditions polite jokes mine",
    _values: "nothing roles ambiguous_roles",
    _patterns: "orders addresses reported tales",
    _names: "months weekdays",
    _negators: "negators",
    _groups: "same",
    _offsets: "relative distances",
}
"""How each list is written in the files."""
