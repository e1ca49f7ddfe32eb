"""What the loopback server can be told to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        content: Text; or, with ``arguments``, ignored.
        arguments: The arguments of a tool call to the first tool of the request; where the request
            has no tools, they are the text, as JSON.
        stop: OpenAI's ``finish_reason``; translated for Anthropic.
        thinking: What Anthropic's models think before they answer.
        refusal: What OpenAI puts into ``refusal``.
        code: An HTTP status other than 200.
        headers: Further headers.
        error: The body of an error.
        cut: Close the connection in the middle of the answer.
        hang: Do not answer until the server is closed.
        halfway: Send half of the answer, and the rest once this is set; never, if it is not.
        body: What the answer is, instead of one in the API's form; a text is a page.
    """

    content: str = ""
    arguments: Any = None
    stop: str = "stop"
    thinking: str = ""
    refusal: str | None = None
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Json | None = None
    cut: bool = False
    hang: bool = False
    halfway: Event | None = None
    body: Json | str | None = None


def text(content: str, stop: str = "stop") -> Reply:
    """An answer in words."""
    return Reply(content, stop=stop)


def tool(arguments: Any, stop: str = "stop") -> Reply:
    """An answer in the form that was asked for: a tool call, or JSON where there is no tool."""
    return Reply(arguments=arguments, stop=stop)


def refusal(words: str = "I can't help with that.") -> Reply:
    """The model declines."""
    return Reply(stop="refusal", refusal=words)


def status(code: int, headers: Mapping[str, str] | None = None, /, **error: Any) -> Reply:
    """An HTTP error; keywords go into the error's body (``message=``, ``code=``, ``type=``)."""
    return Reply(code=code, headers=headers or {}, error=error or {"message": f"HTTP {code}"})


def cut() -> Reply:
    """A connection that ends in the middle of an answer."""
    return Reply("never finished", cut=True)


def hang() -> Reply:
    """No answer at all: the client's time-out decides."""
    return Reply(hang=True)
