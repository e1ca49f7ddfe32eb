"""The conformance suite on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.postgres import fresh

from usermemory.conformance import Conformance


class TestPostgreSQL(Conformance):
    @pytest.fixture
    def url(self) -> Iterator[str]:
        with fresh() as url:
            yield url
