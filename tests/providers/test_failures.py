"""Whatever a provider does instead of answering becomes an error of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from tests.providers.conftest import anthropic, openai
from tests.support.provider_server import (
    ProviderServer,
    Reply,
    cut,
    hang,
    refusal,
    status,
    text,
    tool,
)

from usermemory.errors import ExtractionError, ProviderError
from usermemory.extract import Request, UnusableAnswer
from usermemory.extract.language_model import LanguageModelExtractor
from usermemory.records import Usage


def failure(model: BaseChatModel, asked: Request, **settings: Any) -> ExtractionError:
    with pytest.raises(ExtractionError) as caught:
        LanguageModelExtractor(model, **settings).extract(asked)
    assert "rowing" not in str(caught.value), "an error must not hold text of the conversation"
    return caught.value


@pytest.mark.parametrize(
    ("reply", "reason", "retry_after"),
    [
        (status(401), "unauthorized", None),
        (status(402), "unauthorized", None),
        (status(403), "unauthorized", None),
        (status(404), "not_found", None),
        (status(408), "timeout", None),
        (status(429, {"retry-after": "7"}), "rate_limited", 7.0),
        (status(429, {"retry-after-ms": "1500", "retry-after": "2"}), "rate_limited", 1.5),
        (status(429, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}), "rate_limited", 0.0),
        (status(429, {"retry-after": "soon"}), "rate_limited", None),
        (status(500), "unavailable", None),
        (status(503, {"retry-after": "30"}), "unavailable", 30.0),
        (status(529), "unavailable", None),
        (cut(), "connection", None),
        (hang(), "timeout", None),
        (status(400, message="Your credit balance is too low"), "unauthorized", None),
        (status(400, message="API key not valid. Please pass one"), "unauthorized", None),
        (status(400, message="No models loaded. Please load one"), "not_found", None),
        (status(400, code="model_decommissioned", message="`rowing` is gone"), "not_found", None),
        (status(400, code="model_not_found", message="invalid model"), "not_found", None),
    ],
)
def test_provider_is_to_blame(
    model: BaseChatModel,
    server: ProviderServer,
    asked: Request,
    reply: Reply,
    reason: str,
    retry_after: float | None,
) -> None:
    """Keys, names, limits, outages and lines are the provider's: the batch is not blamed."""
    server.reply(reply)
    error = failure(model, asked)
    assert isinstance(error, ProviderError)
    assert (error.reason, error.retry_after) == (reason, retry_after)


@pytest.mark.parametrize("build", [openai, anthropic])
def test_nobody_listens(build: Any, asked: Request) -> None:
    """A refused connection is a connection error."""
    with ProviderServer() as gone:
        model = build(gone)
    assert failure(model, asked).reason == "connection"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (status(400, message="rowing: something about the request"), "rejected_request"),
        (status(413, message="too large"), "rejected_request"),
        (status(422, message="no"), "rejected_request"),
        (status(400, message="prompt is too long: 9 tokens > 8"), "rejected_request"),
        (status(400, code="content_filter", message="content_filter"), "filtered"),
        (tool({"changes": []}, stop="length"), "truncated"),
        (text("I had rather talk about rowing."), "unusable"),
        (text(""), "unusable"),
        (text('{"changes": [{"quote": "I took'), "unusable"),
        (tool("garbage"), "unusable"),
        (tool({"unrelated": 1}), "unusable"),
        (tool({"changes": "none"}), "unusable"),
        (tool({"changes": ["one", "two"]}), "unusable"),
    ],
)
def test_answer_is_to_blame(
    model: BaseChatModel, server: ProviderServer, asked: Request, reply: Reply, reason: str
) -> None:
    """What the batch or the model brings about counts against the batch, in whichever form."""
    server.always(reply)
    error = failure(model, asked)
    assert isinstance(error, UnusableAnswer)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("build", "reply", "reason"),
    [
        (openai, refusal(), "refused"),
        (openai, text("", stop="content_filter"), "filtered"),
        (anthropic, text("no", stop="refusal"), "refused"),
        (anthropic, tool({"changes": []}, stop="model_context_window_exceeded"), "truncated"),
    ],
)
def test_refusals_and_filters(
    build: Any, server: ProviderServer, asked: Request, reply: Reply, reason: str
) -> None:
    """Refusals, filters and full windows are told apart, in each provider's own words."""
    server.reply(reply)
    assert failure(build(server), asked).reason == reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (status(401), "unauthorized"),
        (status(404, message="model 'llama-test' not found"), "not_found"),
        (status(429), "rate_limited"),
        (status(500), "unavailable"),
        (hang(), "timeout"),
        (tool({"changes": []}, stop="length"), "truncated"),
        (text("I had rather talk about rowing."), "unusable"),
        (text(""), "unusable"),
    ],
)
def test_ollama_fails_in_its_own_words(
    server: ProviderServer, ollama: ChatOllama, asked: Request, reply: Reply, reason: str
) -> None:
    """Ollama's errors carry a status too, and its answers say why they stopped."""
    server.reply(reply)
    assert failure(ollama, asked).reason == reason


def test_ollama_does_not_run(asked: Request) -> None:
    """A server that is not running is a connection error, which blames no message."""
    with ProviderServer() as gone:
        model = ChatOllama(model="llama-test", base_url=gone.url)
    error = failure(model, asked)
    assert isinstance(error, ProviderError)
    assert error.reason == "connection"


@pytest.mark.parametrize("reply", [tool({"changes": []}, stop="length"), text("no JSON")])
def test_unusable_answers_cost_all_the_same(
    model: BaseChatModel, server: ProviderServer, asked: Request, reply: Reply
) -> None:
    """The tokens of an answer that could not be used are counted."""
    server.reply(reply)
    error = failure(model, asked)
    assert isinstance(error, UnusableAnswer)
    assert (error.usage.calls, error.usage.input_tokens, error.usage.output_tokens) == (1, 120, 30)
    assert Usage() != error.usage


def test_parallel_calls_of_one_model(
    model: BaseChatModel, server: ProviderServer, asked: Request
) -> None:
    """One extractor may be used from several threads."""
    from concurrent.futures import ThreadPoolExecutor

    server.always(tool({"changes": []}))
    extractor = LanguageModelExtractor(model)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(extractor.extract, [asked] * 12))
    assert [found.usage.calls for found in results] == [1] * 12


def responses(server: ProviderServer) -> ChatOpenAI:
    """OpenAI's class, with its other API."""
    return openai(server, use_responses_api=True)


def llama(server: ProviderServer) -> ChatOllama:
    """Ollama's class."""
    return ChatOllama(model="llama-test", base_url=server.url)


def overloaded(**error: Any) -> Reply:
    """An error in the body of an answer with status 200, as gateways send it."""
    return Reply(body={"error": error})


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (overloaded(message="Upstream failed", code=503), "unavailable"),
        (overloaded(message="Upstream failed", code="502"), "unavailable"),
        (overloaded(message="Slow down", code=429, metadata={}), "rate_limited"),
        (overloaded(message="Slow down", type="rate_limit_error"), "rate_limited"),
        (overloaded(message="Overloaded", type="overloaded_error"), "unavailable"),
        (overloaded(message="rowing", code=None, type="server_error"), "unavailable"),
        (overloaded(message="No such key", code=401), "unauthorized"),
        (overloaded(message="No such key", code="invalid_api_key"), "unauthorized"),
        (overloaded(code=503), "unavailable"),
        (Reply(body={"error": "overloaded"}), "unavailable"),
        (Reply(body={"choices": [], "error": {"message": "Upstream", "code": 503}}), "unavailable"),
        (Reply(body="<!doctype html><title>Maintenance</title>"), "unavailable"),
        (Reply(body="\n<html>Sign in to this network</html>"), "unavailable"),
    ],
    ids=lambda value: str(value.body) if isinstance(value, Reply) else value,
)
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "text"])
@pytest.mark.parametrize("build", [openai, responses, anthropic, llama])
def test_an_error_behind_status_200(
    server: ProviderServer, asked: Request, build: Any, method: str, reply: Reply, reason: str
) -> None:
    """A gateway that says in the body what went wrong means what the status would have said."""
    server.always(reply)
    model = build(server)
    error = failure(model, asked, method=method)
    if isinstance(model, ChatOllama):
        model._client._client.close()  # nobody else would
    assert isinstance(error, ProviderError)
    assert error.reason == reason


@pytest.mark.parametrize("build", [openai, anthropic])
def test_a_body_that_holds_nothing(server: ProviderServer, asked: Request, build: Any) -> None:
    """An answer with status 200 and nothing in it is an outage where the package can tell."""
    server.always(Reply(body={}))
    error = failure(build(server), asked)
    assert isinstance(error, ProviderError)
    assert error.reason == "unavailable"


@pytest.mark.parametrize("build", [openai, anthropic])
def test_a_page_that_the_user_sent_is_no_outage(
    server: ProviderServer, asked: Request, build: Any
) -> None:
    """An odd answer to a message that is a page blames the answer: nobody else waits for it."""
    page = replace(asked.messages[0], text="<html><body>I love rowing.</body></html>")
    server.always(Reply(body={"id": "x", "model": "m", "choices": None, "content": None}))
    error = failure(build(server), replace(asked, batch=(page,)))
    assert isinstance(error, UnusableAnswer)
    assert error.reason == "unusable"


def test_a_provider_that_breaks_off(server: ProviderServer, asked: Request) -> None:
    """An answer that ends by the provider's own error is an outage, and no unusable answer."""
    server.always(text("", stop="error"))
    error = failure(openai(server), asked)
    assert isinstance(error, ProviderError)
    assert error.reason == "unavailable"
