"""TypedDicts as ``typing_extensions`` makes them: Pydantic takes no others before Python 3.12."""

from __future__ import annotations

import types
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin

import typing_extensions

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
