"""The loopback server streams as the real ones do, so that chats can be tested against it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool as as_tool
from tests.providers.conftest import anthropic, openai
from tests.support.provider_server import ProviderServer, cut, text, tool


@as_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


def test_words_are_streamed_one_by_one(model: BaseChatModel, server: ProviderServer) -> None:
    """A streamed answer arrives in pieces that make up the whole."""
    server.reply(text("rain in the morning, sun later"))
    pieces = [str(chunk.text) for chunk in model.stream("hi") if chunk.text]
    assert "".join(pieces) == "rain in the morning, sun later"
    assert len(pieces) > 3


def test_tool_calls_are_streamed(model: BaseChatModel, server: ProviderServer) -> None:
    """A streamed tool call is complete once all of it has arrived."""
    server.reply(tool({"city": "Bergen"}))
    whole = None
    for chunk in model.bind_tools([weather]).stream("hi"):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [
        ("weather", {"city": "Bergen"})
    ]


async def test_async_calls(model: BaseChatModel, server: ProviderServer) -> None:
    """The same server answers the asynchronous clients."""
    server.always(lambda body: text(f"heard {len(body['messages'])}"))
    answer = await model.ainvoke("hi")
    assert isinstance(answer, AIMessage)
    assert answer.text == "heard 1"


def test_a_stream_can_be_cut(model: BaseChatModel, server: ProviderServer) -> None:
    """A connection that ends in the middle of a stream is an error, not a short answer."""
    server.reply(cut())
    with pytest.raises(Exception, match=r"(?i)incomplete|connection|peer|closed"):
        list(model.stream("hi"))


@pytest.mark.parametrize("build", [openai, anthropic])
def test_a_closed_server_answers_no_more(build: Any) -> None:
    """A package that has kept its line is answered by whoever listens at the port now."""
    with ProviderServer() as before:
        before.always(text("the old one"))
        assert build(before).invoke("hi").text == "the old one"
    with ProviderServer(before.port) as after:
        after.always(text("the new one"))
        assert build(after).invoke("hi").text == "the new one"
