"""JSON Schema in the dialect that the strictest modes of all providers have in common.

Every object closed and all its properties required (null stands for "not given"), no free-form
objects, no unions but with null, no references, no defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.errors import SchemaError
from usermemory.schema.settings import (
    FORM_MAX_ITEMS,
    FORM_MAX_LENGTH,
    KEYWORD,
    Remember,
    caps_of,
    smaller,
)
from usermemory.schema.shape import SCALARS, Json, is_object, simplify

if TYPE_CHECKING:
    from collections.abc import Mapping

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
