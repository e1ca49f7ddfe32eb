"""What the provider classes send, byte for byte, and that the real APIs would take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_ollama import ChatOllama
from tests.providers.conftest import anthropic, openai
from tests.support.provider_rules import strict_refusals
from tests.support.provider_server import ProviderServer, text, tool

from usermemory.extract import Extraction, Request
from usermemory.extract.language_model import LanguageModelExtractor, OverwriteExtractor
from usermemory.prompt import Prompt
from usermemory.prompt.batch import EXAMPLES
from usermemory.records import Change, Refused, Usage

Compare = Callable[[str, Any], None]

ROWING = {
    "quote": "I took up rowing in Bergen",
    "who": "user",
    "field": "interests",
    "action": "add",
    "value": "rowing",
}
FOR_SMALL = Prompt(examples=EXAMPLES).version
"""What a small model is asked with, and one on a server of the user's own."""

CHANGE = Change("interests", "add", "rowing", "I took up rowing in Bergen")


@pytest.mark.usefixtures("as_openai")
def test_openai_is_asked_in_strict_mode(
    server: ProviderServer, asked: Request, same_as_before: Compare
) -> None:
    """OpenAI gets a strict json_schema that its rules accept, and answers with changes."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(openai(server)).extract(asked)
    assert extraction == Extraction((CHANGE,), Usage(1, 120, 30, 100), "gpt-test", "changes-3")
    body = server.requests[0].body
    assert body["response_format"]["json_schema"]["strict"] is True
    same_as_before("openai-json_schema", body)


def test_openai_compatible_servers_get_caps(
    server: ProviderServer, asked: Request, same_as_before: Compare
) -> None:
    """A server that only speaks like OpenAI gets caps on strings and lists, and no strict mode."""
    server.reply(tool({"changes": [ROWING]}))
    LanguageModelExtractor(openai(server)).extract(asked)
    body = server.requests[0].body
    assert (
        "strict" not in body["response_format"]["json_schema"]
        or not (body["response_format"]["json_schema"]["strict"])
    )
    assert "maxLength" in str(body["response_format"])
    same_as_before("openai-compatible", body)


@pytest.mark.usefixtures("as_openai")
def test_openai_tools(server: ProviderServer, asked: Request, same_as_before: Compare) -> None:
    """The method can be overridden: a forced, strict tool call."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(openai(server), method="function_calling").extract(asked)
    assert extraction.changes == (CHANGE,)
    body = server.requests[0].body
    assert body["tool_choice"]["function"]["name"] == body["tools"][0]["function"]["name"]
    same_as_before("openai-function_calling", body)


def test_openai_json_mode(server: ProviderServer, asked: Request) -> None:
    """JSON mode is accepted too: the examples show the form."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(openai(server), method="json_mode").extract(asked)
    assert extraction.changes == (CHANGE,)
    assert server.requests[0].body["response_format"] == {"type": "json_object"}


def test_no_structured_output_at_all(server: ProviderServer, asked: Request) -> None:
    """With method="text" nothing but the prompt asks for JSON, and a code fence is read."""
    server.reply(text('```json\n{"changes": []}\n```'))
    assert LanguageModelExtractor(openai(server), method="text").extract(asked).changes == ()
    assert server.requests[0].body.keys() == {"model", "messages", "stream"}


def test_anthropic_is_asked_by_a_tool(
    server: ProviderServer, asked: Request, same_as_before: Compare
) -> None:
    """Anthropic gets a forced tool and the stable part of the prompt marked for its cache."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(anthropic(server)).extract(asked)
    assert extraction == Extraction((CHANGE,), Usage(1, 120, 30, 100), "claude-test", "changes-3")
    body = server.requests[0].body
    assert [block["cache_control"] for block in body["system"]] == [{"type": "ephemeral"}]
    same_as_before("anthropic-function_calling", body)


def test_anthropic_output_format(
    server: ProviderServer, asked: Request, same_as_before: Compare
) -> None:
    """Anthropic's output format is accepted too."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(anthropic(server), method="json_schema").extract(asked)
    assert extraction.changes == (CHANGE,)
    same_as_before("anthropic-json_schema", server.requests[0].body)


def test_ollama_gets_caps(
    server: ProviderServer, ollama: ChatOllama, asked: Request, same_as_before: Compare
) -> None:
    """Ollama makes a grammar of the schema, in which every string and list has an end."""
    server.reply(tool({"changes": [ROWING]}))
    extraction = LanguageModelExtractor(ollama).extract(asked)
    assert extraction == Extraction((CHANGE,), Usage(1, 120, 30), "llama-test", FOR_SMALL)
    body = server.requests[0].body
    assert "maxLength" in str(body["format"])
    same_as_before("ollama-json_schema", body)


def test_stable_part_is_the_same_for_everybody(server: ProviderServer, asked: Request) -> None:
    """Two users' requests share their first message and their schema byte by byte."""
    server.always(tool({"changes": []}))
    extractor = LanguageModelExtractor(openai(server))
    extractor.extract(asked)
    other = Request(asked.schema, asked.schema.empty(), asked.batch[1:], user_id="other")
    extractor.extract(other)
    first, second = (seen.body for seen in server.requests)
    assert first["messages"][0] == second["messages"][0]
    assert first["response_format"] == second["response_format"]
    assert first["messages"][1] != second["messages"][1]


def test_repair_names_what_was_rejected(
    server: ProviderServer, asked: Request, same_as_before: Compare
) -> None:
    """The second call shows the rejected changes with their reasons, and the same stable part."""
    server.reply(tool({"changes": [ROWING]}))
    wrong = Change("interests", "add", "sailing", "I took up sailing")
    rejected = [Refused(wrong, "quote_not_found", "nobody said </messages> so")]
    extraction = LanguageModelExtractor(openai(server)).repair(asked, rejected)
    assert extraction.changes == (CHANGE,)
    assert extraction.prompt == f"{FOR_SMALL}, repair-2"
    same_as_before("openai-repair", server.requests[0].body)


def test_repair_can_be_switched_off(server: ProviderServer, asked: Request) -> None:
    """With repair=False, and where nothing was rejected, no second call is made."""
    wrong = Refused(CHANGE, "no_quote")
    assert LanguageModelExtractor(openai(server), repair=False).repair(asked, [wrong]).changes == ()
    assert LanguageModelExtractor(openai(server)).repair(asked, []).usage == Usage()
    assert server.requests == []


@pytest.mark.parametrize("build", [openai, anthropic])
def test_overwriting_returns_what_differs(
    build: Callable[..., Any], server: ProviderServer, asked: Request
) -> None:
    """The overwrite strategy asks for the whole profile and proposes the difference, unquoted."""
    written = {"name": "Ana", "age": 31, "interests": ["rowing"], "core_memories": []}
    server.reply(tool(written))
    extraction = OverwriteExtractor(build(server)).extract(asked)
    assert extraction.changes == (
        Change("age", "set", 31),
        Change("interests", "add", "rowing"),
    )
    assert extraction.prompt == "overwrite-1"
    assert extraction.usage.calls == 1
    assert "x-remember" not in str(server.requests[0].body)


def test_server_refuses_what_strict_mode_refuses() -> None:
    """The loopback server's rules are no rubber stamp: each broken schema is refused."""
    good: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert list(strict_refusals(good)) == []
    for broken in (
        {**good, "additionalProperties": True},
        {**good, "required": []},
        {**good, "properties": {"a": {"type": "string", "maxLength": 3}}},
        {**good, "properties": {"a": {"type": "string", "default": "x"}}},
        {**good, "properties": {"a": {"type": "string", "format": "uri"}}},
        {**good, "properties": {"a": {"type": "array"}}},
        {**good, "properties": {"a": {"enum": [str(n) for n in range(1_001)]}}},
        {"anyOf": [good]},
    ):
        assert list(strict_refusals(broken)), broken
