"""A profile as a person reads it: fields, values, the words behind them, and forms to edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import naming
from usermemory.records import Applied, Misfit, Proposal, Revision, Shown
from usermemory.schema.document import stand_in
from usermemory.schema.form import without_defaults
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.pages.words import (
    NO_KEYS,
    as_json,
    in_order,
    keys_in,
    label,
    pointer,
    readable,
    steps_of,
)
from usermemory.text import is_nothing

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema
    from usermemory.schema.document import Reading

SHOWN = 20
"""Values of a field that a page holds at once; the others are asked for."""

_LONG = 80


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a field.

    Attributes:
        path: Where it is stored, as a JSON pointer.
        value: It.
        name: The key or the property under which it stands; empty for items and single values.
        origin: What made it: a revision and the change in it.
        key: The property that names an object of a list.
        keys: The properties of an object.
    """

    path: str
    value: Any
    name: str = ""
    origin: tuple[Revision, Applied] | None = None
    key: str = ""
    keys: Mapping[str, Field] = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        """It in a line; an object of a list begins with its name."""
        if not is_object(self.value) or is_nothing(self.value.get(self.key)):
            return readable(self.value, self.keys)
        rest = in_order({**self.value, self.key: None}, self.keys)
        told = [readable(self.value[self.key]), *([readable(rest, self.keys)] if rest else [])]
        return "; ".join(told)

    @property
    def quote(self) -> Any:
        """The words that it rests on."""
        evidence = self.origin[1].evidence if self.origin else ()
        return next((one for one in evidence if one.quote), None)


@dataclass(frozen=True, slots=True)
class Section:
    """A field of the profile, with some of its values.

    Attributes:
        field: Of the schema.
        rows: Its values: of a list the newest first.
        total: How many there are.
        begin: How many come before these.
    """

    field: Field
    rows: Sequence[Row] = ()
    total: int = 0
    begin: int = 0

    @property
    def label(self) -> str:
        """What it is called."""
        return label(self.field, self.field.name)

    @property
    def more(self) -> int:
        """How many come after these."""
        return max(0, self.total - self.begin - len(self.rows))

    @property
    def grows(self) -> bool:
        """Whether something can be added to it."""
        return self.field.kind in {"list", "objects", "map"}


class Origins:
    """What made the values of a profile what they are.

    Args:
        history: The user's revisions, the newest first.

    Attributes:
        fields: Those of which something was learned or edited.
    """

    def __init__(self, history: Iterable[Revision]) -> None:
        self._made: dict[tuple[str, str], tuple[Revision, Applied]] = {}
        self.fields: set[str] = set()
        for revision in history:
            if revision.undoes:
                continue  # what it put back rests on what others had made
            for change in reversed(revision.changes):
                if change.after is None:
                    continue
                self.fields.add(change.field)
                self._made.setdefault((change.field, _token(change.after)), (revision, change))
                if change.key is not None:
                    self._made.setdefault((change.field, f"key {change.key}"), (revision, change))

    def of(self, field_name: str, value: Any, key: str = "") -> tuple[Revision, Applied] | None:
        """The newest change that made this value."""
        found = self._made.get((field_name, f"key {key}")) if key else None
        return found or self._made.get((field_name, _token(value)))


def _token(value: Any) -> str:
    return value.casefold().strip() if isinstance(value, str) else repr(value)


def sections(reading: Reading, schema: Schema, origins: Origins) -> list[Section]:
    """All fields, each with its first values."""
    return [section(reading, found, origins) for found in schema.fields.values()]


def section(
    reading: Reading, found: Field, origins: Origins, begin: int = 0, count: int = SHOWN
) -> Section:
    """A field with so many of its values, from there on."""
    value = reading.document.get(found.name, found.default)
    value = value if found.name in origins.fields else without_defaults(found, value)
    places = reading.origins.get((found.name, None))
    stand = _stand(found, value, places)
    skipped, part = sum(1 for _ in islice(stand, begin)), list(islice(stand, count))
    named_by = (found.settings.key or "") if found.kind == "objects" else ""
    rows = [
        Row(
            path, one, name, origins.of(found.name, one, key), named_by, keys_in(found, key or None)
        )
        for path, one, name, key in part
    ]
    total = len(value) if is_list(value) else skipped + len(part) + sum(1 for _ in stand)
    return Section(found, rows, total, begin)


def misfits_of(reading: Reading, schema: Schema) -> list[tuple[Misfit, Row | None]]:
    """What does not fit the schema, each with its row; None where it has no place to open."""
    found: list[tuple[Misfit, Row | None]] = []
    for one in reading.misfits:
        inside = one.path or tuple(step for step in (one.key, one.index) if step is not None)
        path = pointer(one.field, *inside[:1])
        keys = keys_in(schema.fields.get(one.field), one.key)
        place = spot(reading, schema, path)
        found.append((one, Row(path, one.value, keys=keys) if place else None))
    return found


def row_of(rows: Sequence[Row], one: Shown) -> Row | None:
    """Where what was shown in an answer stands now; None where it does no more."""
    inside = [] if one.item is None else [str(one.item)]
    path = pointer(one.field, *inside)
    for row in rows:
        if row.value == one.value and (one.item == one.value or row.path == path):
            return row
    return None


def _stand(
    found: Field, value: Any, places: Sequence[Sequence[int]] | None
) -> Iterator[tuple[str, Any, str, str]]:
    """Path, value, shown name and key of each value of a field."""
    if is_list(value):
        every = range(len(value)) if places is None else [one[0] if one else "-" for one in places]
        for at, item in zip(reversed(every), reversed(value), strict=True):
            yield pointer(found.name, at), item, "", naming(found, item) or ""
    elif is_object(value):
        for key, item in value.items():
            if not is_nothing(item):
                name = label(found.keys.get(key), key) if found.kind == "object" else key
                yield pointer(found.name, key), item, name, key
    elif value is not None:
        yield pointer(found.name), value, "", ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a profile, and what the schema says of it.

    Attributes:
        field: Of the profile.
        path: The place, as a JSON pointer.
        value: What stands there.
        item: By what `forget` and `why` name it: the item, the key; None for the whole field.
        schema: JSON Schema of a value there.
        keys: The properties of an object there.
        shape: The field that has its shape, where that is one of the schema.
        new: Whether nothing stands there yet.
        names: Of a new entry of a map, those that are taken.
    """

    field: Field
    path: str
    value: Any
    item: Any
    schema: Mapping[str, Any]
    keys: Mapping[str, Field]
    shape: Field | None = None
    new: bool = False
    names: tuple[str, ...] = ()

    @property
    def seen(self) -> str:
        """What stands there, as a form carries it to tell whether it still does; empty if new."""
        return "" if self.new else as_json(self.value)

    @property
    def label(self) -> str:
        """What it is called."""
        name = label(self.field, self.field.name)
        if self.shape is not None and self.shape is not self.field:
            return f"{name}: {label(self.shape, self.shape.name)}"
        return f"{name}: {self.item}" if self.field.kind == "map" and not self.new else name


def spot(reading: Reading, schema: Schema, path: str) -> Spot | None:
    """The place of a pointer; None where nothing stands any more. ``/field/-`` is a new item.

    What does not fit the schema has a place too, also under a name that the schema has not.
    """
    steps = steps_of(path)
    if not 1 <= len(steps) <= 2:
        return None
    unfit = [one for one in reading.misfits if one.field == steps[0]]
    found = schema.fields.get(steps[0]) or next((stand_in(m.field, m.value) for m in unfit), None)
    if found is None:
        return None
    if len(steps) == 1:
        whole = next((one for one in unfit if one.key is None and one.index is None), None)
        shown = whole.value if whole else reading.document.get(found.name)
        keys = found.keys if found.kind == "object" else NO_KEYS
        return Spot(found, path, shown, None, found.value_schema, keys, found, new=shown is None)
    stored = {**reading.document, **reading.stored}.get(found.name, found.default)
    if steps[1] == "-" and found.kind in {"list", "objects", "map"}:
        names = (*stored,) if found.kind == "map" and is_object(stored) else ()
        return Spot(found, path, None, None, found.value_schema, found.keys, new=True, names=names)
    return _inside(found, stored, path, steps[1])


def _inside(found: Field, stored: Any, path: str, step: str) -> Spot | None:
    """An item, an entry or a property of a field."""
    number = step.isascii() and step.isdigit() and len(step) < 10
    if is_list(stored) and number and int(step) < len(stored):
        item = stored[int(step)]
        named = naming(found, item)
        return Spot(
            found, path, item, item if named is None else named, found.value_schema, found.keys
        )
    if is_object(stored) and found.kind == "map" and step in stored:
        return Spot(found, path, stored[step], step, found.value_schema, found.keys)
    if found.kind == "object" and step in found.keys:
        inner = found.keys[step]
        value = stored.get(step, inner.default) if is_object(stored) else inner.default
        keys = inner.keys if inner.kind == "object" else NO_KEYS
        return Spot(found, path, value, step, inner.value_schema, keys, inner, new=value is None)
    return None


def proposed_spot(proposal: Proposal, schema: Schema) -> Spot | None:
    """What a proposal would put in, as a place to edit; None where that is not one value."""
    putting = [one for one in proposal.changes if one.after is not None]
    change = putting[0] if len(putting) == 1 else None
    found = schema.fields.get(change.field) if change else None
    if change is None or found is None or change.erased:
        return None
    inner = found.keys.get(change.key or "") if found.kind == "object" else None
    part = inner or found
    whole = part.kind in {"scalar", "object"}
    keys = part.keys if part.kind != "list" else NO_KEYS
    return Spot(
        found, "", change.after, change.key, part.value_schema, keys, part if whole else None
    )


def changes_of(history: Sequence[Revision], place: Spot) -> list[tuple[Revision, Applied]]:
    """The changes of a place, the oldest first, undos and edits too."""
    found: list[tuple[Revision, Applied]] = []
    tokens = {_token(place.item)} if place.item is not None else set[str]()
    for revision in history:
        for change in reversed(revision.changes):
            if change.field == place.field.name and _is_about(change, place, tokens):
                found.append((revision, change))
                # What it was refined from is a part of its story.
                if change.before is not None and place.field.kind == "list":
                    tokens.add(_token(change.before))
    return found[::-1]


def _is_about(change: Applied, place: Spot, tokens: set[str]) -> bool:
    if place.item is None:
        return True
    if place.field.kind in {"map", "object", "objects"}:
        return change.key == str(place.item)
    return any(_token(side) in tokens for side in (change.before, change.after) if side is not None)
