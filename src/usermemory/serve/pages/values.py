"""A profile as a person reads it: fields, values, the words behind them, and forms to edit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import naming
from usermemory.errors import InvalidInput
from usermemory.records import Applied, Revision, Shown
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.pages.words import as_json, label, pointer, readable, steps_of
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
    """

    path: str
    value: Any
    name: str = ""
    origin: tuple[Revision, Applied] | None = None
    key: str = ""

    @property
    def text(self) -> str:
        """It in a line; an object of a list begins with its name."""
        if not (self.key and is_object(self.value) and self.value.get(self.key)):
            return readable(self.value)
        rest = {name: part for name, part in self.value.items() if name != self.key and part}
        told = [readable(self.value[self.key]), *([readable(rest)] if rest else [])]
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
    """

    def __init__(self, history: Iterable[Revision]) -> None:
        self._made: dict[tuple[str, str], tuple[Revision, Applied]] = {}
        for revision in history:
            if revision.undoes:
                continue  # what it put back rests on what others had made
            for change in reversed(revision.changes):
                if change.after is None:
                    continue
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
    places = reading.origins.get((found.name, None), ())
    stand = list(_stand(found, value, places))
    part = stand[begin : begin + count]
    rows = [Row(path, one, name, origins.of(found.name, one, key)) for path, one, name, key in part]
    return Section(found, rows, len(stand), begin)


def row_of(rows: Sequence[Row], one: Shown) -> Row | None:
    """Where what was shown in an answer stands now; None where it does no more."""
    inside = [] if one.item is None else [str(one.item)]
    path = pointer(one.field, *inside)
    for row in rows:
        if row.value == one.value and (one.item == one.value or row.path == path):
            return row
    return None


def _stand(
    found: Field, value: Any, places: Sequence[Sequence[int]]
) -> Iterator[tuple[str, Any, str, str]]:
    """Path, value, shown name and key of each value of a field."""
    if is_list(value):
        stored = [one[0] for one in places] if len(places) == len(value) else range(len(value))
        for at, item in zip(reversed(stored), reversed(value), strict=True):
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
    """

    field: Field
    path: str
    value: Any
    item: Any
    schema: Mapping[str, Any]
    keys: Mapping[str, Field]
    shape: Field | None = None
    new: bool = False

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
    """The place of a pointer; None where nothing stands any more. ``/field/-`` is a new item."""
    steps = steps_of(path)
    found = schema.fields.get(steps[0]) if steps else None
    if found is None or len(steps) > 2:
        return None
    if len(steps) == 1:
        shown = reading.document.get(found.name)
        keys = found.keys if found.kind == "object" else _NO_KEYS
        return Spot(found, path, shown, None, found.value_schema, keys, found, new=shown is None)
    if steps[1] == "-" and found.kind in {"list", "objects", "map"}:
        return Spot(found, path, None, None, found.value_schema, found.keys, new=True)
    stored = {**reading.document, **reading.stored}.get(found.name, found.default)
    return _inside(found, stored, path, steps[1])


_NO_KEYS: Mapping[str, Field] = {}


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
        keys = inner.keys if inner.kind == "object" else _NO_KEYS
        return Spot(found, path, value, step, inner.value_schema, keys, inner, new=value is None)
    return None


@dataclass(frozen=True, slots=True)
class Input:
    """One control of a form.

    Attributes:
        name: In the form.
        label: For people.
        kind: ``line``, ``text``, ``number``, ``choice``, ``lines`` (one item each) or ``json``.
        value: What it holds at first.
        options: Of a choice: value and name.
        hint: What the schema says of it.
        schema: JSON Schema of the value.
    """

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])


def inputs(place: Spot) -> list[Input]:
    """The form that edits a place: a control for each property of an object, else one."""
    made: list[Input] = []
    if place.new and place.path.endswith("/-") and place.field.kind == "map":
        made.append(Input("key", "Under which name", "line"))
    if place.keys:
        held = place.value if is_object(place.value) else {}
        made += [
            _input(f"value.{name}", inner, held.get(name, inner.default))
            for name, inner in place.keys.items()
        ]
    elif place.shape is not None:
        # The page says what a field of its own means.
        shape = replace(place.shape, description="") if place.item is None else place.shape
        made.append(_input("value", shape, place.value))
    else:
        made.append(_leaf("value", "Value", place.schema, place.value, ""))
    return made


def _input(name: str, shape: Field, value: Any) -> Input:
    title = label(shape, shape.name)
    if shape.kind == "scalar":
        return _leaf(name, title, shape.value_schema, value, shape.description)
    if shape.kind == "list" and shape.value_schema.get("type") == "string":
        lines = "\n".join(map(str, value or ()))
        hint = " ".join(filter(None, [shape.description, "One in each line."]))
        return Input(name, title, "lines", lines, hint=hint, schema=shape.value_schema)
    text = json.dumps(value, ensure_ascii=False, indent=1)
    hint = " ".join(filter(None, [shape.description, "As JSON."]))
    return Input(name, title, "json", text, hint=hint, schema=shape.value_schema)


def _leaf(name: str, title: str, schema: Mapping[str, Any], value: Any, hint: str) -> Input:
    if "enum" in schema or schema.get("type") == "boolean":
        wanted = schema.get("enum", [True, False])
        options = [("", "–"), *((json.dumps(one), readable(one)) for one in wanted)]
        held = "" if value is None else json.dumps(value)
        return Input(name, title, "choice", held, options, hint, schema)
    if is_object(value) or is_list(value):
        text = json.dumps(value, ensure_ascii=False, indent=1)
        return Input(name, title, "json", text, hint="As JSON.", schema=schema)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if schema.get("type") in {"integer", "number"}:
        return Input(name, title, "number", text, hint=hint, schema=schema)
    kind = "text" if len(text) > _LONG or "\n" in text else "line"
    return Input(name, title, kind, text, hint=hint, schema=schema)


def typed(one: Input, text: str) -> Any:
    """What was typed into a control, as a value; what it is worth the schema says.

    Raises:
        InvalidInput: It is no JSON where that is asked for.
    """
    text = text.replace("\r\n", "\n")
    if one.kind == "lines":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if not text.strip():
        return None
    if one.kind in {"json", "choice"}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{one.label}: this is no JSON") from error
    if one.kind == "number":
        try:
            return json.loads(text.strip().replace(",", "."))
        except (ValueError, RecursionError):
            return text  # the schema says what is wrong with it
    return text


def operation(place: Spot, controls: Sequence[Input], fields: Mapping[str, str]) -> dict[str, Any]:
    """The JSON patch operation of a form that was sent.

    Raises:
        InvalidInput: Something in it cannot be read, or says nothing.
    """
    path = place.path
    if controls[0].name == "key":
        name = fields.get("key", "").strip()
        if not name:
            raise InvalidInput("Give it a name.")
        path, controls = pointer(place.field.name, name), controls[1:]
    if place.keys:
        held = place.value if is_object(place.value) else {}
        value: Any = {**held}
        for one in controls:
            value[one.name.removeprefix("value.")] = typed(one, fields.get(one.name, ""))
    else:
        value = typed(controls[0], fields.get(controls[0].name, ""))
    of_list = place.field.kind in {"list", "objects", "map"}
    if value is None and of_list:
        raise InvalidInput("It is empty. To take it out, remove it.")
    op = "add" if place.new and of_list else "replace"
    return {"op": op, "path": path, "value": value}


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
