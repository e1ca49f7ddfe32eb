"""Print what search finds and how long it takes: ``python -m bench.find [--data FILE] [--time]``.

Three figures: how many of the turns that answer a question are among the first ten hits; how often
the item that a question needs stands in a profile of 400 items rendered with 1,000 tokens, chosen
by words and by age; and the time of a search over 1,000 and 20,000 kept messages. Without
``--data`` the conversations are those of ``bench/data/find.json``, in five languages; with it,
those of a file in LoCoMo's form, which is read and never copied. With ``--embeddings
module:factory``, a function that gives an `Embeddings` of LangChain's, the same by words, by
embeddings and by both, their ranks joined; search itself uses none.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import random
import statistics
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from operator import mul
from pathlib import Path
from typing import Any

from bench.table import Figure, print_figures

from usermemory import UserMemory
from usermemory.ranking import weights
from usermemory.text import tokens

OWN = Path(__file__).parents[1] / "data" / "find.json"
FIRST = 10
ITEMS = 400
TOKENS = 1_000
FENCE = 50
"""Tokens of what stands around the items."""
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


def mixed(each: Conversation, conversations: list[Conversation]) -> list[str]:
    """The facts of a conversation among as many others as make up a long profile."""
    others = [fact for one in conversations if one is not each for fact in one.facts]
    every = [*others[: max(0, ITEMS - len(each.facts))], *each.facts]
    random.Random(1).shuffle(every)
    return list(dict.fromkeys(text for text, _ in every))[:ITEMS]


def shown(memory: UserMemory, conversations: list[Conversation], *, by_words: bool) -> list[bool]:
    """Whether an item that a question needs stands in the text, for each question."""
    found: list[bool] = []
    for each in conversations:
        texts = mixed(each, conversations)
        user = f"{each.name} facts"
        memory.edit(user, {"core_memories": texts}, by="bench")
        for question, wanted in each.questions:
            needed = {text for text, ids in each.facts if ids & wanted and text in texts}
            if needed:
                text = memory.recall(user, about=question if by_words else "").render(TOKENS)
                found.append(any(one in text for one in needed))
    return found


_RANKS = 60
"""What dampens the first ranks where two rankings are joined (Cormack and others, 2009)."""


def ranked(
    embeddings: Any, texts: list[str], asked: list[str], groups: list[str] | None = None
) -> list[list[int]]:
    """The places of the texts by the cosine to each question, the nearest first.

    Within a group what stands beside a text counts half and a quarter, as it does by words.
    """
    vectors: list[list[float]] = embeddings.embed_documents(texts) if texts else []
    lengths = [math.hypot(*one) or 1.0 for one in vectors]
    orders: list[list[int]] = []
    for query in map(embeddings.embed_query, asked):
        near = [
            sum(map(mul, query, one)) / long for one, long in zip(vectors, lengths, strict=True)
        ]
        whole = [
            score
            + sum(
                share * near[beside]
                for steps, share in ((1, 0.5), (2, 0.25))
                for beside in (at - steps, at + steps)
                if groups and 0 <= beside < len(near) and groups[at] == groups[beside]
            )
            for at, score in enumerate(near)
        ]
        orders.append(sorted(range(len(texts)), key=whole.__getitem__, reverse=True))
    return orders


def joined(*orders: list[int]) -> list[int]:
    """One ranking of several, by the sum of their reciprocal ranks."""
    score: defaultdict[int, float] = defaultdict(float)
    for order in orders:
        for rank, at in enumerate(order):
            score[at] += 1 / (_RANKS + rank)
    return sorted(score, key=score.__getitem__, reverse=True)


def turns_by(
    memory: UserMemory, conversation: Conversation, embeddings: Any
) -> Iterator[list[float]]:
    """The share of a question's turns among the first ten, by words, by embeddings, by both."""
    said = [message for thread in conversation.threads.values() for message in thread]
    places = {message["id"]: at for at, message in enumerate(said)}
    texts = [f"{message.get('name', '')} {message['content']}" for message in said]
    asked = [question for question, _ in conversation.questions]
    groups = [name for name, thread in conversation.threads.items() for _ in thread]
    nearest = ranked(embeddings, texts, asked, groups)
    for (question, wanted), near in zip(conversation.questions, nearest, strict=True):
        hits = memory.search(conversation.name, question, limit=1_000)
        words = [places[hit.message_id] for hit in hits if hit.message_id in places]
        firsts = (
            {said[at]["id"] for at in order[:FIRST]} for order in (words, near, joined(words, near))
        )
        yield [len(wanted & first) / len(wanted) for first in firsts]


def items_by(
    conversation: Conversation, every: list[Conversation], embeddings: Any
) -> Iterator[list[float]]:
    """Whether an item that a question needs is among those of 1,000 tokens, by the same three."""
    texts = mixed(conversation, every)
    asked = [question for question, _ in conversation.questions]
    for (question, wanted), near in zip(
        conversation.questions, ranked(embeddings, texts, asked), strict=True
    ):
        needed = {text for text, ids in conversation.facts if ids & wanted and text in texts}
        if not needed:
            continue
        weight = weights(texts, question)
        words = [at for at in sorted(range(len(texts)), key=lambda at: -weight[at]) if weight[at]]
        held: list[float] = []
        for order in (words, near, joined(words, near)):
            costs = list(accumulate(tokens(f"  - {texts[at]}\n") for at in order))
            there = {texts[at] for at in order[: bisect_right(costs, TOKENS - FENCE)]}
            held.append(float(bool(needed & there)))
        yield held


def by_embeddings(memory: UserMemory, every: list[Conversation], embeddings: Any) -> list[Figure]:
    """What embeddings find, beside words and joined with them."""
    turns = [found for one in every for found in turns_by(memory, one, embeddings)]
    items = [held for one in every if one.facts for held in items_by(one, every, embeddings)]
    figures: list[Figure] = []
    for what, rows in ((f"turns among the first {FIRST}", turns), (f"in {TOKENS} tokens", items)):
        for name, column in zip(
            ("words", "embeddings", "both"), zip(*rows, strict=True), strict=False
        ):
            share = statistics.mean(column)
            figures.append(
                Figure(f"{what}, by {name}", f"{sum(column):.1f}", str(len(column)), share)
            )
    return figures


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
    parser.add_argument("--embeddings", help="module:factory of embeddings to compare with")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = args.url or f"sqlite:///{folder}/memory.db"
        with UserMemory(url, model="offline", worker=False, keep_messages="forever") as memory:
            every = list(given(args.data)) if args.data else list(own())
            _found(memory, every)
            if args.embeddings:
                module, _, factory = args.embeddings.partition(":")
                made = getattr(importlib.import_module(module), factory)()
                print_figures("embeddings", by_embeddings(memory, every, made))
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
