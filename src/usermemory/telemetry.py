"""OpenTelemetry spans of a memory, on request: what took how long, and never what was said.

The operations and attributes are those of OpenTelemetry's conventions for generative AI, whose part
on memories is still in development.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError
from usermemory.records import Event, Outcome
from usermemory.schema.shape import is_list

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

    from usermemory.memory import UserMemory

_VERBS = {
    "recall": "search_memory",
    "arecall": "search_memory",
    "search": "search_memory",
    "remember": "create_memory",
    "aremember": "create_memory",
    "backfill": "create_memory",
    "edit": "update_memory",
    "undo": "update_memory",
    "undo_thread": "update_memory",
    "propose": "update_memory",
    "forget": "delete_memory",
    "forget_message": "delete_memory",
    "forget_thread": "delete_memory",
    "forget_user": "delete_memory",
}
"""The verbs that make a span, each with the operation that it is; awaited twins call them."""

_COUNTS = ("revision", "pending", "new", "by_user", "values", "changes", "quotes", "messages")
"""Whole numbers in what a verb answers."""

_ENDS = {"consolidated", "held", "failed"}


class Spans:
    """Makes spans; pass ``on_event`` to a memory for its readings, `watch` it for its verbs.

    A span names the verb, the operation, counts, and the kind of an error: no text, no value and no
    id of a user or a thread. Without an SDK in the process it costs next to nothing.

    Args:
        provider: Where the spans go; None for the process's own.

    Raises:
        ConfigurationError: The package is missing.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        if find_spec("opentelemetry") is None:
            raise ConfigurationError(
                "spans need a package that is missing: pip install 'usermemory[telemetry]'"
            )
        from opentelemetry.trace import get_tracer

        self._tracer = get_tracer("usermemory", tracer_provider=provider)
        self._reading: dict[str, Span] = {}
        self._lock = threading.Lock()

    def watch(self, memory: UserMemory) -> None:
        """Make a span of each recall, search, message taken in, correction and erasure."""
        for verb, operation in _VERBS.items():
            setattr(memory, verb, self._spanned(verb, operation, getattr(memory, verb)))

    def on_event(self, event: Event) -> None:
        """Make a span of each reading, from its claim to its outcome."""
        if event.kind == "claimed":
            made = self._tracer.start_span("consolidate", attributes=_named("update_memory"))
            self._exchange(event.user_id, made)
        elif event.kind in _ENDS and event.outcome is not None:
            self._exchange(event.user_id, None, event.outcome)
        elif event.kind == "error" and event.user_id:
            self._exchange(event.user_id, None)

    def _exchange(self, user_id: str, span: Span | None, outcome: Outcome | None = None) -> None:
        """End the reading of a user that is open, and open another."""
        with self._lock:
            before = self._reading.pop(user_id, None)
            if span is not None:
                self._reading[user_id] = span
        if before is None:
            return
        if outcome is None or outcome.status == "failed":
            _fail(before, outcome.reason if outcome else "interrupted")
        if outcome is not None:
            before.set_attributes(_reading(outcome))
        before.end()

    def _spanned(self, verb: str, operation: str, call: Callable[..., Any]) -> Callable[..., Any]:
        if verb.startswith("a"):

            @functools.wraps(call)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._span(verb.removeprefix("a"), operation) as span:
                    return _counted(span, await call(*args, **kwargs))

            return awaited

        @functools.wraps(call)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._span(verb, operation) as span:
                return _counted(span, call(*args, **kwargs))

        return called

    @contextmanager
    def _span(self, verb: str, operation: str) -> Generator[Span]:
        with self._tracer.start_as_current_span(
            verb,
            attributes=_named(operation),
            record_exception=False,  # its text may hold what was said
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _fail(span, type(error).__name__)
                raise


def _named(operation: str) -> Mapping[str, str]:
    return {"gen_ai.operation.name": operation, "gen_ai.memory.store.id": "usermemory"}


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _counted(span: Span, answer: Any) -> Any:
    if is_list(answer):
        span.set_attribute("gen_ai.memory.record.count", len(answer))
        return answer
    for name in _COUNTS:
        number = getattr(answer, name, None)
        if isinstance(number, int):
            span.set_attribute(f"usermemory.{name}", number)
    return answer


def _reading(outcome: Outcome) -> Mapping[str, str | int]:
    made = outcome.revision
    return {
        "usermemory.status": outcome.status,
        "usermemory.messages": outcome.messages,
        "usermemory.changes": len(made.changes) if made else 0,
        "usermemory.refused": len(outcome.rejections),
        "gen_ai.request.model": made.model if made else "",
        "gen_ai.usage.input_tokens": outcome.usage.input_tokens,
        "gen_ai.usage.output_tokens": outcome.usage.output_tokens,
    }
