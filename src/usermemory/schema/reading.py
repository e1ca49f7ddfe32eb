"""Two ways to judge a document: by Pydantic for Python types, by jsonschema for plain schemas."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
from itertools import chain
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NotRequired,
    Protocol,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pydantic
import typing_extensions
from pydantic import BaseModel, Discriminator, TypeAdapter, ValidationError, create_model
from pydantic.alias_generators import to_camel, to_pascal
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from usermemory.errors import InvalidDocument
from usermemory.schema.form import sourced
from usermemory.schema.shape import KEYWORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import core_schema

    from usermemory.schema.fields import Field
    from usermemory.schema.shape import Json


_MARKS: tuple[Any, ...] = (Required, NotRequired)
_GENERIC: tuple[Any, ...] = (list, set, frozenset, tuple, dict)


def modern(annotation: Any) -> Any:
    """The annotation with every TypedDict in it made anew; anything else stays as it is."""
    if typing_extensions.is_typeddict(annotation):
        return typed_dict(annotation, {name: modern(hint) for name, hint in keys(annotation)})
    origin: Any = get_origin(annotation)
    arguments: tuple[Any, ...] = get_args(annotation)
    if origin is Annotated:
        return Annotated[(modern(arguments[0]), *arguments[1:])]
    if origin is Union or origin is types.UnionType:
        return Union[tuple(map(modern, arguments))]  # noqa: UP007 (built at run time)
    if origin in _MARKS:
        return origin[modern(arguments[0])]
    if arguments and origin in _GENERIC:
        return origin[tuple(map(modern, arguments))]
    return annotation


def keys(source: Any) -> list[tuple[str, Any]]:
    """Every key with its type, always marked as required or not."""
    hints = typing_extensions.get_type_hints(source, include_extras=True)
    return [
        (name, hint if get_origin(hint) in _MARKS else _mark(source, name)[hint])
        for name, hint in hints.items()
    ]


def _mark(source: Any, name: str) -> Any:
    return Required if name in source.__required_keys__ else NotRequired


def typed_dict(source: Any, hints: dict[str, Any]) -> Any:
    """A TypedDict of the same name and docstring with these keys."""
    make: Any = typing_extensions.TypedDict  # a type checker knows only literal ones
    made = make(source.__name__, hints)
    made.__doc__ = source.__doc__
    return made


_ALIASES = ("alias", "validation_alias", "serialization_alias", "alias_priority")
_CONTAINERS = (list, set, frozenset, tuple, dict)


def partial(annotation: Any, above: tuple[Any, ...] = ()) -> Any:
    """The twin of a model, dataclass or TypedDict, also inside of ``… | None``; else the same."""
    above, outer = (*above, annotation), above
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        kept = [one for said in metadata for one in _untagged(said)]
        return Annotated[(partial(inner, above), *kept)] if kept else partial(inner, above)
    if get_origin(annotation) in {Union, types.UnionType}:
        return Union[tuple(partial(part, above) for part in get_args(annotation))]  # noqa: UP007
    if annotation in outer or not inspect.isclass(annotation):
        return annotation
    if typing_extensions.is_typeddict(annotation):
        return _typed_dict(annotation, above)
    if issubclass(annotation, BaseModel):
        return _model(annotation, above)
    return _dataclass(annotation, above) if dataclasses.is_dataclass(annotation) else annotation


def _untagged(metadata: Any) -> Iterable[Any]:
    """Metadata without what tells a union's members apart: in a twin that may be missing too."""
    if isinstance(metadata, Discriminator):
        return ()
    tagged = isinstance(metadata, FieldInfo) and metadata.discriminator is not None
    return metadata.metadata if tagged else (metadata,)


def _model(source: type[BaseModel], above: tuple[Any, ...]) -> type[BaseModel]:
    changed = _loosened(source.model_fields, above)
    if not changed:
        return source
    return create_model(source.__name__, __base__=source, __module__=source.__module__, **changed)


def _loosened(fields: dict[str, FieldInfo], above: tuple[Any, ...]) -> dict[str, Any]:
    """The fields a twin declares anew: the required ones, and those with a twin of their own."""
    changed: dict[str, Any] = {}
    for name, info in fields.items():
        annotation = partial(info.annotation, above)
        if info.is_required():
            default = _nothing(annotation)
            annotation = annotation | None
        elif annotation is not info.annotation:
            default = _default(info)
        else:
            continue
        aliases = {word: getattr(info, word) for word in _ALIASES if getattr(info, word)}
        if info.metadata:
            annotation = Annotated[(annotation, *info.metadata)]
        changed[name] = (annotation, pydantic.Field(**aliases, **default))
    return changed


def _default(info: FieldInfo) -> dict[str, Any]:
    if info.default_factory is not None:
        return {"default_factory": info.default_factory}
    return {"default": info.default}


def _nothing(annotation: Any) -> dict[str, Any]:
    for choice in (annotation, *get_args(annotation)):
        if (container := get_origin(choice)) in _CONTAINERS:
            return {"default_factory": container}
    return {"default": None}


def _dataclass(source: Any, above: tuple[Any, ...]) -> Any:
    changed = _loosened(_dataclass_fields(source), above)
    if not changed:
        return source
    twin = dataclasses.make_dataclass(
        source.__name__,
        [(name, annotation, field) for name, (annotation, field) in changed.items()],
        bases=(source,),
        frozen=source.__dataclass_params__.frozen,
    )
    return pydantic_dataclass(twin) if is_pydantic_dataclass(source) else twin


def _dataclass_fields(source: Any) -> dict[str, FieldInfo]:
    """What Pydantic makes of a dataclass's fields; it keeps them for its own dataclasses only."""
    if is_pydantic_dataclass(source):
        return dict(source.__pydantic_fields__)
    hints = get_type_hints(source, include_extras=True)
    fields: dict[str, FieldInfo] = {}
    for field in dataclasses.fields(source):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = pydantic.Field(default_factory=field.default_factory)
        hint = hints[field.name]
        fields[field.name] = (
            FieldInfo.from_annotation(hint)
            if default is dataclasses.MISSING
            else FieldInfo.from_annotated_attribute(hint, default)
        )
    return fields


def _typed_dict(source: Any, above: tuple[Any, ...]) -> Any:
    bare = {name: get_args(hint)[0] for name, hint in keys(source)}
    return typed_dict(
        source, {name: NotRequired[partial(hint, above)] for name, hint in bare.items()}
    )


class Unreadable(InvalidDocument):
    """A refused document; ``problems`` say where (nowhere, if it is the whole) and why."""

    def __init__(self, problems: Iterable[tuple[tuple[Any, ...], str]]) -> None:
        self.problems = list(problems)
        texts = [
            f"{'.'.join(map(str, place)) or 'profile'}: {text}" for place, text in self.problems[:5]
        ]
        super().__init__("; ".join(texts))


def called(part: Json, names: Iterable[str]) -> Json:
    """A property's schema that says by which names it was stored before, those it says itself too.

    Args:
        part: The schema.
        names: The names to add.
    """
    settings = part.get(KEYWORD, {})
    was = settings.get("was", ())
    olds = dict.fromkeys([*((was,) if isinstance(was, str) else was), *names])
    return {**part, KEYWORD: {**settings, "was": list(olds)}} if olds else part


def _spellings(name: str) -> set[str]:
    """How Python and generators of aliases write a name; a single word may be another name."""
    many = {to_camel(name), to_pascal(name), name.replace("_", "-")} if "_" in name else set[str]()
    return {name, *many}


class WithOldNames(GenerateJsonSchema):
    """JSON Schema in which fields with an alias were once called as in Python, and others not.

    An alias that a class gains, or the generator of aliases that it loses (camel or Pascal case,
    words with hyphens), renames nothing: what was stored under the one name is read under the
    other. Names that the class itself uses otherwise are left out.
    """

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> Json:
        """The properties of a model."""
        return self._with_old_names(super().model_fields_schema(schema), schema["fields"])

    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> Json:
        """The properties of a dataclass."""
        fields = {field["name"]: field for field in schema["fields"]}
        return self._with_old_names(super().dataclass_args_schema(schema), fields)

    def _with_old_names(self, made: Json, fields: Mapping[str, Any]) -> Json:
        properties: Json = made.get("properties", {})
        names = {name: field.get("serialization_alias", name) for name, field in fields.items()}
        used = {*properties, *chain.from_iterable(map(_own_names, properties.values()))}
        for name, written in names.items():
            olds = _spellings(name) - used
            if written in properties:
                properties[written] = called(properties[written], sorted(olds))
                used |= olds
        return made


def _own_names(part: Json) -> Iterable[str]:
    was = part.get(KEYWORD, {}).get("was", ())
    return (was,) if isinstance(was, str) else was


class Reader(Protocol):
    """Turns kept documents into the source's own values and back."""

    def read(self, fields: Mapping[str, Field], document: Json) -> Any:
        """The source's own instance; `Unreadable` if it refuses the document."""
        ...

    def write(self, value: Any) -> Json:
        """The JSON document of an instance."""
        ...


class TypedReader:
    """Pydantic models, dataclasses and TypedDicts.

    Args:
        source: The type.
        given: Of fields that are read under another name than they are written, that name.
    """

    def __init__(self, source: Any, given: Mapping[str, str] | None = None) -> None:
        self._whole: TypeAdapter[Any] = TypeAdapter(source)
        self._partial: TypeAdapter[Any] = TypeAdapter(partial(source))
        self._given = dict(given or {})
        self._written = {name: written for written, name in self._given.items()}

    def read(self, fields: Mapping[str, Field], document: Json) -> Any:
        """An instance of the source, or of its twin while something required is missing."""
        try:
            return self._whole.validate_json(self._text(fields, document, partial=False))
        except Exception:  # noqa: BLE001, S110 - the twin is asked next, and says what is wrong
            pass
        try:
            return self._partial.validate_json(self._text(fields, document, partial=True))
        except ValidationError as error:
            raise Unreadable(map(self._problem, error.errors())) from error
        except Exception as error:  # a validator of the application's met what it did not expect
            raise Unreadable([((), f"its own validator fails: {type(error).__name__}")]) from error

    def _text(self, fields: Mapping[str, Field], document: Json, *, partial: bool) -> str:
        found = sourced(fields, document, partial=partial)
        return json.dumps({self._given.get(name, name): value for name, value in found.items()})

    def _problem(self, error: Mapping[str, Any]) -> tuple[tuple[Any, ...], str]:
        place: tuple[Any, ...] = error["loc"]
        return (*(self._written.get(str(step), step) for step in place[:1]), *place[1:]), error[
            "msg"
        ]

    def write(self, value: Any) -> Json:
        """The JSON document of an instance, without computed fields."""
        document: Json = self._whole.dump_python(
            value, mode="json", by_alias=True, round_trip=True, warnings=False
        )
        return document


class PlainReader:
    """JSON Schema dicts."""

    def __init__(self, schema: Json) -> None:
        from jsonschema.validators import Draft202012Validator, validator_for

        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
        self._validator = kind(_relaxed(schema), format_checker=kind.FORMAT_CHECKER)

    def read(self, fields: Mapping[str, Field], document: Json) -> Any:
        """The document itself."""
        given = sourced(fields, document, partial=True)
        problems = [(tuple(e.absolute_path), e.message) for e in self._validator.iter_errors(given)]
        if problems:
            raise Unreadable(problems)
        return dict(document)

    def write(self, value: Any) -> Json:
        """The same."""
        return dict(value)


def _relaxed(schema: Json) -> Json:
    loose = {word: value for word, value in schema.items() if word != "required"}
    if "properties" in schema:
        loose["properties"] = {name: _relaxed(part) for name, part in schema["properties"].items()}
    for word in schema.keys() & {"anyOf", "oneOf"}:
        loose[word] = [_relaxed(part) for part in schema[word]]
    return loose
