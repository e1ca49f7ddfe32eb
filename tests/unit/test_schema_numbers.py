"""Numbers that JSON has no name for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory.errors import InvalidDocument
from usermemory.schema import schema_of


@pytest.mark.parametrize("number", [math.nan, math.inf, 10**400])
@pytest.mark.parametrize("place", ["height", "scores"])
def test_numbers_that_json_has_not(number: Any, place: str) -> None:
    """An infinite number, and one that is none, is refused with its place, at any depth."""

    class Measured(BaseModel):
        height: float | None = None
        scores: dict[str, list[float]] = {}

    schema = schema_of(Measured)
    document = {"height": number} if place == "height" else {"scores": {"chess": [1.5, number]}}
    with pytest.raises(InvalidDocument, match="height: JSON" if place == "height" else "chess.1"):
        schema.validate(document)
    (misfit,) = schema.read(document).misfits
    assert misfit.field == place
