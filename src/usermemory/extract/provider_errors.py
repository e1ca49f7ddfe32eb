"""What a provider's package raised, told apart by what it looks like.

Provider packages are never imported here: their errors carry an HTTP status, or a name that says
time-out or connection. An error's own text is not passed on, for it may quote the conversation.
"""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from usermemory.errors import ExtractionError, ExtractionReason, ProviderError, UserMemoryError
from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import token_count
from usermemory.records import Usage
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_WAIT = 900.0
"""Seconds of a provider's ``Retry-After`` that are obeyed: some gateways say a day."""

_REQUEST_REFUSED = (400, 413, 415, 422)
_BY_STATUS = {
    401: ("unauthorized", "check the key of this provider"),
    402: ("unauthorized", "the provider's account has no credit"),
    403: ("unauthorized", "this key may not use this model"),
    404: ("not_found", "check the name of the model, and the base URL"),
    408: ("timeout", "it is tried again later"),
    429: ("rate_limited", "it is tried again later"),
}
# Both say 400 where the key or the account is at fault, and no batch of messages
# (platform.claude.com/docs/en/api/errors and ai.google.dev/gemini-api/docs/troubleshooting).
# Their errors begin with it; after a colon or a quotation mark they may quote the user.
_ACCOUNT = re.compile(
    r"credit balance|(?:invalid|incorrect|expired) api[ _]?key|billing (?:hard )?limit"
    r"|api[ _]?key[ _](?:is )?(?:not[ _]valid|invalid|expired|incorrect)|api usage limits?"
    r"|exceeded your current quota|quota (?:exceeded|exhausted)|insufficient[ _]quota"
    r"|organization has been disabled|location is not supported",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model (?:does not exist|not found)|no models? (?:is |are )?loaded", re.IGNORECASE
)
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)
_PREFIX = re.compile(
    r"(?:\s*(?:[\w.]*(?:Error|Exception)\b|(?:error code:?\s*)?\d{3}\b|[A-Z]+_[A-Z_]+)[\s:.-]*)+",
    re.IGNORECASE,
)
_QUOTING = re.compile(r"[\"'\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}«`:{\[\n]")
_LONGEST_STATEMENT = 120
_STATEMENTS = frozenset({"message", "msg", "detail", "error", "error_description"})
_CODES = frozenset({"code", "type", "status", "reason"})
_INSIDE = frozenset({"error", "details", "detail", "metadata", "raw", "errors", "message"})
_DEEPEST_REPORT = 8
_FILTER = re.compile(r"content_filter|content_policy|ResponsibleAIPolicy", re.IGNORECASE)
# Of a request that is refused for its form, and what its words must not be about: OpenAI counts
# the tokens "in the functions" where a request is too long.
_FORM = re.compile(
    r"response_?format|json_?schema|json_?object|json.?mode|structured.?output|output_config"
    r"|tool_?choice|tool.?(?:call|use)|\btools?\b|function.?call|\bfunctions\b|grammar|guided"
    r"|\bschema\b|response_?mime_?type|unexpected keyword",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.?(?:length|window|size)|too (?:long|large)|too many (?:input )?tokens|token limit"
    r"|maximum (?:number of )?(?:input )?tokens|input token count|reduce the length",
    re.IGNORECASE,
)
_NO_SUCH_FORM = (400, 404, 415, 422, 500, 501)
_PERHAPS_NO_SUCH_FORM = (400, 415, 422, 501)
# Raised before the model could be asked; other errors of these kinds come from reading its answer.
_NOT_ASKED = re.compile(
    r"(?:keyword|positional) argument|authentication|credential|api[ _]key", re.IGNORECASE
)
_ANSWERED: tuple[tuple[str, ExtractionReason, str], ...] = (
    ("LengthFinishReason", "truncated", "the answer was cut off at the token limit"),
    ("ContentFilter", "filtered", "the provider's filter stopped the answer"),
    ("ContextOverflow", "rejected_request", "the request is too long for this model"),
    ("Refusal", "refused", "the model refused to answer"),
    ("OutputParser|ValidationError", "unusable", "the answer is no JSON"),
)
_NOT_REACHED = (
    ("Timeout", "timeout", "the provider did not answer in time"),
    (
        "Connect|Transport|Network|Protocol|OSError",
        "connection",
        "the connection to the provider failed",
    ),
)


_OF_ANSWERS = ("id", "model", "choices", "content")
_FRAMES = 12
"""Innermost frames of a package in which a gateway's report is looked for."""

# As OpenAI, Anthropic, Google and Amazon name them, whatever the status that comes with them.
_KINDS = (
    ("rate_?limit|resource_?exhausted|quota|throttl|too_?many_?requests|slow_?down", 429),
    ("authenti|unauthor|api_?key_?(?:invalid|expired)|invalid_?api_?key", 401),
    ("expired_?token|unrecognized_?client", 401),
    ("invalid_?signature|invalid_?client_?token", 401),
    ("permission|forbidden|access_?denied", 403),
    ("time_?out", 408),
    ("unavailable|internal_?(?:server|failure)", 503),
    ("billing|credit|payment", 402),
    ("not_?found|model_?(?:decommissioned|deprecated|retired|not_?(?:loaded|available))", 404),
    ("invalid_?(?:request|argument)|too_?large|content_?filter", 400),
)


class ProviderErrors:
    """``with ProviderErrors():`` around a model call: whatever it raises becomes one of ours."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Raise our own error from the provider's; let ours, and an interrupt, pass."""
        if isinstance(error, Exception) and not isinstance(error, UserMemoryError):
            raise translated(error) from error


def form_refused(error: Exception, *, known: bool) -> bool:
    """Whether a server refuses the form of a request, and not what is in it.

    Args:
        error: What a chat model raised.
        known: Whether the server has taken this form of this model before. If not, a refusal
            without a reason may be the form's doing too.
    """
    said = _said(error)
    if _account(error) or any(other.search(said) for other in (_FILTER, _TOO_LONG)):
        return False
    status = _status(error)
    if status is None:  # refused by the package itself, before it asked
        plain = type(error) in {TypeError, ValueError} and bool(_FORM.search(said))
        return plain or isinstance(error, NotImplementedError)
    if status in _PERHAPS_NO_SUCH_FORM and not known:
        return True
    return status in _NO_SUCH_FORM and bool(_FORM.search(said))


def translated(error: Exception) -> ExtractionError:
    """The error of ours that says what this one means.

    Args:
        error: What a chat model raised.

    Returns:
        `ProviderError` where the messages are not to blame, else `UnusableAnswer`.
    """
    status, name = _status(error), type(error).__name__
    if status is None:
        return _without_status(error, name)
    told = f"the provider answered HTTP {status} ({name})"
    if status in _REQUEST_REFUSED:
        status = _account(error)
    if status is None:
        filtered = _FILTER.search(str(error))
        return UnusableAnswer(told, "filtered" if filtered else "rejected_request")
    reason, advice = _BY_STATUS.get(status, ("unavailable", "it is tried again later"))
    return ProviderError(f"{told}: {advice}", reason, _retry_after(error))


def _without_status(error: Exception, name: str) -> ExtractionError:
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    for pattern, unusable, told in _ANSWERED:
        if re.search(pattern, names):
            return UnusableAnswer(told, unusable, _usage(error))
    for pattern, reason, told in _NOT_REACHED:
        if re.search(pattern, names):
            return ProviderError(f"{told} ({name})", reason)
    if "resolve authentication method" in str(error):  # Anthropic, a TypeError at the first call
        return ProviderError("the provider's key is not set", "unauthorized")
    odd = isinstance(error, (KeyError, IndexError, TypeError, AttributeError))
    if isinstance(error, json.JSONDecodeError):  # of a proxy's page, or of what the model wrote
        odd = error.doc.lstrip().startswith(("{", "["))
    if odd and any(map(_is_no_answer, _at_hand(error))):
        return ProviderError(f"what came back is no answer of a model ({name})", "unavailable")
    if odd and not _NOT_ASKED.search(str(error)):
        return UnusableAnswer(f"the answer is not of the usual form ({name})", usage=Usage(calls=1))
    return ProviderError(f"the model could not be asked ({name})", "unavailable")


def _status(error: Exception) -> int | None:
    """The HTTP status, wherever this provider puts it: Google in the cause, NVIDIA behind it."""
    inner = error.__cause__ or error.__context__
    places = [error, *([inner] if isinstance(inner, Exception) else [])]
    found = next(filter(None, map(_own_status, places)), None)
    return found or next(filter(None, map(_reported_status, places)), None)


def _said(error: Exception) -> str:
    """The words of an error, its cause and its response, without addresses; never passed on."""
    said = f"{error} {error.__cause__ or ''} {_body(getattr(error, 'response', None)) or ''}"
    return re.sub(r"https?://\S+", "", said[:4_000])


def _account(error: Exception) -> int | None:
    """The status that a refused request should have borne: of a key, an account or a limit.

    What counts are the codes of the provider's report, and the beginning of what it says.
    """
    entries: list[tuple[str, str]] = []
    for raised in (error, error.__cause__):
        response = getattr(raised, "response", None)
        reports = [getattr(raised, name, None) for name in ("body", "details", "error")]
        reports += [_part(response, "Error"), _body(response), *getattr(raised, "args", ())]
        for report in reports:
            entries += [("message", report)] if isinstance(report, str) else []
            entries += _entries(report)
    named = (_kind(value) for name, value in entries if name in _CODES)
    found = next((status for status in named if status in {401, 402, 403, 404, 429}), None)
    said = (value for name, value in entries if name in _STATEMENTS)
    return found or next(filter(None, map(_stated, said)), None)


def _stated(statement: str) -> int | None:
    """The status that a provider's statement should have borne, where the messages are not it."""
    own = statement[prefix.end() :] if (prefix := _PREFIX.match(statement)) else statement
    said = own[:_LONGEST_STATEMENT]
    # Names stand in marks too: "the model `x` does not exist" has a status of its own.
    end = _QUOTING.search(said)
    said = said[: end.start()] if end else said
    return 401 if _ACCOUNT.search(said) else 404 if _NO_MODEL.search(said) else None


def _entries(report: Any, deep: int = 0) -> Iterator[tuple[str, str]]:
    """The texts in a report by their names, also where a gateway wraps another's as text."""
    if isinstance(report, str | bytes) and deep < _DEEPEST_REPORT:
        text = report if isinstance(report, str) else report.decode(errors="replace")
        if 0 <= (opened := text.find("{")) <= _LONGEST_STATEMENT:
            with suppress(ValueError, RecursionError):
                yield from _entries(json.loads(text[opened:]), deep + 1)
    elif is_list(report) and deep < _DEEPEST_REPORT:
        for each in report:
            yield from _entries(each, deep + 1)
    elif is_object(report) and deep < _DEEPEST_REPORT:
        for name, value in report.items():
            if isinstance(value, str):
                yield name.lower(), value
            if name.lower() in _INSIDE:
                yield from _entries(value, deep + 1)


def _body(response: Any) -> Any:
    try:
        body = getattr(response, "text", None)
    except RuntimeError:  # a streamed response that nobody has read
        return None
    return body if isinstance(body, str) else None


def _own_status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    places: tuple[Any, ...] = (
        _kind(_part(response, "Error", "Code")),  # Bedrock: it says 400 where it throttles
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        _part(response, "ResponseMetadata", "HTTPStatusCode"),  # Bedrock
        getattr(error, "code", None),  # Google
    )
    found = (place for place in places if isinstance(place, int) and 400 <= place <= 599)
    return next(found, None)


def _reported_status(error: Exception) -> int | None:
    """What a gateway says has gone wrong in the body of an answer with status 200.

    Packages raise what they like where they expected an answer: OpenAI's the report itself,
    others that a None is no list. What they were reading then is still in the frames.
    """
    if isinstance(error, UserMemoryError):
        return None
    reports = [*error.args, *map(_report_in, _at_hand(error))]
    return next(filter(None, map(_status_of, reports)), None)


def _at_hand(error: Exception) -> Iterator[Any]:
    """What a package had in hand where it raised, the innermost first."""
    frames: Any = walk_tb(error.__traceback__)
    for frame, _ in [*frames][:-_FRAMES:-1]:
        yield from frame.f_locals.values()


def _is_no_answer(value: Any) -> bool:
    """Whether it is a proxy's page, or a package's model of an answer that holds nothing of one."""
    if isinstance(value, str):
        return _PAGE.match(value) is not None
    fields = type(value).model_fields if isinstance(value, BaseModel) else {}
    held = (getattr(value, name, None) for name in _OF_ANSWERS)
    return bool({"choices", "content"} & fields.keys()) and all(one is None for one in held)


def _report_in(value: Any) -> Any:
    """The ``error`` of a body, as JSON or as a package's model of an answer."""
    report = value.get("error") if is_object(value) else None
    if isinstance(value, BaseModel):
        report = getattr(value, "error", None)
    return {"message": report} if isinstance(report, str) and report else report


def _status_of(report: Any) -> int | None:
    """The HTTP status that a gateway's report stands for, by its code or its kind."""
    if isinstance(report, BaseModel):
        report = report.model_dump(warnings=False)
    if not is_object(report) or not {"message", "code"} & report.keys():
        return None
    code: Any = report.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code[:4])
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    # What bears none of the names is an outage.
    return _kind(f"{report.get('type')} {code} {report.get('status')}") or 503


def _kind(named: Any) -> int | None:
    """The HTTP status that the name of an error stands for."""
    name = str(named).lower()
    return next((status for words, status in _KINDS if re.search(words, name)), None)


def _part(whole: Any, *keys: str) -> Any:
    for key in keys:
        whole = whole.get(key) if is_object(whole) else None
    return whole


def _usage(error: Exception) -> Usage:
    """OpenAI's package throws the answer away and keeps it in the error."""
    counted = getattr(getattr(error, "completion", None), "usage", None)
    asked, answered = (
        token_count(getattr(counted, name, 0)) for name in ("prompt_tokens", "completion_tokens")
    )
    return Usage(1, asked, answered)


def _retry_after(error: Exception) -> float | None:
    """Seconds that the provider asked to wait: a number, or a date (RFC 9110, 10.2.3)."""
    response: Any = getattr(error, "response", None)
    given: Any = getattr(response, "headers", None)
    given = given or _part(response, "ResponseMetadata", "HTTPHeaders")  # Bedrock
    pairs: Any = given.items() if hasattr(given, "items") else ()
    headers = {str(name).lower(): str(value) for name, value in pairs}
    wait = _seconds(headers.get("retry-after-ms"), 1_000)
    if wait is None:
        wait = _seconds(headers.get("retry-after"), 1)
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


def _seconds(asked: str | None, parts: int) -> float | None:
    if not asked:
        return None
    try:
        wait = float(asked) / parts
    except ValueError:
        return _until(asked)
    return wait if math.isfinite(wait) else None


def _until(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return None
