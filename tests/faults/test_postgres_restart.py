"""The server of the memory is killed and started again, while people talk and workers work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.faults.crowd import Crowd
from tests.faults.proof import proof
from tests.support.postgres import Server, fresh
from tests.support.until import until

from usermemory import UserMemory
from usermemory.errors import StoreError


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_chat_goes_on(server: Server, mode: str) -> None:
    """While the server is away every verb fails at once; once it is back the next call works."""

    async def everybody(memory: UserMemory) -> None:
        await asyncio.gather(*(memory.arecall(f"user{number}") for number in range(20)))

    with fresh(server.url) as url, UserMemory(url, model="offline", worker=False) as memory:
        memory.remember("will", "t", ["I like chess"])
        asyncio.run(everybody(memory))  # several connections wait for work
        server.stop(mode)
        for use in (lambda: memory.remember("will", "t", ["x"]), lambda: memory.recall("will")):
            with pytest.raises(StoreError, match="cannot be reached"):
                use()
        server.start()
        asyncio.run(everybody(memory))
        assert memory.remember("will", "t", ["I like tea"]).new == 1
        memory.trigger("will")
        assert memory.recall("will").document["interests"] == ["chess", "tea"]


def test_workers_go_on(server: Server) -> None:
    """A server that crashes again and again loses no message, and nothing is read twice."""
    facts: list[str] = []
    with fresh(server.url) as url:
        crowd = Crowd(url, 2)
        with UserMemory(url, model="offline", worker=False) as memory:
            for turn in range(20):
                for user in range(4):
                    facts.append(f"thing {user} {turn}")
                    said = {"role": "user", "content": f"I like {facts[-1]}", "id": facts[-1]}
                    memory.remember(f"user{user}", "t", [said], delay=0.0)
                if turn % 5 == 4:
                    server.stop("immediate")
                    with suppress(StoreError):
                        memory.remember("user0", "t", [{**said, "id": "lost"}])
                    server.start()
            until(lambda: not memory.jobs(), "all to be read")
        crowd.close()
        assert proof(url, facts) == []
