"""Links to users' own pages, made by the HTTP API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from usermemory.errors import InvalidInput
from usermemory.serve import forms
from usermemory.serve.admission import Admission, mount_prefix
from usermemory.serve.forms import USER, UserId, operation
from usermemory.serve.tokens import Tokens

if TYPE_CHECKING:
    from usermemory.memory import UserMemory


def links_router(memory: UserMemory, admission: Admission) -> APIRouter:
    """The route that makes links. Their text opens a page, so no answer of it is stored."""
    router = APIRouter(route_class=admission.route_class(once=False))
    tokens = Tokens(memory)

    def made(user_id: str, wanted: forms.Link) -> tuple[str, float]:
        text = tokens.link(user_id, wanted.lifetime, read_only=wanted.read_only)
        found = tokens.check_link(text)
        if found is None or found.expires_at is None:
            raise InvalidInput(f"lifetime is {wanted.lifetime}: the link would be over at once")
        return text, found.expires_at

    async def mint_own_page(request: Request, user_id: UserId, wanted: forms.Link) -> forms.OwnPage:
        """Make a signed link to a user's own page.

        It takes a token that reaches everybody and may write. Whoever has the link is let in until
        it expires or is revoked.
        """
        if request.state.access.user_id is not None:
            raise HTTPException(403, "a link takes a token that reaches everybody")
        text, until = await asyncio.to_thread(made, user_id, wanted)
        prefix = mount_prefix(request.scope)
        return forms.OwnPage(path=f"{prefix}/own?link={text}", expires_at=until)

    operation(router, "POST", USER + "/own-page", status=201)(mint_own_page)
    return router
