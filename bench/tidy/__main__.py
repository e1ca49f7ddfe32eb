"""Print what a tidy pass proposes of labelled profiles: right, wrong, missed, lost.

    python -m bench.tidy                                     # replays the recorded answers
    python -m bench.tidy --ask http://127.0.0.1:8095/as.openai.com/v1   # asks what is missing

Each profile goes through the real way: a file database, the real provider class against a loopback
server, `tidy`, and then `approve` for all that it proposes. *Right*: the kind and the items are
those of a label (an end may be called a conflict, and the other way round). *Lost*: items that no
label names and that are gone, or changed, when everything is approved; and anything at all that is
gone before.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.faithfulness.recording import Recorder
from bench.faithfulness.runs import model
from pydantic import BaseModel

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.errors import ExtractionError
from usermemory.records import Proposal
from usermemory.testing import FakeClock

DATA = Path(__file__).parents[1] / "data"


class Person(BaseModel):
    """The profile of the set."""

    name: str | None = None
    city: str | None = None
    job: str | None = None
    diet: str | None = None
    interests: list[str] = []
    plans: list[str] = []
    facts: list[str] = []


LISTS = ("interests", "plans", "facts")


class Scripted:
    """Learns what it is told to."""

    def __init__(self) -> None:
        self.changes: tuple[Change, ...] = ()

    def extract(self, request: Request) -> Extraction:
        """What stands here."""
        assert request.batch
        return Extraction(self.changes)


def at(day: str) -> float:
    """Noon of a day, in seconds since the epoch."""
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC).timestamp()


def learn(url: str, case: Mapping[str, Any]) -> None:
    """The items of a profile, each on its day and from its words, one field after the other."""
    items = sorted(case["items"], key=lambda item: item["at"])
    scripted, clock = Scripted(), FakeClock(at(items[0]["at"]))
    with UserMemory(url, Person, scripted, worker=False, verify="off", clock=clock) as memory:
        for item in items:
            clock.advance(at(item["at"]) - clock.now())
            action = "add" if item["field"] in LISTS else "set"
            scripted.changes = (Change(item["field"], action, item["value"], item["quote"]),)
            memory.remember("user", f"t{item['n']}", [("user", item["quote"])])
            (outcome,) = memory.trigger("user")
            if outcome.status != "changed":
                raise SystemExit(f"{case['id']}: item {item['n']} was not learned: {outcome}")


def numbers(case: Mapping[str, Any], proposal: Proposal) -> tuple[int, ...]:
    """Which items of the set a proposal takes away."""
    gone = {(one.field, one.before) for one in proposal.changes if one.before is not None}
    return tuple(item["n"] for item in case["items"] if (item["field"], item["value"]) in gone)


def judged(case: Mapping[str, Any], chat: Any, folder: str) -> Counter[str]:
    """The figures of one profile."""
    url = f"sqlite:///{folder}/{case['id']}.db"
    learn(url, case)
    found: Counter[str] = Counter()
    planted = {tuple(sorted(one["items"])): one["kind"] for one in case["planted"]}
    found.update(f"planted {kind}" for kind in planted.values())
    clock = FakeClock(at(case["today"]))
    with UserMemory(url, Person, chat, worker=False, clock=clock) as memory:
        before = memory.recall("user").document
        try:
            proposals = memory.tidy("user")
        except ExtractionError as error:
            print(f"{case['id']}: {error}")
            found["failed"] += 1
            return found
        found["lost"] += memory.recall("user").document != before
        found["refused"] += len(proposals.refused)
        found["input"] += proposals.usage.input_tokens
        found["output"] += proposals.usage.output_tokens
        for one in proposals.refused:
            print(f"{case['id']}: refused {one.reason} {one.detail} {one.change.value!r}")
        for proposal in proposals:
            items = numbers(case, proposal)
            kind = planted.get(tuple(sorted(items)))
            ends = ("end", "conflict")
            right = kind == proposal.kind or (kind in ends and proposal.kind in ends)
            found[f"right {kind}" if right else f"wrong {proposal.kind}"] += 1
            if not right:
                print(f"{case['id']}: wrong {proposal.kind} {items}: {proposal.why}")
            planted.pop(tuple(sorted(items)) if right else (), None)
            made = memory.approve(proposal.id)
            found["not made"] += made.revision is None
        found.update(f"missed {kind}" for kind in planted.values())
        for items, kind in planted.items():
            print(f"{case['id']}: missed {kind} {items}")
        named = {n for one in case["planted"] for n in one["items"]}
        after = memory.recall("user").document
        for item in case["items"]:
            held = after[item["field"]]
            there = item["value"] in held if item["field"] in LISTS else held == item["value"]
            found["lost"] += item["n"] not in named and not there
    return found


def main() -> None:
    """Ask or replay, then print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.tidy", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA / "tidy.json")
    parser.add_argument("--answers", type=Path, default=DATA / "answers" / "large-tidy.json")
    parser.add_argument("--ask", metavar="URL", help="ask for missing answers here, and keep them")
    args = parser.parse_args()
    cases = json.loads(args.data.read_text("utf-8"))
    total: Counter[str] = Counter()
    with Recorder(args.answers, args.ask) as recorder, tempfile.TemporaryDirectory() as folder:
        chat = model(recorder.url("provider"), "by-hand", small=False)
        with ThreadPoolExecutor(len(cases)) as pool:
            for found in pool.map(lambda case: judged(case, chat, folder), cases):
                total += found
        if recorder.missing:
            print(f"{len(set(recorder.missing))} requests are not recorded")
    for name, count in sorted(total.items()):
        print(f"{name:20} {count}")


if __name__ == "__main__":
    main()
