"""Half a year of one user's threads, read one after the other by the offline extractor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from usermemory.extract import Request
from usermemory.judge import Judged, applied, judge
from usermemory.offline import OfflineExtractor
from usermemory.records import Message
from usermemory.schema import UserProfile, schema_of

CONVERSATIONS = Path(__file__).parents[1] / "acceptance" / "conversations"
MONTHS = json.loads((CONVERSATIONS / "months.json").read_text(encoding="utf-8"))
EXPECT = MONTHS["expect"]


def read() -> Iterator[tuple[str, Judged]]:
    """What each thread changes, in order."""
    schema = schema_of(UserProfile)
    document: Mapping[str, Any] = schema.empty()
    for thread in MONTHS["threads"]:
        batch = tuple(
            Message(turn["role"], turn["text"], seq=seq)
            for seq, turn in enumerate(thread["turns"], 1)
        )
        request = Request(schema, document, batch, user_id=MONTHS["user"])
        changes = OfflineExtractor().extract(request).changes
        judged = applied(request, judge(request, changes))
        document = judged.document
        yield thread["id"], judged


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, Judged]]:
    return list(read())


def test_the_conversation_is_as_long_as_it_says() -> None:
    """There are forty threads over half a year, of three to ten turns each."""
    dates = [thread["date"] for thread in MONTHS["threads"]]
    assert len(dates) == 40
    assert dates == sorted(dates)
    assert all(3 <= len(thread["turns"]) <= 10 for thread in MONTHS["threads"])


def test_the_end_state_is_the_labelled_one(steps: list[tuple[str, Judged]]) -> None:
    """At the end the profile holds what was learned and not taken back."""
    document = steps[-1][1].document
    memories = document["core_memories"]
    assert (document["name"], document["age"]) == (EXPECT["name"], EXPECT["age"])
    assert set(EXPECT["interests"]["present"]) == set(document["interests"])
    assert not set(EXPECT["interests"]["absent"]) & set(document["interests"])
    for pattern in EXPECT["core_memories"]:
        assert any(re.search(pattern, memory) for memory in memories), pattern
    for pattern in EXPECT["gone"]:
        assert not any(re.search(pattern, memory) for memory in memories), pattern


def test_no_wrong_thing_is_ever_in_the_profile(steps: list[tuple[str, Judged]]) -> None:
    """After no thread does the profile hold what was joked, pasted, quoted or claimed."""
    for thread_id, judged in steps:
        text = json.dumps(judged.document, ensure_ascii=False)
        assert [p for p in EXPECT["never"] if re.search(p, text)] == [], thread_id


def test_no_change_is_refused(steps: list[tuple[str, Judged]]) -> None:
    """The checks find nothing to object to in what the rules propose."""
    assert [(thread_id, judged.refused) for thread_id, judged in steps if judged.refused] == []
