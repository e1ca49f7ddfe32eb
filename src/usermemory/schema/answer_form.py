"""What a model fills in: a typed list of changes, derived from the fields.

The form says which actions fit which field, and how objects are built; what a field means, its
options and its units stand in the prompt, so that nothing is said twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.errors import SchemaError
from usermemory.schema.fields import FORM_MAX_ITEMS, FORM_MAX_LENGTH, Remember, caps_of, smaller
from usermemory.schema.shape import KEYWORD, SCALARS, Json, canonical, is_object, simplify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from usermemory.records import Action
    from usermemory.schema.fields import Field


MAX_ENUM = 100
"""The values of a longer enumeration are not spelled out; the document is validated anyway."""

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_BOUNDS = ("minimum", "maximum")


def strict(schema: Mapping[str, Any], caps: Remember | None, path: str) -> Json:
    """The schema of one value.

    Args:
        schema: An inlined JSON Schema.
        caps: Its ``max_length`` bounds every string in the value, beside what the string's own
            schema says; None leaves out all that only some modes take. Lists in the value are
            bounded by their own schemas: ``max_items`` counts the items of the whole field.
        path: How to name it in errors.

    Raises:
        SchemaError: It cannot be said in this dialect.
    """
    plain, may_be_null = simplify(schema, path)
    kind = plain.get("type")
    if kind in SCALARS:
        made = _scalar(plain, caps)
    elif kind == "array" and is_object(plain.get("items")):
        own = None if caps is None else Remember(max_items=caps_of(plain)[0])
        made = array(strict(plain["items"], caps, f"{path}[]"), own)
    elif "properties" in plain:
        made = closed(properties(plain, caps, path))
    else:
        raise SchemaError(
            f"field {path!r} is a free-form {kind or 'value'}, which strict modes refuse. Give it "
            "a type, or keep it from the model by Annotated[…, Remember(ask=False)]"
        )
    return nullable(made) if may_be_null else made


def _scalar(plain: Json, caps: Remember | None) -> Json:
    made: Json = {"type": plain["type"]}
    if len(plain.get("enum", ())) in range(1, MAX_ENUM + 1):
        return made | {"enum": plain["enum"]}
    if plain.get("format") in _FORMATS:
        return made | {"format": plain["format"]}
    if caps is None:
        return made
    if plain["type"] == "string":
        return made | {"maxLength": smaller(caps_of(plain)[1], caps.max_length) or FORM_MAX_LENGTH}
    return made | {word: plain[word] for word in _BOUNDS if word in plain}


def properties(
    plain: Mapping[str, Any], caps: Remember | None, path: str, without: str | None = None
) -> Json:
    """The properties of an object that may be asked for; the optional ones may be null.

    Args:
        plain: The object's schema.
        caps: As for `strict`.
        path: How to name it in errors.
        without: Leave this one out, and let every other be null: for an update of some.
    """
    needed = plain.get("required", ()) if without is None else ()
    found: Json = {}
    for name, part in plain["properties"].items():
        if name != without and part.get(KEYWORD, {}).get("ask", True):
            value = strict(part, caps, f"{path}.{name}")
            found[name] = value if name in needed else nullable(value)
    return found


def nullable(schema: Json) -> Json:
    """Or null."""
    return schema if "anyOf" in schema else {"anyOf": [schema, {"type": "null"}]}


def closed(parts: Json) -> Json:
    """An object of exactly these properties."""
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }


def array(items: Json, caps: Remember | None) -> Json:
    """A list of at most ``caps.max_items``, or `FORM_MAX_ITEMS`, of these; of any, without caps."""
    made: Json = {"type": "array", "items": items}
    return made if caps is None else made | {"maxItems": caps.max_items or FORM_MAX_ITEMS}


def text(caps: Remember | None) -> Json:
    """Any string, of ``caps.max_length`` or `FORM_MAX_LENGTH` characters; of any, without caps."""
    made: Json = {"type": "string"}
    return made if caps is None else made | {"maxLength": caps.max_length or FORM_MAX_LENGTH}


def one_of(values: list[str]) -> Json:
    """One of these strings (an enumeration of one, since not every mode knows ``const``)."""
    return {"type": "string", "enum": values}


MAX_CHANGES = 20
MAX_KEY_LENGTH = 100
MAX_QUOTE_LENGTH = 200
MAX_ENUM_TOTAL = 1_000
MAX_DEPTH = 8
"""Of one change: OpenAI takes 10 levels, two of which are the list around it."""

_CAPS = Remember(max_items=MAX_CHANGES)


def change_schema(fields: Mapping[str, Field], *, caps: bool) -> Json:
    """The JSON Schema of ``{"changes": […]}``, the same bytes for the same fields.

    A change is a quote, an action ("add interests"), a key where there are fields with keys, and a
    value: of any of the types that the fields have, or null.

    Args:
        fields: The fields of a profile.
        caps: Also say how long strings and lists may be.

    Raises:
        SchemaError: A field cannot be asked for, or there are too many of them.
    """
    asked = [f for f in fields.values() if f.settings.ask and not f.settings.protect]
    limits = _CAPS if caps else None
    actions = [f"{action} {name}" for field in asked for action, name in _actions(field)]
    if not actions:
        raise SchemaError("this schema has no field that a model may be asked for")
    parts: Json = {"quote": text(limits and replace(limits, max_length=MAX_QUOTE_LENGTH))}
    parts["action"] = one_of(actions)
    if any(field.kind not in ("scalar", "list") for field in asked):
        parts["key"] = nullable(text(limits and replace(limits, max_length=MAX_KEY_LENGTH)))
    parts["value"] = _value(asked, limits)
    change = closed(parts)
    if _enumerated(change) > MAX_ENUM_TOTAL:
        raise SchemaError(f"too many fields and choices: strict modes take {MAX_ENUM_TOTAL} in all")
    return {"title": "profile_changes", **closed({"changes": array(change, limits)})}


def _actions(field: Field) -> Iterator[tuple[Action, str]]:
    for action in field.actions:
        yield action, field.name


def _value(asked: list[Field], limits: Remember | None) -> Json:
    """Any of the types of value that some field takes, each once, or null."""
    found: dict[str, Json] = {}
    for field in asked:
        for part in _types(field, field.settings if limits else None):
            if _depth(part) > MAX_DEPTH:
                raise SchemaError(
                    f"field {field.name!r} is nested more deeply than strict modes take"
                )
            single = part["type"] in SCALARS
            known = found.setdefault(part["type"] if single else canonical(part), part)
            if single and "maxLength" in part:
                known["maxLength"] = max(known["maxLength"], part["maxLength"])
    if "number" in found:
        found.pop("integer", None)
    return {"anyOf": [*found.values(), {"type": "null"}]}


def _types(field: Field, caps: Remember | None) -> Iterator[Json]:
    match field.kind:
        case "scalar" | "list" | "map":
            yield _plain(field.value_schema, caps, field.name)
        case "objects":
            yield closed(properties(field.value_schema, caps, field.name, without=""))
        case "object":
            for key in field.keys.values():
                if key.settings.ask and not key.settings.protect:
                    yield _plain(_whole(key), caps and key.settings, f"{field.name}.{key.name}")


def _plain(schema: Mapping[str, Any], caps: Remember | None, path: str) -> Json:
    """The type of a value; of single ones no more than that, since the prompt says the rest."""
    made = strict(schema, caps, path)
    if "anyOf" in made:
        made = made["anyOf"][0]
    if made["type"] not in SCALARS:
        return made
    if caps is None or made["type"] != "string":
        return {"type": made["type"]}
    return {"type": "string", "maxLength": made.get("maxLength", FORM_MAX_LENGTH)}


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
