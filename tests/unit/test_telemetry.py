"""Spans of a memory: what took how long, and never what was said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from usermemory import Extraction, Request, UserMemory
from usermemory.errors import ExtractionError, InvalidInput
from usermemory.telemetry import Spans


class Refusing:
    """Cannot use what a model answers."""

    def extract(self, request: Request) -> Extraction:
        raise ExtractionError(f"the secret word of {len(request.batch)}", "refused")


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exported: InMemorySpanExporter) -> Iterator[Spans]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    yield Spans(provider)
    provider.shutdown()


def names(exported: InMemorySpanExporter) -> list[str]:
    return [one.name for one in exported.get_finished_spans()]


def told(span: ReadableSpan) -> str:
    """All that a span says."""
    return json.dumps([span.name, dict(span.attributes or {}), str(span.status), str(span.events)])


async def test_verbs_and_readings_make_spans(
    tmp_path: Path, spans: Spans, exported: InMemorySpanExporter
) -> None:
    """Recalling, remembering, reading and forgetting each make one; no word or id is in them."""
    with UserMemory(
        tmp_path / "memory.db", model="offline", worker=False, on_event=spans.on_event
    ) as memory:
        spans.watch(memory)
        await memory.aremember("w1ll", "thr3ad", [("user", "Hi, I'm Wilhelmina")])
        memory.trigger("w1ll")
        await memory.arecall("w1ll", about="Wilhelmina")
        await memory.asearch("w1ll", "Wilhelmina")
        await memory.aforget("w1ll", "name")
    finished = exported.get_finished_spans()
    assert names(exported) == ["remember", "consolidate", "recall", "search", "forget"]
    reading = finished[1].attributes or {}
    assert (reading["usermemory.changes"], reading["usermemory.status"]) == (1, "changed")
    assert (finished[3].attributes or {})["gen_ai.memory.record.count"] == 1
    for word in ("Wilhelmina", "w1ll", "thr3ad"):
        assert not any(word in told(one) for one in finished)


def test_an_error_is_told_by_its_kind(
    tmp_path: Path, spans: Spans, exported: InMemorySpanExporter
) -> None:
    """A verb that raises and a reading that fails are marked; the error's text stays away."""
    with UserMemory(
        tmp_path / "memory.db", model=Refusing(), worker=False, on_event=spans.on_event
    ) as memory:
        spans.watch(memory)
        with pytest.raises(InvalidInput):
            memory.forget("will", "the secret word")
        memory.remember("will", "t", [("user", "I like tea")])
        memory.trigger("will")
    forget, _, reading = exported.get_finished_spans()
    assert (forget.attributes or {})["error.type"] == "InvalidInput"
    assert (reading.attributes or {})["error.type"] == "refused"
    assert not forget.status.is_ok
    assert not any("secret" in told(one) for one in exported.get_finished_spans())
