"""Recalling a profile among a million, against among a thousand."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Sequence

from bench.fleet.schemas import filled
from bench.table import Figure, median_ratio

from usermemory import UserMemory

_PROFILES = (1_000_000, 1_000)
_ROUNDS = 9
_RECALLS = 1_000


def figures(url: str) -> list[Figure]:
    """Milliseconds of a recall, of users chosen at random, so that most are on cold pages."""
    with (
        filled(url, "many", _profiles(_PROFILES[0])) as many,
        filled(url, "few", _profiles(_PROFILES[1])) as few,
    ):
        chance = random.Random(1)
        for memory, count in ((many, _PROFILES[0]), (few, _PROFILES[1])):
            _recalls(memory, count, chance)
        rounds = [
            (_recalls(many, _PROFILES[0], chance), _recalls(few, _PROFILES[1], chance))
            for _ in range(_ROUNDS)
        ]
    sides = list(zip(*rounds, strict=True))
    return [
        Figure(
            f"a recall, {_PROFILES[0]:,} / {_PROFILES[1]:,} profiles",
            *(f"{statistics.median(side):.2f} ms" for side in sides),
            median_ratio(*sides),
            1.5,
            "<=",
        )
    ]


def _recalls(memory: UserMemory, count: int, chance: random.Random) -> float:
    """The mean milliseconds of a recall."""
    users = [f"user{chance.randint(1, count)}" for _ in range(_RECALLS)]
    begin = time.perf_counter()
    for user in users:
        if memory.recall(user).revision != 1:
            raise AssertionError(f"{user} is not known")
    return (time.perf_counter() - begin) * 1_000 / _RECALLS


def _profiles(count: int) -> Sequence[str]:
    document = json.dumps(
        {
            "name": "Name",
            "age": 30,
            "interests": [f"something rather special, number {number}" for number in range(5)],
            "core_memories": ["moved to Bergen for love", "learned to bake from an aunt"],
        }
    )
    users = f"""INSERT INTO m.users (user_id, salt, revision)
        SELECT 'user' || n, 's', 1 FROM generate_series(1, {count}) AS n"""
    profiles = f"""INSERT INTO m.profiles (user_id, document, revision, updated_at)
        SELECT 'user' || n, '{document}', 1, 0 FROM generate_series(1, {count}) AS n"""
    return users, profiles
