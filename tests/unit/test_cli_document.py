"""Edits as they are typed: assignments, and JSON below comments."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from usermemory.cli.edit import assignment, parse_document, read_document, split_comments
from usermemory.errors import InvalidInput
from usermemory.schema import schema_of


class Person(BaseModel):
    name: str | None = None
    age: int | None = None
    tags: list[str] = []
    links: dict[str, str] = {}


SCHEMA = schema_of(Person)


@pytest.mark.parametrize(
    ("typed", "operation"),
    [
        ("name=Will", {"op": "add", "path": "/name", "value": "Will"}),
        ('name="Will"', {"op": "add", "path": "/name", "value": "Will"}),
        ("name=42", {"op": "add", "path": "/name", "value": "42"}),
        ("name=a=b", {"op": "add", "path": "/name", "value": "a=b"}),
        ("age=42", {"op": "add", "path": "/age", "value": 42}),
        ("age=", {"op": "remove", "path": "/age"}),
        ("age=null", {"op": "remove", "path": "/age"}),
        ('tags=["a"]', {"op": "add", "path": "/tags", "value": ["a"]}),
        ("/tags/-=7", {"op": "add", "path": "/tags/-", "value": "7"}),
        ("/tags/0=b", {"op": "replace", "path": "/tags/0", "value": "b"}),
        ("/links/blog=x", {"op": "add", "path": "/links/blog", "value": "x"}),
    ],
)
def test_assignments(typed: str, operation: dict[str, Any]) -> None:
    """A field gets JSON or plain text, as its type wants it; nothing empties it."""
    assert assignment(typed, SCHEMA) == operation


@pytest.mark.parametrize("typed", ["name", "=x", "hobbies=x", "/hobbies/0=x", "/=x"])
def test_what_is_no_assignment(typed: str) -> None:
    """Without a field of the schema or without a value it is refused."""
    with pytest.raises(InvalidInput, match=r"FIELD=VALUE|it has name, age"):
        assignment(typed, SCHEMA)


def test_a_list_is_not_replaced_by_an_item() -> None:
    """One item for a whole list is refused, with the way to add it."""
    with pytest.raises(InvalidInput, match="--set /tags/-=a adds to it"):
        assignment("tags=a", SCHEMA)


def test_comments() -> None:
    """Comments and empty lines on top are left out; lines are counted with them."""
    text = '// one\n\n// two\n{"name": "// no comment"}\n'
    assert split_comments(text) == ("// one\n\n// two\n", '{"name": "// no comment"}\n')
    assert parse_document(text, "x") == {"name": "// no comment"}
    with pytest.raises(InvalidInput, match="x is not JSON in line 3, column 2"):
        parse_document("// one\n\n{,", "x")


def test_a_file_that_is_not_there() -> None:
    """A file that cannot be read is named."""
    with pytest.raises(InvalidInput, match=r"nowhere\.json cannot be read"):
        read_document("nowhere.json")


def test_an_address_in_place_of_a_file() -> None:
    """A database's address is no file, and its password is not repeated."""
    with pytest.raises(InvalidInput) as told:
        read_document("postgresql://will:hunter2@db/memory")
    assert "hunter2" not in str(told.value)
