"""What the providers' chat APIs document as refused, as far as our requests go.

Each rule names its source and the date on which it was read. The functions answer with the text of
the refusal, or with the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# developers.openai.com/api/docs/guides/structured-outputs, "Supported schemas" (2026-02; the
# lengths of strings were never in the list of supported properties).
_OPENAI_KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const"),
    *("$ref", "$defs", "title", "description", "pattern", "format", "minItems", "maxItems"),
    *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_OPENAI_FORMATS = {
    *("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"),
}


# ai.google.dev/api/generate-content, GenerationConfig.responseJsonSchema: "only the following
# properties are supported" (2025-11); enum "for strings and numbers".
_GEMINI_KEYWORDS = {
    *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum"),
    *("items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf"),
    *("properties", "additionalProperties", "required", "propertyOrdering"),
}
# From docs.ollama.com/api/chat, "messages", 2025-11.
_OLLAMA_ROLES = {"system", "user", "assistant", "tool"}


def refusal_of_ollama(body: Json) -> str:
    """Why ``POST /api/chat`` would answer 400."""
    if not body.get("model"):
        return "model is required"
    roles = {message.get("role") for message in body.get("messages", ())}
    if not roles <= _OLLAMA_ROLES:
        return f"invalid role: {min(map(str, roles - _OLLAMA_ROLES))}"
    form = body.get("format")
    return "" if form in (None, "", "json") or isinstance(form, dict) else "invalid format"


def gemini_refusals(schema: Json) -> Iterator[str]:
    """What Gemini does not know in a ``responseJsonSchema`` (source above)."""
    for node, _ in _nodes(schema):
        yield from (f"{word!r} is not supported" for word in sorted(node.keys() - _GEMINI_KEYWORDS))
        if any(isinstance(value, bool) or value is None for value in node.get("enum", ())):
            yield "enum is for strings and numbers"


def refusal_of_openai(body: Json) -> str:
    """Why ``POST /v1/chat/completions`` would answer 400."""
    return next(_openai(body), "")


def _openai(body: Json) -> Iterator[str]:
    # From developers.openai.com/api/reference, "Create chat completion", 2025-11.
    if not body.get("model"):
        yield "you must provide a model parameter"
    if not body.get("messages"):
        yield "[] is too short - 'messages'"
    for message in body.get("messages", ()):
        if message.get("role") not in {"system", "developer", "user", "assistant", "tool"}:
            yield f"invalid role {message.get('role')!r}"
    form = body.get("response_format") or {}
    if form.get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        # same page, "response_format": the word must appear in the messages
        yield "'messages' must contain the word 'json' in some form"
    if form.get("type") == "json_schema":
        yield from _named_schema(form["json_schema"], "schema", "response_format")
    for tool in body.get("tools", ()):
        yield from _named_schema(tool["function"], "parameters", "function")


def _named_schema(named: Json, key: str, place: str) -> Iterator[str]:
    if not _NAME.fullmatch(named.get("name", "")):  # same page: a-z, A-Z, 0-9, _ and -, at most 64
        yield f"invalid name {named.get('name')!r} for {place}"
    if named.get("strict"):
        for reason in strict_refusals(named[key]):
            yield f"Invalid schema for {place} '{named['name']}': {reason}"


def strict_refusals(schema: Json) -> Iterator[str]:
    """The rules of OpenAI's strict mode (source above) that a schema breaks."""
    if schema.get("type") != "object" or "anyOf" in schema:
        yield "the root must be an object and no anyOf"
    nodes = list(_nodes(schema))
    for node, depth in nodes:
        if depth > 10:
            yield "more than 10 levels of nesting"
        yield from _strict_node(node)
    properties = [name for node, _ in nodes for name in node.get("properties", ())]
    enums = [value for node, _ in nodes for value in node.get("enum", ())]
    if len(properties) > 5_000:
        yield "more than 5000 properties"
    if len(enums) > 1_000:
        yield "more than 1000 enum values"
    if sum(map(len, [*properties, *map(str, enums)])) > 120_000:
        yield "names and enum values are longer than 120000 characters"


def _strict_node(node: Json) -> Iterator[str]:
    unknown = sorted(node.keys() - _OPENAI_KEYWORDS)
    if unknown:
        yield f"{unknown[0]!r} is not permitted"
    if node.get("format", "date") not in _OPENAI_FORMATS:
        yield f"{node['format']!r} is not a valid format"
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            yield "'additionalProperties' is required to be supplied and to be false"
        if sorted(node.get("required", ())) != sorted(node.get("properties", {})):
            yield "'required' must list every key in properties"
    if node.get("type") == "array" and "items" not in node:
        yield "array schema missing items"


def _nodes(schema: Any, depth: int = 1) -> Iterator[tuple[Json, int]]:
    """Every schema inside of a schema, with how many objects and arrays it is in."""
    yield schema, depth
    inner = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
    for part in inner:
        yield from _nodes(part, depth + 1)
    for part in [*schema.get("anyOf", ()), *schema.get("$defs", {}).values()]:
        yield from _nodes(part, depth)


def refusal_of_anthropic(body: Json) -> str:
    """Why ``POST /v1/messages`` would answer 400."""
    return next(_anthropic(body), "")


def _anthropic(body: Json) -> Iterator[str]:
    # From platform.claude.com/docs/en/api/messages, 2025-11.
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        yield "max_tokens: Field required"
    messages = body.get("messages") or []
    if not messages:
        yield "messages: at least one message is required"
    for message in messages:
        if message["role"] not in {"user", "assistant"}:
            yield f"messages: role {message['role']!r}: the system prompt is a parameter"
        if not message["content"]:
            yield "messages: all messages must have non-empty content"
    # platform.claude.com/docs/en/build-with-claude/prompt-caching (2025-11): at most 4 breakpoints
    if str(body).count("'cache_control'") > 4:
        yield "A maximum of 4 blocks with cache_control may be provided"
    yield from _anthropic_form(body)


def _anthropic_form(body: Json) -> Iterator[str]:
    tools, choice = body.get("tools", ()), body.get("tool_choice") or {}
    for tool in tools:
        yield from _anthropic_tool(tool)
    if choice.get("type") == "tool" and choice.get("name") not in {tool["name"] for tool in tools}:
        yield f"tool_choice: tool {choice.get('name')!r} not found in provided tools"
    # platform.claude.com/docs/en/build-with-claude/extended-thinking (2025-11)
    thinking = (body.get("thinking") or {}).get("type") in {"enabled", "adaptive"}
    if thinking and choice.get("type") in {"tool", "any"}:
        yield "Thinking may not be enabled when tool_choice forces tool use."
    form = (body.get("output_config") or {}).get("format")
    if form:
        yield from (f"output_config: {why}" for why in _output_refusals(form["schema"]))


def _anthropic_tool(tool: Json) -> Iterator[str]:
    # platform.claude.com/docs/en/agents-and-tools/tool-use (2025-11)
    if not _NAME.fullmatch(tool.get("name", "")):
        yield f"tools: name {tool.get('name')!r} should match ^[a-zA-Z0-9_-]{{1,64}}$"
    schema = tool.get("input_schema", {})
    if schema.get("type") != "object":
        yield "tools: input_schema.type: must be 'object'"
    if schema.keys() & {"oneOf", "allOf", "anyOf"}:
        yield "tools: input_schema does not support oneOf, allOf, or anyOf at the top level"
    if tool.get("strict"):
        yield from (f"tools: {why}" for why in _output_refusals(schema))


def _output_refusals(schema: Json) -> Iterator[str]:
    # platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations"
    # (2026-02)
    for node, _ in _nodes(schema):
        if node.get("type") == "object" and node.get("additionalProperties") is not False:
            yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
        for word in ("minLength", "maxLength", "minimum", "maximum", "multipleOf", "maxItems"):
            if word in node:
                yield f"property '{word}' is not supported"
