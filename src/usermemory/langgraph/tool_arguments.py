"""What a model gives to the tools of a memory: the schemas it sees, and how its words are read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.tools import ToolException

from usermemory.errors import InvalidInput
from usermemory.extract.proposals import proposals
from usermemory.langgraph.signatures import FORGET, SAVE, SEARCH
from usermemory.messages import is_mapping, is_sequence
from usermemory.prompt import asked_fields
from usermemory.schema.answer_form import closed, nullable, one_of, text

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from usermemory.records import Change, Refused
    from usermemory.schema import Schema

_CHANGE = ("quote", "who", "field", "action", "key", "value")  # "who" and "field" as before
_ERASURE = ("quote", "field", "value")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a model wants to be forgotten.

    Attributes:
        field: Of the schema.
        value: The item of a list, the key of a map or an object; None for the whole field.
        quote: Where the user asks for it.
    """

    field: str
    value: str | None
    quote: str


def save_arguments(schema: Schema) -> dict[str, Any]:
    """As JSON Schema, in the dialect that the strictest modes share: the list of changes."""
    changes = schema.change_schema(caps=False)
    return {name: changes[name] for name in changes if name not in {"title", "description"}}


def forget_arguments(schema: Schema) -> dict[str, Any]:
    """As JSON Schema: a quote, a field, a value."""
    names = [field.name for field in asked_fields(schema)]
    parts = {"quote": text(None), "field": one_of(names), "value": nullable(text(None))}
    return closed(parts)


def no_arguments() -> dict[str, Any]:
    """As JSON Schema: none."""
    return closed({})


def search_arguments() -> dict[str, Any]:
    """As JSON Schema: a query, and the time that it is about."""
    date = nullable(text(None))
    return closed({"query": text(None), "since": date, "until": date})


def read_search(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is looked for.

    Raises:
        ToolException: There is something else beside it.
    """
    refuse_others(SEARCH, given, ("query", "since", "until"))
    return {
        "query": str(given.get("query") or ""),
        "since": given.get("since") or None,
        "until": given.get("until") or None,
    }


@contextmanager
def as_answer() -> Generator[None]:
    """Tell the model what is wrong with what it asked for."""
    try:
        yield
    except InvalidInput as error:
        raise ToolException(f"nothing was searched: {error}") from error


def read_changes(given: Mapping[str, Any]) -> tuple[tuple[Change, ...], tuple[Refused, ...]]:
    """The proposed changes, and what is none.

    Raises:
        ToolException: There is something else among them, or there are none.
    """
    refuse_others(SAVE, given, ("changes",))
    listed = given.get("changes")
    for change in listed if is_sequence(listed) else ():
        if is_mapping(change):
            refuse_others("a change", change, _CHANGE)
    found = proposals(listed)
    if found is None or not any(found):
        raise ToolException("nothing was saved: changes is a list of objects, and not empty")
    return found


def read_erasure(given: Mapping[str, Any], schema: Schema) -> Erasure:
    """What is to be forgotten.

    Raises:
        ToolException: There is something else beside it, or the field is none of the profile's.
    """
    refuse_others(FORGET, given, _ERASURE)
    field, quote, value = given.get("field"), given.get("quote"), given.get("value")
    if field not in schema.fields:
        known = ", ".join(one.name for one in asked_fields(schema))
        raise ToolException(f"nothing was erased: there is no field {field!r}, only {known}")
    what = None if value is None or value == "" else str(value)
    return Erasure(str(field), what, quote if isinstance(quote, str) else "")


def refuse_others(what: str, given: Collection[str], known: Collection[str]) -> None:
    """Refuse arguments that the schema does not have: above all, somebody's id."""
    others = ", ".join(sorted(str(name) for name in given if name not in known))
    if others:
        raise ToolException(
            f"{what} takes {', '.join(known) or 'no arguments'}, and no {others}: whose memory it "
            "is, and in which conversation, says the application alone. Nothing was done"
        )
