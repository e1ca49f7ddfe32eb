"""The other providers' own classes: asked in their manner, read, and their failures told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from tests.support.ollama_server import OllamaServer
from tests.support.provider_server import ProviderServer, status, text, tool

from usermemory.errors import ProviderError
from usermemory.extract import Request, UnusableAnswer
from usermemory.extract.language_model import LanguageModelExtractor
from usermemory.extract.manner import Manner, manner_of
from usermemory.records import Change

ROWING = {
    "quote": "I took up rowing in Bergen",
    "who": "user",
    "field": "interests",
    "action": "add",
    "value": "rowing",
}
LEARNED = Change("interests", "add", "rowing", ROWING["quote"])


def mistral(server: ProviderServer) -> BaseChatModel:
    from langchain_mistralai import ChatMistralAI

    return ChatMistralAI(
        model_name="mistral-test", endpoint=server.openai_url, api_key="x", max_retries=1
    )


def google(server: ProviderServer) -> BaseChatModel:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(
        model="gemini-test", base_url=server.url, google_api_key="x", max_retries=1
    )


@pytest.fixture(params=[mistral, google], ids=["mistral", "google"])
def model(request: pytest.FixtureRequest, server: ProviderServer) -> Iterator[BaseChatModel]:
    built = request.param(server)
    yield built
    client = getattr(built, "client", None)
    if client is not None and hasattr(client, "close"):
        client.close()


def form(body: dict[str, Any]) -> Any:
    """The schema that a request asks for, wherever the provider has it."""
    if "response_format" in body:
        return body["response_format"]["json_schema"]["schema"]
    settings = body["generationConfig"]
    return settings.get("responseJsonSchema") or settings.get("responseSchema")


def test_a_change_list(model: BaseChatModel, server: ProviderServer, asked: Request) -> None:
    """The change list is asked for as a schema without caps, and read with its cost."""
    server.reply(tool({"changes": [ROWING]}))
    found = LanguageModelExtractor(model).extract(asked)
    assert found.changes == (LEARNED,)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (120, 30)
    assert manner_of(model) == Manner("json_schema", caps=False)
    schema = form(server.requests[0].body)
    assert "changes" in schema["properties"]
    assert "maxLength" not in str(schema)


@pytest.mark.parametrize(
    ("code", "reason"), [(401, "unauthorized"), (404, "not_found"), (400, "rejected_request")]
)
def test_failures(
    model: BaseChatModel, server: ProviderServer, asked: Request, code: int, reason: str
) -> None:
    """What these providers' classes raise is told apart as for any other."""
    server.always(status(code, message="no", code=code))
    with pytest.raises((ProviderError, UnusableAnswer)) as caught:
        LanguageModelExtractor(model).extract(asked)
    assert caught.value.reason == reason


def test_cut_off(model: BaseChatModel, server: ProviderServer, asked: Request) -> None:
    """An answer at the token limit is known for one."""
    server.reply(text('{"changes": [', stop="length"))
    with pytest.raises(UnusableAnswer) as caught:
        LanguageModelExtractor(model).extract(asked)
    assert caught.value.reason == "truncated"


def test_ollama(asked: Request) -> None:
    """Ollama's class is asked for a capped schema, and its answer is read with its cost."""
    from langchain_ollama import ChatOllama

    with OllamaServer(says='{"changes": []}') as server:
        model = ChatOllama(model="qwen3:4b", base_url=f"http://{server.host}")
        found = LanguageModelExtractor(model).extract(asked)
        (body,) = server.asked
    assert found.changes == ()
    assert (found.usage.input_tokens, found.usage.output_tokens) == (120, 30)
    assert manner_of(model) == Manner("json_schema")
    assert "maxLength" in str(body["format"])
