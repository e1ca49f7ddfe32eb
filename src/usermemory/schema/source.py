"""Make a schema from whatever a team already has."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import typing_extensions
from pydantic import AliasChoices, BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError

from usermemory.errors import SchemaError
from usermemory.schema.reading import PlainReader, TypedReader
from usermemory.schema.schema import Schema
from usermemory.schema.settings import KEYWORD
from usermemory.schema.shape import is_object, placed, rooted
from usermemory.schema.typed_dict import modern


def schema_of(source: Any) -> Schema:
    """The schema of a profile.

    Args:
        source: A Pydantic model class, a dataclass, a TypedDict, a JSON Schema dict, or a Schema.

    Raises:
        SchemaError: Names the field that a model cannot be asked for.
    """
    if isinstance(source, Schema):
        return source
    if is_object(source):
        return _plain(rooted(source))
    if inspect.isclass(source) and (
        issubclass(source, BaseModel)
        or dataclasses.is_dataclass(source)
        or typing_extensions.is_typeddict(source)
    ):
        return _typed(source)
    raise SchemaError(
        f"{source!r} is no schema: pass a Pydantic model class, a dataclass, a TypedDict or a "
        "JSON Schema dict"
    )


def _plain(schema: dict[str, Any]) -> Schema:
    from jsonschema import SchemaError as Malformed

    if not isinstance(schema.get("properties"), dict):
        raise SchemaError("a JSON Schema of profiles is an object with 'properties'")
    try:
        reader = PlainReader(placed(schema))
    except Malformed as error:
        place = ".".join(str(step) for step in error.absolute_path) or "the schema"
        raise SchemaError(f"{place}: {error.message}") from error
    return Schema(schema, reader)


def _typed(source: Any) -> Schema:
    original = source
    try:
        source = modern(source)
        adapter = TypeAdapter[Any](source)
        kept = rooted(adapter.json_schema(mode="serialization"))
        given = rooted(adapter.json_schema(mode="validation"))
        aliases = _read_as(source)
        reader = TypedReader(source, {name: names[0] for name, names in aliases.items()})
    except (NameError, PydanticUserError) as error:
        raise SchemaError(f"{source.__name__}: {error}") from error
    computed = {name for name, part in _properties(kept).items() if part.get("readOnly")}
    kept["properties"] = {
        name: part for name, part in _properties(kept).items() if name not in computed
    }
    for name, names in aliases.items():
        if name in kept["properties"]:
            part = kept["properties"][name]
            settings = part.get(KEYWORD, {})
            was = settings.get("was", ())
            olds = [*((was,) if isinstance(was, str) else was), *(n for n in names if n != name)]
            kept["properties"][name] = {**part, KEYWORD: {**settings, "was": olds}}
    readable = {aliases.get(name, (name,))[0] for name in kept["properties"]}
    for name in readable ^ _properties(given).keys():
        raise SchemaError(
            f"field {name!r} is not read under the name it is written: give it one alias, and "
            "do not exclude it"
        )
    for name, part in kept["properties"].items():
        if part.get("writeOnly"):
            raise SchemaError(
                f"field {name!r} hides its value when it is written: use a plain type"
            )
    return Schema(kept, reader, original)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def _read_as(source: Any) -> dict[str, tuple[str, ...]]:
    """The fields that Pydantic reads under other names than it writes: those names.

    A field that got ``validation_alias="city"`` was called so before: the same as
    ``Remember(was="city")``.
    """
    infos = getattr(source, "model_fields", None) or getattr(source, "__pydantic_fields__", {})
    found: dict[str, tuple[str, ...]] = {}
    for name, info in infos.items():
        written = info.serialization_alias or info.alias or name
        alias = info.validation_alias or info.alias or name
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        names = tuple(choice for choice in choices if isinstance(choice, str))
        if names and names != (written,):
            found[written] = names
    return found
