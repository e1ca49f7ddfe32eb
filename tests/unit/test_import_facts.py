"""Lists of facts in the forms of the world, read user by user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory import UserProfile
from usermemory.errors import InvalidInput
from usermemory.extras.importing.facts import found_in
from usermemory.extras.importing.fitting import Found
from usermemory.extras.importing.keys import (
    BESIDE,
    BESIDE_LIST,
    BOTS,
    ENDED,
    MESSAGE,
    NO_DATE,
    NO_FACT,
    OWNERLESS,
    TALK,
)
from usermemory.extras.importing.sources import Document
from usermemory.schema import schema_of

SCHEMA = schema_of(UserProfile)
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
MAY = datetime(2024, 5, 1, 9, 30, tzinfo=UTC).timestamp()


def read(value: Any, schema: Any = SCHEMA, **options: Any) -> list[Found]:
    return found_in(Document("facts.json", value), schema, now=NOW, **options)


def notes(value: Any, **options: Any) -> dict[str, list[str]]:
    """The texts of each user; nothing else may be in it."""
    found = read(value, **options)
    assert not any(one.parts or one.unreadable for one in found), found
    return {one.user_id: list(one.notes) for one in found}


MEM0 = {
    "id": "1",
    "memory": "Likes tea",
    "hash": "ab",
    "metadata": {"category": "food"},
    "score": 0.4,
    "created_at": "2024-05-01T02:30:00-07:00",
    "updated_at": None,
    "user_id": "ann",
    "categories": ["food"],
}
SHAPES: dict[str, Any] = {
    "mem0": {"count": 1, "next": None, "previous": None, "results": [MEM0]},
    "mem0, a list": [MEM0],
    "mem0, its vector store": [
        {"id": "1", "payload": {"data": "Likes tea", "user_id": "ann", "hash": "ab"}}
    ],
    "mem0, in the metadata": [{"memory": "Likes tea", "metadata": {"user_id": "ann"}}],
    "OpenMemory": {
        "user": {"id": "7e-01", "user_id": "ann", "name": "Ann"},
        "memories": [
            {"id": "1", "user_id": "7e-01", "content": "Likes tea", "state": "active"},
        ],
    },
    "agno, its API": {
        "data": [{"memory_id": "1", "memory": "Likes tea", "topics": ["a"], "user_id": "ann"}],
        "meta": None,
    },
    "agno, by user and id": {"memories": {"ann": {"1": {"memory": "Likes tea", "topics": []}}}},
    "Hindsight": {"user": "ann", "items": [{"id": "1", "text": "Likes tea", "type": "world"}]},
    "Zep": {"user_id": "ann", "edges": [{"fact": "Likes tea", "invalid_at": None}]},
    "Vertex": {
        "memories": [
            {"name": "projects/1/memories/2", "fact": "Likes tea", "scope": {"user_id": "ann"}}
        ]
    },
    "MemOS": {
        "code": 0,
        "user_id": "ann",
        "data": {"memory_detail_list": [{"memory_key": "tea", "memory_value": "Likes tea"}]},
    },
    "LangGraph's store": [
        {
            "namespace": ["memories", "ann"],
            "key": "1",
            "value": {"kind": "Memory", "content": {"content": "Likes tea"}},
            "userId": "ann",
        }
    ],
    "Letta's blocks": {"user_id": "ann", "blocks": [{"label": "human", "value": "Likes tea"}]},
    "saved info": {"user_id": "ann", "saved_info": ["Likes tea"]},
    "profiles by user": {"profiles": {"ann": ["Likes tea"]}},
    "by user, texts": {"ann": ["Likes tea"]},
    "by user, objects": {"ann": [{"text": "Likes tea"}]},
    "by id": {"1": {"text": "Likes tea", "userId": "ann"}},
    "lines of lists": [{"user": "ann", "facts": ["Likes tea"]}],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_forms_of_the_world(shape: str) -> None:
    """Each of them says the same of the same user."""
    found = read(SHAPES[shape])
    assert [(one.user_id, list(one.notes), one.parts) for one in found] == [
        ("ann", ["Likes tea"], [])
    ]


@pytest.mark.parametrize(
    "value",
    [
        ["Likes tea"],
        [{"text": "Likes tea"}],
        {"facts": ["Likes tea"]},
        {"an id": {"text": "Likes tea"}},
        {"saved_info": ["Likes tea"]},
        {"profiles": [{"content": "Likes tea"}]},
        {"profile": {"static": ["Likes tea"], "dynamic": []}},
        {"memory": {"blocks": [{"label": "human", "value": "Likes tea"}]}},
    ],
)
def test_whose_it_is_is_said(value: Any) -> None:
    """Where nothing says whose the facts are the caller does, or is told the keys that might."""
    assert notes(value, user="ann") == {"ann": ["Likes tea"]}
    with pytest.raises(InvalidInput, match=r"nothing in facts\.json says whose .*--user"):
        read(value)


def test_another_key_for_the_user() -> None:
    """A key of the source's own says whose a fact is, also one deep in it."""
    items = [{"text": "Likes tea", "bank_id": "ann", "namespace": ["memories", "ann"]}]
    with pytest.raises(InvalidInput, match="its items have text, bank_id, namespace"):
        read(items)
    for key in ("bank_id", "namespace.1"):
        assert notes(items, user_key=key) == {"ann": ["Likes tea"]}


def test_several_users_are_not_made_one() -> None:
    """One user's memory never becomes another's: a file that names several is not one user's."""
    by_item = [{"memory": "Likes tea", "user_id": "ann"}, {"memory": "Has a dog", "user_id": "bo"}]
    by_user = {"ann": ["Likes tea"], "bo": ["Has a dog"]}
    records = [{"id": "ann", "memories": ["Likes tea"]}, {"user_id": "bo", "facts": ["Has a dog"]}]
    listed = {"exported_at": "2026-05-01", "users": records}
    for value in (by_item, by_user, {"users": by_user}, listed):
        assert notes(value) == {"ann": ["Likes tea"], "bo": ["Has a dog"]}
        with pytest.raises(InvalidInput, match=r"names 2 users \(ann, bo …\)"):
            read(value, user="ann")
    assert notes(by_item[:1], user="will") == {"will": ["Likes tea"]}
    some = read([by_item[0], "Has a dog"])
    assert [(one.value, one.reason) for one in some[-1].unreadable] == [("Has a dog", OWNERLESS)]


def test_values_of_fields() -> None:
    """Objects with fields of the schema are parts of a profile, with what stands beside."""
    value = {
        "ann": {"name": "Ann", "interests": ["tea"], "mood": "good"},
        "bo": [{"key": "name", "value": "Bo"}, {"key": "mood", "value": "bad"}],
    }
    ann, bo = read(value)
    assert ann.parts == [{"name": "Ann", "interests": ["tea"], "mood": "good"}]
    assert bo.parts == [{"name": "Bo"}, {"mood": "bad"}]
    (will,) = read({"user_id": "will", "updated_at": MAY, "name": "Will"})
    assert (will.user_id, will.parts, will.part_dates) == ("will", [{"name": "Will"}], [MAY])


def test_a_field_beside_a_text_is_no_value() -> None:
    """The name of a memory is not the name of the user; it is told that it was not taken."""
    (found,) = read([{"memory": "Likes tea", "name": "memory 17", "user": "ann"}])
    assert list(found.notes) == ["Likes tea"]
    assert [(one.field, one.value, one.reason) for one in found.unreadable] == [
        ("name", "memory 17", BESIDE)
    ]


def test_things_that_the_user_spoke_of() -> None:
    """What a graph observes of a thing keeps the thing's name, and is no field of the user's."""
    graph = [
        {"type": "entity", "name": "Rex", "entityType": "dog", "observations": ["Is old", ""]},
        {"type": "relation", "from": "Rex", "to": "Ann", "relationType": "belongs to"},
    ]
    (found,) = read(graph, user="ann")
    assert (list(found.notes), found.parts) == (["Rex: Is old"], [])
    assert found.unreadable[0].value == graph[1]
    assert found.unreadable[0].reason.endswith("under type, from, to, relationType")


@pytest.mark.parametrize(
    "date",
    [
        {"created_at": "2024-05-01T09:30:00Z"},
        {"created_at": "2024-05-01 09:30:00"},
        {"createdAt": "2024-05-01T02:30:00-07:00"},
        {"timestamp": MAY},
        {"timestamp": str(int(MAY))},
        {"create_time": MAY * 1_000},
        {"create_time": f"{MAY * 1_000:.0f}"},
        {"mentioned_at": "2024-05-01T09:30:00Z"},
        {"valid_at": "2024-05-01T09:30:00Z", "invalid_at": "2030-01-01T00:00:00Z"},
        {"updated_at": None, "created_at": MAY},
        {"updated_at": MAY, "created_at": 1.6e9},
        {"updated_at": "soon", "created_at": MAY},
        {"created_at": "Wed, 01 May 2024 09:30:00 +0000"},
        {"created_at": "Wed, 01 May 2024 02:30:00 -0700"},
        {"created_at": "Wed, 01 May 2024 09:30:00 GMT"},
        {"created_at": "2024/05/01 09:30:00 UTC"},
        {"created_at": "2024-05-01 02:30:00 -0700"},
        {"created_at": {"$date": "2024-05-01T09:30:00Z"}},
        {"created_at": {"$date": {"$numberLong": f"{MAY * 1_000:.0f}"}}},
        {"created_at": {"_seconds": MAY, "_nanoseconds": 0}},
        {"created_timestamp": int(MAY * 1_000_000)},
        {"created": f"{MAY * 1_000_000_000:.0f}"},
    ],
)
def test_dates(date: dict[str, Any]) -> None:
    """A source's date is read with and without a zone, in whatever part of seconds, or wrapped."""
    (found,) = read([{"text": "Likes tea", **date}], user="ann")
    assert (found.note_dates, list(found.unreadable)) == ([MAY], [])


def test_a_date_that_is_none() -> None:
    """A fact of which nobody can read the date comes without one, and that is said."""
    (found,) = read([{"text": "Likes tea", "created_at": "last May"}], user="ann")
    assert (list(found.notes), found.note_dates) == (["Likes tea"], [None])
    assert [(one.value, one.reason) for one in found.unreadable] == [("last May", NO_DATE)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"text": "Lived in Oslo", "invalid_at": "2025-01-01T00:00:00Z"}, ENDED),
        ({"memory": "Lived in Oslo", "expiration_date": "2025-01-01"}, ENDED),
        ({"content": "Lived in Oslo", "state": "deleted", "deleted_at": None}, ENDED),
        ({"text": "Lived in Oslo", "is_deleted": True}, ENDED),
        ({"memory": "Lived in Oslo", "isForgotten": True}, ENDED),
        ({"memory": "Lived in Oslo", "isLatest": False}, ENDED),
        ({"memory": "Lived in Oslo", "event": "DELETE"}, ENDED),
        ({"memory": "Lived in Oslo", "superseded_by": "m2"}, ENDED),
        ({"memory": "Lived in Oslo", "metadata": {"archived": True}}, ENDED),
        ({"memory": "Lived in Oslo", "expires_at": "2025-01-01"}, ENDED),
        ({"role": "user", "content": "I live in Oslo"}, MESSAGE),
        ({"role": "assistant", "memory": "Is an assistant"}, MESSAGE),
        ({"label": "persona", "value": "I am Sam"}, BOTS),
        ({"title": "Tea", "mapping": {"1": {"message": None}}}, TALK),
        ({"character": {"name": "Sam"}, "histories": [{"msgs": []}]}, TALK),
        ({"memory": 7}, NO_FACT),
        (7, NO_FACT),
        (["Likes", "tea"], NO_FACT),
        ({"a": 1, "b": 2}, "no text and no field of the schema under a, b"),
        ({}, "no text and no field of the schema under no key"),
    ],
)
def test_what_is_left_out(item: Any, reason: str) -> None:
    """What is over, was said by others, or cannot be read is listed, and the others come."""
    (found,) = read([item, "Likes tea"], user="ann")
    assert list(found.notes) == ["Likes tea"]
    assert [one.reason for one in found.unreadable] == [reason]


@pytest.mark.parametrize(
    "state",
    [
        {"deleted": False},
        {"isLatest": True},
        {"superseded_by": None},
        {"expires_at": "2090-01-01"},
        {"status": "active", "event": "ADD"},
    ],
)
def test_what_is_in_force_comes(state: dict[str, Any]) -> None:
    """A state that says that a fact holds takes nothing away."""
    assert notes([{"memory": "Likes tea", **state}], user="ann") == {"ann": ["Likes tea"]}


def test_what_stands_beside_a_list() -> None:
    """The relations of mem0 are no texts: each is listed; how many pages there are is not."""
    relation = {"source": "ann", "relationship": "likes", "target": "tea"}
    value = {"results": [MEM0], "relations": [relation], "count": 1, "next": "http://x"}
    ann, nobody = read(value)
    assert (ann.user_id, list(ann.unreadable)) == ("ann", [])
    assert [(one.field, one.value) for one in nobody.unreadable] == [("relations", relation)]


def test_what_is_named_beside_a_list() -> None:
    """A record of the user has fields beside its list; the name of a bot, or of nobody, is none."""
    record = {"user_id": "ann", "name": "Ann", "memories": ["Likes tea"]}
    (found,) = read([record])
    assert (list(found.notes), found.parts) == (["Likes tea"], [{"name": "Ann"}])
    export = {"name": "An export", "results": ["Likes tea"]}
    agent = {"agent_type": "a", "name": "Sam", "core_memory": ["Likes tea"], "user_id": "ann"}
    for value in (export, agent):
        (found,) = read(value, user="ann")
        assert (list(found.notes), found.parts) == (["Likes tea"], [])
        assert [(one.field, one.reason) for one in found.unreadable] == [("name", BESIDE_LIST)]


def test_topics() -> None:
    """What is kept under a topic is a value of the field of that name, or a note that names it."""
    profiles = [
        {"topic": "basic_info", "sub_topic": "name", "content": "Ann"},
        {"topic": "food", "sub_topic": "diet", "content": "vegan"},
        {"label": "travel", "value": "Was in Oslo"},
    ]
    (found,) = read({"profiles": profiles}, user="ann")
    assert found.parts == [{"name": "Ann"}]
    assert list(found.notes) == ["food, diet: vegan", "travel: Was in Oslo"]


def test_nodes_of_a_graph() -> None:
    """The name of a thing is not the user's name."""
    node = {"uuid": "1", "name": "Oslo", "labels": ["City"], "summary": "Ann was born there"}
    assert notes({"nodes": [node]}, user="ann") == {"ann": ["Oslo: Ann was born there"]}


def test_users_that_only_a_key_names() -> None:
    """They are told: who knows whether what a file is divided by are users."""
    assert [one.by_key for one in read({"ann": ["Likes tea"]})] == [True]
    assert [one.by_key for one in read([{"user": "ann", "text": "Likes tea"}])] == [False]


def test_a_file_that_is_something_else() -> None:
    """A number is no list of facts, and our own export has a command of its own."""
    with pytest.raises(InvalidInput, match="holds no list of facts, only 42"):
        read(42)
    with pytest.raises(InvalidInput, match="usermemory profile import takes it"):
        read({"format": "usermemory", "version": 1})


class Journal(BaseModel):
    text: str | None = None
    date: str | None = None
    role: str | None = None
    entries: list[str] = []


def test_fields_that_are_called_like_keys() -> None:
    """Where the schema has a field of that name the value is the field's."""
    schema = schema_of(Journal)
    part = {"text": "Dear diary", "date": "2024-05-01", "role": "cook"}
    (found,) = read([part], schema, user="ann")
    assert (found.parts, found.part_dates, list(found.notes)) == ([part], [None], [])


KEYS = [
    *("memory", "text", "user_id", "results", "data", "value", "key", "created_at"),
    "name",
    "x",
]
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_whatever_comes(value: Any) -> None:
    """Any JSON is read or refused in a sentence, and never another error."""
    for options in ({}, {"user": "ann"}, {"user_key": "x.0"}):
        try:
            found = read(value, **options)
        except InvalidInput:
            continue
        assert all(isinstance(one.user_id, str) for one in found)
        assert all(len(one.notes) == len(one.note_dates) for one in found)
