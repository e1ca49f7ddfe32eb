"""Pages for people: who is known, one person, operations, a chat to try, and a user's own page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from usermemory.serve.pages.correct import Corrections
from usermemory.serve.pages.frame import Frame
from usermemory.serve.pages.operations import Operations
from usermemory.serve.pages.people import People
from usermemory.serve.pages.person import Person
from usermemory.serve.pages.talk import Talk, TalkPages
from usermemory.serve.tokens import LINK_LIFETIME

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from usermemory.memory import UserMemory
    from usermemory.serve.prices import Prices
    from usermemory.settings import Id

__all__ = ["Pages"]


class Pages:
    """The pages of one memory.

    Args:
        memory: Whose profiles they show.
        bot: The chat model of *Try it*; None for rules.
        notice: What its page says of the model.
        frame_ancestors: Origins whose pages may embed a user's own page.
        theme: Values of the stylesheet's variables, for a user's own page.
        prices: Of models, as the owner says.
    """

    def __init__(
        self,
        memory: UserMemory,
        bot: Any = None,
        notice: str = "",
        frame_ancestors: Iterable[str] = (),
        theme: Mapping[str, str] | None = None,
        prices: Prices | None = None,
    ) -> None:
        talk = Talk(memory, bot, notice)
        self._frame = Frame(memory, talk, frame_ancestors, theme, prices)

    def routes(self) -> list[Route]:
        """Where the pages and their files are."""
        frame, person = self._frame, Person(self._frame)
        return [
            Route("/static/{name}", frame.static),
            *People(frame).routes(),
            *person.routes(),
            *Corrections(frame, person).routes(),
            *Operations(frame).routes(),
            *TalkPages(frame).routes(),
        ]

    async def lost(self, request: Request) -> Response:
        """The page of an address that leads nowhere."""
        return await self._frame.lost(request)

    def first_visit(self) -> str:
        """Path and query that sign a browser in, once."""
        return f"/enter?token={self._frame.sessions.one_time_token()}"

    def own_page(self, user_id: Id, lifetime: float = LINK_LIFETIME, **allowed: bool) -> str:
        """Path and query of a user's own page, valid for these seconds.

        Args:
            user_id: Whose.
            lifetime: Seconds.
            allowed: ``read_only=True`` for a page that changes nothing.
        """
        return f"/own?link={self._frame.sessions.tokens.link(user_id, lifetime, **allowed)}"

    def close(self) -> None:
        """Let go of what *Try it* holds."""
        self._frame.talk.close()
