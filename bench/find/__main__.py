"""Print what search finds and how long it takes: ``python -m bench.find [--data FILE] [--time]``.

Three figures: how many of the turns that answer a question are among the first ten hits; how often
the item that a question needs stands in a profile of 400 items rendered with 1,000 tokens, chosen
by words and by age; and the time of a search over 1,000 and 20,000 kept messages. Without
``--data`` the conversations are those of ``bench/data/find.json``, in five languages; with it,
those of a file in LoCoMo's form, which is read and never copied.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.table import Figure, print_figures

from usermemory import UserMemory

OWN = Path(__file__).parents[1] / "data" / "find.json"
FIRST = 10
ITEMS = 400
TOKENS = 1_000
CATEGORIES = {1, 2, 3, 4}
"""Of LoCoMo's questions; the fifth asks for what was never said."""


@dataclass(frozen=True)
class Conversation:
    """Messages by thread, questions with the ids of the messages that answer them, and facts."""

    name: str
    threads: dict[str, list[dict[str, Any]]]
    questions: list[tuple[str, set[str]]]
    facts: list[tuple[str, set[str]]]


def own() -> Iterator[Conversation]:
    """The conversations of this repository, a thread a day."""
    for each in json.loads(OWN.read_text(encoding="utf-8")):
        threads: dict[str, list[dict[str, Any]]] = {}
        for key, day, role, text in each["turns"]:
            at = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
            message = {"role": role, "content": text, "id": key, "timestamp": at}
            threads.setdefault(day, []).append(message)
        asked = [(question, set(ids)) for question, ids in each["questions"]]
        yield Conversation(each["language"], threads, asked, [])


def given(path: Path) -> Iterator[Conversation]:
    """The conversations of a file in LoCoMo's form; the first speaker is the user."""
    for each in json.loads(path.read_text(encoding="utf-8")):
        said = each["conversation"]
        threads: dict[str, list[dict[str, Any]]] = {}
        facts: list[tuple[str, set[str]]] = []
        number = 1
        while turns := said.get(f"session_{number}"):
            when = f"{said[f'session_{number}_date_time']} +0000"
            at = datetime.strptime(when, "%I:%M %p on %d %B, %Y %z").timestamp()
            threads[f"session {number}"] = [
                {
                    "role": "user" if turn["speaker"] == said["speaker_a"] else "assistant",
                    "name": turn["speaker"],
                    "content": f"{turn['text']} {turn.get('blip_caption') or ''}".strip(),
                    "id": turn["dia_id"],
                    "timestamp": at,
                }
                for turn in turns
            ]
            noted = each["observation"].get(f"session_{number}_observation", {})
            for told in noted.values():
                for text, ids in told:
                    facts.append((text, set(ids if isinstance(ids, list) else [ids])))
            number += 1
        known = {one["id"] for thread in threads.values() for one in thread}
        asked = [
            (one["question"], found)
            for one in each["qa"]
            if one["category"] in CATEGORIES and (found := set(one["evidence"]) & known)
        ]
        yield Conversation(each["sample_id"], threads, asked, facts)


def recall(memory: UserMemory, conversation: Conversation) -> list[float]:
    """The share of each question's turns that are among the first hits."""
    for thread, messages in conversation.threads.items():
        memory.backfill(conversation.name, thread, messages)
    shares: list[float] = []
    for question, wanted in conversation.questions:
        hits = memory.search(conversation.name, question, limit=FIRST)
        shares.append(len(wanted & {hit.message_id for hit in hits}) / len(wanted))
    return shares


def shown(memory: UserMemory, conversations: list[Conversation], *, by_words: bool) -> list[bool]:
    """Whether an item that a question needs stands in the text, for each question."""
    found: list[bool] = []
    for each in conversations:
        others = [fact for one in conversations if one is not each for fact in one.facts]
        mixed = [*others[: max(0, ITEMS - len(each.facts))], *each.facts]
        random.Random(1).shuffle(mixed)
        texts = list(dict.fromkeys(text for text, _ in mixed))[:ITEMS]
        user = f"{each.name} facts"
        memory.edit(user, {"core_memories": texts}, by="bench")
        for question, wanted in each.questions:
            needed = {text for text, ids in each.facts if ids & wanted and text in texts}
            if needed:
                text = memory.recall(user, about=question if by_words else "").render(TOKENS)
                found.append(any(one in text for one in needed))
    return found


_ALPHABETS = {
    "Latin": "abcdefghijklmnopqrstuvwxyzé     ",
    "Han": "".join(map(chr, range(0x4E00, 0x5000))),
    "Thai": "".join(map(chr, range(0x0E01, 0x0E3A))),
}


def timed(memory: UserMemory, script: str, rows: int) -> tuple[float, float]:
    """Milliseconds of a search over so many messages of 200 characters: the median and p95."""
    draw = random.Random(rows)
    texts = ["".join(draw.choices(_ALPHABETS[script], k=200)) for _ in range(rows)]
    user = f"{script} {rows}"
    for first in range(0, rows, 1_000):
        memory.backfill(user, f"thread {first}", texts[first : first + 1_000])
    took: list[float] = []
    for number in range(40):
        begin = number % 100
        query = texts[(number * 37) % rows][begin : begin + (24 if script == "Latin" else 12)]
        start = time.perf_counter()
        memory.search(user, query)
        took.append((time.perf_counter() - start) * 1_000)
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.find", description=__doc__)
    parser.add_argument("--data", type=Path, help="conversations in LoCoMo's form")
    parser.add_argument("--url", help="a PostgreSQL URL, with an empty schema; else a SQLite file")
    parser.add_argument("--time", action="store_true", help="measure the time too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = args.url or f"sqlite:///{folder}/memory.db"
        with UserMemory(url, model="offline", worker=False, keep_messages="forever") as memory:
            _found(memory, list(given(args.data)) if args.data else list(own()))
            if args.time:
                print_figures("time", list(_times(memory)))


def _found(memory: UserMemory, conversations: list[Conversation]) -> None:
    every: list[float] = []
    figures: list[Figure] = []
    for one in conversations:
        shares = recall(memory, one)
        every += shares
        name = f"turns among the first {FIRST}: {one.name}"
        figures.append(
            Figure(name, f"{sum(shares):.1f}", str(len(shares)), statistics.mean(shares))
        )
    mean = statistics.mean(every)
    figures.append(Figure("all of them", f"{sum(every):.1f}", str(len(every)), mean, 0.67))
    if any(one.facts for one in conversations):
        for by_words, target in ((True, 0.8), (False, None)):
            found = shown(memory, conversations, by_words=by_words)
            name = f"item shown at {TOKENS} tokens, by {'words' if by_words else 'age'}"
            share = statistics.mean(found)
            figures.append(Figure(name, str(sum(found)), str(len(found)), share, target))
    print_figures("find", figures)


def _times(memory: UserMemory) -> Iterator[Figure]:
    for rows, most in ((1_000, 20.0), (20_000, 250.0)):
        for script in _ALPHABETS:
            median, late = timed(memory, script, rows)
            name = f"search over {rows:,} rows, {script}: p95 / {most:.0f} ms"
            yield Figure(name, f"{late:.1f} ms", f"p50 {median:.1f} ms", late / most, 1.0, "<=")


if __name__ == "__main__":
    main()
