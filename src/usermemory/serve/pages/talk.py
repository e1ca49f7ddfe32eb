"""Try it: talk to a bot, and watch its memory form."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.responses import RedirectResponse, Response, StreamingResponse

from usermemory.errors import IdentityError, InvalidInput, StoreError, UserMemoryError
from usermemory.serve.pages.values import Origins, row_of, section, sections
from usermemory.settings import checked_thread, checked_user
from usermemory.store.flows import load_profile
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.erase import expire

if TYPE_CHECKING:
    from starlette.routing import Route

    from usermemory.langgraph.threads import OwnThreads
    from usermemory.memory import UserMemory
    from usermemory.serve.pages.frame import Ask, Frame

_NEWEST = 5
"""Revisions and refused changes that stand beside a talk."""

_ALL = 1 << 30
_LONGEST = 20_000
_NO_BOT = "No language model is in use for the replies: they come from rules."
_NO_READER = "Only plain statements in English are learned."

_FAILED = 1_000
"""Threads of which it is known why the bot did not answer."""


class Talk:
    """The bot of *Try it*; it is made when somebody first talks.

    Args:
        memory: What it remembers with.
        bot: The chat model; None for rules.
        notice: What the page says of the model.
    """

    def __init__(self, memory: UserMemory, bot: Any, notice: str) -> None:
        self.memory = memory
        self._notice = notice
        self._bot = bot
        self._lock = threading.Lock()
        self._saver: Any = None
        self._graph: Any = None
        self._failed: dict[str, str] = {}

    @property
    def notice(self) -> str:
        """What the page says of the model; of rules in its place in any case."""
        if self._notice or self._bot is not None:
            return self._notice
        from usermemory.extras.rules.extractor import OfflineExtractor

        rules = isinstance(self.memory.consolidator.extractor(), OfflineExtractor)
        return f"{_NO_BOT} {_NO_READER}" if rules else _NO_BOT

    def said(self, user_id: str, thread_id: str) -> list[Any]:
        """The messages of a thread so far.

        Raises:
            IdentityError: It belongs to another user: a checkpointer knows threads, not users.
        """
        state = self._made().get_state(_config(user_id, thread_id))
        metadata: dict[str, Any] = state.metadata or {}
        owner = metadata.get("user_id", user_id)
        if owner != user_id:
            raise IdentityError("This thread belongs to another user. Begin a new one.")
        found: list[Any] = state.values.get("messages", [])
        return found

    def reply(self, user_id: str, thread_id: str, text: str) -> Iterator[str]:
        """The pieces of the bot's reply; of a model that fails, what is wrong.

        What was said is remembered in any case. Said again while no answer stands, it is the same
        message, and stored once.

        Raises:
            StoreError: The database took neither what was said nor the reply.
        """
        from langchain_core.messages import AIMessage, HumanMessage

        from usermemory.extract.provider_errors import ProviderErrors

        unanswered = _unanswered(self.said(user_id, thread_id))
        same = unanswered is not None and str(unanswered.text) == text
        message = unanswered if same else HumanMessage(text, id=str(uuid4()))
        said = {"messages": [message]}
        self._failed.pop(thread_id, None)
        try:
            with ProviderErrors():
                config = _config(user_id, thread_id)
                for piece, _ in self._made().stream(said, config, stream_mode="messages"):
                    if isinstance(piece, AIMessage):
                        yield str(piece.text)
        except StoreError:
            raise
        except UserMemoryError as error:
            self._failed[thread_id] = str(error)
            for oldest in list(self._failed)[:-_FAILED]:
                self._failed.pop(oldest, None)
            yield f"\n[The bot could not answer: {error}]"

    def failed(self, thread_id: str) -> str:
        """Why the bot did not answer in a thread when it was last asked; empty if it did."""
        return self._failed.get(thread_id, "")

    def own_threads(self, user_id: str) -> OwnThreads:
        """The user's conversations that this database's checkpointer holds, to be deleted."""
        from usermemory.langgraph.threads import OwnThreads

        self._made()
        return OwnThreads(self._saver, user_id)

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        with self._lock:
            saver, self._saver, self._graph = self._saver, None, None
        if saver is not None:
            saver.close()

    def _made(self) -> Any:
        with self._lock:
            if self._graph is None:
                from usermemory.extras.rules.chat_model import OfflineChatModel
                from usermemory.langgraph import checkpointer, create_chatbot

                self._saver = checkpointer(self.memory)
                bot = self._bot or OfflineChatModel()
                self._graph = create_chatbot(self.memory, bot, checkpointer=self._saver)
            return self._graph


def _unanswered(messages: Sequence[Any]) -> Any:
    """The user's message at the end of a thread; None where the bot has answered."""
    return messages[-1] if messages and messages[-1].type == "human" else None


def _config(user_id: str, thread_id: str) -> dict[str, Any]:
    return {"configurable": {"user_id": user_id, "thread_id": thread_id}}


class TalkPages:
    """The page, and what it asks for while it is open.

    Args:
        frame: What renders and guards it.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._memory = frame.memory
        self._talk = frame.talk

    def routes(self) -> list[Route]:
        """Where it is."""
        route = self._frame.route
        return [
            route("/talk", self.talk),
            route("/talk/beside", self.beside),
            route("/talk/shown", self.shown),
            route("/talk/say", self.say, writes=True),
            route("/talk/read", self.read, writes=True),
        ]

    def talk(self, ask: Ask) -> Response:
        """Choose a user, or the thread and what is known beside it."""
        if not ask.user_id:
            rows = self._memory.driver.read(recalls.people, "", "seen", 20)
            return self._frame.page(ask, "talk_who.html", people=[row["user_id"] for row in rows])
        user_id, thread = checked_user(ask.user_id), ask.get("thread") or _new_thread()
        begins = not ask.get("thread")  # to look for its messages would make the saver's tables
        messages = [] if begins else self._talk.said(user_id, checked_thread(thread))
        shown = [one for one in messages if one.type in {"human", "ai"} and str(one.text)]
        return self._frame.page(
            ask,
            "talk.html",
            messages=shown,
            unanswered=_unanswered(messages),
            failed=self._talk.failed(thread),
            thread=thread,
            **self._beside(ask, thread),
        )

    def beside(self, ask: Ask) -> Response:
        """What stands beside the talk, if it is another than the page has."""
        found = self._beside(ask, ask.get("thread"))
        if found["state"] == ask.get("state"):
            return Response(status_code=204)
        return self._frame.page(ask, "talk_beside.html", thread=ask.get("thread"), **found)

    def shown(self, ask: Ask) -> Response:
        """What of the profile stood in the prompt of an answer."""
        thread = ask.get("thread") or None
        found = self._memory.shown(ask.user_id, ask.get("message"), thread_id=thread)
        history = self._memory.history(ask.user_id)
        profile = self._memory.driver.read(load_profile, checked_user(ask.user_id))
        reading, origins = self._memory.schema.read(profile.document or {}), Origins(history)
        fields = self._memory.schema.fields
        rows = {
            name: section(reading, fields[name], origins, 0, _ALL).rows
            for name in {one.field for one in found} & set(fields)
        }
        stand = [(one, row_of(rows.get(one.field, ()), one)) for one in found]
        return self._frame.page(ask, "talk_shown.html", shown=stand)

    def say(self, ask: Ask) -> Response:
        """Say something; the reply comes in pieces of text."""
        user_id, thread = checked_user(ask.user_id), checked_thread(ask.get("thread"))
        text = ask.get("text").strip()
        if not text or len(text) > _LONGEST:
            raise InvalidInput(f"Say something, in at most {_LONGEST:,} characters.")
        self._memory.driver.write(expire)  # whether it can: asked before the model is
        self._talk.said(user_id, thread)
        pieces = self._talk.reply(user_id, thread, text)
        if not ask.is_fragment:  # a browser without scripts
            for _ in pieces:
                pass
            return RedirectResponse(ask.url("/talk", user=user_id, thread=thread), 303)
        return StreamingResponse(pieces, media_type="text/plain; charset=utf-8")

    def read(self, ask: Ask) -> Response:
        """Read what waits of this user, now."""
        self._memory.trigger(ask.user_id)
        return Response(status_code=204, headers={"hx-trigger": "said"})

    def _beside(self, ask: Ask, thread: str) -> dict[str, Any]:
        user_id = checked_user(ask.user_id)
        memory = self._memory
        profile = memory.driver.read(load_profile, user_id)
        jobs = memory.jobs(user_id=user_id)
        waiting = sum(job.unread for job in jobs)
        due = min((job.due_at for job in jobs if job.due_at is not None), default=None)
        running = any(job.running for job in jobs)
        error = next((job.last_error for job in jobs if job.last_error), "")
        refused = memory.refused(user_id, None, _NEWEST)
        newest = refused[0].at if refused else 0
        paused = memory.driver.read(recalls.is_paused, user_id)
        proposals = len(memory.proposals(user_id))
        state = f"{profile.revision}-{waiting}-{due}-{running}-{len(error)}-{newest}-{paused}"
        state += f"-{proposals}"
        if state == ask.get("state"):
            return {"state": state}
        history = memory.driver.read(recalls.history, user_id, 200)
        reading = memory.schema.read(profile.document or {})
        found = sections(reading, memory.schema, Origins(history))
        since = ask.number("since", profile.revision)
        return {
            "state": state,
            "revision": profile.revision,
            "since": since,
            "sections": [one for one in found if one.total],
            "news": [one for one in history if one.number > since][:_NEWEST],
            "refused": [one for one in refused if one.thread_id == thread],
            "waiting": waiting,
            "due": due,
            "running": running,
            "error": error,
            "paused": paused,
            "proposals": proposals,
        }


def _new_thread() -> str:
    return f"{datetime.now(tz=UTC):%Y-%m-%d-%H%M}-{secrets.token_hex(2)}"
