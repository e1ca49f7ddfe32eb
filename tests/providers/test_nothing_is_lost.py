"""A memory whose provider fails or answers nonsense, from the message to the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
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

from usermemory import Outcome, UserMemory
from usermemory.testing import FakeClock

SAID = [("assistant", "Do you live in Oslo?"), ("user", "I took up rowing")]
ROWING = {
    "quote": "I took up rowing",
    "who": "user",
    "field": "interests",
    "action": "add",
    "value": "rowing",
}
PROVIDERS = pytest.mark.parametrize("build", [openai, anthropic])


def learn(build: Any, server: ProviderServer, path: Path, reply: Reply) -> list[Outcome]:
    """What came of a thread whose first answer is this one, each later one the right one."""
    server.reply(reply)
    server.always(tool({"changes": [ROWING]}))
    clock = FakeClock()
    model = build(server, timeout=0.5)
    with UserMemory(str(path / "m.db"), model=model, worker=False, clock=clock, delay=0) as memory:
        memory.remember("will", "t", SAID)
        outcomes = memory.run_due()
        for _ in range(3):
            clock.advance(3_600)
            outcomes += memory.run_due()
        assert memory.recall("will").document["interests"] == ["rowing"]
        assert memory.jobs() == []
    return outcomes


@PROVIDERS
@pytest.mark.parametrize(
    ("reply", "reason", "says"),
    [
        (status(401), "unauthorized", "check the key"),
        (status(403), "unauthorized", "may not use this model"),
        (status(404), "not_found", "check the name of the model"),
        (status(429, {"retry-after": "60"}), "rate_limited", "tried again later"),
        (status(500), "unavailable", "tried again later"),
        (cut(), "connection", "connection to the provider failed"),
        (hang(), "timeout", "did not answer in time"),
        (status(413, message="no"), "rejected_request", "HTTP 413"),
        (tool({"changes": [ROWING]}, stop="length"), "truncated", "token limit"),
        (text("", stop="content_filter"), None, ""),
        (text("I had rather talk about boats."), "unusable", "no JSON"),
        (tool({"changes": "none"}), "unusable", "no list of changes"),
    ],
)
def test_a_failure_loses_no_message(
    build: Any, server: ProviderServer, tmp_path: Path, reply: Reply, reason: str | None, says: str
) -> None:
    """The outcome says what happened and what to do; the messages are learned from later."""
    first, *others = learn(build, server, tmp_path, reply)
    assert first.status == "failed"
    assert first.reason in ({reason} if reason else {"filtered", "refused"})
    assert says in first.error
    assert "rowing" not in first.error
    assert first.retry_at is not None
    assert others[-1].status == "changed"
    assert "failed" not in {outcome.status for outcome in others}


def test_a_refusal_loses_no_message(server: ProviderServer, tmp_path: Path) -> None:
    """What a model refuses once is asked again."""
    first, *others = learn(openai, server, tmp_path, refusal())
    assert (first.status, first.reason) == ("failed", "refused")
    assert [outcome.status for outcome in others] == ["changed"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"field": "shoe"}, "unknown_field"),
        ({"action": "explode"}, "unfit_action"),
        ({"quote": "I love rowing at night"}, "quote_not_found"),
        ({"quote": ""}, "no_quote"),
        ({"value": "Oslo", "quote": "Do you live in Oslo"}, "not_the_users_words"),
        ({"action": "remove"}, "item_not_there"),
        ({"field": "age", "action": "set", "value": "rowing"}, "wrong_type"),
        ({"value": {"rowing": ["rowing"]}}, "wrong_type"),
        ({"value": None}, "no_value"),
    ],
)
def test_one_wrong_change_costs_only_itself(
    server: ProviderServer, tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    """A change that makes no sense is refused with its reason; the good one beside it is made."""
    (outcome,) = learn(openai, server, tmp_path, tool({"changes": [{**ROWING, **wrong}, ROWING]}))
    assert outcome.status == "changed"
    assert reason in {rejection.reason for rejection in outcome.rejections}


def test_ten_thousand_changes(server: ProviderServer, tmp_path: Path) -> None:
    """An endless answer changes nothing and says so; the messages are asked about again."""
    answer = tool({"changes": [ROWING] * 10_000})
    first, *others = learn(openai, server, tmp_path, answer)
    assert (first.status, first.reason, first.revision) == ("failed", "too_many", None)
    assert "10000 changes" in first.error
    assert others[-1].status == "changed"
    assert "failed" not in {outcome.status for outcome in others}
