"""Pages for people: who is known, one person, operations, a chat to try, and a user's own page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from usermemory.serve.pages.frame import Frame
from usermemory.serve.pages.people import People
from usermemory.serve.pages.talk import Talk

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

__all__ = ["Pages"]


class Pages:
    """The pages of one memory.

    Args:
        memory: Whose profiles they show.
        bot: The chat model of *Try it*; None for rules.
        notice: What its page says of the model.
        frame_ancestors: Origins whose pages may embed a user's own page.
    """

    def __init__(
        self,
        memory: UserMemory,
        bot: Any = None,
        notice: str = "",
        frame_ancestors: Iterable[str] = (),
    ) -> None:
        self._frame = Frame(memory, frame_ancestors, Talk(memory, bot, notice))

    def routes(self) -> list[Route]:
        """Where the pages and their files are."""
        frame = self._frame
        return [
            Route("/static/{name}", frame.static),
            *People(frame).routes(),
        ]

    def first_visit(self) -> str:
        """Path and query that sign a browser in, once."""
        return f"/enter?token={self._frame.sessions.one_time_token()}"

    def close(self) -> None:
        """Let go of what *Try it* holds."""
        self._frame.talk.close()
