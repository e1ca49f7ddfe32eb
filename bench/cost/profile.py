"""The schema as a library sees it that does not know usermemory.

It says what `usermemory.UserProfile` says; a test holds the two together.
"""

from __future__ import annotations

from pydantic import BaseModel, Field


class UserProfile(BaseModel):
    """What is known about a user."""

    name: str | None = Field(None, description="The user's own name")
    age: int | None = Field(None, ge=0, le=150, description="The user's own age in years")
    interests: list[str] = Field(
        default_factory=list,
        description="The user's hobbies, likes and beliefs, one short item each",
    )
    core_memories: list[str] = Field(
        default_factory=list,
        description=(
            "Other important facts about the user's life, including family, friends and pets; "
            "one short sentence each"
        ),
    )
