"""A browser without a screen: signed in, and filling in the forms that the pages hold."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

HOST = "http://127.0.0.1:8765"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Browser:
    """Pages of an app, by httpx."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, /, **params: Any) -> httpx.Response:
        """A page."""
        return await self.http.get(path, params=params or None)

    async def csrf(self, path: str = "/people") -> str:
        """What a form of this page has to repeat."""
        found = _CSRF.search((await self.http.get(path)).text)
        assert found
        return found[1]

    async def post(self, path: str, /, page: str = "/people", **fields: Any) -> httpx.Response:
        """A form, sent as the page with it would."""
        data = {"csrf": await self.csrf(page), **fields}
        return await self.http.post(path, data=data, headers={"origin": HOST})

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """The page to which a form leads: going back to it sends nothing twice."""
        assert answer.status_code == 303, answer.text
        return await self.get(answer.headers["location"])


@asynccontextmanager
async def anonymous(served: Any) -> AsyncIterator[Browser]:
    """A browser that nobody has signed in."""
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as http:
        yield Browser(http)


@asynccontextmanager
async def signed_in(served: Any, prefix: str = "", pages: Any = None) -> AsyncIterator[Browser]:
    """A browser that has opened the first address."""
    async with anonymous(served) as browser:
        visit = (pages or served.state.pages).first_visit()
        answer = await browser.get(prefix + visit)
        assert answer.status_code == 303, answer.text
        yield browser
