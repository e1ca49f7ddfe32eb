"""Numbers that JSON has no name for, and those that are taken for something else."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
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


class Timed(BaseModel):
    at: datetime | None = None
    days: list[date] = []
    hours: dict[str, time] = {}
    lasts: timedelta | None = None
    age: int | None = None
    free: date | str | None = None


@pytest.mark.parametrize("number", ["0", "86400", " 0 ", "+0", "0.0", "-86400", 0, 86_400, 0.0])
@pytest.mark.parametrize("field", ["at", "days", "hours", "lasts"])
def test_a_bare_number_is_no_time(field: str, number: Any) -> None:
    """Seconds since 1970 are nobody's date: a number is a misfit, whatever stands around it."""
    schema = schema_of(Timed)
    value = {"days": [number, "2026-05-01"], "hours": {"up": number}}.get(field, number)
    with pytest.raises(InvalidDocument, match=field):
        schema.validate({field: value})
    reading = schema.read({field: value, "age": 31})
    assert [(one.field, one.value) for one in reading.misfits] == [(field, number)]
    assert reading.stored == {field: value, "age": 31}
    assert reading.value.age == 31
    assert reading.value.days == ([date(2026, 5, 1)] if field == "days" else [])


def test_times_and_numbers_that_are_taken() -> None:
    """What is written as a time is one, and a number stays a number, also beside a date."""
    document = {
        "at": "2026-05-01T10:00:00Z",
        "days": ["2026-05-01"],
        "hours": {"up": "06:30:00"},
        "lasts": "P1D",
        "age": "5",
        "free": "5",
    }
    assert schema_of(Timed).validate(document) == {**document, "age": 5}


def test_true_is_no_number() -> None:
    """A yes is not the number one."""
    with pytest.raises(InvalidDocument, match="age: true and false are no numbers"):
        schema_of(Timed).validate({"age": True})
