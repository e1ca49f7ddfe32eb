"""The conformance suite on PostgreSQL.

In one colour: an awaited verb is the plain one in a thread of the driver's, and what is above the
driver runs in both on SQLite. `make test-deep` runs both here too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.deep import DEEP
from tests.support.postgres import ready

from usermemory.conformance import Conformance
from usermemory.conformance.harness import Colour


class TestPostgreSQL(Conformance):
    @pytest.fixture(params=["async", "sync"] if DEEP else ["async"])
    def colour(self, request: pytest.FixtureRequest) -> Colour:
        colour: Colour = request.param
        return colour

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with ready() as url:
            yield url
