"""A change that cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usermemory.records import Reason


class Unfit(Exception):
    """A change that cannot be made to this document.

    Args:
        reason: From the closed list.
        detail: What is wrong, for a person or for the model that may try again.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
