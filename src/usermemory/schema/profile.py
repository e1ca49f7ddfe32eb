"""A ready schema, for those who have none yet."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from usermemory.schema.settings import Remember


class UserProfile(BaseModel):
    """What is known about a user."""

    model_config = ConfigDict(defer_build=True)  # who has a schema of their own never needs it

    name: str | None = Field(None, description="The user's own name")
    age: int | None = Field(None, ge=0, le=150, description="The user's own age in years")
    interests: list[str] = Field(
        default_factory=list,
        description="The user's hobbies, likes and beliefs, one short item each",
    )
    core_memories: Annotated[list[str], Remember(about="anyone")] = Field(
        default_factory=list,
        description=(
            "Other important facts about the user's life, including family, friends and pets; "
            "one short sentence each"
        ),
    )
