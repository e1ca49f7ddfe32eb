"""Tool calls by a grammar: what is asked, what is read, and what a chat template gets to see."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from usermemory.local.calling import Calling, calling
from usermemory.local.wire import _THEN, wire


class Place(BaseModel):
    """Where."""

    city: str


class Weather(BaseModel):
    """The weather."""

    place: Place


def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


TOOLS = [convert_to_openai_tool(tool) for tool in (Weather, add)]
AUTO: Any = calling(TOOLS, None)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["reply", "Weather", "add"]),
        ("auto", ["reply", "Weather", "add"]),
        ("any", ["Weather", "add"]),
        ("required", ["Weather", "add"]),
        (True, ["Weather", "add"]),
        ("add", ["add"]),
        ({"type": "function", "function": {"name": "add"}}, ["add"]),
    ],
)
def test_what_may_be_called(choice: Any, names: list[str]) -> None:
    """The choice decides which functions the grammar lets through, speaking among them."""
    found = calling(TOOLS, choice)
    assert isinstance(found, Calling)
    branches = found.schema.get("anyOf", [found.schema])
    assert [branch["properties"]["name"]["enum"] for branch in branches] == [[n] for n in names]
    for name in names:
        assert f'"name": "{name}"' in found.instructions


def test_nothing_may_be_called() -> None:
    """Without tools, or where none is chosen, there is no grammar."""
    assert calling([], None) is None
    assert calling(TOOLS, "none") is None


def test_a_name_that_no_tool_has() -> None:
    """A choice that names no tool is refused with those there are."""
    with pytest.raises(ValueError, match="'divide' is none of Weather, add"):
        calling(TOOLS, "divide")


def test_a_tool_called_reply() -> None:
    """A tool of that name is still told apart from speaking."""
    named = {"type": "function", "function": {"name": "reply", "parameters": {"type": "object"}}}
    found: Any = calling([named], None)
    assert found.reply == "reply_to_user"
    assert found.called('{"name": "reply", "arguments": {}}')["name"] == "reply"


def test_the_grammar_stands_alone() -> None:
    """References into a tool's own schema do not survive, for its root is elsewhere now."""
    assert "$ref" not in json.dumps(AUTO.schema)
    call = {"name": "Weather", "arguments": {"place": {"city": "Oslo"}}}
    jsonschema.validate(call, AUTO.schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "Weather", "arguments": {"place": {}}}, AUTO.schema)


def test_speech_grows_and_never_changes() -> None:
    """Whatever is shown of a reply that is still coming is the beginning of the whole reply."""
    reply = 'Well, "quoted" \\ and\n\U0001f600 done'
    for escaped in (True, False):
        whole = json.dumps({"name": "reply", "arguments": {"text": reply}}, ensure_ascii=escaped)
        shown = [AUTO.spoken(whole[:end]) for end in range(len(whole) + 1)]
        assert shown[-1] == reply
        assert all(reply.startswith(part) for part in shown)
        assert len(set(shown)) > 10, "it does come in pieces"


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "add", "arguments": {"a": 1',
        '{"name": "reply", "arguments": {"text": "hi"}}',
        "[]",
        "no JSON",
        "",
    ],
)
def test_what_is_no_call(text: str) -> None:
    """Half a call is none, and neither is speaking."""
    assert AUTO.called(text) is None


def test_a_call_is_not_spoken() -> None:
    """A call shows nothing, and is read with its arguments and an id of its own."""
    text = '{"name": "add", "arguments": {"a": 1, "b": 2}}'
    assert AUTO.spoken(text) == ""
    first, second = AUTO.called(text), AUTO.called(text)
    assert (first["name"], json.loads(first["args"])) == ("add", {"a": 1, "b": 2})
    assert first["id"] != second["id"]


def test_what_a_template_gets() -> None:
    """One system message in front, then turns: calls as the model writes them, results as words."""
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "1"}
    image = {"type": "image_url", "image_url": {"url": "data:x"}}
    said = wire(
        [
            SystemMessage("Be kind."),
            HumanMessage("1 + 2?"),
            HumanMessage([{"type": "text", "text": "And this?"}, image]),
            AIMessage("", tool_calls=[call]),
            ToolMessage("3", tool_call_id="1"),
            SystemMessage("The user is Will."),
        ],
        "Instructions.",
    )
    assert said == [
        {"role": "system", "content": "Be kind.\n\nThe user is Will.\n\nInstructions."},
        {
            "role": "user",
            "content": "1 + 2?\n\nAnd this?\n[image_url, which this model cannot see]",
        },
        {"role": "assistant", "content": '{"name": "add", "arguments": {"a": 1, "b": 2}}'},
        {"role": "user", "content": f"Result of add: 3\n{_THEN}"},
    ]
    assert wire([HumanMessage("hi")]) == [{"role": "user", "content": "hi"}]
