"""One field of a profile: what it holds and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from usermemory.errors import SchemaError
from usermemory.schema.settings import KEYWORD, Remember, caps_of, settings_of, smaller
from usermemory.schema.shape import SCALARS, Json, inline, is_object, simplify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Action

Kind = Literal["scalar", "list", "map", "object", "objects"]

_ACTIONS: Mapping[Kind, tuple[Action, ...]] = {
    "scalar": ("set", "clear"),
    "list": ("add", "remove"),
    "map": ("set", "remove"),
    "object": ("update", "clear"),
    "objects": ("add", "remove", "update"),
}
NAMING = ("name", "title", "id", "key")
"""Properties that name an item, where nothing else is said."""


@dataclass(frozen=True)
class Field:
    """One field, reduced to what a model can be asked for.

    Attributes:
        name: As it stands in the document (the alias, where the schema has one).
        kind: A single value, a list of values, a map from strings to values, an object with known
            properties, or a list of such objects.
        value_schema: JSON Schema of the value, or of one item of a list or map.
        description: What the field means, in the schema's words.
        title: Its title in the schema.
        settings: What `Remember` says, with the caps of the schema itself in it, each None where
            nothing is said; ``key`` for ``objects`` only.
        nullable: Null is a value of the source's own type.
        required: The source demands it and has no default.
        default: What stands in an empty document: the schema's default, else null for a single
            value and something empty for the rest. Lists, maps and objects are never null.
        keys: The properties of an object, or of the objects of a list.
        actions: What a change may do.
    """

    name: str
    kind: Kind
    value_schema: Mapping[str, Any]
    description: str = ""
    title: str = ""
    settings: Remember = field(default_factory=Remember)
    nullable: bool = False
    required: bool = False
    default: Any = None
    keys: Mapping[str, Field] = field(default_factory=dict[str, "Field"])
    actions: tuple[Action, ...] = ()


def field_of(
    name: str, raw: Mapping[str, Any], root: Mapping[str, Any], *, required: bool, path: str = ""
) -> Field:
    """Read one property of a JSON Schema.

    Args:
        name: The property's name.
        raw: Its schema.
        root: The whole schema, for references.
        required: Whether the whole schema demands it.
        path: How to name it in errors; default its name.

    Raises:
        SchemaError: A model cannot be asked for it, unless ``ask`` is False.
    """
    path = path or name
    settings = settings_of(raw.get(KEYWORD, {}), path)
    try:
        schema, nullable = simplify(inline(raw, root, path), path)
        found = _shaped(name, schema, settings_of(schema.get(KEYWORD, {}), path), path)
    except SchemaError:
        if settings.ask:
            raise
        # Nobody will be asked for it, so it may be anything: a value as a whole.
        schema, nullable = dict(raw), True
        found = Field(name, "scalar", {}, settings=settings, actions=_ACTIONS["scalar"])
    return replace(
        found,
        description=str(schema.get("description", "")),
        title=str(schema.get("title", "")),
        nullable=nullable,
        required=required,
        default=_default(found, schema),
    )


def _shaped(name: str, schema: Json, settings: Remember, path: str) -> Field:
    """The kind of field that this schema makes."""
    kind = schema.get("type")
    if kind in SCALARS:
        return _field(name, "scalar", schema, schema, settings)
    if kind == "array" and is_object(schema.get("items")):
        item, _ = simplify(schema["items"], path)
        if item.get("type") in SCALARS:
            return _field(name, "list", schema, item, settings)
        if "properties" in item:
            keys = _properties(item, f"{path}[]")
            settings = replace(settings, key=_naming(keys, settings.key, path))
            return _field(name, "objects", schema, item, settings, keys)
    if "properties" in schema:
        return _field(name, "object", schema, schema, settings, _properties(schema, path))
    if kind == "object" and is_object(values := _map_values(schema)):
        item, _ = simplify(values, path)
        return _field(name, "map", schema, item, settings, _properties(item, path + "{}"))
    raise SchemaError(
        f"field {path!r} has no shape that a model can be asked for ({kind or 'any value'}): a "
        "single value, a list, a map from strings, an object with known properties or a list of "
        "those. Keep it from the model by Annotated[…, Remember(ask=False)]"
    )


def _field(
    name: str,
    kind: Kind,
    schema: Json,
    item: Json,
    settings: Remember,
    keys: Mapping[str, Field] | None = None,
) -> Field:
    settings = replace(
        settings,
        max_items=smaller(settings.max_items, caps_of(schema)[0]),
        max_length=smaller(settings.max_length, caps_of(item)[1]),
        examples=settings.examples or tuple(schema.get("examples", ())),
    )
    actions = _ACTIONS[kind]
    if kind == "object" and any(key.kind == "list" for key in (keys or {}).values()):
        actions += ("add", "remove")
    return Field(name, kind, item, settings=settings, keys=keys or {}, actions=actions)


def _properties(schema: Json, path: str) -> Mapping[str, Field]:
    needed = schema.get("required", ())
    return MappingProxyType(
        {
            name: field_of(name, part, schema, required=name in needed, path=f"{path}.{name}")
            for name, part in schema.get("properties", {}).items()
        }
    )


def _map_values(schema: Json) -> Any:
    """The schema of a map's values; Pydantic writes keys with a pattern in another place."""
    patterns = list(schema.get("patternProperties", {}).values())
    return patterns[0] if len(patterns) == 1 else schema.get("additionalProperties")


def _naming(keys: Mapping[str, Field], wanted: str | None, path: str) -> str:
    """The property by which an item of a list of objects is addressed."""
    plain = [name for name, key in keys.items() if key.kind == "scalar" and key.settings.ask]
    if wanted is not None and wanted not in plain:
        raise SchemaError(f"field {path!r}: key {wanted!r} is no plain property of its items")
    found = wanted or next((name for name in NAMING if name in plain), None)
    if found is None and not plain:
        raise SchemaError(f"field {path!r}: its items have no plain property to name them by")
    return found or plain[0]


def _default(found: Field, schema: Json) -> Any:
    written: Any = schema.get("default")
    if found.kind == "scalar":
        return written
    if found.kind == "object":
        inside: Json = {name: key.default for name, key in found.keys.items()}
        inside.update(written or {})
        return inside
    empty: Any = {} if found.kind == "map" else []
    return written or empty
