"""Providers whose packages are not here: their errors are known by what they look like."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from usermemory.errors import ExtractionError, InvalidInput, ProviderError
from usermemory.extract import UnusableAnswer
from usermemory.extract.provider_errors import ProviderErrors, translated


def error(name: str, base: type[Exception] = Exception, **attributes: Any) -> Exception:
    """An error of a class of this name, as some package raises it."""
    kind = type(name, (base,), {})
    found = kind("said by the provider")
    for attribute, value in attributes.items():
        setattr(found, attribute, value)
    return found


RESPONSE = SimpleNamespace(status_code=503, headers={"retry-after": "5"})


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (error("ClientError", code=429), "rate_limited"),  # google.genai
        (error("ServerError", code=503), "unavailable"),
        (error("ResponseError", status_code=404), "not_found"),  # ollama
        (error("HTTPStatusError", response=RESPONSE), "unavailable"),  # httpx, Mistral
        (error("ReadTimeout"), "timeout"),
        (error("ConnectError"), "connection"),
        (error("RemoteProtocolError"), "connection"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "connection"),
        (ValueError({"message": "upstream", "code": 502}), "unavailable"),  # OpenRouter, in a 200
        (error("ThrottlingException"), "unavailable"),
        (TypeError("Could not resolve authentication method"), "unauthorized"),
        (error("ContextOverflowError"), "rejected_request"),
        (error("ModelTimeoutError"), "timeout"),
        (error("ModelConnectionError"), "connection"),
        (error("BadRequestError", code="invalid", status_code=400), "rejected_request"),
        (error("Odd", status_code=200), "unavailable"),
        (error("ModelRefusalError"), "refused"),
        (ConnectionRefusedError(), "connection"),
        (KeyError("choices"), "unusable"),
        (TypeError("create() missing 1 required positional argument"), "unavailable"),
        (
            error("ClientError", response={"ResponseMetadata": {"HTTPStatusCode": 429}}),
            "rate_limited",  # botocore, Bedrock
        ),
    ],
)
def test_known_by_what_they_look_like(raised: Exception, reason: str) -> None:
    """Status, nested status, Google's code, or the name of the class decide; the cause is kept."""
    with pytest.raises(ExtractionError) as caught, ProviderErrors():
        raise raised
    assert caught.value.reason == reason
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(("status", "reason"), [(400, "rejected_request"), (429, "rate_limited")])
def test_a_status_behind_a_plain_exception(status: int, reason: str) -> None:
    """A package that raises its own text while it handles an HTTP error tells by that one."""
    raised = error("Exception")
    response = SimpleNamespace(status_code=status, headers={})
    raised.__context__ = error("HTTPError", response=response)
    raised.args = ({"message": "bad", "code": None},)
    with pytest.raises(ExtractionError) as caught:
        raise translated(raised)
    assert caught.value.reason == reason


def test_the_providers_words_are_not_passed_on() -> None:
    """An error's text may quote the conversation, so ours names only its class and status."""
    assert "said" not in str(translated(error("Odd", status_code=500)))


def test_the_time_to_wait_is_passed_on() -> None:
    """Retry-After is read from wherever the response is."""
    found = translated(error("HTTPStatusError", response=RESPONSE))
    assert isinstance(found, ProviderError)
    assert found.retry_after == 5.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "899"}, 899.0),
        ({"retry-after": "86400"}, 900.0),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "9e99"}, 900.0),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 900.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Thu, 99 Foo"}, None),
        ({"retry-after": ""}, None),
        (None, None),
        ("odd", None),
    ],
)
def test_no_provider_stops_a_memory_for_a_day(headers: Any, wait: float | None) -> None:
    """A wait is obeyed up to a quarter of an hour, and nonsense is none."""
    response = SimpleNamespace(status_code=429, headers=headers)
    found = translated(error("HTTPStatusError", response=response))
    assert isinstance(found, ProviderError)
    assert found.retry_after == wait


def test_odd_figures_in_an_error() -> None:
    """What an error says of the tokens is counted as far as it is a number."""
    usage = SimpleNamespace(prompt_tokens="9", completion_tokens=None)
    raised = error("LengthFinishReasonError", completion=SimpleNamespace(usage=usage))
    found = translated(raised)
    assert isinstance(found, UnusableAnswer)
    assert (found.usage.calls, found.usage.input_tokens, found.usage.output_tokens) == (1, 9, 0)


@pytest.mark.parametrize("raised", [InvalidInput("ours"), KeyboardInterrupt(), SystemExit()])
def test_ours_and_interrupts_pass(raised: BaseException) -> None:
    """Our own errors are not wrapped a second time, and an interrupt stays one."""
    with pytest.raises(type(raised)) as caught, ProviderErrors():
        raise raised
    assert caught.value is raised


AMAZON = [
    ("ThrottlingException", "rate_limited"),
    ("ServiceQuotaExceededException", "rate_limited"),
    ("ExpiredTokenException", "unauthorized"),
    ("UnrecognizedClientException", "unauthorized"),
    ("AccessDeniedException", "unauthorized"),
    ("RequestTimeout", "timeout"),
    ("ServiceUnavailable", "unavailable"),
]


@pytest.mark.parametrize(("code", "reason"), AMAZON)
def test_what_amazon_calls_a_bad_request(code: str, reason: str) -> None:
    """Its code says what is wrong, whatever the status; its headers how long to wait."""
    whole = {
        "Error": {"Code": code, "Message": "said"},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {"retry-after": "12"}},
    }
    found = translated(error("ClientError", response=whole))
    assert isinstance(found, ProviderError)
    assert (found.reason, found.retry_after) == (reason, 12.0)


@pytest.mark.parametrize(
    "said",
    [
        "You have reached your specified API usage limits. You will regain access on 2027-01-01.",
        "This organization has been disabled.",
        "API key expired. Please renew the API key.",
        "Incorrect API key provided",
        "You exceeded your current quota, please check your plan",
        "User location is not supported for the API use.",
        "Billing hard limit has been reached",
    ],
)
def test_an_account_at_fault(said: str) -> None:
    """What a provider says of the account, even as HTTP 400, blames no messages."""
    raised = type("BadRequestError", (Exception,), {"status_code": 400})(said)
    found = translated(raised)
    assert isinstance(found, ProviderError)
    assert found.reason == "unauthorized"


WRAPPED = '{"type": "error", "error": {"message": "Your credit balance is too low to go on."}}'


@pytest.mark.parametrize(
    ("attributes", "said", "reason"),
    [
        ({"body": {"code": "insufficient_quota", "message": "no"}}, "no", "rate_limited"),
        ({"details": {"error": {"details": [{"reason": "API_KEY_INVALID"}]}}}, "", "unauthorized"),
        ({"body": {"message": "limit", "type": "rate_limit_error"}}, "", "rate_limited"),
        ({"body": {"error": {"metadata": {"raw": WRAPPED}}}}, "no", "unauthorized"),
        ({}, f"litellm.BadRequestError: AnthropicException - {WRAPPED}", "unauthorized"),
        ({}, f"Error code: 400 - {WRAPPED}", "unauthorized"),
        ({}, "400 FAILED_PRECONDITION. User location is not supported.", "unauthorized"),
        ({"response": SimpleNamespace(text=WRAPPED)}, "no", "unauthorized"),
    ],
)
def test_where_providers_say_it(attributes: dict[str, Any], said: str, reason: str) -> None:
    """An account at fault stands in a code, or begins what is said, however a gateway wraps it."""
    raised = type("BadRequestError", (Exception,), {"status_code": 400, **attributes})(said)
    found = translated(raised)
    assert isinstance(found, ProviderError)
    assert found.reason == reason


QUOTED = "My credit balance is gone and I have exceeded your current quota"


@pytest.mark.parametrize(
    "said",
    [
        f"Invalid 'messages[1].content': \"{QUOTED}\" holds a stop sequence.",
        f"messages.1.content: {QUOTED}",
        f"The input “{QUOTED}” is not valid.",
        f"Could not read this:\n{QUOTED}",
        f'Error code: 400 - {{"error": {{"message": "Bad input: {QUOTED}", "code": "invalid"}}}}',
        f"{'What was asked is too odd for this model to make anything of. ' * 3}{QUOTED}",
    ],
)
def test_an_error_that_quotes_the_user(said: str) -> None:
    """What the user said of a balance is no outage, which would hold the batch for ever."""
    raised = type("BadRequestError", (Exception,), {"status_code": 400})(said)
    raised.body = {"message": said, "param": None, "detail": [{"input": QUOTED}]}
    assert translated(raised).reason == "rejected_request"
