"""Connections to PostgreSQL are cut at every message that a client sends."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.support.postgres import fresh
from tests.support.proxy import Proxy

from usermemory import UserMemory
from usermemory.conformance.harness import Listener


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    proxy = Proxy(urlsplit(url).port or 5432)
    yield proxy
    proxy.close()


_GOODBYE = b"X"


class CutOnce:
    """A rule that cuts one connection, at the so-and-so-many-th message that wants an answer."""

    def __init__(self, number: int, where: str) -> None:
        self.left = number
        self.where = where

    def __call__(self, said: bytes) -> str:
        if said.startswith(_GOODBYE):  # of a connection that was closed, whenever it arrives
            return ""
        self.left -= 1
        return self.where if self.left == 0 else ""


@pytest.mark.parametrize("where", ["before", "after"])
def test_cut_at_every_message(url: str, proxy: Proxy, where: str) -> None:
    """Wherever one connection is cut, every verb answers as if nothing had been, and once only.

    That holds at COMMIT too, when the answer is lost: what became of it is looked up.
    """
    split = urlsplit(url)
    through = split._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
    listener = Listener()
    number, rule = 0, CutOnce(0, where)
    with UserMemory(through, model=listener, worker=False) as memory:
        memory.recall("nobody")  # connects: without any connection a verb fails at once
        while rule.left <= 0:
            number += 1
            proxy.rule = rule = CutOnce(number, where)
            user = f"user{number}"
            said = [("user", "I like chess"), ("assistant", "Nice"), ("user", "I like tea")]
            assert memory.remember(user, "t", said).new == 3
            assert [outcome.status for outcome in memory.trigger(user)] == ["changed"]
            recalled = memory.recall(user)
            assert recalled.document["interests"] == ["chess", "tea"]
            assert (recalled.revision, recalled.pending) == (1, 0)
    print(f"cut {where} the server had it: {number - 1} places")
    assert number > 30
    assert len(listener.read) == number, "no model was asked twice"


@pytest.mark.parametrize(("messages", "trips"), [(1, 2), (2, 2), (7, 3)])
def test_the_round_trips_of_a_remember(url: str, proxy: Proxy, messages: int, trips: int) -> None:
    """Statements are sent without waiting for each other; many new ids are looked up apart."""
    through = urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
    with UserMemory(through, model="offline", worker=False) as memory:
        memory.remember("will", "t", [said(0, 0)])
        before = proxy.round_trips
        memory.remember("will", "t", [said(1, number) for number in range(messages)])
        assert proxy.round_trips - before == trips
        assert memory.recall("will").pending == 1 + messages


def said(turn: int, number: int) -> dict[str, str]:
    text = f"I like thing {turn}.{number}"
    return {"role": "user", "content": text, "id": f"{turn}-{number}"}
