"""What learning cost, by user and day."""

from __future__ import annotations

from datetime import UTC, datetime

from usermemory.records import Cost, Usage
from usermemory.store import codec
from usermemory.store.driver import Flow

_PAGE = 5_000


def costs(user_id: str | None, since: float, until: float) -> Flow[list[Cost]]:
    """What readings cost, by user, day and model; those that asked no model cost nothing.

    Args:
        user_id: About whom; None for everybody.
        since: From when, in seconds since the epoch.
        until: To when.
    """
    found: dict[tuple[str, str, str], tuple[int, Usage]] = {}
    asked = {"since": since, "until": until, "count": _PAGE}
    query = "costs" if user_id is None else "costs_of"
    whose = {} if user_id is None else {"user_id": user_id}
    last: dict[str, str | int] = {"after": "", "token": 0}
    while True:
        place = last if user_id is None else {"token": last["token"]}
        rows = yield query, {**asked, **whose, **place}
        for row in rows:
            usage = codec.usage(row["usage"])
            if usage.calls:
                key = row["user_id"], _day(row["at"]), row["model"]
                readings, sum_ = found.get(key, (0, Usage()))
                found[key] = readings + 1, sum_ + usage
        if len(rows) < _PAGE:
            break
        last = {"after": rows[-1]["user_id"], "token": rows[-1]["token"]}
    ordered = sorted(found.items(), key=lambda item: (item[0][1], item[0]))
    return [Cost(*key, readings, usage) for key, (readings, usage) in ordered]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).date().isoformat()
