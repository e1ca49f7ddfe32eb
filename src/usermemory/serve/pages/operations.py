"""Operations: what waits and is stuck, what readings cost, the schema in force, health."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response

from usermemory.errors import StoreError, UserMemoryError
from usermemory.records import Usage
from usermemory.refused import IN_WORDS
from usermemory.serve.pages.outages import outages_in
from usermemory.serve.pages.plots import bars
from usermemory.store.codec import usage_of
from usermemory.store.driver import missing
from usermemory.store.flows import recall as recalls
from usermemory.worker import LEASE

if TYPE_CHECKING:
    from markupsafe import Markup
    from starlette.routing import Route

    from usermemory.serve.pages.frame import Ask, Frame
    from usermemory.serve.prices import Prices

_DAYS = 30
_DAY = 86_400.0
_MOST = 20_000
"""Readings that are looked through, the newest."""

_JOBS = 200
_OUTAGES = 20
_MODELS = 20

DONE = {
    "retried": "Due now; whichever worker runs reads it.",
    "nothing": "Nothing was left to retry.",
    "dropped": "Given up: those messages are never read.",
}


class Operations:
    """The page for whoever runs the bot.

    Args:
        frame: What renders and guards it.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._memory = frame.memory

    def routes(self) -> list[Route]:
        """Where it is."""
        route = self._frame.route
        return [
            route("/operations", self.overview),
            route("/operations/schema", self.schema),
            route("/operations/retry", self.retry, writes=True),
        ]

    def overview(self, ask: Ask) -> Response:
        """All of it, on one page."""
        driver, memory = self._memory.driver, self._memory
        now = memory.clock.now()
        jobs = memory.jobs()
        found = driver.read(recalls.readings, now - _DAYS * _DAY, _MOST)
        return self._frame.page(
            ask,
            "operations.html",
            figures=driver.read(recalls.figures),
            jobs=jobs[:_JOBS],
            more=max(0, len(jobs) - _JOBS),
            failing=[job for job in jobs if job.last_error],
            leases=[dict(row) for row in driver.read(recalls.held_leases)],
            partly=len(found) == _MOST,
            outages=outages_in(found)[:_OUTAGES],
            held_up=driver.read(recalls.waiting_for_provider),
            now=now,
            overdue=LEASE,
            read_at=next((row["at"] for row in found if row["outcome"] != "proposed"), None),
            health=self._health(),
            done=DONE.get(ask.get("done"), ""),
            prices=self._frame.prices,
            **_history(found, now, self._frame.prices),
        )

    def schema(self, ask: Ask) -> Response:
        """How much of what is stored the schema takes: reads every profile."""
        return self._frame.page(ask, "schema_check.html", check=self._memory.check_schema())

    def retry(self, ask: Ask) -> Response:
        """Make one thread due now, or all that failed; or give one up."""
        if ask.get("all"):
            done = "retried" if self._memory.retry_all(ask.get("reason")) else "nothing"
        elif ask.get("drop"):
            done = "dropped" if self._memory.drop(ask.user_id, ask.get("thread")) else "nothing"
        else:
            found = self._memory.retry(ask.user_id, ask.get("thread"))
            done = "retried" if found else "nothing"
        return RedirectResponse(ask.url("/operations", done=done), 303)

    def _health(self) -> list[tuple[str, bool, str]]:
        """What is looked at, whether it is well, and what to say of it."""
        driver = self._memory.driver
        try:
            self._memory.ping()
            needed = missing(driver.migrated(), driver.url)
        except StoreError:
            return [("Database", False, "it does not answer")]
        except UserMemoryError as error:
            return [("Database", False, str(error))]
        doubts = list(driver.doubts())
        tables = "of this version" if not needed else f"{len(needed)} migrations are missing"
        return [
            ("Database", True, driver.url),
            ("Tables", not needed, tables),
            ("Durability", not doubts, "; ".join(doubts) or "a commit survives a power cut"),
        ]


def _history(found: Sequence[Mapping[str, Any]], now: float, prices: Prices) -> dict[str, Any]:
    """Plots and sums of the readings of these days."""
    days = [_date(now - back * _DAY) for back in range(_DAYS - 1, -1, -1)]
    read, failed, asked, answered, refused, reasons, failures = (Counter[str]() for _ in range(7))
    models: dict[str, Usage] = defaultdict(Usage)
    money: dict[str, float] = defaultdict(float)
    taken: dict[str, list[float]] = defaultdict(list)
    for row in found:
        day = _date(row["at"])
        if row["outcome"] == "failed":
            failed[day] += 1
            failures[row["reason"] or "unknown"] += 1
        elif row["outcome"] != "proposed":
            read[day] += 1
            taken[day] += [row["seconds"]] if row["seconds"] is not None else []
        usage = usage_of(row["usage"])
        asked[day] += usage.input_tokens
        answered[day] += usage.output_tokens
        if usage.calls:
            models[row["model"]] += usage
            money[day] += prices.of(row["model"], usage) or 0.0
        reasons.update(told := [one["reason"] for one in json.loads(row["rejections"])])
        refused[day] += len(told)

    def of(counts: Mapping[str, float]) -> list[float]:
        return [float(counts.get(day, 0)) for day in days]

    plots = [
        (
            "Readings, the failed ones on top",
            bars("Readings a day", days, [("read", of(read)), ("failed", of(failed))], bad=True),
        ),
        (
            "Tokens, those of answers on top",
            bars("Tokens a day", days, [("in", of(asked)), ("out", of(answered))]),
        ),
        ("Refused changes", bars("Refused changes a day", days, [("refused", of(refused))])),
        (
            "Seconds of a reading: median, 95th percentile behind",
            _seconds(days, taken),
        ),
    ]
    if prices:
        plots.append(("Cost", bars("Cost a day", days, [("cost", of(money))], digits=2)))
    return {
        "plots": plots,
        "totals": {
            "readings": read.total() + failed.total(),
            "failed": failed.total(),
            "tokens": asked.total() + answered.total(),
            "money": sum(money.values()),
        },
        "reasons": [
            (IN_WORDS.get(name, name.replace("_", " ")), count)  # type: ignore[call-overload]
            for name, count in reasons.most_common(15)
        ],
        "failures": failures.most_common(10),
        "models": [
            (name, usage, prices.of(name, usage))
            for name, usage in sorted(models.items(), key=lambda one: -one[1].calls)[:_MODELS]
        ],
    }


def _seconds(days: Sequence[str], taken: Mapping[str, list[float]]) -> Markup:
    """How long readings took, from taking the messages to committing, by day."""
    sets = [sorted(taken.get(day, [0.0])) for day in days]
    half = [median(one) for one in sets]
    most = [one[int(0.95 * len(one))] for one in sets]
    series = [("seconds, the median", half), ("seconds, the 95th percentile", most)]
    digits = 1 if max(most) >= 1 else 3
    return bars("Seconds of a reading", days, series, digits=digits, within=True)


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).date().isoformat()
