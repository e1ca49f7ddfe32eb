"""Who calls: the server asks this for every request, and usermemory takes the user from it.

The tokens stand for your identity provider: put its check in their place.
"""

from typing import Any

from langgraph_sdk import Auth

TOKENS = {"token-of-will": "will", "token-of-ana": "ana"}

auth = Auth()


@auth.authenticate
async def authenticate(authorization: str | None) -> str:
    """The user whose token this is."""
    token = (authorization or "").removeprefix("Bearer ")
    if token not in TOKENS:
        raise Auth.exceptions.HTTPException(status_code=401, detail="no such token")
    return TOKENS[token]


@auth.on
async def own(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> dict[str, str]:
    """Threads, runs and crons are seen by those who made them only."""
    owner = {"owner": ctx.user.identity}
    value.setdefault("metadata", {}).update(owner)
    return owner


@auth.on.assistants
async def the_graphs_own(ctx: Auth.types.AuthContext, value: object) -> dict[str, str] | bool:
    """Everybody sees the assistant that the server makes of the graph; nobody makes others."""
    return {"created_by": "system"} if ctx.action in ("read", "search") else False


@auth.on.store
async def closed(ctx: Auth.types.AuthContext, value: object) -> bool:
    """The server's store knows no owners, and the memory does not use it."""
    return False
