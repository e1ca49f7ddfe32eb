"""Compare `usermemory.text.tokens` with tokenizers: ``python -m bench.cost.fit FOLDER``.

The folder holds texts, one file a language or kind of text. Printed is the estimate by what
tekken counts, and by what OpenAI's o200k_base counts where bpe-openai is installed.

``--table`` prints a table of letter pairs for ``usermemory/text.py``, fitted to the texts
in Latin letters: English (files whose names begin with ``en``) as it is, no language below what
the tokenizers count. Today's table comes from the Universal Declaration of Human Rights in 409
languages, XQuAD in eight and XPersona in four; not from the dialogues of this bench.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from bench.cost.counting import Tokens

from usermemory.text import _BEYOND_ASCII, _LATIN_WORD, tokens

LETTERS = "abcdefghijklmnopqrstuvwxyz~ "
"""A tilde is any letter with a mark, a space the edge of a word."""

HIGHEST = 1.8
"""Tokens that one pair may add: nine steps of a fifth."""

_ENGLISH, _LOWEST, _ROOM = 0.9, 0.99, 0.08
_STEPS, _RATE, _DECAY = 10_000, 0.02, 1e-6

Count = Callable[[str], int]


def main() -> None:
    """Compare, or fit."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost.fit", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", action="store_true", help="fit a new table, and print it")
    args = parser.parse_args()
    texts = {path.stem: path.read_text("utf-8") for path in sorted(args.folder.iterdir())}
    if args.table:
        _print_table(_fitted(texts, _counts()))
        return
    for name, text in texts.items():
        ratios = (f"{other} {tokens(text) / count(text):.2f}" for other, count in _counts().items())
        print(f"{name:20} {'  '.join(ratios)}")


def _counts() -> Mapping[str, Count]:
    found: dict[str, Count] = {"tekken": Tokens().of}
    if find_spec("bpe_openai") is not None:
        import bpe_openai

        encoding = bpe_openai.get_encoding("o200k_base")
        found["o200k_base"] = lambda text: len(encoding.encode(text))
    return found


def _fitted(texts: Mapping[str, str], counts: Mapping[str, Count]) -> np.ndarray:
    """Tokens that each pair adds, by descent: too few weigh most, then English that is not met."""
    rows = [_row(text, counts) for text in texts.values()]
    pairs = np.array([row[0] for row in rows])
    words, truth = (np.array([row[at] for row in rows], dtype=float) for at in (1, 2))
    english = np.array([name.startswith("en") for name in texts])
    # A text of four times the length weighs twice as much; English weighs a fifth of it all.
    shares = np.sqrt(words)
    shares /= np.where(english, 5, 1.25) * np.where(english, shares @ english, shares @ ~english)
    scaled, base = pairs / truth[:, None], words / truth
    weights = np.full(pairs.shape[1], 0.1)
    mean, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(_STEPS):
        ratio = base + scaled @ weights
        too_few = np.minimum(ratio - _LOWEST, 0.0)
        too_many = np.maximum(ratio - _LOWEST - _ROOM, 0.0)
        pull = np.where(english, 1.5 * (ratio - _ENGLISH), 2 * too_few + 0.4 * too_many)
        slope = scaled.T @ (pull * shares) + _DECAY * weights
        mean, spread = 0.9 * mean + 0.1 * slope, 0.999 * spread + 0.001 * slope**2
        rate = _RATE * (1 - step / _STEPS)
        weights = np.clip(weights - rate * mean / (np.sqrt(spread) + 1e-10), 0.0, HIGHEST)
    return weights.reshape(len(LETTERS), len(LETTERS))


def _row(text: str, counts: Mapping[str, Count]) -> tuple[np.ndarray, int, int]:
    """How often each pair stands in a text, its words, and the tokens of these."""
    known: Counter[str] = Counter(_LATIN_WORD.findall(text))
    found = np.zeros(len(LETTERS) ** 2)
    for word, often in known.items():
        plain = _BEYOND_ASCII.sub("~", word.lower())
        for first, second in pairwise(f" {plain} "):
            found[LETTERS.index(first) * len(LETTERS) + LETTERS.index(second)] += often
    truth = sum(
        often * max(count(f" {word}") for count in counts.values()) for word, often in known.items()
    )
    return found, known.total(), truth


def _print_table(weights: np.ndarray) -> None:
    digits = np.rint(weights * 9 / HIGHEST).astype(int)
    for letter, row in zip(LETTERS, digits, strict=True):
        print(f'    "{letter}": "{"".join(map(str, row))}",')


if __name__ == "__main__":
    main()
