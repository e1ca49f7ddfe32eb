"""The same answer as each provider puts it on the wire, whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.support.provider_reply import Json, Reply


def _filled(reply: Reply, tools: list[Any] | None) -> Reply:
    """Arguments as text where the request offers no tool to call."""
    if reply.arguments is None or tools:
        return reply
    given = reply.arguments
    return replace(reply, content=given if isinstance(given, str) else json.dumps(given))


def _words(content: str) -> list[str]:
    return [piece for piece in content.replace(" ", " \0").split("\0") if piece]


class OpenAIWire:
    """platform.openai.com/docs/api-reference/chat (read 2025-11)."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"error": {"type": "error", "code": None, "param": None, **(reply.error or {})}}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        reply = _filled(reply, body.get("tools"))
        answer: Json = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
        if reply.arguments is not None and body.get("tools"):
            answer |= {"content": None, "tool_calls": [OpenAIWire._call(reply, body)]}
        stop = "stop" if reply.refusal else reply.stop
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "message": answer, "finish_reason": stop, "logprobs": None}],
            "usage": OpenAIWire._usage(),
        }

    @staticmethod
    def events(reply: Reply, body: Json) -> Iterator[bytes]:
        reply = _filled(reply, body.get("tools"))
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000}
        head["model"] = body["model"]

        def event(delta: Json, stop: str | None = None, **more: Any) -> bytes:
            choices = [{"index": 0, "delta": delta, "finish_reason": stop, "logprobs": None}]
            data = {**head, "choices": choices, **more}
            return f"data: {json.dumps(data)}\n\n".encode()

        yield event({"role": "assistant", "content": ""})
        if reply.arguments is not None and body.get("tools"):
            yield event({"tool_calls": [{"index": 0, **OpenAIWire._call(reply, body)}]})
        for word in _words(reply.content):
            yield event({"content": word})
        yield event({}, reply.stop)
        if (body.get("stream_options") or {}).get("include_usage"):
            data = {**head, "choices": [], "usage": OpenAIWire._usage()}
            yield f"data: {json.dumps(data)}\n\n".encode()
        yield b"data: [DONE]\n\n"

    @staticmethod
    def _call(reply: Reply, body: Json) -> Json:
        given = reply.arguments
        arguments = given if isinstance(given, str) else json.dumps(given)
        name = body["tools"][0]["function"]["name"]
        call = {"name": name, "arguments": arguments}
        return {"id": "call_1", "type": "function", "function": call}

    @staticmethod
    def _usage() -> Json:
        return {
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 100},
        }


_ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


class AnthropicWire:
    """platform.claude.com/docs/en/api/messages (read 2025-11)."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"type": "error", "error": {"type": "api_error", **(reply.error or {})}}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        object_given = isinstance(reply.arguments, dict)  # a tool's input is never anything else
        reply = _filled(reply, body.get("tools") if object_given else None)
        stop = _ANTHROPIC_STOPS.get(reply.stop, reply.stop)
        block = AnthropicWire._block(reply, body)
        thought = {"type": "thinking", "thinking": reply.thinking, "signature": "s"}
        blocks = [*([thought] if reply.thinking else []), *([block] if block else [])]
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": "tool_use" if stop == "end_turn" and reply.arguments else stop,
            "stop_sequence": None,
            "usage": AnthropicWire._usage(),
        }

    @staticmethod
    def events(reply: Reply, body: Json) -> Iterator[bytes]:
        def event(kind: str, **data: Any) -> bytes:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()

        whole = AnthropicWire.message(reply, body)
        block = (whole["content"] or [{"type": "text", "text": ""}])[0]
        yield event("message_start", message={**whole, "content": [], "stop_reason": None})
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
        else:
            start = {**block, "input": {}}
            given = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": given}]
        yield event("content_block_start", index=0, content_block=start)
        for delta in deltas:
            yield event("content_block_delta", index=0, delta=delta)
        yield event("content_block_stop", index=0)
        end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield event("message_delta", delta=end, usage={"output_tokens": 30})
        yield event("message_stop")

    @staticmethod
    def _block(reply: Reply, body: Json) -> Json | None:
        if isinstance(reply.arguments, dict) and body.get("tools"):
            name = body["tools"][0]["name"]
            return {"type": "tool_use", "id": "toolu_1", "name": name, "input": reply.arguments}
        return {"type": "text", "text": reply.content} if reply.content else None

    @staticmethod
    def _usage() -> Json:
        return {
            "input_tokens": 20,
            "output_tokens": 30,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 0,
        }


class OllamaWire:
    """docs.ollama.com/api/chat (read 2025-11)."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"error": (reply.error or {}).get("message", "error")}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        reply = _filled(reply, None)
        return {
            "model": body["model"],
            "created_at": "2025-10-09T08:53:20Z",
            "message": {"role": "assistant", "content": reply.content},
            "done": True,
            "done_reason": reply.stop,
            "prompt_eval_count": 120,
            "eval_count": 30,
        }

    @staticmethod
    def events(reply: Reply, body: Json) -> Iterator[bytes]:
        last = OllamaWire.message(reply, body)
        head = {"model": last["model"], "created_at": last["created_at"], "done": False}
        for word in _words(last["message"]["content"]):
            message = {"role": "assistant", "content": word}
            yield f"{json.dumps({**head, 'message': message})}\n".encode()
        yield f"{json.dumps({**last, 'message': {'role': 'assistant', 'content': ''}})}\n".encode()


class GoogleWire:
    """ai.google.dev/api/generate-content (read 2025-11); whole answers only."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"error": {"status": "ERROR", "code": reply.code, **(reply.error or {})}}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        reply = _filled(reply, None)
        stop = {"stop": "STOP", "length": "MAX_TOKENS"}.get(reply.stop, "OTHER")
        content = {"role": "model", "parts": [{"text": reply.content}]}
        return {
            "candidates": [{"content": content, "finishReason": stop, "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 120,
                "candidatesTokenCount": 30,
                "totalTokenCount": 150,
            },
            "modelVersion": "gemini-test",
        }
