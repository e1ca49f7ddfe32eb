"""A chat service: people sign in, talk, see what is known of them, and can have it forgotten.

Who the user is comes from the token that the service itself gave out, and from nowhere else.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from accounts import Accounts, NameTaken
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from fastapi.sse import EventSourceResponse, ServerSentEvent
from langchain_core.messages import AIMessageChunk
from pydantic import BaseModel, Field

from usermemory import UserMemory
from usermemory.choice import choose
from usermemory.langgraph import acheckpointer, create_chatbot

logger = logging.getLogger("uvicorn.error")
chosen = choose()
accounts = Accounts("accounts.db")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Memory and threads, open as long as the service runs; stopped cleanly with it."""
    logger.info(chosen.notice or f"The bot is {chosen.name}.")
    async with (
        UserMemory("sqlite:///memory.db", model=chosen.model) as memory,
        await acheckpointer(memory) as saver,
    ):
        bot = create_chatbot(memory, chosen.bot(), checkpointer=saver)
        yield {"memory": memory, "saver": saver, "bot": bot}


app = FastAPI(title="A bot that remembers", lifespan=lifespan)

Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]


def signed_in(token: Token) -> str:
    """The id of whoever calls."""
    user_id = accounts.user_of(token)
    if user_id is None:
        raise HTTPException(401, "sign in first", {"WWW-Authenticate": "Bearer"})
    return user_id


UserId = Annotated[str, Depends(signed_in)]


class Credentials(BaseModel):
    """Who wants an account."""

    username: str = Field(pattern=r"^\w{1,40}$")
    password: str = Field(min_length=8, max_length=200)


class Said(BaseModel):
    """What a user says, and in which of their threads."""

    text: str = Field(min_length=1, max_length=20_000)
    thread: str = Field("main", pattern=r"^[\w-]{1,60}$")


@app.post("/signup", status_code=201)
def sign_up(wanted: Credentials) -> None:
    """Make an account."""
    try:
        accounts.sign_up(wanted.username, wanted.password)
    except NameTaken as error:
        raise HTTPException(409, f"the name {wanted.username!r} is taken") from error


@app.post("/token")
def sign_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    """Sign in with name and password; the token goes into the header of all that follows."""
    token = accounts.sign_in(form.username, form.password)
    if token is None:
        raise HTTPException(401, "name and password don't belong together")
    return {"access_token": token, "token_type": "bearer"}


@app.delete("/token", status_code=204)
def sign_out(token: Token) -> None:
    """Sign out."""
    accounts.sign_out(token)


@app.post("/chat", response_class=EventSourceResponse)
async def chat(said: Said, user_id: UserId, request: Request) -> AsyncIterator[ServerSentEvent]:
    """Say something; the answer comes as server-sent events: `piece` by piece, then `end`."""
    inputs = {"messages": [("user", said.text)]}
    # A checkpointer knows threads, not users: with the user's id in it, a thread is theirs alone.
    run = {"configurable": {"user_id": user_id, "thread_id": f"{user_id}/{said.thread}"}}
    try:
        async for piece, _ in request.state.bot.astream(inputs, run, stream_mode="messages"):
            if isinstance(piece, AIMessageChunk) and piece.text:
                yield ServerSentEvent(event="piece", data=piece.text)
    except Exception:  # the model's, mostly; the headers are out, so it is told in the stream
        logger.exception("no answer for %s", user_id)
        yield ServerSentEvent(event="error", data="there is no answer just now; try again")
    else:
        yield ServerSentEvent(event="end", data="")  # browsers drop events without data


@app.get("/me/profile")
async def profile(user_id: UserId, request: Request) -> dict[str, Any]:
    """What is known of you, and from which of your words."""
    memory: UserMemory = request.state.memory
    known = await memory.arecall(user_id)
    because = {
        field: [evidence.quote for evidence in await memory.awhy(user_id, field)]
        for field, value in known.document.items()
        if value
    }
    return {"profile": known.document, "because": because, "unread": known.pending}


@app.delete("/me", status_code=204)
async def leave(user_id: UserId, request: Request) -> None:
    """Have all that is known of you forgotten, your threads too, and the account deleted."""
    await request.state.memory.aforget_user(user_id, checkpointer=request.state.saver)
    accounts.delete(user_id)
