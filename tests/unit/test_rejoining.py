"""How a changed profile goes back into what is stored."""

from __future__ import annotations

from pydantic import BaseModel, field_validator

from usermemory.changes.rejoining import rejoined
from usermemory.schema import schema_of


class Likes(BaseModel):
    likes: list[str] = []

    @field_validator("likes")
    @classmethod
    def tea_first(cls, likes: list[str]) -> list[str]:
        return ["tea", *(one for one in likes if one != "tea")]


def test_what_a_validator_made_is_stored() -> None:
    """An item that a validator put in front is stored with the next one that is added."""
    schema = schema_of(Likes)
    reading = schema.read({"likes": ["chess"]})
    assert reading.document["likes"] == ["tea", "chess"]
    grown = rejoined(schema, reading, {"likes": ["tea", "chess", "Go"]})
    assert grown["likes"] == ["tea", "chess", "Go"]
