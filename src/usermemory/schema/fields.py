"""The fields of a profile: what each holds, what may be done with it, and a ready schema."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict

from usermemory.errors import SchemaError
from usermemory.schema.shape import KEYWORD, SCALARS, Json, inline, is_object, simplify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Action


MAX_LENGTH = 2_000
"""Characters of a string of which nothing is said: what is longer is a text, no fact."""

FORM_MAX_LENGTH = 500
FORM_MAX_ITEMS = 100
"""Bounds of strings and lists in the form that a model fills in, where the field has none: a
grammar without bounds lets a small model go on for ever. They bind nothing but the form."""


@dataclass(frozen=True)
class Remember:
    """Settings of one field: ``interests: Annotated[list[str], Remember(max_items=20)]``.

    In a JSON Schema dict the same names stand under ``"x-remember"`` beside ``"type"``.

    Attributes:
        ask: False: the model is never asked for this field; your code and edits may set it.
        protect: True: only an edit by hand changes it.
        about: ``"anyone"``: facts about other people may be kept here too.
        max_items: Most items of a list, or keys of a map. Default: as many as the schema itself
            allows, else any number. Where both say something, the smaller one counts.
        max_length: Most characters of each string. Default: as many as the schema itself allows,
            else `MAX_LENGTH`. Where both say something, the smaller one counts.
        instructions: What becomes of a change that the second look judges to be an order to the
            bot: ``"refuse"`` it, or keep it as a plainly marked ``"quote"`` of the user
            (``said: “always answer in French”``). What imitates a prompt's own structure, or hides
            characters, is refused in any case.
        verify: When a model takes a second look at a change of this field before it is made:
            ``"always"``, ``"auto"`` (where code has a doubt) or ``"off"``; default what the memory
            was opened with.
        review: True: a change of this field waits for a person (`UserMemory.proposals`), also
            where the memory was opened without ``review``; False: none does. Default: what the
            memory was opened with.
        examples: Values that show the model what is meant.
        key: For lists of objects, the property that names an item; default ``name``, ``title``,
            ``id`` or ``key``, else the first plain property.
        stale_after: Days after which a value that nobody has said again is marked as old, in the
            prompt ("in March 2025") and by `Recalled.dates`; it is never removed for that.
        retention: Days after which `UserMemory.retain` erases a value that nobody has said again,
            or ``"forever"``; default what the memory was opened with.
        was: What the field was called before, one name or several: its values, their history,
            evidence and erasures belong to the new name.
    """

    ask: bool = True
    protect: bool = False
    about: Literal["user", "anyone"] = "user"
    max_items: int | None = None
    max_length: int | None = None
    instructions: Literal["refuse", "quote"] = "refuse"
    verify: Literal["auto", "always", "off"] | None = None
    review: bool | None = None
    examples: tuple[Any, ...] = ()
    key: str | None = None
    stale_after: float | None = None
    retention: float | Literal["forever"] | None = None
    was: str | tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Write the settings into the JSON Schema, so that every kind of source ends up alike."""
        schema: dict[str, Any] = handler(core_schema)
        schema[KEYWORD] = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if getattr(self, f.name) != f.default
        }
        return schema


def settings_of(written: Mapping[str, Any], path: str) -> Remember:
    """Read ``x-remember``; `SchemaError` names the field whose settings make no sense."""
    unknown = sorted(set(written) - {f.name for f in fields(Remember)})
    if unknown:
        raise SchemaError(f"field {path!r}: {KEYWORD} has no setting {unknown[0]!r}")
    was = written.get("was", ())
    told: dict[str, Any] = {
        **written,
        "examples": tuple(written.get("examples", ())),
        "was": (was,) if isinstance(was, str) else tuple(was),
    }
    settings = Remember(**told)
    for name in ("max_items", "max_length"):
        cap = getattr(settings, name)
        if cap is not None and (type(cap) is not int or cap < 1):
            raise SchemaError(
                f"field {path!r}: {name} must be a whole number, at least 1, not {cap!r}"
            )
    _check_days(settings, path)
    if not all(type(name) is str and name for name in settings.was):
        raise SchemaError(f"field {path!r}: was is a name or several, not {was!r}")
    if settings.about not in {"user", "anyone"}:
        raise SchemaError(
            f"field {path!r}: about must be 'user' or 'anyone', not {settings.about!r}"
        )
    if settings.instructions not in {"refuse", "quote"}:
        raise SchemaError(
            f"field {path!r}: instructions must be 'refuse' or 'quote', "
            f"not {settings.instructions!r}"
        )
    if settings.verify not in {None, "auto", "always", "off"}:
        raise SchemaError(
            f"field {path!r}: verify must be 'auto', 'always' or 'off', not {settings.verify!r}"
        )
    if settings.review not in (None, True, False):
        raise SchemaError(f"field {path!r}: review must be true or false, not {settings.review!r}")
    return settings


def _check_days(settings: Remember, path: str) -> None:
    for name in ("stale_after", "retention"):
        days = getattr(settings, name)
        if (
            (name, days) != ("retention", "forever")
            and days is not None
            and (type(days) not in (int, float) or not 0 < days < inf)
        ):
            raise SchemaError(
                f"field {path!r}: {name} must be a number of days, above 0, not {days!r}"
            )


def smaller(*caps: int | None) -> int | None:
    """The smallest of the caps that are there; None where there is none."""
    return min((cap for cap in caps if cap is not None), default=None)


def caps_of(schema: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """What the JSON Schema of a value says of its own items (or keys), and of its own length."""
    written = schema.get(KEYWORD, {})
    items = smaller(schema.get("maxItems"), schema.get("maxProperties"), written.get("max_items"))
    return items, smaller(schema.get("maxLength"), written.get("max_length"))


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
        title: Its title in the schema, or that of its class.
        own_title: Whether the title is the field's own.
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
    own_title: bool = False
    settings: Remember = field(default_factory=Remember)
    nullable: bool = False
    required: bool = False
    default: Any = None
    keys: Mapping[str, Field] = field(default_factory=dict[str, "Field"])
    actions: tuple[Action, ...] = ()


def field_from(
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
        own_title=bool(raw.get("title")),
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
            name: field_from(name, part, schema, required=name in needed, path=f"{path}.{name}")
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


class UserProfile(BaseModel):
    """What is known about a user."""

    model_config = ConfigDict(defer_build=True)  # who has a schema of their own never needs it

    name: str | None = pydantic.Field(None, description="The user's own name")
    age: int | None = pydantic.Field(None, ge=0, le=150, description="The user's own age in years")
    interests: list[str] = pydantic.Field(
        default_factory=list,
        description="The user's hobbies, likes and beliefs, one short item each",
    )
    core_memories: Annotated[list[str], Remember(about="anyone")] = pydantic.Field(
        default_factory=list,
        description=(
            "Other important facts about the user's life, including family, friends and pets; "
            "one short sentence each"
        ),
    )
