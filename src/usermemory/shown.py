"""Which values stood in the prompt of an answer: kept by reference, found again by value. PURE.

A reference is a keyed hash of a value, and tells nothing of it. It is looked up among what the
profile holds and what its history says that it held. What was erased is in neither: an erasure
takes away every reference that leads nowhere.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from usermemory.messages import is_mapping, is_sequence
from usermemory.records import Shown
from usermemory.schema.renames import moved_names, renamed, renamed_history
from usermemory.schema.shape import canonical

if TYPE_CHECKING:
    from usermemory.records import Applied, Revision
    from usermemory.schema import Schema

MOST = 500
"""Values of one answer whose references are kept, the first: a prompt of many thousand tokens has
more."""

_BYTES = 6

References = Mapping[str, Sequence[str]]
"""For each field, what of it was shown, in order."""


def references(salt: str, shown: Iterable[Shown]) -> References:
    """What was shown, by reference.

    Args:
        salt: The user's secret.
        shown: As `Recalled.shown` has it.
    """
    found: dict[str, list[str]] = {}
    for one in islice(shown, MOST):
        found.setdefault(one.field, []).append(_reference(salt, one.item, one.value))
    return found


class KnownValues:
    """Every value of a user that is still told somewhere, by reference.

    Args:
        salt: The user's secret.
        schema: Today's.
        document: The profile as it is stored.
        history: The user's revisions, the newest first.
    """

    def __init__(
        self, salt: str, schema: Schema, document: Mapping[str, Any], history: Sequence[Revision]
    ) -> None:
        self._names = {**schema.old_names, **moved_names(history)}
        self._order = {name: place for place, name in enumerate(schema.fields)}
        self._found: dict[tuple[str, str], tuple[Any, Any, bool]] = {}
        for field, item, value in values_of(renamed(schema, document)):
            self._found[field, _reference(salt, item, value)] = item, value, True
        for revision in renamed_history(schema, history):
            for change in revision.changes:
                for item, value in _sides(change):
                    where = change.field, _reference(salt, item, value)
                    self._found.setdefault(where, (item, value, False))

    def resolved(self, references: References, revision: int) -> list[Shown]:
        """The values that are meant, field by field; what was erased is left out."""
        found = [
            Shown(name, item, revision, value, holds)
            for field, these in references.items()
            for name in (self._names.get(field, field),)
            for one in these
            if (name, one) in self._found
            for item, value, holds in (self._found[name, one],)
        ]
        return sorted(found, key=lambda one: self._order.get(one.field, len(self._order)))

    def left(self, references: References) -> References:
        """Those that lead somewhere."""
        kept = {
            field: [one for one in these if (self._names.get(field, field), one) in self._found]
            for field, these in references.items()
        }
        return {field: these for field, these in kept.items() if these}


def values_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each value of a profile: its field; the item, the key or None; and the value itself."""
    for field, value in document.items():
        if is_sequence(value):
            yield from ((field, item, item) for item in value)
        elif is_mapping(value):
            yield from ((field, key, held) for key, held in value.items())
        elif value is not None:
            yield field, None, value


def _sides(change: Applied) -> Iterator[tuple[Any, Any]]:
    """The item, the key or None, and the value, of what a change put an end to, and of it made."""
    for side in (change.before, change.after):
        if side is None:
            continue
        if change.index is not None:
            yield side, side
        if change.key is not None:
            # Of a list inside of an object a change tells one item.
            yield change.key, [] if change.index is not None else side
        elif change.index is None:
            yield None, side
            yield from ((item, held) for _, item, held in values_of({"": side}) if held is not side)


def _reference(salt: str, item: Any, value: Any) -> str:
    """Of a list or an object under a key, the key stands for it: its parts come and go alone."""
    if item is None or item == value:
        said = canonical(value)
    else:
        inner = is_sequence(value) or is_mapping(value)
        said = canonical([item] if inner else [item, value])
    digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=_BYTES, key=salt.encode())
    return urlsafe_b64encode(digest.digest()).decode()
