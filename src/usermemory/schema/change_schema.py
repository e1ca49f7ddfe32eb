"""What a model fills in: a typed list of changes, derived from the fields."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.errors import SchemaError
from usermemory.records import Action
from usermemory.schema.settings import Remember
from usermemory.schema.shape import Json, canonical
from usermemory.schema.strict import array, closed, one_of, properties, strict, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from usermemory.schema.field import Field

MAX_CHANGES = 20
MAX_KEY_LENGTH = 100
MAX_QUOTE_LENGTH = 500
MAX_ENUM_TOTAL = 1_000
MAX_DEPTH = 8
"""Of one change: OpenAI takes 10 levels, two of which are the list around it."""

Target = tuple[Action, Json | None, Json | None]
"""What can be done to a field: the action, the schema of its key, the schema of its value."""


def change_schema(fields: Mapping[str, Field], *, caps: bool) -> Json:
    """The JSON Schema of ``{"changes": […]}``, the same bytes for the same fields.

    Args:
        fields: The fields of a profile.
        caps: Also say how long strings and lists may be, and between which bounds numbers.

    Raises:
        SchemaError: A field cannot be asked for, or there are too many of them.
    """
    asked = [f for f in fields.values() if f.settings.ask and not f.settings.protect]
    limits = Remember(max_items=MAX_CHANGES, max_length=MAX_QUOTE_LENGTH) if caps else None
    branches = list(_branches(asked, limits))
    if not branches:
        raise SchemaError("this schema has no field that a model may be asked for")
    for branch in branches:
        if _depth(branch) > MAX_DEPTH:
            name = branch["properties"]["field"]["enum"][0]
            raise SchemaError(f"field {name!r} is nested more deeply than strict modes take")
    if sum(map(_enumerated, branches)) > MAX_ENUM_TOTAL:
        raise SchemaError(f"too many fields and choices: strict modes take {MAX_ENUM_TOTAL} in all")
    return {
        "title": "profile_changes",
        "description": "The changes to the user's profile that the messages call for.",
        **closed({"changes": array({"anyOf": branches}, limits)}),
    }


def _branches(fields: list[Field], limits: Remember | None) -> Iterator[Json]:
    """One branch for all fields with the same actions on the same kind of value."""
    groups: dict[str, tuple[list[str], list[Action], Target]] = {}
    for field in fields:
        caps = field.settings if limits else None
        alike: dict[str, list[Target]] = {}
        for target in _targets(field, caps):
            alike.setdefault(canonical(target[1:]), []).append(target)
        for kind, targets in alike.items():
            actions: list[Action] = [target[0] for target in targets]
            group = groups.setdefault(f"{kind} {actions}", ([], actions, targets[0]))
            group[0].append(field.name)
    for names, actions, (_, key, value) in groups.values():
        parts = {
            "quote": text(limits),
            "who": one_of(["user", "other", "assistant"]),
            "field": one_of(names),
            "action": one_of(list[str](actions)),
        }
        yield closed(parts | ({"key": key} if key else {}) | ({"value": value} if value else {}))


def _targets(field: Field, caps: Remember | None) -> Iterator[Target]:
    value = field.value_schema
    any_key = text(replace(caps, max_length=MAX_KEY_LENGTH) if caps else None)
    match field.kind:
        case "scalar":
            yield "set", None, strict(value, caps, field.name)
            yield "clear", None, None
        case "list":
            for action in field.actions:
                yield action, None, strict(value, caps, field.name)
        case "map":
            yield "set", any_key, strict(value, caps, field.name)
            yield "remove", any_key, None
        case "objects":
            yield "add", None, strict(value, caps, field.name)
            yield "remove", any_key, None
            if rest := properties(value, caps, field.name, without=field.settings.key):
                yield "update", any_key, closed(rest)
        case "object":
            yield from _inside(field, caps)


def _inside(field: Field, caps: Remember | None) -> Iterator[Target]:
    """What can be done to the properties of an object; alike ones share a branch."""
    asked = [key for key in field.keys.values() if key.settings.ask and not key.settings.protect]
    groups: dict[str, tuple[list[str], tuple[Action, ...], Json]] = {}
    for key in asked:
        value = strict(_whole(key), caps and key.settings, f"{field.name}.{key.name}")
        actions: tuple[Action, ...] = ("add", "remove") if key.kind == "list" else ("update",)
        kind = canonical([actions, value])
        groups.setdefault(kind, ([], actions, value))[0].append(key.name)
    for names, actions, value in groups.values():
        for action in actions:
            yield action, one_of(names), value
    if plain := [key.name for key in asked if key.kind == "scalar"]:
        yield "clear", one_of(plain), None


def _whole(key: Field) -> Mapping[str, Any]:
    """What stands as ``value`` in a change inside an object."""
    if key.kind == "objects":
        return {"type": "array", "items": key.value_schema}
    if key.kind == "map":
        return {"type": "object", "additionalProperties": key.value_schema}
    return key.value_schema


def _enumerated(schema: Json) -> int:
    """How many enumerated values there are in all."""
    return len(schema.get("enum", ())) + sum(map(_enumerated, _parts(schema)))


def _depth(schema: Json) -> int:
    """How many objects and lists stand in one another, down to the single values."""
    around = "properties" in schema or "items" in schema
    return around + max(map(_depth, _parts(schema)), default=1)


def _parts(schema: Json) -> list[Json]:
    inside = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    return [*inside, schema["items"]] if "items" in schema else inside
