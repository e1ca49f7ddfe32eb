"""Which of the values in an answer has the form that was asked for.

The form is a JSON Schema. A value has it when it is an object with all the required keys, and lists
and objects stand where the form has them; what else the schema says is the callers' business. The
value is found inside of whatever holds it: a call written as JSON, JSON in a string, an envelope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.extract.json_text import whole
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ARGUMENTS = ("arguments", "parameters", "input", "args", "tool_input", "action_input")
"""Where the arguments of a call stand, in the templates and interfaces that models learned from."""

_LEVELS = 6  # a list of calls, a call, its function, its arguments as JSON in a string


@dataclass(frozen=True, slots=True)
class Answer:
    """A value that has the form.

    Attributes:
        value: The value; a list or object that it held as JSON in a string is opened.
        called: Whether it is the arguments of a call, of which an answer may hold several.
    """

    value: Any
    called: bool = False


def answers(
    value: Any, form: Mapping[str, Any], *, called: bool = False, levels: int = _LEVELS
) -> Iterator[Answer]:
    """The outermost values of the form inside of a value.

    Args:
        value: What was read.
        form: What was asked for.
        called: Whether this value is known to be a call's.
        levels: How deep to look.
    """
    if isinstance(value, str):
        value = whole(value) if value.lstrip().startswith(("{", "[", '"')) else None
    if levels and is_object(value):
        fitting = _fitting(value, form)
        if fitting is not None:
            yield Answer(fitting, called)
            return
        for key, part in value.items():
            if key in ARGUMENTS:
                yield from arguments_of(part, form, levels=levels - 1)
            else:
                yield from answers(part, form, called=called, levels=levels - 1)
    elif levels and is_list(value):
        for part in value:
            yield from answers(part, form, called=called, levels=levels - 1)


def arguments_of(value: Any, form: Mapping[str, Any], *, levels: int = _LEVELS) -> list[Answer]:
    """The answers in the arguments of a call, also where they are the list alone.

    Args:
        value: The arguments; perhaps as JSON in a string.
        form: What was asked for.
        levels: How deep to look.
    """
    inside = list(answers(value, form, called=True, levels=levels))
    if inside:
        return inside
    opened = whole(value) if isinstance(value, str) else value
    listed = as_listed(opened, form, trusted=True)
    return [Answer(listed, called=True)] if listed is not None else []


def as_listed(value: Any, form: Mapping[str, Any], *, trusted: bool) -> dict[str, Any] | None:
    """The answer that a bare list stands for, where the form is one list and nothing else.

    Args:
        value: What was read.
        form: What was asked for.
        trusted: Whether the list is all of the answer. If not, a list in a sentence may be
            anything, and only objects with a key of the form's items are believed.
    """
    lists = _lists(form)
    if not is_list(value) or len(lists) != 1 or list(lists) != list(form.get("required", ())):
        return None
    ((name, items),) = lists.items()
    keys = _keys(items)
    alike = [is_object(item) and (not keys or not keys.isdisjoint(item)) for item in value]
    return {name: value} if trusted or (alike and all(alike)) else None


def joined(values: list[dict[str, Any]], form: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answers of several calls as one, their lists one behind the other.

    Returns:
        None where the form holds more than one list, and two of the answers contradict each other.
    """
    lists = list(_lists(form))
    if len(lists) != 1 or lists != list(form.get("required", ())):
        return None
    name = lists[0]
    return {**values[0], name: [item for value in values for item in value[name]]}


def call_arguments(value: Any, form: Mapping[str, Any]) -> Any:
    """The arguments of a call written as JSON, also if they have not the form; else the value."""
    if is_object(value) and "name" in value:
        for key in ARGUMENTS:
            if key in value and key not in form.get("properties", {}):
                inside = value[key]
                return whole(inside) if isinstance(inside, str) else inside
    return value


def _fitting(value: dict[str, Any], form: Mapping[str, Any]) -> dict[str, Any] | None:
    properties: Mapping[str, Any] = form.get("properties", {})
    required = set(form.get("required", ()))
    held = (required or properties.keys()) & value.keys()
    if not held or held < required:
        return None
    opened = dict(value)
    for name in held:
        kind = _container(properties.get(name))
        if kind and isinstance(value[name], str):
            opened[name] = whole(value[name])
        if kind and not isinstance(opened[name], kind):
            return None
    return opened


def _container(schema: Any) -> type | None:
    """``list`` or ``dict`` where a schema takes nothing else."""
    kinds: dict[Any, type] = {"array": list, "object": dict}
    said = schema.get("type") if is_object(schema) else None
    return kinds.get(said) if isinstance(said, str) else None


def _lists(form: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = form.get("properties", {})
    return {
        name: schema.get("items")
        for name, schema in properties.items()
        if _container(schema) is list
    }


def _keys(items: Any) -> set[str]:
    """The keys that the items of a list may have, as far as the schema says them in place."""
    if not is_object(items):
        return set()
    branches = items.get("anyOf") or items.get("oneOf") or [items]
    return {key for branch in branches if is_object(branch) for key in branch.get("properties", {})}
