"""What `usermemory.testing` offers to people who test their own bots."""

from __future__ import annotations

import threading

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolCall
from pydantic import BaseModel

from usermemory.errors import RealModelForbidden
from usermemory.records import Outcome
from usermemory.testing import (
    FakeClock,
    ScriptedModel,
    ScriptEnded,
    adrain,
    drain,
    forbid_real_models,
)


class Weather(BaseModel):
    """The weather somewhere."""

    city: str


def test_scripted_replies_come_in_order_and_calls_are_kept() -> None:
    """Each call gets the next reply, and what it was given can be looked at."""
    model = ScriptedModel(replies=["one", AIMessage("two")])
    assert [model.invoke("a").text, model.invoke("b").text] == ["one", "two"]
    assert [call.messages[0].text for call in model.calls] == ["a", "b"]


def test_a_function_can_answer() -> None:
    """A callable gets the messages and gives the reply."""
    model = ScriptedModel(replies=lambda messages: messages[-1].text.upper())
    assert model.invoke("hi").text == "HI"


def test_a_script_that_is_over_says_so() -> None:
    """One call too many is an error that names the call."""
    with pytest.raises(ScriptEnded, match="call 1 of a model with 0 replies"):
        ScriptedModel().invoke("a")


def test_an_error_in_the_script_is_raised() -> None:
    """A reply that is an exception is raised, and the call still counts."""
    model = ScriptedModel(replies=[TimeoutError("slow"), "well"])
    with pytest.raises(TimeoutError, match="slow"):
        model.invoke("a")
    assert model.invoke("a").text == "well"


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output_by_pydantic(method: str) -> None:
    """A dict in the script is the structured output, as an instance of the model asked for."""
    model = ScriptedModel(replies=[{"city": "Oslo"}])
    assert model.with_structured_output(Weather, method=method).invoke("?") == Weather(city="Oslo")


def test_structured_output_by_schema_with_the_raw_message() -> None:
    """With ``include_raw`` both the dict and the message with its usage come back."""
    schema = {"title": "weather", "type": "object", "properties": {"city": {"type": "string"}}}
    answer = (
        ScriptedModel(replies=[{"city": "Oslo"}])
        .with_structured_output(schema, include_raw=True)
        .invoke("how is it")
    )
    assert isinstance(answer, dict)
    assert answer["parsed"] == {"city": "Oslo"}
    assert answer["raw"].usage_metadata["input_tokens"] == 3


def test_tools_are_bound_and_called() -> None:
    """A tool call in the script reaches the caller, and the model knows what was bound."""
    call = ToolCall(name="Weather", args={"city": "Oslo"}, id="1")
    model = ScriptedModel(replies=[AIMessage("", tool_calls=[call])])
    answer = model.bind_tools([Weather]).invoke("?")
    assert answer.tool_calls[0]["args"] == {"city": "Oslo"}
    assert model.calls[0].tools[0]["function"]["name"] == "Weather"


def test_streaming_adds_up_to_the_message() -> None:
    """The chunks of a stream add up to text, tool calls and usage of the whole message."""
    call = ToolCall(name="Weather", args={"city": "Oslo"}, id="1")
    model = ScriptedModel(replies=[AIMessage("let me  see\n", tool_calls=[call])] * 2)
    chunks = [chunk for chunk in model.stream("?") if isinstance(chunk, AIMessageChunk)]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert len(chunks) == 4
    expected = model.invoke("?")
    assert whole.text == expected.text == "let me  see\n"
    assert [(c["name"], c["args"]) for c in whole.tool_calls] == [("Weather", {"city": "Oslo"})]
    assert whole.usage_metadata == expected.usage_metadata


async def test_async_calls_read_the_same_script() -> None:
    """Invoking and streaming asynchronously take their turn in the same script."""
    model = ScriptedModel(replies=["one", "two three"])
    assert (await model.ainvoke("a")).text == "one"
    assert "".join([chunk.text async for chunk in model.astream("a")]) == "two three"


def test_latency_is_an_event_of_the_test() -> None:
    """The model answers when the test lets it, without any sleeping."""
    go = threading.Event()
    asked = threading.Event()
    answers: list[str] = []

    def wait() -> None:
        asked.set()
        assert go.wait(10)

    model = ScriptedModel(replies=["late"], before_reply=wait)
    thread = threading.Thread(target=lambda: answers.append(model.invoke("a").text))
    thread.start()
    assert asked.wait(10)
    assert answers == []
    go.set()
    thread.join(10)
    assert answers == ["late"]


def test_the_clock_stands_still_until_it_is_moved() -> None:
    """Time passes only by ``advance``, and never backwards."""
    clock = FakeClock(100.0)
    assert (clock.now(), clock.advance(60), clock.now()) == (100.0, 160.0, 160.0)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_advancing_wakes_who_waits() -> None:
    """A waiter returns when its time has come, though nobody set its event."""
    clock = FakeClock()
    results: list[bool] = []
    waiter = threading.Thread(target=lambda: results.append(clock.wait(threading.Event(), 60)))
    waiter.start()
    clock.advance(59)
    assert waiter.is_alive()
    while waiter.is_alive():  # the waiter may have started to wait after the first minute passed
        clock.advance(60)
        waiter.join(0.02)
    assert results == [False]


def test_an_event_wakes_who_waits() -> None:
    """A waiter returns when its event is set, though no time has passed."""
    clock, event, results = FakeClock(), threading.Event(), list[bool]()
    waiter = threading.Thread(target=lambda: results.append(clock.wait(event, 60)))
    waiter.start()
    event.set()
    waiter.join(10)
    assert results == [True]


def test_real_models_are_forbidden_only_inside_of_the_block() -> None:
    """Inside of the block any unmarked chat model refuses to be called, in every thread."""
    real = GenericFakeChatModel(messages=iter(["a", "b", "c"]))
    errors: list[Exception] = []

    def call() -> None:
        try:
            real.invoke("x")
        except RealModelForbidden as error:
            errors.append(error)

    assert real.invoke("x").text == "a"
    with forbid_real_models():
        with pytest.raises(RealModelForbidden, match="GenericFakeChatModel"):
            real.invoke("x")
        with pytest.raises(RealModelForbidden):
            list(real.stream("x"))
        with pytest.raises(RealModelForbidden):
            real.batch(["x", "y"])
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(10)
        assert ScriptedModel(replies=["fine"]).invoke("x").text == "fine"
    assert len(errors) == 1
    assert real.invoke("x").text == "b"


async def test_real_models_are_forbidden_in_async_code_too() -> None:
    """The async twins refuse as well."""
    real = GenericFakeChatModel(messages=iter(["a"]))
    with forbid_real_models():
        with pytest.raises(RealModelForbidden):
            await real.ainvoke([HumanMessage("x")])
        with pytest.raises(RealModelForbidden):
            [chunk async for chunk in real.astream("x")]


class Triggered:
    """A memory whose batches end as the test says."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)

    def trigger_all(self) -> list[Outcome]:
        return self.outcomes

    async def atrigger_all(self) -> list[Outcome]:
        return self.outcomes


async def test_draining_gives_the_outcomes() -> None:
    """Draining reads what is unread and says what came of it."""
    memory = Triggered(Outcome("u", "t", "unchanged"))
    assert drain(memory) == await adrain(memory) == memory.outcomes


def test_draining_fails_where_a_batch_failed() -> None:
    """A failed batch fails the test that drains, with its reason."""
    with pytest.raises(AssertionError, match=r"1 of 1 batches failed.*'t' of 'u': timeout"):
        drain(Triggered(Outcome("u", "t", "failed", reason="timeout")))
