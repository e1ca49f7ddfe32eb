"""What is looked up for a person, from the command line and within a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Evidence


def evidence(memory: UserMemory, user: str, field: str, value: str | None) -> list[Evidence]:
    """The words behind a field or a value of it.

    Raises:
        InvalidInput: The schema has no such field.
    """
    if not field.startswith("/") and field not in memory.schema.fields:
        raise InvalidInput(
            f"the profile has no field {field!r}; it has {', '.join(memory.schema.fields)}"
        )
    return memory.why(user, field, value)
