"""What of a foreign profile fits into ours, and what is left out and why: PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usermemory.changes import Unfit
from usermemory.changes.value import check_size
from usermemory.errors import InvalidDocument, InvalidInput
from usermemory.importing.merging import Merged, Refuse, anything, merge
from usermemory.messages import is_list, is_mapping
from usermemory.schema import Field, Schema

NO_FIELD = "the schema has no such field"
NO_NOTES = "the schema has no field for memories in plain text; name one"


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
    """

    user_id: str
    parts: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    unreadable: Sequence[LeftOut] = ()


@dataclass(slots=True)
class Fitted:
    """A profile with what fits into it, and what did not.

    Attributes:
        document: The new profile.
        fields: The fields that are new or changed.
        left_out: All that the source says and the profile does not.
    """

    document: dict[str, Any]
    fields: list[str] = field(default_factory=list[str])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])


def notes_field(schema: Schema, name: str | None = None) -> str | None:
    """The field that takes memories in plain text.

    Args:
        schema: The profile's schema.
        name: A list of texts; None for ``core_memories``, or the only one about anyone.

    Raises:
        InvalidInput: The named field is none.
    """
    lists = [
        each.name
        for each in schema.fields.values()
        if each.kind == "list" and each.value_schema.get("type") == "string"
    ]
    if name is not None:
        if name not in lists:
            raise InvalidInput(
                f"{name!r} takes no memories in plain text; a list of texts does: "
                f"{', '.join(lists) or 'the schema has none'}"
            )
        return name
    anyone = [each for each in lists if schema.fields[each].settings.about == "anyone"]
    if "core_memories" in lists:
        return "core_memories"
    return anyone[0] if len(anyone) == 1 else None


def fit(
    schema: Schema,
    document: Mapping[str, Any],
    found: Found,
    *,
    notes: str | None = None,
    replace: bool = False,
    refuse: Refuse = anything,
) -> Fitted:
    """Bring what was found into a profile.

    Args:
        schema: The profile's schema.
        document: The profile as it is; fields unknown to the schema are kept.
        found: What the source says. Of several values of a single field the newest counts.
        notes: The field for memories in plain text.
        replace: Put the source's values in place of what fields hold. Else single values are set
            only where nothing stands, and lists and maps only grow.
        refuse: Says of a value that stands nowhere yet why it must not come.
    """
    fitted = Fitted(dict(document), left_out=list(found.unreadable))
    for name, values in _by_field(schema, found, notes, fitted.left_out).items():
        each = schema.fields[name]
        wanted = [value for raw in values for value in _read(schema, each, raw, fitted.left_out)]
        current = document.get(name, each.default)
        merged = merge(each, current, wanted, replace=replace, refuse=refuse)
        fitted.left_out += [LeftOut(name, *left) for left in merged.left_out]
        _put(schema, fitted, name, current, merged)
    return fitted


def _by_field(
    schema: Schema, found: Found, notes: str | None, left_out: list[LeftOut]
) -> dict[str, list[Any]]:
    """The source's values by field, in the order of the schema."""
    values: dict[str, list[Any]] = {name: [] for name in schema.fields}
    for part in found.parts:
        for name, value in part.items():
            if value is None or value in ("", [], {}):
                continue
            if name in values:
                values[name].append(value)
            else:
                left_out.append(LeftOut(name, value, NO_FIELD))
    if notes is None:
        left_out += [LeftOut("", text, NO_NOTES) for text in found.notes]
    else:
        values[notes] += found.notes
    return {name: given for name, given in values.items() if given}


def _read(schema: Schema, each: Field, raw: Any, left_out: list[LeftOut]) -> Iterable[Any]:
    """A value as the schema reads it; of a list or a map, every item that it takes."""
    for piece in _pieces(each, raw):
        try:
            value = schema.validate({each.name: piece})[each.name]
            check_size(each, value, whole=True)
        except InvalidDocument as error:
            left_out.append(LeftOut(each.name, piece, _reason(each.name, error)))
        except Unfit as unfit:
            left_out.append(LeftOut(each.name, piece, unfit.detail))
        else:
            yield value


def _pieces(each: Field, raw: Any) -> Sequence[Any]:
    if each.kind in {"list", "objects"} and is_list(raw):
        return raw
    if each.kind == "map" and is_mapping(raw):
        return [{key: value} for key, value in raw.items()]
    return [raw]


def _put(schema: Schema, fitted: Fitted, name: str, current: Any, merged: Merged) -> None:
    """Set a field, if the schema takes the whole with it."""
    if merged.value == current:
        return
    known = {key: value for key, value in fitted.document.items() if key in schema.fields}
    try:
        value = schema.validate({**known, name: merged.value})[name]
    except InvalidDocument as error:
        fitted.left_out.append(LeftOut(name, merged.value, _reason(name, error)))
        return
    if value != current:
        fitted.document[name] = value
        fitted.fields.append(name)


def _reason(name: str, error: InvalidDocument) -> str:
    """What the schema says, in a line that does not begin with the field's name again."""
    return str(error).partition("\n")[0].removeprefix(f"{name}: ")
