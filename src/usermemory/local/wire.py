"""LangChain's messages -> what any chat template of a small model can put into words.

Many templates know neither tools nor two messages of one side in a row, nor a system message
behind the first place.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from usermemory.local.calling import written

_THEN = "Now tell the user, unless another function is needed first."
"""Without it a model of 0.5B calls the same function again and again."""

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


def wire(messages: Sequence[BaseMessage], instructions: str = "") -> list[dict[str, str]]:
    """The messages of a request: one of the system, then user and assistant in turns.

    Args:
        messages: A conversation, with tool calls and results if it has any.
        instructions: What is added to the system message.
    """
    names = {
        call["id"]: call["name"]
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    }
    system: list[str] = []
    turns: list[dict[str, str]] = []
    for message in messages:
        role, text = _ROLES.get(message.type, "user"), _text(message, names)
        if role == "system":
            system.append(text)
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{text}"
        else:
            turns.append({"role": role, "content": text})
    system.append(instructions)
    told = "\n\n".join(filter(None, system))
    return [*([{"role": "system", "content": told}] if told else []), *turns]


def _text(message: BaseMessage, names: dict[str | None, str]) -> str:
    if isinstance(message, ToolMessage):
        name = names.get(message.tool_call_id, message.name or "the function")
        return f"Result of {name}: {message.text}\n{_THEN}"
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    if calls:
        return "\n".join(written(call["name"], call["args"]) for call in calls)
    unseen = [
        f"[{block.get('type', 'file')}, which this model cannot see]"
        for block in message.content
        if isinstance(block, dict) and block.get("type") not in {"text", "thinking", "reasoning"}
    ]
    return "\n".join(filter(None, [message.text, *unseen]))
