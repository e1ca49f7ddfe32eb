"""Signing in and out, and the list of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from usermemory.serve.pages.frame import cookie_name
from usermemory.store.flows import recall as recalls

if TYPE_CHECKING:
    from starlette.routing import Route

    from usermemory.serve.pages.frame import Ask, Frame

PAGE = 50
"""Users on one page."""

_SORTS = ("seen", "pending", "size", "id")


class People:
    """The first pages.

    Args:
        frame: What renders and guards them.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[Route]:
        """Where they are."""
        route = self._frame.route
        return [
            route("/", lambda ask: RedirectResponse(ask.url("/people"), 303)),
            route("/enter", self.enter, public=True),
            route("/enter", self.enter, public=True, writes=True),
            route("/leave", self.leave, writes=True),
            route("/people", self.people),
        ]

    def enter(self, ask: Ask) -> Response:
        """Sign in by a token: by the address only with one that is void then."""
        text, method = ask.get("token"), ask.request.method
        if not text or method == "HEAD":  # as programs send that look where a link leads
            return self._frame.page(ask, "enter.html", told="")
        sessions = self._frame.sessions
        found = sessions.redeem(text)
        if found is None and method == "POST":
            found = sessions.tokens.check(text)
        if found is None:
            told = "This token is unknown, used or over, or one that is pasted here, not opened."
            return self._frame.page(ask, "enter.html", 403, told=told)
        if found.user_id is not None:
            told = "This token is for one user's memory by the HTTP API; it opens no pages."
            return self._frame.page(ask, "enter.html", 403, told=told)
        answer = RedirectResponse(ask.url("/people"), 303)
        answer.set_cookie(
            cookie_name(ask.request),
            self._frame.sessions.cookie(found),
            path=ask.root or "/",
            secure=ask.request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    def leave(self, ask: Ask) -> Response:
        """Sign out: the cookie opens nothing any more, also where it was copied."""
        self._frame.sessions.end(ask.request.cookies.get(cookie_name(ask.request), ""))
        answer = RedirectResponse(ask.url("/enter"), 303)
        answer.delete_cookie(cookie_name(ask.request), path=ask.root or "/")
        return answer

    def people(self, ask: Ask) -> Response:
        """Who is known, or waits."""
        sort, page = ask.get("sort"), ask.number("page")
        sort = sort if sort in _SORTS else "seen"
        named = ask.get("q")[:200].replace("\0", "")
        found = self._frame.memory.driver.read(
            recalls.people, named, sort, PAGE + 1, min(page, 1_000_000) * PAGE
        )
        rows = [dict(row) for row in found]
        more = len(rows) > PAGE
        return self._frame.page(
            ask, "people.html", rows=rows[:PAGE], sort=sort, page=page, more=more
        )
