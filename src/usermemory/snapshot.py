"""A profile as it was: what has changed it since is taken back, by value. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from usermemory.changes.apply import field_for, taken_back
from usermemory.changes.diff import Collision, find
from usermemory.erasure import MASK
from usermemory.errors import InvalidInput
from usermemory.records import Applied, Revision, Snapshot
from usermemory.schema.document import stored_value
from usermemory.schema.rejoining import placed
from usermemory.text import leaves

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema


def snapshot(
    document: Mapping[str, Any],
    newest: int,
    history: Sequence[Revision],
    wanted: int,
    schema: Schema,
) -> Snapshot:
    """Wind a profile back.

    Nothing is validated on the way: within a revision a document may be what the schema refuses.

    Args:
        document: The profile as it is.
        newest: Its revision.
        history: All of the user's revisions, the newest first.
        wanted: The revision to wind back to.
        schema: The profile's.

    Raises:
        InvalidInput: There is no such revision, or all that was known then has been erased.
    """
    by_number = {revision.number: revision for revision in history if revision.number <= newest}
    since = range(wanted + 1, newest + 1)
    if wanted < 0 or wanted > newest:
        raise InvalidInput(f"there is no revision {wanted}; the newest is {newest}")
    if gone := [number for number in since if number not in by_number]:
        raise InvalidInput(f"what was known before revision {gone[-1]} has been erased as a whole")
    winding = _Winding(document, [*by_number.values()], schema)
    for number in reversed(since):
        for change in reversed(by_number[number].changes):
            winding.take_back(change)
    reached = by_number.get(wanted)
    return Snapshot(
        document=winding.document,
        revision=wanted,
        at=reached.at if reached else None,
        erased=winding.erased(),
        unclear=tuple(sorted(winding.unclear)),
    )


class _Winding:
    """A document on its way back."""

    def __init__(
        self, document: Mapping[str, Any], history: Sequence[Revision], schema: Schema
    ) -> None:
        reading = schema.read(document)
        self.document = {**reading.document, **reading.stored}
        self.unclear: set[str] = set()
        self._unplaced: set[str] = set()
        self._schema = schema
        # The changes of each field that are still to be taken back, the newest last.
        self._past: dict[str, list[Applied]] = {}
        for revision in reversed(history):
            for change in revision.changes:
                self._past.setdefault(change.field, []).append(change)

    def take_back(self, change: Applied) -> None:
        """Go back to before this change, the newest that is left."""
        self._past[change.field].pop()
        stored = self.document.get(change.field)
        field = field_for(self._schema, change, stored)
        try:
            before = self._before(field, stored, change)
        except Collision:
            self.unclear.add(field.name)
        else:
            self.document = placed(self.document, field, before, back=True)

    def erased(self) -> tuple[str, ...]:
        """Fields in which something stood that has been erased."""
        marked = {name for name, value in self.document.items() if MASK in leaves(value)}
        return tuple(sorted(marked | self._unplaced))

    def _before(self, field: Field, stored: Any, change: Applied) -> Any:
        if change.erased:
            return self._before_erased(field, stored_value(field, stored), change)
        return taken_back(field, stored, change)

    def _before_erased(self, field: Field, current: Any, change: Applied) -> Any:
        earlier = self._past[field.name]
        match field.kind:
            case "scalar":
                return _scalar(_left_by(earlier[-1:], field.default), change)
            case "map":
                return _map(current, change, first=not earlier)
            case "object":
                if change.key is None:
                    self._unplaced.add(field.name)
                    return current
                inner = field.keys.get(change.key)
                of_list = inner is not None and inner.kind == "list"
                was = current.get(change.key)
                now = _items(inner, was, change) if inner and of_list else _scalar(MASK, change)
                return {**current, change.key: now}
            case "list" | "objects":
                return _items(field, current, change)


def _map(current: Mapping[str, Any], change: Applied, *, first: bool) -> Any:
    """A map before such a change; its keys may be lost, so `MASK` stands for any number of them."""
    if change.key is not None:
        return {**current, change.key: _scalar(MASK, change)}
    if first:
        return {key: value for key, value in current.items() if key != MASK}
    return {**current, MASK: MASK}


def _left_by(last: Sequence[Applied], empty: Any) -> Any:
    """What the change before left in a single value, as far as it can be told."""
    if not last or last[0].action == "clear":
        return empty
    return MASK if last[0].erased and last[0].after is None else last[0].after


def _scalar(unknown: Any, change: Applied) -> Any:
    """A single value before a change one or both sides of which are erased."""
    if change.before is not None:
        return change.before
    return MASK if change.after is not None or change.action == "clear" else unknown


def _items(field: Field, items: list[Any], change: Applied) -> list[Any]:
    """A list before such a change."""
    mask: Any = {field.settings.key: MASK} if field.kind == "objects" else MASK
    if change.before is not None:
        return _replaced(items, mask, change.before)
    if change.after is not None:
        place = find(field, items, change.after)
        return _replaced(items, None if place is None else items[place], mask)
    if change.action == "add":
        return _without(items, mask)
    return [*items, mask] if change.action == "remove" else items


def _replaced(items: list[Any], one: Any, by: Any) -> list[Any]:
    """The list with the first such item replaced; added where there is none."""
    if one not in items:
        return [*items, by]
    place = items.index(one)
    return [*items[:place], by, *items[place + 1 :]]


def _without(items: list[Any], one: Any) -> list[Any]:
    """The list without the first such item."""
    if one not in items:
        return items
    place = items.index(one)
    return [*items[:place], *items[place + 1 :]]
