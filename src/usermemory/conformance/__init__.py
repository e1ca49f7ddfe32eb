"""The conformance suite: every test on every driver, in both colours.

A new driver joins with a class of its own in a test file::

    class TestMine(Conformance):
        @pytest.fixture
        def url(self, tmp_path):
            return f"mine://{tmp_path}/memory"
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from usermemory.conformance.aging import GrowingOld
from usermemory.conformance.backfilling import Backfilling
from usermemory.conformance.carrying import Carrying
from usermemory.conformance.consolidating import Consolidating
from usermemory.conformance.correcting import Correcting
from usermemory.conformance.deciding import Deciding
from usermemory.conformance.failing import Failing
from usermemory.conformance.forgetting import Forgetting
from usermemory.conformance.forgetting_inside import ForgettingInside
from usermemory.conformance.harness import Bench, Colour
from usermemory.conformance.mending import Mending
from usermemory.conformance.migrating import Migrating
from usermemory.conformance.misfitting import Misfitting
from usermemory.conformance.proposing import Proposing
from usermemory.conformance.refusing import Refusing
from usermemory.conformance.remembering import Making, Remembering
from usermemory.conformance.reshaping import Reshaping
from usermemory.conformance.reviewing import Reviewing
from usermemory.conformance.searching import Searching
from usermemory.conformance.showing import Showing

__all__ = ["Conformance"]


class Conformance(
    Remembering,
    Consolidating,
    Correcting,
    Forgetting,
    ForgettingInside,
    Proposing,
    Deciding,
    Reviewing,
    Refusing,
    Misfitting,
    Mending,
    Migrating,
    Reshaping,
    Searching,
    Showing,
    GrowingOld,
    Carrying,
    Failing,
    Backfilling,
):
    """What every database must do; a subclass says where it is, with the fixture ``url``."""

    @pytest.fixture
    def url(self) -> str:
        """The database to test, empty."""
        raise NotImplementedError("give the class a fixture `url` with an empty database")

    @pytest.fixture(params=["sync", "async"])
    def colour(self, request: pytest.FixtureRequest) -> Colour:
        """Which twin of each verb is called."""
        colour: Colour = request.param
        return colour

    @pytest.fixture
    def making(self, url: str, colour: Colour) -> Iterator[Making]:
        """Builds the memory under test with the settings that a test needs."""
        benches: list[Bench] = []

        def make(**settings: Any) -> Bench:
            benches.append(Bench(url, colour, **settings))
            return benches[-1]

        yield make
        for bench in benches:
            bench.close()
