"""The app's own chat through a provider's class, while the worker asks through the same class.

Provider packages share one async client per process: whoever awaits it on a second event loop
breaks it for the first. So the memory must not await a model at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver
from tests.support.graphs import Chat, memory_in
from tests.support.provider_server import ProviderServer, text, tool

from usermemory import Event
from usermemory.langgraph import create_chatbot

USERS, TURNS = 24, 9


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """Answers the chat with words and the memory with a change list."""
    with ProviderServer() as server:
        server.always(answer)
        yield server


def answer(body: dict[str, Any]) -> Any:
    """An empty change list where a schema is asked for, else words."""
    asks = "tools" in body or "response_format" in body or "output_config" in body
    return tool({"changes": []}) if asks else text("Good to know.")


def openai(server: ProviderServer) -> tuple[BaseChatModel, Any, Any]:
    """OpenAI's class at the loopback server, and the clients that it shares with the process."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(base_url=server.openai_url, api_key="x", model="gpt-test", max_retries=0)
    return model, model.root_client, model.root_async_client


def anthropic(server: ProviderServer) -> tuple[BaseChatModel, Any, Any]:
    """Anthropic's class at the loopback server, and the clients that it shares."""
    from langchain_anthropic import ChatAnthropic

    model = ChatAnthropic(base_url=server.url, api_key="x", model="claude-test", max_retries=0)
    return model, model._client, model._async_client


@pytest.mark.parametrize("provider", [openai, anthropic])
async def test_no_chat_fails_while_the_worker_uses_the_same_class(
    tmp_path: Path, server: ProviderServer, provider: Any
) -> None:
    """Of 216 turns of 24 users at once, each consolidated at once, no chat and no batch fails."""
    events: list[Event] = []
    extracting, blocking, _ = provider(server)
    chatting, _, awaited = provider(server)
    with memory_in(
        tmp_path, model=extracting, worker=True, delay=0, on_event=events.append
    ) as memory:
        bot = create_chatbot(memory, chatting, checkpointer=InMemorySaver())
        chat = Chat(memory, bot, "async")

        async def converse(user_id: str) -> list[str]:
            return [
                await chat.say(f"This is number {number} that I tell you.", user_id, user_id)
                for number in range(TURNS)
            ]

        answers = await asyncio.gather(*(converse(f"user-{n}") for n in range(USERS)))
        await memory.atrigger_all()
    # Nobody else would close what the package keeps for the life of the process.
    blocking.close()
    await awaited.close()
    assert [said for turns in answers for said in turns] == ["Good to know."] * USERS * TURNS
    outcomes = [event.outcome for event in events if event.outcome]
    assert {outcome.status for outcome in outcomes} == {"unchanged"}
    assert sum(outcome.messages for outcome in outcomes) == 2 * USERS * TURNS
    assert not [event for event in events if event.kind == "error"]
