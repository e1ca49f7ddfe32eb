"""Weights in this process: a real GGUF file of a few kilobytes, whose nonsense a grammar forms."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, Field
from tests.support.tiny_gguf import tiny_gguf

from usermemory import Request, UserMemory, UserProfile
from usermemory.errors import ExtractionError, ModelUnavailable, ProviderError
from usermemory.extract.language_model import LanguageModelExtractor
from usermemory.extract.manner import Manner, manner_of
from usermemory.extract.models import chat_model, check_model
from usermemory.langgraph import create_chatbot
from usermemory.local import engine as engines
from usermemory.local.chat_model import LocalChatModel
from usermemory.records import Message
from usermemory.schema import schema_of

LINE = {"type": "string", "minLength": 100, "maxLength": 120}
LINES = {"type": "array", "minItems": 60, "maxItems": 60, "items": LINE}
ENDLESS = {"type": "json_schema", "json_schema": {"name": "x", "schema": LINES}}
"""A form that no model fills in within less than some thousand tokens."""


class City(BaseModel):
    """The city that is meant."""

    name: str = Field(max_length=8)
    inhabitants: int = Field(ge=0, le=9)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("weights") / "tiny.gguf")


@pytest.fixture
def model(weights: Path) -> Iterator[LocalChatModel]:
    # One thread of llama.cpp, or it waits for the other one as long as the machine is busy.
    yield LocalChatModel(str(weights), max_tokens=2_000, context=8_192, threads=1)
    engines.close_all()


def test_text_streams(model: LocalChatModel) -> None:
    """An answer comes in pieces that add up to the whole, with its cost and the model's name."""
    pieces = list(model.stream("Hello", max_tokens=12, seed=1))
    whole = model.invoke("Hello", max_tokens=12, seed=1)
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces) == whole.text
    for message in (whole, sum(pieces[1:], pieces[0])):
        assert message.usage_metadata is not None
        assert 0 < message.usage_metadata["output_tokens"] <= 12
        assert message.usage_metadata["input_tokens"] > 5
        assert message.response_metadata["model_name"] == "local:tiny.gguf"
        assert message.response_metadata["finish_reason"] in {"stop", "length"}


async def test_in_an_event_loop(model: LocalChatModel) -> None:
    """The awaited twins say the same as the plain ones."""
    said = await model.ainvoke("Hello", max_tokens=12)
    assert said.text == model.invoke("Hello", max_tokens=12).text
    assert "".join([piece.text async for piece in model.astream("Hello", max_tokens=12)])


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(model: LocalChatModel, method: str) -> None:
    """Whatever a model is capable of, what it says has the form that was asked for."""
    typed = model.with_structured_output(City, method=method).invoke("Where?", temperature=0)
    assert isinstance(typed, City)
    plain = model.with_structured_output(City.model_json_schema(), method=method, strict=True)
    jsonschema.validate(plain.invoke("Where?"), City.model_json_schema())


def test_cut_off(model: LocalChatModel) -> None:
    """An answer that reaches the limit says so, and half of a form is no value."""
    short = LocalChatModel(model.path, max_tokens=5, threads=1)
    raw = short.with_structured_output(City, include_raw=True).invoke("Where?")
    assert raw["raw"].response_metadata["finish_reason"] == "length"
    assert raw["parsed"] is None
    assert raw["parsing_error"] is not None
    call = short.bind_tools([City], tool_choice="any").invoke("Where?")
    assert call.tool_calls == []
    assert call.response_metadata["finish_reason"] == "length"


def test_a_tool_that_must_be_called(model: LocalChatModel) -> None:
    """A forced call is one, with arguments that fit, whole and streamed."""
    bound = model.bind_tools([City], tool_choice="City")
    pieces = list(bound.stream("Where?"))
    for message in (bound.invoke("Where?"), sum(pieces[1:], pieces[0])):
        (call,) = message.tool_calls
        assert call["name"] == "City"
        City.model_validate(call["args"])
        assert message.text == ""
        assert message.response_metadata["finish_reason"] == "tool_calls"


def test_tools_that_may_be_called(model: LocalChatModel) -> None:
    """With tools at hand the model either calls one or speaks; its words stream, its calls not."""
    bound = model.bind_tools([City], temperature=1.5)
    kinds: set[str] = set()
    for seed in range(40):
        pieces = list(bound.stream("Where?", seed=seed))
        message = sum(pieces[1:], pieces[0])
        if message.response_metadata["finish_reason"] == "length":
            continue
        kinds.add("call" if message.tool_calls else "words")
        assert bool(message.tool_calls) != bool(message.text) or message.text == ""
        assert "arguments" not in message.text
        if kinds == {"call", "words"}:
            break
    assert kinds == {"call", "words"}


def test_loaded_once(model: LocalChatModel) -> None:
    """Two models of one file share its weights; another context is another engine."""
    path = Path(model.path)
    first = engines.engine(path, 512, 1)
    assert engines.engine(path.parent / "." / path.name, 512, 1) is first
    assert engines.engine(path, 1_024, 1) is not first


def test_many_callers(model: LocalChatModel) -> None:
    """Callers of several threads wait for each other, and each gets a whole answer."""
    asked = model.with_structured_output(City)
    with ThreadPoolExecutor(4) as pool:
        assert all(isinstance(city, City) for city in pool.map(asked.invoke, ["Where?"] * 8))


def test_who_stops_reading_stops_the_model(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that nobody reads on is given up, and the next caller does not wait for its end."""
    made: list[Any] = []

    class Counted(SimpleQueue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            made.append(item)
            super().put(item, block, timeout)

    monkeypatch.setattr(engines, "SimpleQueue", Counted)
    stream = model.stream("Go on and on", response_format=ENDLESS, max_tokens=7_000)
    next(stream)
    stream.close()
    model.invoke("Hello", max_tokens=2)
    assert len(made) < 3_000


def test_closing_while_it_answers(model: LocalChatModel) -> None:
    """An answer that a close cuts short is an error, no short answer; the next one loads anew."""
    stream = model.stream("Go on and on", response_format=ENDLESS, max_tokens=7_000)
    next(stream)
    engines.close_all()
    with pytest.raises(ProviderError, match="closed while it answered"):
        list(stream)
    assert model.invoke("Hello", max_tokens=2).usage_metadata


def test_closing_right_after_loading(weights: Path) -> None:
    """Weights that are loaded and closed at once do not hang, however often and busy."""
    for _ in range(50):
        engines.engine(weights, 512, 1)
        engines.close_all()
    assert not engines._loaded


def test_a_program_ends_while_it_answers(weights: Path) -> None:
    """A program that ends in the middle of an answer ends well."""
    code = (
        "import sys, threading; from usermemory.local.chat_model import LocalChatModel\n"
        f"model = LocalChatModel({str(weights)!r}, max_tokens=7_000, threads=1)\n"
        "stream = model.stream('Go on and on', response_format="
        f"{ENDLESS!r})\nnext(stream)\n"
        "threading.Thread(target=lambda: list(stream), daemon=True).start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Fatal" not in done.stderr


def test_nobody_else_can_ask(model: LocalChatModel) -> None:
    """The port that llama.cpp opens answers nobody, for its key is told to nobody."""
    engine = engines.engine(Path(model.path), 512, 1)
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{engine._server.listening_address}/v1/chat/completions",
        json.dumps({"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}).encode(),
        {"content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):  # noqa: S310
        pass
    assert refused.value.code == 401
    refused.value.close()


def test_too_long(model: LocalChatModel) -> None:
    """A conversation that does not fit the context is the request's fault, and says both sizes."""
    with pytest.raises(ExtractionError, match=r"exceeds the available context size \(8192") as told:
        model.invoke("word " * 9_000)
    assert told.value.reason == "rejected_request"


def test_a_form_that_is_none(model: LocalChatModel) -> None:
    """A schema that cannot be made a grammar is the request's fault as well."""
    broken = {"title": "x", "type": "object", "properties": {"a": {"$ref": "http://x/y"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": broken}}
    with pytest.raises(ExtractionError, match="llama.cpp refuses"):
        model.invoke("Where?", response_format=form)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"", "no GGUF file"), (b"PK\x03\x04 something", "no GGUF file")],
)
def test_files_that_are_no_weights(tmp_path: Path, content: bytes | None, said: str) -> None:
    """A missing file and one of another kind are refused before any message is taken."""
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    for refused in (check_model, chat_model, LocalChatModel):
        with pytest.raises(ModelUnavailable, match=said):
            refused(f"local:{path}")


def test_the_package_is_missing(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, what to install is said."""
    monkeypatch.setattr("usermemory.local.weights.find_spec", lambda _: None)
    with pytest.raises(ModelUnavailable, match=r'pip install "usermemory\[local\]"'):
        check_model(f"local:{weights}")


def test_damaged_weights(weights: Path, tmp_path: Path) -> None:
    """Half a download cannot be loaded, which is nobody's words' fault."""
    path = tmp_path / "half.gguf"
    path.write_bytes(weights.read_bytes()[:30_000])
    with pytest.raises(ProviderError, match="cannot be loaded: damaged"):
        LocalChatModel(str(path)).invoke("Hello")


def test_asked_by_a_grammar_with_caps(model: LocalChatModel) -> None:
    """The memory asks it for a capped change list, and gets changes of the schema's fields."""
    assert manner_of(model) == Manner("json_schema")
    schema = schema_of(UserProfile)
    request = Request(schema, schema.empty(), (Message("user", "I took up rowing"),))
    extractor = LanguageModelExtractor(model.model_copy(update={"max_tokens": 3_500}))
    try:
        found = extractor.extract(request)
    except ExtractionError as error:
        assert error.reason == "truncated"  # noqa: PT017 - nonsense may be longer than allowed
    else:
        assert found.model == "local:tiny.gguf"
        assert {change.field for change in found.changes} <= set(schema.fields)


def test_in_a_memory_and_a_chatbot(weights: Path, tmp_path: Path) -> None:
    """By its name it serves a memory and a chatbot."""
    name = f"local:{weights}"
    with UserMemory(f"sqlite:///{tmp_path}/m.db", model=name, worker=False) as memory:
        bot = create_chatbot(memory, name)
        run = {"configurable": {"user_id": "will", "thread_id": "t"}}
        answer = bot.invoke({"messages": [("user", "Hi, I'm Will")]}, run)["messages"][-1]
        assert answer.usage_metadata["output_tokens"] > 0
        (outcome, *_) = memory.trigger("will")
    engines.close_all()
    assert outcome.usage.output_tokens > 0
    assert outcome.reason in {"", "truncated"}
