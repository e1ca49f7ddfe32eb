"""The words by which an erased value is known again, and how much each of them says.

Databases keep hashes of these words, so what is found here must not change from one version to
the next: the module reads texts by itself, and a test holds its findings. It knows scripts, and
no language: a long word is rarer than a short one, a name and a number are rarer still.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from usermemory.schema.fold import fold

_SCRIPTS = "Han Hiragana Katakana Hangul Thai Lao Khmer Myanmar Tibetan Bopomofo Yi Javanese"
_UNSPACED = "".join(rf"\p{{Script={name}}}" for name in _SCRIPTS.split())
_LETTER = rf"[[[{_UNSPACED}]&&[\p{{L}}\p{{Nl}}]]ー]\p{{M}}*+"
_TOKEN = regex.compile(
    r"(?V1)(?P<number>(?<![\p{L}\p{N}.,])\d{1,3}(?:[.,]\d{3})++(?![.,]?\d)|\d++(?:[.,]\d++)?+)"
    rf"|(?P<run>(?:{_LETTER})++)"
    rf"|(?P<word>[[\p{{L}}\p{{M}}]--[[[{_UNSPACED}]&&\p{{L}}]ー]]++)"
)
_LETTERS = regex.compile(rf"(?V1){_LETTER}")
_HIDDEN = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]")
_GRAMMAR = regex.compile(r"\p{Script=Hiragana}")
"""Letters that Japanese writes its endings and particles with."""
_VERB_LAST = regex.compile(r"[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]")
_SENTENCE = regex.compile(r"[.!?。]")

_BY_LENGTH = (0, 0, 0, 2, 8, 12, 16, 20, 22, 24, 26, 28, 30)
_LONG = 5
"""Letters from which on the longer of two words is rather the rare one."""
_NAME = 24
_NUMBER = 16
_PAIR = 28
_MIXED_PAIR = 4


@dataclass(frozen=True, slots=True)
class Telling:
    """A word of a value.

    Attributes:
        forms: The word without its ending; then other cuts of it by which it may be known.
        weight: How much it says; 0 for what stands in every text.
        length: Its letters.
        strong: Whether it alone tells what a value is about, as a name does.
    """

    forms: tuple[str, ...]
    weight: int
    length: int = 0
    strong: bool = False


def telling_words(text: str) -> list[Telling]:
    """The words of a text; scripts without spaces between words give each two neighbours.

    Marks alone, pictures and punctuation are no words.
    """
    text = _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
    found: list[Telling] = []
    end = 0
    for token in _TOKEN.finditer(text):
        short = bool(found) and found[-1].length <= 3
        between = text[end : token.start()]
        fresh = not found or "\n" in between or (not short and bool(_SENTENCE.search(between)))
        written, end = token.group(), token.end()
        if token.lastgroup == "run":
            found += _pairs([_folded(letter) for letter in _LETTERS.findall(written)])
        elif token.lastgroup == "number":
            found.append(Telling((_digits(written),), _NUMBER, len(written)))
        elif word := _folded(written):
            name = not text.isupper() and _is_name(written, fresh=fresh)
            found.append(Telling(_forms(word), _weight(word, name=name), len(word), name))
    return found


def main_word(words: Sequence[Telling], text: str) -> Telling | None:
    """What the text is about: the word that says most; of several a name, the longest, the first.

    The languages of scripts without spaces name the thing last, but for those that put the verb
    there.
    """
    last = any(word.weight == _PAIR for word in words) and not _VERB_LAST.search(text)
    return max(
        reversed(words) if last else words,
        key=lambda word: (word.weight, word.strong, max(_LONG, word.length)),
        default=None,
    )


def _pairs(letters: Sequence[str]) -> Iterator[Telling]:
    if len(letters) == 1:
        yield Telling((letters[0],), 0 if _GRAMMAR.search(letters[0]) else _PAIR, 1)
    for pair in map("".join, pairwise(letters)):
        weight = (_PAIR, _MIXED_PAIR, 0)[min(2, len(_GRAMMAR.findall(pair)))]
        yield Telling((pair,), weight, 2, weight == _PAIR)


def _folded(written: str) -> str:
    plain = unicodedata.normalize("NFD", written.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def _digits(written: str) -> str:
    plain = "".join(str(unicodedata.decimal(letter, letter)) for letter in written)
    if regex.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        plain = regex.sub("[.,]", "", plain)
    return plain.replace(",", ".").lstrip("0") or "0"


def _is_name(written: str, *, fresh: bool) -> bool:
    """Whether it is written like one: "Ana" within a sentence, "HIV" and "iPhone" anywhere."""
    inside = any(letter.isupper() for letter in written[1:])
    return inside or (len(written) > 1 and written[0].isupper() and not fresh)


def _weight(word: str, *, name: bool) -> int:
    plain = _BY_LENGTH[min(len(word), len(_BY_LENGTH) - 1)]
    return max(_NAME, plain + 4) if name else plain


def _forms(word: str) -> tuple[str, ...]:
    """Cuts that inflection leaves alone: "rock" of "rocks", "climb" of "climbing"."""
    match len(word):
        case 4:
            return word, word[:3]
        case 5:
            return word[:4], word
        case 6:
            return word[:5], word[:4]
        case _:
            return (word[:5],)


_SINGLE_0_1 = "\u0e00-\u0eff\u1780-\u17ff\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_GROUPED_0_1 = r"(?<![\w.,])\d{1,3}(?:[.,]\d{3})+(?![.,]?\d)"
_DECIMAL_0_1 = r"(?<![\w.,])\d+[.,]\d+(?![.,]?\d)"
_WORD_0_1 = re.compile(
    rf"[{_SINGLE_0_1}]|{_GROUPED_0_1}|{_DECIMAL_0_1}"
    rf"|(?:[^\W_{_SINGLE_0_1}]|[\u0300-\u036f])+(?:(?<=n)['’]t(?!\w))?",
    re.IGNORECASE,
)
_NUMBER_0_1 = re.compile(r"\d+(?:\.\d+)?")


def words_0_1(text: str) -> Iterator[str]:
    """All words of a text as version 0.1 read them, to know again what was erased with it."""
    for found in _WORD_0_1.finditer(text):
        word = _folded(fold(found.group().replace("’", "'")))
        if word[:1].isdecimal():
            word = "".join(str(unicodedata.decimal(letter, letter)) for letter in word)
            grouped = re.fullmatch(_GROUPED_0_1, word)
            word = re.sub("[.,]", "", word) if grouped else word.replace(",", ".")
        if number := _NUMBER_0_1.match(word):
            yield number.group().lstrip("0") or "0"
        elif word:
            yield word[:5]
