"""When a provider that could not be asked is asked again."""

from __future__ import annotations

import pytest

from usermemory.errors import InvalidInput
from usermemory.retry import Outage, Retry

RETRY = Retry(base=10.0, outage=80.0)


def test_one_asks_and_the_others_wait() -> None:
    """When the wait is over the first to look asks, whatever number of threads look."""
    outage = Outage()
    assert outage.until(0.0) is None
    wait, began = outage.failed(0.0, "503", RETRY, None)
    assert began
    assert 5.0 <= wait <= 10.0
    assert outage.until(1.0) == wait
    assert outage.until(wait) is None
    assert outage.until(wait) is not None


def test_the_waits_grow_up_to_a_ceiling_and_end_with_an_answer() -> None:
    """Failures of the same moment count once; an answer closes it and says how long it lasted."""
    outage, now = Outage(), 0.0
    waits: list[float] = []
    for _ in range(6):
        waits.append(outage.failed(now, "503", RETRY, None)[0])
        assert not outage.failed(now, "503", RETRY, None)[1]
        now += waits[-1]
        assert outage.until(now) is None
    assert waits[2] > waits[0]
    assert 40.0 <= waits[-1] <= 80.0
    assert outage.ended(now) == now
    assert outage.ended(now) is None
    assert outage.until(now) is None


def test_what_the_provider_asks_for_is_kept() -> None:
    """A wait that it names is never undercut."""
    assert Outage().failed(0.0, "429", RETRY, 500.0)[0] == 500.0


@pytest.mark.parametrize("name", ["base", "ceiling", "outage", "limit"])
def test_waits_are_spans_of_time(name: str) -> None:
    """What nobody can wait for is refused, and not when a provider fails at night."""
    for wrong in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InvalidInput, match=name):
            Retry(**{name: wrong})  # type: ignore[arg-type]
