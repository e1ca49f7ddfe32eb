"""A twin of a type in which nothing is required, for profiles that are not complete yet.

A new user's profile is empty, whatever the schema demands. The twin is a subclass with the same
validators, so what is known is judged as in the source; what is missing is null or empty.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import BaseModel, Field, create_model
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic.fields import FieldInfo

from usermemory.schema.typed_dict import keys, typed_dict

_ALIASES = ("alias", "validation_alias", "serialization_alias", "alias_priority")
_CONTAINERS = (list, set, frozenset, tuple, dict)


def partial(annotation: Any, above: tuple[Any, ...] = ()) -> Any:
    """The twin of a model, dataclass or TypedDict, also inside of ``… | None``; else the same."""
    above, outer = (*above, annotation), above
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return Annotated[(partial(inner, above), *metadata)]
    if get_origin(annotation) in {Union, types.UnionType}:
        return Union[tuple(partial(part, above) for part in get_args(annotation))]  # noqa: UP007
    if annotation in outer or not inspect.isclass(annotation):
        return annotation
    if typing_extensions.is_typeddict(annotation):
        return _typed_dict(annotation, above)
    if issubclass(annotation, BaseModel):
        return _model(annotation, above)
    return _dataclass(annotation, above) if dataclasses.is_dataclass(annotation) else annotation


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
        changed[name] = (annotation, Field(**aliases, **default))
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
            default = Field(default_factory=field.default_factory)
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
