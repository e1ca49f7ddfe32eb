"""The providers' own classes against servers that refuse a form, think aloud, or answer oddly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from tests.providers.conftest import anthropic, openai
from tests.providers.test_others import LEARNED, ROWING, google, mistral
from tests.support.provider_server import ProviderServer, Reply, status, text, tool

from usermemory import UserMemory
from usermemory.errors import ProviderError
from usermemory.extract import Extraction, Request, UnusableAnswer
from usermemory.extract.language_model import LanguageModelExtractor, OverwriteExtractor
from usermemory.testing import FakeClock

Body = dict[str, Any]
CHANGES = {"changes": [ROWING]}
J = json.dumps(CHANGES)


def ollama(server: ProviderServer) -> ChatOllama:
    return ChatOllama(model="llama-test", base_url=server.url)


@pytest.fixture(
    params=[openai, mistral, google, ollama, anthropic], ids=lambda build: build.__name__
)
def model(request: pytest.FixtureRequest, server: ProviderServer) -> Iterator[BaseChatModel]:
    """Each provider's class, closed at the end."""
    built = request.param(server)
    yield built
    for client in (
        getattr(built, "client", None),
        getattr(getattr(built, "_client", None), "_client", None),
    ):
        if type(built).__module__.startswith(
            ("langchain_mistral", "langchain_google", "langchain_ollama")
        ):
            close = getattr(client, "close", None)
            if callable(close):
                close()


def form_of(body: Body) -> str:
    """In which form a request asks for its answer."""
    settings = body.get("generationConfig", {})
    if body.get("tools"):
        return "tools"
    schema = ("response_format" in body, "responseJsonSchema" in settings, body.get("format"))
    return "schema" if any(schema) or "responseSchema" in settings else "text"


def taking(*forms: str) -> Callable[[Body], Reply]:
    """A server that takes these forms only."""
    return lambda body: (
        tool(CHANGES)
        if form_of(body) in forms
        else status(400, message=f"{form_of(body)} unavailable", code=400)
    )


def forms(server: ProviderServer) -> list[str]:
    return [form_of(seen.body) for seen in server.requests]


def test_a_server_that_takes_tools_only(
    model: BaseChatModel, server: ProviderServer, asked: Request
) -> None:
    """The batch is learned from at once, and the form that worked is the first one from then on."""
    server.always(taking("tools"))
    extractor = LanguageModelExtractor(model)
    assert extractor.extract(asked).changes == extractor.extract(asked).changes == (LEARNED,)
    first = ["tools"] if type(model).__name__ == "ChatAnthropic" else ["schema", "tools"]
    assert forms(server) == [*first, "tools"]


def test_a_server_that_takes_text_only(
    model: BaseChatModel, server: ProviderServer, asked: Request
) -> None:
    """Without schemas and tools the prompt shows the form; its answer is read from the text."""
    server.always(taking("text"))
    extractor = LanguageModelExtractor(model)
    found = extractor.extract(asked)
    assert found.changes == extractor.extract(asked).changes == (LEARNED,)
    assert found.usage.calls == 1
    assert forms(server)[-2:] == ["text", "text"]
    assert len(forms(server)) <= 4
    assert "Answer with one JSON object" in str(server.requests[-1].body)
    assert "Answer with one JSON object" not in str(server.requests[0].body)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda given: f"<think>\nRowing, {{so}}.\n</think>\n\n{given}",
        lambda given: f"Here it is:\n```JSON\n{given}\n```\nDone.",
        lambda given: f'<tool_call>{{"name": "profile_changes", "arguments": {given}}}</tool_call>',
        lambda given: f"{given}<|im_end|>",
    ],
)
def test_wrapped_answers(
    model: BaseChatModel, server: ProviderServer, asked: Request, wrap: Callable[[str], str]
) -> None:
    """Whatever form was asked for, JSON in a wrapping is read from every provider."""
    server.reply(text(wrap(J)))
    assert LanguageModelExtractor(model).extract(asked).changes == (LEARNED,)
    assert len(server.requests) == 1


def test_nobody_is_buried_for_a_form(server: ProviderServer, tmp_path: Path) -> None:
    """A memory whose server takes no JSON Schema learns at the first try, and halves no batch."""
    server.always(
        lambda body: (
            status(422, message="This response_format type is unavailable now")
            if "response_format" in body
            else tool(CHANGES)
        )
    )
    path = str(tmp_path / "m.db")
    with UserMemory(path, model=openai(server), worker=False, clock=FakeClock(), delay=0) as memory:
        for user in ("ana", "bo"):
            memory.remember(user, "t", [("user", "I took up rowing in Bergen.")])
        assert [outcome.status for outcome in memory.run_due()] == ["changed", "changed"]
        assert memory.jobs() == []
    assert forms(server) == ["schema", "tools", "tools"]


def test_overwriting_falls_back_too(server: ProviderServer, asked: Request) -> None:
    """The strategy that asks for the whole profile asks in the next form as well."""
    written = {"name": "Ana", "age": None, "interests": ["rowing"], "core_memories": []}
    server.always(
        lambda body: (
            text(f"```\n{json.dumps(written)}\n```") if form_of(body) == "text" else status(400)
        )
    )
    found = OverwriteExtractor(openai(server)).extract(asked)
    assert [change.value for change in found.changes] == ["rowing"]
    assert forms(server) == ["schema", "tools", "text"]


def thinking(server: ProviderServer) -> BaseChatModel:
    return anthropic(server, thinking={"type": "enabled", "budget_tokens": 500})


@pytest.mark.parametrize("reply", [tool(CHANGES), text(J), text(f"So:\n```json\n{J}\n```")])
def test_claude_that_thinks(server: ProviderServer, asked: Request, reply: Reply) -> None:
    """It is offered the tool without being forced, and may answer in text."""
    server.reply(replace(reply, thinking="hm, {}"))
    found = LanguageModelExtractor(thinking(server)).extract(asked)
    assert found.changes == (LEARNED,)
    assert found.usage.output_tokens == 30
    body = server.requests[0].body
    assert body["tools"]
    assert "tool_choice" not in body
    assert "Answer by calling the tool profile_changes." in body["system"][0]["text"]


@pytest.mark.parametrize("words", ["There is nothing to remember here.", ""])
def test_claude_that_only_talks(server: ProviderServer, asked: Request, words: str) -> None:
    """Words, or thoughts alone, are an unusable answer whose tokens are counted: no outage."""
    server.reply(replace(text(words), thinking=f"hm {J}"))
    with pytest.raises(UnusableAnswer) as caught:
        LanguageModelExtractor(thinking(server)).extract(asked)
    assert not isinstance(caught.value, ProviderError)
    assert (caught.value.reason, caught.value.usage.output_tokens) == ("unusable", 30)
    assert len(server.requests) == 1


def test_claude_that_cannot_be_forced(server: ProviderServer, asked: Request) -> None:
    """A model whose API takes no forced tool is asked without, warnings being errors or not."""
    server.always(tool(CHANGES))
    model = anthropic(server).model_copy(update={"model": "claude-opus-5-5"})
    assert LanguageModelExtractor(model).extract(asked).changes == (LEARNED,)
    assert "tool_choice" not in server.requests[0].body


def test_a_model_of_openais_without_schemas(server: ProviderServer, asked: Request) -> None:
    """The package warns that gpt-4 takes no schema; it is asked for a tool call."""
    server.always(tool(CHANGES))
    model = openai(server).model_copy(update={"model_name": "gpt-4"})
    assert LanguageModelExtractor(model).extract(asked).changes == (LEARNED,)
    assert forms(server) == ["tools"]


def at_the_limit(content: str) -> Reply:
    return text(content, stop="length")


def test_behind_a_whole_answer_the_model_went_on(server: ProviderServer, asked: Request) -> None:
    """OpenAI's package throws away what reached the token limit; a whole answer in it is read."""
    server.reply(at_the_limit(f"{J}{' ' * 50}"))
    found: Extraction = LanguageModelExtractor(openai(server)).extract(asked)
    assert found.changes == (LEARNED,)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (120, 30)
    server.reply(at_the_limit(J[:-2]))
    with pytest.raises(UnusableAnswer) as caught:
        LanguageModelExtractor(openai(server)).extract(asked)
    assert (caught.value.reason, caught.value.usage.output_tokens) == ("truncated", 30)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of the package itself
@pytest.mark.parametrize("arguments", [J, json.dumps([ROWING]), [ROWING], 7, None])
def test_tool_arguments_that_are_no_object(
    server: ProviderServer, asked: Request, arguments: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anthropic's class takes an object only; JSON in its place is read, nonsense is unusable."""
    block = {"type": "tool_use", "id": "t", "name": "profile_changes", "input": arguments}
    monkeypatch.setattr("tests.support.provider_wire.AnthropicWire._block", lambda *_: block)
    server.reply(tool(CHANGES))
    extractor = LanguageModelExtractor(anthropic(server))
    if isinstance(arguments, (str, list)):
        assert extractor.extract(asked).changes == (LEARNED,)
    else:
        with pytest.raises(UnusableAnswer) as caught:
            extractor.extract(asked)
        assert (caught.value.reason, caught.value.usage.calls) == ("unusable", 1)
    assert len(server.requests) == 1


WRAPPERS: dict[str, Callable[[ProviderServer], Any]] = {
    "with_retry": lambda server: openai(server, temperature=0.5).with_retry(stop_after_attempt=1),
    "bind": lambda server: openai(server).bind(temperature=0.5),
    "with_fallbacks": lambda server: anthropic(server, temperature=0.5).with_fallbacks(
        [openai(server, temperature=0.5)]
    ),
    "fallbacks the other way round": lambda server: openai(server, temperature=0.5).with_fallbacks(
        [anthropic(server, temperature=0.5)]
    ),
}


@pytest.mark.parametrize("build", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_wrapped_classes(
    build: Callable[[ProviderServer], Any], server: ProviderServer, asked: Request
) -> None:
    """What a wrapper sets is sent, and each provider is asked in a form that it takes."""
    server.always(tool(CHANGES))
    assert LanguageModelExtractor(build(server)).extract(asked).changes == (LEARNED,)
    (seen,) = server.requests
    assert seen.body["temperature"] == 0.5


@pytest.mark.parametrize(
    "build", [WRAPPERS["with_fallbacks"], WRAPPERS["fallbacks the other way round"]]
)
def test_fallbacks_of_another_provider(
    build: Callable[[ProviderServer], Any], server: ProviderServer, asked: Request
) -> None:
    """Where the first provider is down, the second one is asked in its own manner."""
    server.reply(status(503))
    server.always(tool(CHANGES))
    assert LanguageModelExtractor(build(server)).extract(asked).changes == (LEARNED,)
    first, second = server.requests
    assert first.path != second.path
    assert form_of(second.body) == ("tools" if "messages" in second.path else "schema")


@pytest.mark.usefixtures("as_openai")
def test_a_fallback_is_not_asked_in_strict_mode(server: ProviderServer, asked: Request) -> None:
    """A form that was made for the first provider may not be fit for the rules of another."""
    server.reply(status(503))
    server.always(tool(CHANGES))
    model: Any = anthropic(server).with_fallbacks([openai(server)])
    assert LanguageModelExtractor(model).extract(asked).changes == (LEARNED,)
    assert not server.requests[1].body["response_format"]["json_schema"].get("strict")


@pytest.mark.parametrize(
    "counted",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": -3, "completion_tokens": 2.5},
        {"prompt_tokens": "12", "completion_tokens": "3", "total_tokens": "15"},
        {"prompt_tokens": "many", "completion_tokens": "few"},
    ],
)
def test_odd_figures_of_a_gateway(
    server: ProviderServer, asked: Request, counted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway's odd figures cost no answer."""
    monkeypatch.setattr("tests.support.provider_wire.OpenAIWire._usage", lambda: counted)
    server.reply(tool(CHANGES))
    found = LanguageModelExtractor(openai(server)).extract(asked)
    assert found.changes == (LEARNED,)
    assert found.usage.calls == 1
    assert min(found.usage.input_tokens, found.usage.output_tokens) >= 0


def test_a_gateway_without_choices(
    server: ProviderServer, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body without the key that the package expects is an unusable answer."""
    monkeypatch.setattr(
        "tests.support.provider_wire.OpenAIWire.message", lambda *_: {"id": "1", "object": "x"}
    )
    with pytest.raises(UnusableAnswer) as caught:
        LanguageModelExtractor(
            ChatOpenAI(model="m", api_key="x", base_url=server.openai_url, max_retries=0)
        ).extract(asked)
    assert (caught.value.reason, caught.value.usage.calls) == ("unusable", 1)
