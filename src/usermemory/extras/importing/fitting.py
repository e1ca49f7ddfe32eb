"""What of a foreign profile fits into ours, and what is left out and why: PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple, cast

from usermemory.changes import Unfit
from usermemory.changes.coerce import plain
from usermemory.changes.value import check_size
from usermemory.errors import InvalidDocument, InvalidInput, did_you_mean
from usermemory.messages import is_mapping, is_sequence
from usermemory.schema import Field, Schema
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical, parsed

NO_FIELD = "the schema has no such field"
NO_NOTES = "no field is for memories in plain text; name one (notes=, --notes): {}"
HOLDS = "the field holds something else already"
FULL = "the list is full"
OLDER = "the source says something newer"

_AT_ONCE = 512
"""Items of a list or a map that are read together, as long as all of them fit."""

_LIST_KINDS = frozenset({"list", "objects"})
COLLECTIONS = frozenset({*_LIST_KINDS, "map"})
"""Kinds of field that grow by what is missing."""

Refuse = Callable[[Field, Any, str | None], str | None]
"""Why a value must not come into a field, under a key if it has one; None if it may, and comes."""


class Dated(NamedTuple):
    """A value, and when the source had it, in seconds since the epoch; None for who knows when."""

    value: Any
    at: float | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value that was not taken over.

    Attributes:
        field: Where it would belong; empty if that is the question.
        value: What the source says.
        reason: Why not.
    """

    field: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a source says about a user.

    Attributes:
        user_id: Of whom.
        parts: Values by field, the oldest part first.
        notes: Memories in plain text.
        unreadable: What could not be made sense of, and why.
        part_dates: When the source had each of the parts, in seconds since the epoch; None for one
            of which it does not say so. Empty if it never does.
        note_dates: The same for the notes.
        by_key: Whether nothing but a key of the source says that this is a user.
    """

    user_id: str
    parts: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    unreadable: Sequence[LeftOut] = ()
    part_dates: Sequence[float | None] = ()
    note_dates: Sequence[float | None] = ()
    by_key: bool = False


@dataclass(slots=True)
class Fitted:
    """A profile with what fits into it, and what did not.

    Attributes:
        document: The new profile.
        fields: The fields that are new or changed.
        left_out: All that the source says and the profile does not.
        dates: By field, when the source had what is new: see `mark`.
    """

    document: dict[str, Any]
    fields: list[str] = field(default_factory=list[str])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    dates: dict[str, dict[str, float]] = field(default_factory=dict[str, Any])


def notes_field(schema: Schema, name: str | None = None) -> str | None:
    """The field that takes memories in plain text.

    Args:
        schema: The profile's schema.
        name: A list of texts; None for ``core_memories``, or the only one about anyone.

    Raises:
        InvalidInput: The named field is none.
    """
    lists = _lists_of_texts(schema)
    if name is not None:
        if name not in lists:
            raise InvalidInput(
                f"{name!r} takes no memories in plain text{did_you_mean(name, lists)}; a list of "
                f"texts does: {', '.join(lists) or 'the schema has none'}"
            )
        return name
    anyone = [each for each in lists if schema.fields[each].settings.about == "anyone"]
    if "core_memories" in lists:
        return "core_memories"
    return anyone[0] if len(anyone) == 1 else None


def _lists_of_texts(schema: Schema) -> list[str]:
    return [
        each.name
        for each in schema.fields.values()
        if each.kind == "list" and each.value_schema.get("type") == "string"
    ]


def fit(
    schema: Schema,
    document: Mapping[str, Any],
    found: Found,
    *,
    notes: str | None = None,
    replace: bool = False,
    refuse: Refuse | None = None,
) -> Fitted:
    """Bring what was found into a profile.

    Args:
        schema: The profile's schema.
        document: The profile as it is; fields unknown to the schema are kept.
        found: What the source says. Of several values of a single field the newest counts.
        notes: The field for memories in plain text.
        replace: Put the source's values in place of what fields hold. Else single values are set
            only where nothing stands, and lists and maps only grow.
        refuse: Says of a value that stands nowhere yet why it must not come; None: all may.
    """
    fitted = Fitted(dict(document), left_out=list(found.unreadable))
    for name, values in _by_field(schema, found, notes, fitted.left_out).items():
        each = schema.fields[name]
        wanted = _read_values(schema, each, values, fitted.left_out)
        current = document.get(name, each.default)
        held = each.default if replace else current
        value, dates = _merge_field(each, held, wanted, refuse, fitted.left_out)
        if value != current:
            _put(schema, fitted, name, value, dates)
    return fitted


def _by_field(
    schema: Schema, found: Found, notes: str | None, left_out: list[LeftOut]
) -> dict[str, list[Dated]]:
    """The source's values by field, in the order of the schema, the oldest first."""
    values: dict[str, list[Dated]] = {name: [] for name in schema.fields}
    for part, at in zip_longest(found.parts, found.part_dates):
        for name, value in part.items():
            if value is None or value in ("", [], {}):
                continue
            now = schema.old_names.get(name, name)
            if now in values:
                values[now].append(Dated(value, at))
            else:
                left_out.append(LeftOut(name, value, NO_FIELD))
    if notes is None:
        lists = ", ".join(_lists_of_texts(schema)) or "the schema has no list of texts"
        left_out += [LeftOut("", text, NO_NOTES.format(lists)) for text in found.notes]
    else:
        # In a list: a text that looks like JSON is none.
        said = zip_longest(found.notes, found.note_dates)
        values[notes] += [Dated([text], at) for text, at in said]
    return {name: sorted(given, key=_noted_at) for name, given in values.items() if given}


def _noted_at(value: Dated) -> float:
    """Of what bears no date nobody knows that it is newer than anything."""
    return float("-inf") if value.at is None else value.at


def _read_values(
    schema: Schema, each: Field, given: Sequence[Dated], left_out: list[LeftOut]
) -> list[Dated]:
    """Values as the schema reads them; of lists and maps, every item that it takes, once."""
    once: dict[str, Dated] = {}
    for piece, at in (one for value in given for one in _pieces_of(each, value)):
        try:
            found = plain(piece, each.name)
        except Unfit as unfit:
            left_out.append(LeftOut(each.name, str(piece), unfit.detail))
            continue
        name = identity(found)
        if each.kind == "scalar":  # of which the newest counts
            once.pop(name, None)
            once[name] = Dated(found, at)
        else:
            once[name] = Dated(once.get(name, (found,))[0], at)
    pieces = list(once.values())
    many = _AT_ONCE if each.kind in COLLECTIONS else 1
    return [
        value
        for start in range(0, len(pieces), many)
        for value in _together(schema, each, pieces[start : start + many], left_out)
    ]


def _pieces_of(each: Field, given: Dated) -> Iterator[Dated]:
    """The items of a list, the entries of a map, or the value itself."""
    raw, at = given
    if each.kind in _LIST_KINDS:
        items = parsed(raw, "array")
        for item in items if is_sequence(items) else [raw]:
            if item is not None:
                yield Dated(item, at)
    elif each.kind == "map" and is_mapping(entries := parsed(raw, "object")):
        for key, value in entries.items():
            if value is not None:
                yield Dated({key: value}, at)
    else:
        yield given


def _together(
    schema: Schema, each: Field, pieces: Sequence[Dated], left_out: list[LeftOut]
) -> list[Dated]:
    """Read pieces in one go, as validating is dear; in halves where one of them does not fit."""
    single = len(pieces) == 1
    try:
        whole = schema.validate({each.name: _put_together(each, [piece.value for piece in pieces])})
    except InvalidDocument as error:
        if single:
            left_out.append(LeftOut(each.name, pieces[0].value, _reason(each.name, error)))
            return []
    else:
        values = _parted(each, whole[each.name])
        if single or len(values) == len(pieces):
            read = [Dated(value, piece.at) for value, piece in zip(values, pieces, strict=False)]
            return [one for one in read if _has_size(each, one.value, left_out)]
    half = len(pieces) // 2
    return [
        value
        for part in (pieces[:half], pieces[half:])
        for value in _together(schema, each, part, left_out)
    ]


def _put_together(each: Field, values: list[Any]) -> Any:
    if each.kind in _LIST_KINDS:
        return values
    if each.kind == "map" and all(map(is_mapping, values)):
        return {key: value for entry in values for key, value in entry.items()}
    return values[0]


def _parted(each: Field, value: Any) -> list[Any]:
    if each.kind in _LIST_KINDS:
        return list(value)
    return [{key: one} for key, one in value.items()] if each.kind == "map" else [value]


def _has_size(each: Field, value: Any, left_out: list[LeftOut]) -> bool:
    try:
        check_size(each, value, whole=each.kind not in _LIST_KINDS)
    except Unfit as unfit:
        left_out.append(LeftOut(each.name, value, unfit.detail))
        return False
    return True


def _merge_field(
    each: Field, held: Any, wanted: Sequence[Dated], refuse: Refuse | None, left_out: list[LeftOut]
) -> tuple[Any, dict[str, float]]:
    """A field's value with what may come into it, and when the source had what is new in it."""
    if not wanted:
        return held, {}
    pieces = held if each.kind in _LIST_KINDS else [held]
    there = {name: value for piece in pieces for name, value in _by_name(each, piece)}
    most = each.settings.max_items if each.kind in COLLECTIONS else None
    new: dict[str, Any] = {}
    dates: dict[str, float] = {}
    for name, (value, at) in _newest_by_name(each, wanted, left_out).items():
        if name in there and _is_same(each, there[name], value):
            continue
        key = _key_of(each, name, value)
        reason: str | None = None
        if name in there and there[name] not in _no_values(each, name):
            reason = HOLDS
        elif most is not None and len(held) + len(new) >= most:
            reason = FULL
        elif refuse:
            reason = refuse(each, value, key)
        if reason:
            left_out.append(LeftOut(each.name, _as_left_out(each, name, value), reason))
            continue
        new[name] = value
        if at is not None:
            items = [value, *value] if is_sequence(value) else [value]
            dates |= {mark(key, item): at for item in items}
    if each.kind == "scalar":
        return new.get("", held), dates
    return ([*held, *new.values()] if each.kind in _LIST_KINDS else {**held, **new}), dates


def mark(key: str | None, value: Any) -> str:
    """How a value is told from others of its field."""
    return canonical([key, identity(value)])


def _newest_by_name(
    each: Field, wanted: Sequence[Dated], left_out: list[LeftOut]
) -> dict[str, Dated]:
    """The last of several values of one name; what it takes the place of is left out."""
    newest: dict[str, Dated] = {}
    for piece, at in wanted:
        for name, value in _by_name(each, piece):
            if value in _no_values(each, name) and each.kind == "object":
                continue
            older = newest.get(name, Dated(value, at)).value
            if identity(older) != identity(value):
                left_out.append(LeftOut(each.name, _as_left_out(each, name, older), OLDER))
            newest[name] = Dated(value, at)
    return newest


def _by_name(each: Field, piece: Any) -> Iterable[tuple[str, Any]]:
    """An item, or each entry of a map or an object, by what tells it from others."""
    if each.kind in {"map", "object"}:
        return cast("Mapping[str, Any]", piece).items()
    if each.kind == "scalar":
        return [("", piece)]
    return [(identity(piece if each.kind == "list" else _key_of(each, "", piece)), piece)]


def _key_of(each: Field, name: str, value: Any) -> str | None:
    if each.kind == "objects":
        return str(value.get(each.settings.key))
    return name if each.kind in {"map", "object"} else None


def _as_left_out(each: Field, name: str, value: Any) -> Any:
    return {name: value} if each.kind in {"map", "object"} else value


def _is_same(each: Field, one: Any, other: Any) -> bool:
    if each.kind in {"scalar", "list"}:
        return identity(one) == identity(other)
    return canonical(one) == canonical(other)


def _no_values(each: Field, name: str) -> tuple[Any, ...]:
    """What says nothing where it stands; in a list or a map everything says something."""
    if each.kind == "scalar":
        return (None, each.default)
    if each.kind == "object":
        return (None, [], each.keys[name].default if name in each.keys else None)
    return ()


def _put(schema: Schema, fitted: Fitted, name: str, value: Any, dates: dict[str, float]) -> None:
    """Set a field, if the schema takes the whole with it."""
    known = {key: held for key, held in fitted.document.items() if key in schema.fields}
    try:
        read = schema.validate({**known, name: value})[name]
    except InvalidDocument as error:
        fitted.left_out.append(LeftOut(name, value, _reason(name, error)))
        return
    if read != known.get(name, schema.fields[name].default):
        fitted.document[name] = read
        fitted.fields.append(name)
        fitted.dates[name] = dates


def _reason(name: str, error: InvalidDocument) -> str:
    """What the schema says, in a line that does not begin with the field's name again."""
    return str(error).partition("\n")[0].removeprefix(f"{name}: ")
