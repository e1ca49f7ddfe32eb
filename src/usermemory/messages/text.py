"""Text that can be stored and printed, how long it is for a model, and where to cut it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from itertools import pairwise, repeat

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile(r"\r\n?")
_SURROGATES = re.compile(r"[\ud800-\udfff]")

# The pieces that tokenizers split a text into before they look anything up.
_LATIN = "À-ÖØ-öø-ɏḀ-ỿ"
_WORD = re.compile(f"[A-Z]?[a-z{_LATIN}]+")
_CAPITALS = re.compile(r"[A-Z]+(?![a-z])")
_MARKS = re.compile(r"[!-/:-@\[-`{-~]+")
_NUMBER = re.compile(r" (?=[0-9])|[0-9]")
_GAP = re.compile(r"[ \t]{2,}")
_BEYOND_ASCII = re.compile(r"[^ -~]")
_LATIN_LETTER = re.compile(f"[{_LATIN}]")

# Where a long text may be cut, best first: after a paragraph, a line, a sentence, a word.
_BOUNDARIES = (
    re.compile(r"\n[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"[.!?…](?=\s)|[。！？]"),
    re.compile(r"\s"),
)


def clean(text: str) -> str:
    """The text without what a database, UTF-8 or a terminal chokes on.

    Emoji, right-to-left text, newlines and tabs stay. Two surrogates that belong together become
    their character, a lone one becomes U+FFFD; other control characters go.
    """
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


# Fifths of a token that two letters standing side by side add to a word, by the first letter and,
# digit by digit, by the second: a to z, any letter with a mark ("~"), the word's edge (" "). Words
# of common English are one token, so pairs that are frequent in it add nothing; words of other
# languages are several. Fitted by `bench/cost/fit.py` to two tokenizers and 409 languages.
_EDGE, _MARKED = " ", "~"
_SECOND = "abcdefghijklmnopqrstuvwxyz~ "
_PAIRS = {
    "a": "9000900106000090900000000190",
    "b": "0000005900200000000000920160",
    "c": "0100000009007000200001000400",
    "d": "0003000407900000400000300940",
    "e": "0300000929900000000040000490",
    "f": "0544002901700102100001045350",
    "g": "6098090005900000600915990090",
    "h": "0093000009060009100089180000",
    "i": "0900000999000009940090999000",
    "j": "0596000990909007000106909000",
    "k": "8190009401990099190999900000",
    "l": "0000009909000000000000000100",
    "m": "0009093904940900890909900100",
    "n": "8900000000200504990030990910",
    "o": "9000000000000000900000000000",
    "p": "0090000000800000000000900190",
    "q": "7011900090000090930060003000",
    "r": "0000000009000000400000000030",
    "s": "2000007009000000000001010080",
    "t": "0000099002100009500000000930",
    "u": "0000060998900090000093900900",
    "v": "0402030402048001090095041402",
    "w": "0900001000100000000041009090",
    "x": "0504003000002000003021090300",
    "y": "4000290945000900090099009000",
    "z": "0000000691001002092000900000",
    "~": "9909999930090000097007890000",
    " ": "0000000000000000000000010050",
}
_PAIR = {
    (first, second): 20 * int(digit)
    for first, digits in _PAIRS.items()
    for second, digit in zip(_SECOND, digits, strict=True)
    if digit != "0"
}

# Hundredths of a token of one character, from this code point on; Latin letters are in words.
_SCRIPTS = (
    *((0x80, 100), (0x250, 200), (0x2B0, 150), (0x300, 200)),  # signs, phonetics, marks
    *((0x370, 44), (0x400, 150), (0x410, 34), (0x450, 150), (0x451, 50), (0x452, 150)),  # Cyrillic
    *((0x530, 36), (0x590, 50), (0x5F0, 150), (0x600, 36), (0x670, 70), (0x700, 200)),  # Arabic
    *((0x900, 45), (0x980, 42), (0xA00, 70), (0xA80, 65), (0xB00, 270), (0xB80, 40)),  # India
    *((0xC00, 52), (0xC80, 48), (0xD00, 50), (0xD80, 295), (0xE00, 53), (0xE80, 280)),  # Thai
    *((0xF00, 270), (0x1000, 55), (0x10A0, 47), (0x1100, 290), (0x1E00, 100), (0x1F00, 160)),
    *((0x2000, 100), (0x20D0, 200), (0x2190, 200), (0x2500, 150), (0x2600, 300)),  # symbols
    *((0x2C00, 300), (0x3000, 100), (0x3040, 67), (0x3100, 200)),  # kana
    *((0x3400, 250), (0x4E00, 95), (0xA000, 300), (0xAC00, 76), (0xD7B0, 300)),  # Han, Hangul
    *((0xF900, 200), (0xFE00, 300), (0xFE10, 200), (0xFF00, 120), (0xFFF0, 300)),  # wide forms
    *((0x10000, 400), (0x1F000, 380), (0x20000, 400)),  # emoji
)
_FIRST = [first for first, _ in _SCRIPTS]


def tokens(text: str) -> int:
    """How many tokens a text has for a language model, by estimate; no tokenizer is loaded.

    Against Mistral's tekken: 3 to 5% too many for English chats and profiles (a single line may be
    off by a tenth, to either side), up to a fifth too many for code, JSON and most languages, a
    third for Vietnamese, at most a tenth too few for languages with many speakers. OpenAI's
    o200k_base counts a twentieth less in English; tokenizers with fewer words of a script count
    more there. A third too few are counted for letters at random and for some rare languages.

    A text costs at most what its lines cost, so that budgets can be added up line by line.
    """
    words = _WORD.findall(text)
    joined = f"{_EDGE}{_EDGE.join(words).lower()}{_EDGE}"
    hundredths = 100 * len(words) + _beside_words(text)
    if not text.isascii():
        joined = _BEYOND_ASCII.sub(_MARKED, joined)
        hundredths += sum(_cost(character) * count for character, count in Counter(text).items())
    hundredths += sum(map(_PAIR.get, pairwise(joined), repeat(0)))
    return -(-hundredths // 100)


def _beside_words(text: str) -> int:
    """Hundredths of a token of capitals, numbers, marks and space in ASCII."""
    capitals = sum(62 + 38 * len(run) for run in _CAPITALS.findall(text))
    marks = _MARKS.findall(text)
    # An apostrophe alone is one with the letters behind it.
    costs = 50 * len(marks) + 35 * sum(map(len, marks)) - 85 * marks.count("'")
    gaps = sum(80 + 2 * len(run) for run in _GAP.findall(text))
    return capitals + costs + gaps + 100 * len(_NUMBER.findall(text)) + 45 * text.count("\n")


def _cost(character: str) -> int:
    """Hundredths of a token of one character that is neither ASCII nor a Latin letter."""
    if character.isascii() or _LATIN_LETTER.match(character):
        return 0
    return _SCRIPTS[bisect_right(_FIRST, ord(character)) - 1][1]


def parts(text: str, limit: int = 8_000) -> list[str]:
    """A long text in pieces, cut where a reader would pause.

    Args:
        text: Any text.
        limit: The most characters of a piece; at least 1.

    Returns:
        Pieces that, joined, are the text again; none for the empty text.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _cut(text, start, limit)
        pieces.append(text[start:end])
        start = end
    return pieces


def _cut(text: str, start: int, limit: int) -> int:
    """Where the piece that begins at ``start`` ends."""
    if len(text) - start <= limit:
        return len(text)
    # A boundary in the first half is passed over for a weaker one that makes fuller pieces.
    middle = start + limit // 2
    for boundary in _BOUNDARIES:
        ends = [match.end() for match in boundary.finditer(text, middle, start + limit)]
        if ends:
            return ends[-1]
    return start + limit
