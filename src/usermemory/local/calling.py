"""Tool calls of a model that was never trained for them, made certain by a grammar.

The model may say one JSON object and nothing else: the name of a function, and arguments that fit
it. Speaking to the user is one more function. What it says is read as it comes, so that a reply
streams.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import ToolCallChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.utils.json import parse_partial_json
from langchain_core.utils.json_schema import dereference_refs

from usermemory.schema.shape import is_object

_CALL = 'Answer with one JSON object: {"name": "<function>", "arguments": {<its arguments>}}.'
_SPEAK = (
    "Call a function only if the last message needs it. Otherwise, such as for greetings, answers "
    "to what is known already, and results of functions that you pass on, speak to the user: "
)


@dataclass(frozen=True, slots=True)
class Calling:
    """The functions of one request.

    Attributes:
        functions: Name, description and parameters of each, as OpenAI has them.
        reply: The name of the function that speaks to the user; empty where one must be called.
    """

    functions: tuple[Mapping[str, Any], ...]
    reply: str = ""

    @property
    def instructions(self) -> str:
        """What the model is told, at the end of its system message."""
        listed = "\n".join(json.dumps(function) for function in self.functions)
        told = f"You can call these functions:\n{listed}\n\n{_CALL}"
        if not self.reply:
            return told
        speaking = json.dumps({"name": self.reply, "arguments": {"text": "<your words>"}})
        return f"{told} {_SPEAK}{speaking}"

    @property
    def schema(self) -> dict[str, Any]:
        """The grammar of its answer."""
        branches = [
            _branch(function["name"], function.get("parameters") or {"type": "object"})
            for function in self.functions
        ]
        if self.reply:
            branches.insert(0, _branch(self.reply, _object({"text": {"type": "string"}})))
        return branches[0] if len(branches) == 1 else {"anyOf": branches}

    def spoken(self, text: str) -> str:
        """What is said to the user in an answer, or in the beginning of one."""
        answer = _begun(text)
        if not self.reply or answer.get("name") != self.reply:
            return ""
        arguments = answer.get("arguments")
        said = arguments.get("text") if is_object(arguments) else None
        # Half of a character outside of the basic plane: the other half is still to come.
        whole = said if isinstance(said, str) else ""
        return whole[:-1] if whole and "\ud800" <= whole[-1] <= "\udbff" else whole

    def called(self, text: str) -> ToolCallChunk | None:
        """The call that a whole answer is; None if it speaks, or was cut off."""
        answer: Any
        try:
            answer = json.loads(text)
        except ValueError:
            return None
        if not is_object(answer) or answer.get("name") in (None, self.reply):
            return None
        arguments = json.dumps(answer.get("arguments") or {}, ensure_ascii=False)
        return tool_call_chunk(
            name=answer["name"], args=arguments, id=f"call_{uuid4().hex[:12]}", index=0
        )


def calling(tools: Sequence[Mapping[str, Any]], choice: Any) -> Calling | None:
    """What may be called in a request.

    Args:
        tools: OpenAI-style definitions.
        choice: ``auto`` or None, ``none``, ``any``, ``required`` or True, or a function's name.

    Returns:
        None where nothing may be called.

    Raises:
        ValueError: The choice names no function.
    """
    functions = tuple(tool["function"] for tool in tools)
    if is_object(choice):
        choice = choice.get("function", {}).get("name")
    if not functions or choice in {"none", False}:
        return None
    names = [function["name"] for function in functions]
    if choice in {None, "auto"}:
        reply = "reply"
        while reply in names:
            reply += "_to_user"
        return Calling(functions, reply)
    if choice in {"any", "required", True}:
        return Calling(functions)
    if choice not in names:
        raise ValueError(f"tool_choice {choice!r} is none of {', '.join(names)}")
    return Calling((functions[names.index(choice)],))


def written(name: str, arguments: Mapping[str, Any]) -> str:
    """An earlier call, as the model would write it."""
    return json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)


def _begun(text: str) -> Mapping[str, Any]:
    value: Any
    try:
        value = parse_partial_json(text)
    except ValueError:
        return {}
    return value if is_object(value) else {}


def _branch(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    # Its references lead to the root of a schema that this one is put into.
    inside = dereference_refs(dict(parameters))
    inside.pop("$defs", None)
    return _object({"name": {"enum": [name]}, "arguments": inside})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
