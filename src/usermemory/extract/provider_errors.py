"""What a provider's package raised, told apart by what it looks like.

Provider packages are never imported here: their errors carry an HTTP status, or a name that says
time-out or connection. An error's own text is not passed on, for it may quote the conversation.
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from usermemory.errors import ExtractionError, ExtractionReason, ProviderError, UserMemoryError
from usermemory.extract import UnusableAnswer
from usermemory.prompt.json_values import is_object
from usermemory.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_REQUEST_REFUSED = (400, 413, 422)
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
_ACCOUNT = re.compile(r"credit balance|api[ _]key[ _](?:not[ _]valid|invalid)", re.IGNORECASE)
_FILTER = re.compile(r"content_filter|content_policy|ResponsibleAIPolicy", re.IGNORECASE)
_ANSWERED: tuple[tuple[str, ExtractionReason, str], ...] = (
    ("LengthFinishReason", "truncated", "the answer was cut off at the token limit"),
    ("ContentFilter", "filtered", "the provider's filter stopped the answer"),
    ("ContextOverflow", "rejected_request", "the request is too long for this model"),
)
_NOT_REACHED = (
    ("Timeout", "timeout", "the provider did not answer in time"),
    (
        "Connect|Transport|Network|Protocol|OSError",
        "connection",
        "the connection to the provider failed",
    ),
)


class ProviderErrors:
    """``with ProviderErrors():`` around a model call: whatever it raises becomes one of ours."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raise our own error from the provider's; let ours, and an interrupt, pass."""
        if isinstance(error, Exception) and not isinstance(error, UserMemoryError):
            raise translated(error) from error


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
    if status in _REQUEST_REFUSED and not _ACCOUNT.search(str(error)):
        filtered = _FILTER.search(str(error))
        return UnusableAnswer(told, "filtered" if filtered else "rejected_request")
    if status in _REQUEST_REFUSED:
        status = 401
    reason, advice = _BY_STATUS.get(status, ("unavailable", "it is tried again later"))
    return ProviderError(f"{told}: {advice}", reason, _retry_after(error))


def _without_status(error: Exception, name: str) -> ExtractionError:
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    for part, unusable, told in _ANSWERED:
        if part in names:
            return UnusableAnswer(told, unusable, _usage(error))
    for pattern, reason, told in _NOT_REACHED:
        if re.search(pattern, names):
            return ProviderError(f"{told} ({name})", reason)
    if "resolve authentication method" in str(error):  # Anthropic, a TypeError at the first call
        return ProviderError("the provider's key is not set", "unauthorized")
    return ProviderError(f"the model could not be asked ({name})", "unavailable")


def _status(error: Exception) -> int | None:
    """The HTTP status, wherever this provider puts it; Google's in the error's cause."""
    inner = error.__cause__
    found = _own_status(error)
    return _own_status(inner) if found is None and isinstance(inner, Exception) else found


def _own_status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    body: Any = error.args[0] if error.args else None
    places: tuple[Any, ...] = (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "code", None),  # Google
        body.get("code") if is_object(body) else None,  # a gateway's error inside of a 200
    )
    found = (place for place in places if isinstance(place, int) and 400 <= place <= 599)
    return next(found, None)


def _usage(error: Exception) -> Usage:
    """OpenAI's package throws the answer away and keeps it in the error."""
    counted = getattr(getattr(error, "completion", None), "usage", None)
    if counted is None:
        return Usage(calls=1)
    return Usage(1, counted.prompt_tokens, counted.completion_tokens)


def _retry_after(error: Exception) -> float | None:
    """Seconds that the provider asked to wait: a number, or a date (RFC 9110, 10.2.3)."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        asked = headers.get("retry-after", "")
        return max(0.0, float(asked)) if asked else None
    except ValueError:
        return _until(headers["retry-after"])


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
