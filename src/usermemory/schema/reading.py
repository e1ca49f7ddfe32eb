"""Two ways to judge a document: by Pydantic for Python types, by jsonschema for plain schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import TypeAdapter, ValidationError

from usermemory.errors import InvalidDocument
from usermemory.schema.form import sourced
from usermemory.schema.partial import partial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from usermemory.schema.field import Field
    from usermemory.schema.shape import Json


class Unreadable(InvalidDocument):
    """A refused document; ``problems`` say where (nowhere, if it is the whole) and why."""

    def __init__(self, problems: Iterable[tuple[tuple[Any, ...], str]]) -> None:
        self.problems = list(problems)
        texts = [
            f"{'.'.join(map(str, place)) or 'profile'}: {text}" for place, text in self.problems[:5]
        ]
        super().__init__("; ".join(texts))


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
