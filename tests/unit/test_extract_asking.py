"""One question: which form it is asked in, through which wrappers, and past which cache."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, Field

from usermemory.errors import ConfigurationError, ExtractionError, ProviderError, RealModelForbidden
from usermemory.extract import UnusableAnswer, forbid
from usermemory.extract.answer import model_name, read_answer
from usermemory.extract.asking import ask
from usermemory.extract.manner import Manner, manner_of, models_inside
from usermemory.extract.models import check_model
from usermemory.testing import ScriptedModel

FORM: dict[str, Any] = {
    "title": "verdicts",
    "description": "What is thought of each change.",
    "type": "object",
    "properties": {"verdicts": {"type": "array", "items": {"type": "string"}}},
    "required": ["verdicts"],
}
OTHER: dict[str, Any] = {**FORM, "title": "others"}
ANSWER = {"verdicts": ["said"]}
J = json.dumps(ANSWER)
TEXTS = ("Judge.", "A change.")


class HttpError(Exception):
    """What a provider's package raises for an HTTP status."""

    def __init__(self, status_code: int, said: str = "no") -> None:
        super().__init__(said)
        self.status_code = status_code
        self.response: Any = None


class Server(BaseChatModel):
    """A model whose server takes some forms, and says so in its own words."""

    usermemory_scripted: bool = True
    says: Callable[[str, str], Any] = lambda _form, _prompt: J
    asked: list[str] = Field(default_factory=list)
    prompts: list[str] = Field(default_factory=list)
    settings: list[dict[str, Any]] = Field(default_factory=list)

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        if kwargs.get("method") != "json_schema":
            return super().with_structured_output(schema, **kwargs)
        return self.bind(response_format=schema) | RunnableLambda(_fails)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        form = "tools" if "tools" in kwargs else "schema" if "response_format" in kwargs else "text"
        prompt = messages[0].text
        self.asked.append(form)
        self.prompts.append(prompt)
        self.settings.append(kwargs)
        said = self.says(form, prompt)
        if isinstance(said, Exception):
            raise said
        message = said if isinstance(said, AIMessage) else AIMessage(said)
        return ChatResult(generations=[ChatGeneration(message=message)])

    @property
    def _llm_type(self) -> str:
        return "server"


def _fails(_: Any) -> Any:
    raise OutputParserException("no tool was called")


def server(says: Any = None, **settings: Any) -> Server:
    told = says if callable(says) else lambda _form, _prompt: J if says is None else says
    return Server(says=told, **settings)


def refusing(*forms: str, status: int = 400, said: str = "bad request") -> Server:
    return server(lambda form, _: HttpError(status, said) if form in forms else J)


SCHEMA = Manner("json_schema")


def asked(model: Any, manner: Manner, form: Any = FORM) -> Any:
    return read_answer(ask(model, TEXTS, form, manner), form)


def failure(model: Any, manner: Manner) -> ExtractionError:
    with pytest.raises(ExtractionError) as caught:
        ask(model, TEXTS, FORM, manner)
    return caught.value


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "This response_format type is unavailable now"),
        (422, ""),
        (404, "No endpoints found that support structured outputs"),
        (415, "json_schema"),
        (500, "grammar: failed to parse"),
        (501, "response_format is not implemented"),
    ],
)
def test_a_refused_form_is_followed_by_the_next(status: int, said: str) -> None:
    """A server without JSON Schemas is asked for a tool call, at once and from then on."""
    model, manner = refusing("schema", status=status, said=said), manner_of(server())
    manner = Manner("json_schema", learned=manner.learned)
    assert asked(model, manner) == ANSWER
    assert asked(model, manner) == ANSWER
    assert asked(model, manner, OTHER) == {"verdicts": ["said"]}
    assert model.asked == ["schema", "tools", "tools", "tools"]


def test_text_shows_the_form_when_nothing_else_does() -> None:
    """A server with neither schemas nor tools gets the schema in the prompt, word by word."""
    model, manner = refusing("schema", "tools"), Manner("json_schema")
    assert asked(model, manner) == asked(model, manner) == ANSWER
    assert model.asked == ["schema", "tools", "text", "text"]
    assert model.prompts[0] == "Judge."
    assert model.prompts[-1].startswith("Judge.\n\nAnswer with one JSON object")
    assert json.dumps(FORM) in model.prompts[-1]


def test_another_form_of_answer_may_be_refused_too() -> None:
    """That a server took one schema says nothing of the next one; both are asked for in tools."""

    def says(form: str, _: str) -> Any:
        refused = form == "schema" and model.settings[-1]["response_format"]["title"] == "others"
        return HttpError(400, "bad request") if refused else J

    model, manner = server(says), Manner("json_schema")
    assert asked(model, manner) == ANSWER
    assert asked(model, manner, OTHER) == ANSWER
    assert model.asked == ["schema", "schema", "tools"]


def test_what_is_refused_for_other_reasons_costs_two_more_calls_once() -> None:
    """A request that no form makes right is the request's doing, and is soon known for it."""
    model, manner = refusing("schema", "tools", "text"), Manner("json_schema")
    assert failure(model, manner).reason == "rejected_request"
    assert model.asked == ["schema", "tools", "text"]
    for _ in range(3):
        assert failure(model, manner).reason == "rejected_request"
    assert model.asked[3:] == ["text"] * 3


def test_after_a_bad_request_the_best_form_is_tried_again() -> None:
    """One bad request at the beginning does not keep a server from its best form for ever."""
    bad = [True]
    model = server(lambda *_: HttpError(400) if bad[0] else J)
    manner = Manner("json_schema")
    failure(model, manner)
    bad[0] = False
    assert asked(model, manner) == asked(model, manner) == ANSWER
    assert model.asked[3:] == ["text", "schema"]


def test_a_form_that_worked_is_not_doubted() -> None:
    """Once a server has taken a form, a request that it refuses is refused at one call."""
    bad = [""]
    model = server(lambda form, _: HttpError(400, bad[0]) if bad[0] and form == "schema" else J)
    manner = Manner("json_schema")
    assert asked(model, manner) == ANSWER
    bad[0] = "invalid image"
    assert failure(model, manner).reason == "rejected_request"
    assert model.asked == ["schema", "schema"]
    bad[0] = "response_format is not supported by this upstream"
    assert asked(model, manner) == ANSWER
    assert model.asked[2:] == ["schema", "tools"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            HttpError(400, "maximum context length is 8 tokens (9 in the functions)"),
            "rejected_request",
        ),
        (HttpError(400, "prompt is too long"), "rejected_request"),
        (HttpError(400, "content_filter"), "filtered"),
        (HttpError(400, "Your credit balance is too low for tools"), "unauthorized"),
        (HttpError(401, "tools"), "unauthorized"),
        (HttpError(404, "The model does not exist"), "not_found"),
        (HttpError(413, "schema too large"), "rejected_request"),
        (HttpError(429, "too many tool calls"), "rate_limited"),
        (HttpError(503, "grammar"), "unavailable"),
        (HttpError(500, "internal error"), "unavailable"),
        (TimeoutError("tools"), "timeout"),
        (ConnectionError("tools"), "connection"),
    ],
)
def test_what_is_not_the_forms_doing_is_raised_at_once(error: Exception, reason: str) -> None:
    """Outages, keys, filters and lengths are no reason to ask in another form."""
    model = server(error)
    assert failure(model, Manner("json_schema")).reason == reason
    assert model.asked == ["schema"]


def test_an_outage_names_the_model() -> None:
    """Whoever runs the bot is told which model could not be asked, after the last form too."""
    assert failure(server(HttpError(503)), Manner("json_schema")).model == "Server"
    refused = refusing("schema", "tools", "text", status=501, said="response_format: no")
    error = failure(refused, Manner("json_schema"))
    assert isinstance(error, ProviderError)
    assert (error.model, len(refused.asked)) == ("Server", 3)


def test_what_a_refusal_says_is_found_in_its_response() -> None:
    """Some packages keep a server's words in the response; an address is none of them."""
    spoke = HttpError(400, "400 Bad Request for http://host/tools/v1")
    model = server(lambda form, _: spoke if form == "schema" and len(model.asked) > 1 else J)
    manner = Manner("json_schema")
    assert asked(model, manner) == ANSWER
    assert failure(model, manner).reason == "rejected_request"
    spoke.response = SimpleNamespace(text="json_schema is not supported", status_code=400)
    assert asked(model, manner) == ANSWER
    assert model.asked == ["schema", "schema", "schema", "tools"]


def test_an_outage_between_two_forms_teaches_nothing() -> None:
    """What fails in the second form for another reason is that, and the first is tried again."""
    model = server(lambda form, _: HttpError(400 if form == "schema" else 503))
    manner = Manner("json_schema")
    assert failure(model, manner).reason == "unavailable"
    assert failure(model, manner).reason == "unavailable"
    assert model.asked == ["schema", "tools"] * 2


def test_a_package_that_refuses_the_form() -> None:
    """A class without tools, or whose client takes no such argument, is asked in text."""
    fake = FakeListChatModel(responses=[J])
    assert asked(fake, manner_of(fake)) == ANSWER
    odd = server(
        lambda form, _: (
            J
            if form == "text"
            else TypeError("create() got an unexpected keyword argument 'tools'")
        )
    )
    assert asked(odd, Manner("json_schema")) == ANSWER
    assert odd.asked == ["schema", "tools", "text"]


class Answered(BaseModel):
    verdicts: list[str]


def validation_error(value: Any) -> Exception:
    with pytest.raises(ValueError, match="validation error") as caught:
        Answered.model_validate(value)
    return caught.value


def decode_error(text: str) -> Exception:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    return caught.value


@pytest.mark.parametrize(
    "raised",
    [
        OutputParserException("no JSON", llm_output=f"So: {J}"),
        validation_error({"verdicts": J}),
        validation_error(J),
        decode_error(f"{J}</s>"),
    ],
)
def test_an_answer_in_an_error_is_read(raised: Exception) -> None:
    """What a package could not parse and keeps in its error is an answer all the same."""
    assert asked(server(raised), Manner("json_schema")) == ANSWER


@pytest.mark.parametrize(
    "raised",
    [
        OutputParserException("no tool was called"),
        OutputParserException("no JSON", llm_output="I had rather not."),
        validation_error({"verdicts": 3}),
        decode_error('{"verdicts": ["sai'),
        KeyError("choices"),
        IndexError("list index out of range"),
        TypeError("'NoneType' object is not subscriptable"),
        TypeError("Received response with null value for 'choices'."),
        AttributeError("'NoneType' object has no attribute 'content'"),
    ],
)
def test_an_answer_that_a_package_lost_is_no_outage(raised: Exception) -> None:
    """The model was asked and answered: that is unusable, and counted as a call."""
    with pytest.raises(UnusableAnswer) as caught:
        asked(server(raised), Manner("json_schema"))
    assert not isinstance(caught.value, ProviderError)
    assert (caught.value.reason, caught.value.usage.calls) == ("unusable", 1)


@pytest.mark.parametrize(
    "raised",
    [
        decode_error("<html>Service is down</html>"),
        decode_error(""),
        ValueError("Unexpected response type: <html>"),
        TypeError("Could not resolve authentication method"),
    ],
)
def test_a_proxys_page_is_an_outage(raised: Exception) -> None:
    """What is no answer of a model blames no message."""
    assert isinstance(failure(server(raised), Manner("json_schema")), ProviderError)


class Parsing(Server):
    """A class whose own chain cannot be looked into, and raises behind the model."""

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return RunnableLambda(self.invoke) | RunnableLambda(_fails)


def test_a_parser_that_raises_behind_the_model() -> None:
    """Where the parser cannot be left out, the answer is what the model said before it raised."""
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    says = AIMessage(J, usage_metadata=usage)
    model = Parsing(says=lambda *_: says)
    message = ask(model, TEXTS, FORM, Manner("json_schema"))
    assert read_answer(message, FORM) == ANSWER
    assert message.usage_metadata == usage


class Prepared(Server):
    """A class that prepares the prompt in its own chain, before its model."""

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        prepare = RunnableLambda(lambda messages: [SystemMessage("Prepared."), *messages])
        return prepare | self | RunnableLambda(_fails)


def test_a_step_before_the_model_is_not_left_out() -> None:
    """Only what stands behind the model is, and not at the cost of what stands before it."""
    model = Prepared(says=lambda *_: J)
    assert asked(model, SCHEMA) == ANSWER
    assert model.prompts == ["Prepared."]


def test_callbacks_of_the_application_hear_the_call() -> None:
    """Listening to the answer takes no listener away."""
    heard: list[str] = []

    class Listener(BaseCallbackHandler):
        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            heard.append(kwargs["tags"][0])

    config: Any = {"callbacks": [Listener()], "tags": ["mine"]}
    ask(server(), TEXTS, FORM, Manner("json_schema"), config)
    assert heard == ["mine"]


@pytest.mark.parametrize(
    ("said", "message"),
    [(J, J), (AIMessage(J), J), (ANSWER, J), ({"raw": AIMessage(J), "parsed": 1}, J)],
)
def test_runnables_that_return_something_else(said: Any, message: str) -> None:
    """Text, or an object that somebody parsed, is an answer as well as a message is."""

    class Odd:
        usermemory_scripted = True

        def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
            return RunnableLambda(lambda _: said)

    assert ask(Odd(), TEXTS, FORM, Manner("json_schema")).text == message


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "bind": lambda model: model.bind(temperature=0.0),
    "bind, tools of the application": lambda model: model.bind(
        temperature=0.0, tools=[{"name": "weather"}]
    ),
    "with_retry": lambda model: model.bind(temperature=0.0).with_retry(stop_after_attempt=1),
    "bind of with_config": lambda model: model.with_config(tags=["x"]).bind(temperature=0.0),
    "with_fallbacks": lambda model: server(HttpError(503)).with_fallbacks(
        [model.bind(temperature=0.0)]
    ),
    "fallbacks with settings": lambda model: (
        server(HttpError(429)).with_fallbacks([model]).bind(temperature=0.0)
    ),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED.keys())
@pytest.mark.parametrize("method", ["function_calling", "text"])
def test_wrapped_models(wrap: Any, method: Any) -> None:
    """A wrapper asks the model inside, in our form and with its own settings."""
    model = server()
    wrapped = wrap(model)
    check_model(wrapped)
    assert models_inside(wrapped)[-1] is model
    assert asked(wrapped, Manner(method)) == ANSWER
    (settings,) = model.settings
    assert settings["temperature"] == 0.0
    if method == "function_calling":
        assert [tool["title"] for tool in settings["tools"]] == ["verdicts"]


def test_scripted_models_in_wrappers() -> None:
    """The test double can be wrapped as any other model, and counts its calls."""
    scripted = ScriptedModel(replies=[TimeoutError(), ANSWER, ANSWER])
    wrapped = scripted.with_fallbacks([scripted])
    assert asked(wrapped, manner_of(wrapped)) == ANSWER
    retried = scripted.with_retry()
    with forbid.real_model_calls():
        assert asked(retried, manner_of(retried)) == ANSWER
    assert len(scripted.calls) == 3
    assert model_name(AIMessage(""), wrapped) == "ScriptedModel"


def test_tools_of_the_application_are_not_told_of_as_ours() -> None:
    """The prompt names our tool only where it is bound."""
    model = server()
    bound = model.bind(tools=[{"name": "weather"}])
    assert asked(bound, SCHEMA) == ANSWER
    assert model.prompts == ["Judge."]


def test_a_real_model_in_a_wrapper_is_a_real_model() -> None:
    """Forbidding real models looks into wrappers."""
    wrapped = server().with_fallbacks([FakeListChatModel(responses=[J])])
    with forbid.real_model_calls(), pytest.raises(RealModelForbidden):
        ask(wrapped, TEXTS, FORM, Manner("text"))


def test_annotations_of_the_test_double_can_be_looked_up() -> None:
    """LangChain's fallbacks do so before they pass a method on."""
    scripted = ScriptedModel(replies=["a", "b"])
    bound = scripted.with_fallbacks([scripted]).bind_tools([])
    assert bound.invoke("x").text == "a"


def test_what_is_no_model_in_a_wrapper() -> None:
    """The message names what was found inside, in one line."""
    wrong: Any = RunnableLambda(str).with_retry()
    with pytest.raises(ConfigurationError, match="is no chat model") as caught:
        check_model(wrong)
    assert len(str(caught.value)) < 250


def test_all_models_of_a_wrapper_decide_what_the_prompt_may_hold() -> None:
    """The first decides how to ask; caps and cache marks only where all of them take them."""
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    claude: Any = ChatAnthropic(model="claude-x", api_key="x")
    gpt: Any = ChatOpenAI(model="gpt-x", api_key="x")
    assert manner_of(claude.with_retry()) == Manner("function_calling", marks_cache=True)
    assert manner_of(claude.with_fallbacks([gpt])) == Manner("function_calling", caps=False)
    assert manner_of(gpt.with_fallbacks([claude])) == Manner("json_schema", strict=True, caps=False)


@pytest.fixture
def cache() -> Iterator[InMemoryCache]:
    """LangChain's global cache of answers, for one test."""
    cache = InMemoryCache()
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: model.with_retry()])
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "text"])
def test_the_global_cache_neither_answers_nor_keeps(
    cache: InMemoryCache, wrap: Any, method: Any
) -> None:
    """Each question is asked anew, and nothing of it is in a cache that no erasure reaches."""
    scripted = ScriptedModel(replies=["no JSON", ANSWER, J])
    model, manner = wrap(scripted), Manner(method)
    with pytest.raises(UnusableAnswer):
        asked(model, manner)
    assert asked(model, manner) == asked(model, manner) == ANSWER
    assert len(scripted.calls) == 3
    assert cache._cache == {}


def test_a_cache_of_the_models_own() -> None:
    """A cache that was given to the model itself is passed by too; the model keeps it."""
    own = InMemoryCache()
    model = ScriptedModel(replies=["no JSON", J], cache=own)
    manner = Manner("text")
    with pytest.raises(UnusableAnswer):
        asked(model, manner)
    assert asked(model, manner) == ANSWER
    assert own._cache == {}
    assert model.cache is own


def test_a_model_that_nobody_caches_is_asked_itself() -> None:
    """Without a cache there is no copy: what a test double counts shows in the double."""
    fake = FakeListChatModel(responses=["no JSON", J])
    ask(fake, TEXTS, FORM, manner_of(fake))
    assert fake.i == 1


@pytest.mark.usefixtures("cache")
def test_models_that_count_in_a_field_go_on_counting() -> None:
    """One copy serves all calls: LangChain's fakes keep their place in a field."""
    fake = FakeListChatModel(responses=["no JSON", J])
    manner = manner_of(fake)
    with pytest.raises(UnusableAnswer):
        asked(fake, manner)
    assert asked(fake, manner) == ANSWER


@pytest.mark.usefixtures("cache")
def test_a_model_that_forbids_copies_is_used_as_it_is() -> None:
    """Better cached than not asked at all."""

    class Single(ScriptedModel):
        def model_copy(self, **_: Any) -> Any:
            raise TypeError("there is one of me")

    assert asked(Single(replies=[J]), Manner("text")) == ANSWER


class Thinking(Server):
    """Claude with thinking, as far as its class goes."""

    thinking: dict[str, Any] = Field(default={"type": "enabled", "budget_tokens": 1_024})

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        warnings.warn("tool calls are not guaranteed", stacklevel=2)
        return super().with_structured_output(schema, **kwargs)


def test_a_model_that_thinks_is_not_forced() -> None:
    """It is offered the tool, told of it in the prompt, and read whichever way it answers."""
    model = Thinking(says=lambda *_: J)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert asked(model, Manner("function_calling")) == ANSWER
    assert warned == []
    assert model.asked == ["tools"]
    assert "tool_choice" not in model.settings[0]
    assert model.prompts == ["Judge.\n\nAnswer by calling the tool verdicts."]
    odd = model.model_copy(update={"thinking": {"type": "disabled"}})
    assert asked(odd, Manner("function_calling")) == ANSWER  # its warning is an error here
