"""What is left of an erased value: keyed hashes, enough to know it again and not to read it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from usermemory.schema.fold import fold
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical
from usermemory.words import folded_words, leaves

EVERYTHING = ""
"""The field of a tombstone that stands for a whole user."""

_ENOUGH = 0.6
_STEM = 5
_KEY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erased value.

    Attributes:
        field: Whose value it was; `EVERYTHING` for all there was.
        digest: Keyed hash of the value, however it was written.
        words: Keyed hashes of its telling words, shortened to what inflection leaves alone.
        erased_at: Words that were received later may teach it again.
    """

    field: str
    digest: str
    words: frozenset[str] = frozenset()
    erased_at: float = 0.0


def tombstone(salt: str, field: str, value: Any, erased_at: float = 0.0) -> Tombstone:
    """The tombstone of a value.

    Args:
        salt: The user's secret: without it nobody can guess what was erased.
        field: Whose value it was.
        value: What was erased; any JSON value.
        erased_at: When.
    """
    words = frozenset(_hash(salt, field, word) for word in _telling(value))
    return Tombstone(field, _hash(salt, field, identity(value)), words, erased_at)


def buried(
    tombstones: Iterable[Tombstone], salt: str, field: str, value: Any, received: float | None
) -> bool:
    """Whether words from before an erasure would bring this value back.

    The same value, however written, or one that holds three fifths of the erased one's words.

    Args:
        tombstones: The user's.
        salt: The user's secret.
        field: Where the value would be kept.
        value: What would be learned.
        received: When the memory took in the words it rests on; None for just now.
    """
    if received is None:
        return False
    older = [one for one in tombstones if received <= one.erased_at]
    if not older:
        return False
    mine = tombstone(salt, field, value)
    digests = {mine.digest, _hash(salt, field, _earlier_identity(value))}
    return any(
        one.field == EVERYTHING
        or (
            one.field == field
            and (
                one.digest in digests
                or (one.words and len(one.words & mine.words) >= _ENOUGH * len(one.words))
            )
        )
        for one in older
    )


def _telling(value: Any) -> set[str]:
    return {
        w[:_STEM]
        for leaf in leaves(value)
        for w in folded_words(str(leaf))
        if len(w) > 3 or w.isdigit()
    }


def _earlier_identity(value: Any) -> str:
    """What a digest was made of up to version 0.1, where punctuation around did not fold."""
    return fold(value) if isinstance(value, str) else canonical(value)


def _hash(salt: str, field: str, text: str) -> str:
    key = salt.encode()[:_KEY_BYTES]
    return hashlib.blake2b(f"{field}\0{text}".encode(), key=key, digest_size=8).hexdigest()
