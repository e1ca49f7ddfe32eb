"""Where a profile comes from: the words behind a value, and the profile as it was. PURE."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from usermemory.changes.apply import field_for, taken_back
from usermemory.changes.diff import Collision, find
from usermemory.changes.rejoining import put_in_place
from usermemory.errors import InvalidInput
from usermemory.messages import is_mapping, is_sequence
from usermemory.records import Applied, Evidence, Revision, Snapshot
from usermemory.schema.form import stored_value
from usermemory.schema.shape import canonical
from usermemory.text import MASK, is_nothing, leaves

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema


class Origins:
    """Which changes made each value of a profile, looked up without reading the history again.

    Args:
        revisions: The user's revisions, the newest first.
    """

    def __init__(self, revisions: Iterable[Revision]) -> None:
        # By field and name of a value, the changes that made it, the newest first.
        self._made: dict[tuple[str, str], list[_Making]] = {}
        place = 0
        for revision in revisions:
            if revision.undoes:  # what an undo put back others had made
                continue
            taken: dict[str, list[Applied]] = {}
            for change in revision.changes:
                if change.action == "remove":
                    taken.setdefault(change.field, []).append(change)
            for change in reversed(revision.changes):
                making = _Making(place, revision, change, taken.get(change.field, ()))
                place += 1
                for name in _names_made(change):
                    self._made.setdefault((change.field, name), []).append(making)

    def evidence(
        self, document: Mapping[str, Any], where: str, value: Any = None
    ) -> list[Evidence]:
        """As `evidence_of`."""
        if where.startswith("/"):
            where, value = resolve(document, where)
        wanted = _current(document.get(where)) if value is None else [value]
        return list(dict.fromkeys(one for item in wanted for one in self._chain(where, item)))

    def maker(self, field: str, item: Any) -> Revision | None:
        """The newest revision that made a value what it is; undos put back what others had made.

        Args:
            field: The field's name.
            item: The value, the item of a list, or the key of a map.
        """
        making = self._next(field, item, -1)
        return making.revision if making else None

    def _next(self, field: str, item: Any, after: int) -> _Making | None:
        """The newest change that made a value, of those older than a place."""
        made = self._made.get((field, _name(item)), ())
        at = bisect_right(made, after, key=attrgetter("place"))
        return made[at] if at < len(made) else None

    def _chain(self, field: str, item: Any) -> Iterator[Evidence]:
        """Back through the changes that made this value what it is.

        What an undo put back rests on the words it rested on before.
        """
        making = self._next(field, item, -1)
        while making is not None:
            yield from making.change.evidence
            item = _refined(making)
            making = None if item is None else self._next(field, item, making.place)


class _Making(NamedTuple):
    """A change, its place in the history (the newest has 0), and what its revision took out."""

    place: int
    revision: Revision
    change: Applied
    taken: Sequence[Applied]


def evidence_of(
    revisions: Iterable[Revision], document: Mapping[str, Any], where: str, value: Any = None
) -> list[Evidence]:
    """The quotes behind a field, or behind one value of it, the newest first.

    A value that was refined (``"climbing"`` to ``"climbing in Bergen"``) rests on the words for
    both; one that was replaced rests on its own only. Of many values ask `Origins`.

    Args:
        revisions: The user's revisions, the newest first.
        document: The profile as it is.
        where: A field's name, or a JSON pointer such as ``/interests/0``.
        value: The item of a list or the key of a map; None for the whole field.

    Raises:
        InvalidInput: The pointer leads nowhere.
    """
    return Origins(revisions).evidence(document, where, value)


def noted_at(revision: Revision, field: str, item: Any) -> float:
    """When what a revision made of a value was noted: by the memory it was imported from, or then.

    Args:
        revision: As `Origins.maker` gives it.
        field: The field's name.
        item: The value, the item of a list, or the key of a map.
    """
    made = (c.at for c in revision.changes if c.field == field and _made(c, item))
    return next((at for at in made if at is not None), revision.at)


def about(revisions: list[Revision], field: str | None) -> list[Revision]:
    """The revisions that changed a field, with nothing but those changes; None for all."""
    if field is None:
        return revisions
    only = (
        replace(revision, changes=tuple(c for c in revision.changes if c.field == field))
        for revision in revisions
    )
    return [revision for revision in only if revision.changes]


def resolve(document: Mapping[str, Any], pointer: str) -> tuple[str, Any]:
    """The field and the item that a JSON pointer (RFC 6901) leads to, or into, in this document.

    Raises:
        InvalidInput: It leads nowhere. A key that a map has no more is an item all the same.
    """
    field, *rest = _steps(pointer)
    value = document.get(field)
    if not rest:
        return field, None
    if len(rest) > 1 or is_sequence(value):
        _led(value, rest, pointer)
    return field, value[int(rest[0])] if is_sequence(value) else rest[0]


def resolve_part(document: Mapping[str, Any], pointer: str) -> tuple[str, Any]:
    """As `resolve`, but of a pointer that leads into an item the part of it.

    Raises:
        InvalidInput: It leads nowhere, or to what cannot be told from another part by its value.
    """
    field, *rest = _steps(pointer)
    if len(rest) < 2:
        return resolve(document, pointer)
    part = _led(document.get(field), rest, pointer)
    name = _name(part)
    same = sum(_name(one) == name for one in _parts(document[field]))
    if is_nothing(part) or isinstance(part, bool) or same > 1:
        raise InvalidInput(
            f"{part!r} at {pointer!r} is no value that can be told from others; forget its item, "
            "or edit it"
        )
    return field, part


def _steps(pointer: str) -> list[str]:
    """The steps of a JSON pointer (RFC 6901)."""
    steps = pointer.removeprefix("/").split("/")
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]


def _led(value: Any, steps: Sequence[str], pointer: str) -> Any:
    """What stands where the steps lead to."""
    for step in steps:
        numbered = enumerate(value if is_sequence(value) else ())
        there = value if is_mapping(value) else {str(at): one for at, one in numbered}
        if step not in there:
            raise InvalidInput(f"{pointer!r} leads nowhere in this profile")
        value = there[step]
    return value


def _parts(value: Any) -> Iterator[Any]:
    """The value and whatever stands in it, however deep."""
    yield value
    for part in value.values() if is_mapping(value) else value if is_sequence(value) else ():
        yield from _parts(part)


def _current(value: Any) -> list[Any]:
    return list(value) if is_sequence(value) or is_mapping(value) else [value]


def _made(change: Applied, item: Any) -> bool:
    return _name(item) in _names_made(change)


def _names_made(change: Applied) -> set[str]:
    """The names of what a change made: the value itself, and its key."""
    made = (change.key, change.after)
    return {_name(one) for one in made if one is not None}


def _name(item: Any) -> str:
    """One text for values that say the same."""
    if isinstance(item, str):
        return f'"{item.casefold().strip()}'
    return canonical(int(item) if isinstance(item, float) and item.is_integer() else item)


def _refined(making: _Making) -> Any:
    """What a change only made more exact, or less; None where it said something new.

    An item of a list is taken out and put in again, by the same revision.
    """
    change = making.change
    after = str(change.after).casefold()
    for before in (one.before for one in (change, *making.taken) if one.before is not None):
        text = str(before).casefold()
        if text in after or after in text:
            return before
    return None


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
            self.document = put_in_place(self.document, field, before, back=True)

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
