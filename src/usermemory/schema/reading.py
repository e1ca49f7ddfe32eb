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


class Misfit(InvalidDocument):
    """A refused document; ``fields`` are the ones to blame, none when it is the whole."""

    def __init__(self, problems: Iterable[tuple[tuple[Any, ...], str]]) -> None:
        listed = list(problems)
        self.fields = frozenset(str(place[0]) for place, _ in listed if place)
        texts = [f"{'.'.join(map(str, place)) or 'profile'}: {text}" for place, text in listed[:5]]
        super().__init__("; ".join(texts))


class Reader(Protocol):
    """Turns kept documents into the source's own values and back."""

    def read(self, fields: Mapping[str, Field], document: Json) -> Any:
        """The source's own instance; `Misfit` if it refuses the document."""
        ...

    def write(self, value: Any) -> Json:
        """The JSON document of an instance."""
        ...


class TypedReader:
    """Pydantic models, dataclasses and TypedDicts."""

    def __init__(self, source: Any) -> None:
        self._whole: TypeAdapter[Any] = TypeAdapter(source)
        self._partial: TypeAdapter[Any] = TypeAdapter(partial(source))

    def read(self, fields: Mapping[str, Field], document: Json) -> Any:
        """An instance of the source, or of its twin while something required is missing."""
        try:
            return self._whole.validate_json(json.dumps(sourced(fields, document, partial=False)))
        except ValidationError:
            pass
        try:
            return self._partial.validate_json(json.dumps(sourced(fields, document, partial=True)))
        except ValidationError as error:
            raise Misfit((one["loc"], one["msg"]) for one in error.errors()) from error
        except (AttributeError, KeyError, TypeError) as error:  # a validator met what is missing
            raise Misfit(
                [((), f"its own validator fails on a partial profile: {error}")]
            ) from error

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
            raise Misfit(problems)
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
