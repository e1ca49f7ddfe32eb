"""Claiming a batch where a great many wait, against where few do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from bench.fleet.schemas import MESSAGES, NOW, THREADS, filled
from bench.table import Figure, median_ratio

from usermemory import UserMemory
from usermemory.store.flows.claim import claim_due, give_back

_WAITING = (100_000, 1_000)
_ROUNDS = 9
_CLAIMS = 100


def figures(url: str) -> list[Figure]:
    """Milliseconds of a claim, with half of the waiting threads under one running user."""
    with (
        filled(url, "many", _waiting(_WAITING[0])) as many,
        filled(url, "few", _waiting(_WAITING[1])) as few,
    ):
        for memory in (many, few):
            _claims(memory)  # warms connection and caches
        rounds = [(_claims(many), _claims(few)) for _ in range(_ROUNDS)]
    sides = list(zip(*rounds, strict=True))
    return [
        Figure(
            f"a claim, {_WAITING[0]:,} / {_WAITING[1]:,} threads waiting, half of one running user",
            *(f"{statistics.median(side):.2f} ms" for side in sides),
            median_ratio(*sides),
            1.5,
            "<=",
        )
    ]


def _claims(memory: UserMemory) -> float:
    """The median milliseconds of a claim; all of them are given back afterwards."""
    times: list[float] = []
    claims = []
    for _ in range(_CLAIMS):
        begin = time.perf_counter()
        claim = memory.driver.write(claim_due, "bench", 3_600.0)
        times.append((time.perf_counter() - begin) * 1_000)
        if claim is None or claim.user_id == "busy":
            raise AssertionError(f"claimed {claim}")
        claims.append(claim)
    for claim in claims:
        memory.driver.write(give_back, claim.user_id, claim.token)
    return statistics.median(times)


def _waiting(threads: int) -> Sequence[str]:
    half = threads // 2
    others = f"""INSERT INTO m.users (user_id, salt, next_due)
        SELECT 'user' || n, 's', {NOW} - 1000 + n * 0.001 FROM generate_series(1, {half}) AS n"""
    busy = f"""INSERT INTO m.users (user_id, salt, token, lease_until, lease_by, next_due)
        VALUES ('busy', 's', 1, {NOW} + 86400, 'elsewhere', {NOW} + 86400)"""
    busy_threads = f"""INSERT INTO m.threads (user_id, thread_id, state, due_at, first_at, unread,
            next_seq)
        SELECT 'busy', 't' || n, 'waiting', {NOW} - 2000, {NOW}, 1, 2
        FROM generate_series(1, {half}) AS n"""
    return others, THREADS, busy, busy_threads, MESSAGES
