"""The conformance suite on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from usermemory.conformance import Conformance


class TestSQLite(Conformance):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/memory.db"
