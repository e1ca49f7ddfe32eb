"""Threads that a checkpointer holds: which there are, who spoke in them and when."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.base import BaseStore
from langgraph.store.sqlite import SqliteStore

from usermemory.errors import ConfigurationError
from usermemory.langgraph.identity import (
    copied,
    heard_by,
    is_human,
    keys_of,
    name_of,
    signature,
    signed_as,
)
from usermemory.messages import is_sequence
from usermemory.settings import Id, checked_user
from usermemory.store.elsewhere import THREADS, file_of, opened


def thread_ids(saver: BaseCheckpointSaver[Any]) -> list[str]:
    """All threads of a sync checkpointer, without loading what is in them where that can be.

    Args:
        saver: LangGraph's for SQLite or PostgreSQL is asked in one statement; of any other every
            state of every thread is read.
    """
    if isinstance(saver, SqliteSaver):
        with saver.cursor(transaction=False) as cursor:
            return [str(row[0]) for row in cursor.execute(THREADS)]
    if any(
        base.__module__.startswith("langgraph.checkpoint.postgres") for base in type(saver).mro()
    ):
        from usermemory.langgraph.postgres import rows

        return [str(row[0]) for row in rows(saver, THREADS)]
    newest: dict[str, str] = {}
    for found in saver.list(None):
        configurable = found.config.get("configurable", {})
        if not configurable.get("checkpoint_ns"):
            thread_id = str(configurable["thread_id"])
            newest[thread_id] = max(newest.get(thread_id, ""), found.checkpoint["id"])
    return sorted(newest, key=lambda thread_id: (newest[thread_id], thread_id))


WhoseRun = Callable[[CheckpointTuple], Id | None]
"""Says whose run left a checkpoint; None if it cannot tell."""

FindSpeaker = Callable[[CheckpointTuple], str | None]
"""The same, with ids as text."""

_PAGE = 50
"""Checkpoints that are read at a time; each holds the thread as it was."""

_UNKNOWN = "unknown speaker"


class OwnThreads:
    """A checkpointer that deletes threads of one user only: it knows threads, not users.

    Args:
        saver: The checkpointer.
        user_id: The user.

    Attributes:
        deleted: Threads that it deleted.
        others: Threads that it left, since somebody else spoke in them last.
    """

    def __init__(self, saver: Any, user_id: str) -> None:
        self._saver = saver
        self._user_id = user_id
        self.deleted: list[str] = []
        self.others: list[str] = []

    def held(self, threads: Iterable[str]) -> list[str]:
        """Those of these threads that are there and the user's."""
        owned = ((one, self._owner(one, self._user_id)) for one in threads)
        return [thread_id for thread_id, owner in owned if owner == self._user_id]

    def owners(self, threads: Iterable[str]) -> dict[str, str | None]:
        """Who spoke in each of these threads last; None where nothing says it."""
        return {thread_id: self._owner(thread_id, None) for thread_id in threads}

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread, if it is there and the user's."""
        owner = self._owner(thread_id, self._user_id)
        if owner == self._user_id:
            self._saver.delete_thread(thread_id)
            self.deleted.append(thread_id)
        elif owner is not None:
            self.others.append(thread_id)

    async def adelete_thread(self, thread_id: str) -> None:
        """The same, for whoever awaits; the saver is one for sync graphs."""
        self.delete_thread(thread_id)

    def _owner(self, thread_id: str, unnamed: str | None) -> str | None:
        """Who spoke in a thread last, as its run was configured; None where it is not there."""
        checkpoint = self._saver.get_tuple({"configurable": {"thread_id": thread_id}})
        owner = checkpoint.metadata.get("user_id", unnamed) if checkpoint else None
        return None if owner is None else str(owner)


@dataclass(frozen=True, slots=True)
class UsersThread:
    """What one user said in a thread, with the rest of it around.

    Attributes:
        user_id: Whose words.
        messages: The thread as this user's memory takes it.
        times: When each message was said, by its id, as far as the runs tell.
        before: When all others were said, at the latest.
    """

    user_id: str
    messages: Sequence[Any]
    times: Mapping[str, float]
    before: float


@dataclass(frozen=True, slots=True)
class _Run:
    """A run as it began: when, by whom, and which messages there were by then."""

    at: float
    user_id: str | None
    ids: frozenset[str]


def whose(user: WhoseRun | Id | None = None, user_key: str = "user_id") -> FindSpeaker:
    """How it is found out whose a run was.

    Args:
        user: A function that says it, or the one user of all runs; None for the usual rule: the
            user who was logged in, else what the run's configurable says.
        user_key: Its name there, as LangGraph keeps it in a checkpoint's metadata.
    """

    def find(found: CheckpointTuple) -> str | None:
        if user is not None:
            said = user(found) if callable(user) else user
            return None if said is None or said == "" else checked_user(said)
        metadata: Mapping[str, Any] = {**found.metadata}
        for name in ("langgraph_auth_user_id", user_key):
            said = metadata.get(name)
            if isinstance(said, str | int) and not isinstance(said, bool) and said != "":
                return str(said)
        return None

    return find


def messages_in(found: CheckpointTuple, key: str) -> Sequence[Any]:
    """The messages of a thread at one checkpoint; empty if there are none under that key."""
    messages = found.checkpoint["channel_values"].get(key)
    return messages if is_sequence(messages) else ()


def told(
    saver: BaseCheckpointSaver[Any], newest: CheckpointTuple, find: FindSpeaker, key: str
) -> list[UsersThread]:
    """What each user of a thread said in it; empty if nobody knows who they are.

    Args:
        saver: Where its earlier checkpoints are.
        newest: The thread as it is now.
        find: Says whose run a checkpoint is from.
        key: Where in the state the messages are.

    Returns:
        The user of the newest checkpoint comes last: if theirs is known, so are the others'.
    """
    messages = messages_in(newest, key)
    began, before = _began(saver, newest, find, key)
    runs = [began.get(key) for key in keys_of(messages)]
    last = find(newest)
    speakers = _without_several_names(
        messages,
        [
            ((run.user_id if run else None) or signature(message)) if is_human(message) else None
            for message, run in zip(messages, runs, strict=True)
        ],
    )
    users = [user for user in dict.fromkeys(speakers) if user and user != last]
    users += [last] if last else []
    messages = [
        _named(message, speaker, alone=len(users) == 1) if is_human(message) else message
        for message, speaker in zip(messages, speakers, strict=True)
    ]
    times = {name: run.at for name, run in began.items()}
    return [UsersThread(user, heard_by(user, messages), times, before) for user in users]


def _named(message: Any, speaker: str | None, *, alone: bool) -> Any:
    """In a thread of several, words that nobody is known to have said are no user's."""
    if speaker is not None:
        return signed_as(copied(message, name=None), speaker)
    if alone or name_of(message):
        return message
    return copied(message, name=_UNKNOWN)


def _without_several_names(
    messages: Sequence[Any], speakers: Sequence[str | None]
) -> list[str | None]:
    """The speakers; of several names in one user's runs only the user's id is theirs."""
    names: dict[str, set[str]] = {}
    for message, speaker in zip(messages, speakers, strict=True):
        if speaker is not None:
            names.setdefault(speaker, set()).add(name_of(message))
    return [
        None if by and name_of(message) not in {"", by} and len(names[by]) > 1 else by
        for message, by in zip(messages, speakers, strict=True)
    ]


def _began(
    saver: BaseCheckpointSaver[Any], newest: CheckpointTuple, find: FindSpeaker, key: str
) -> tuple[dict[str, _Run], float]:
    """The run in which each message came, by its id; and by when all others were said."""
    names = keys_of(messages_in(newest, key))
    waiting = {name for name in names if name}
    began: dict[str, _Run] = {}
    before = _time(newest)
    for run in _runs(saver, newest.config, find, key):
        began |= dict.fromkeys(waiting - run.ids, run)
        waiting &= run.ids
        if not waiting:
            break
        if "" not in names:
            before = run.at
    return began, before


def _runs(
    saver: BaseCheckpointSaver[Any], config: Any, find: FindSpeaker, key: str
) -> Iterator[_Run]:
    """The runs of a thread, the newest first."""
    thread = {"thread_id": config["configurable"]["thread_id"], "checkpoint_ns": ""}
    before: Any = None
    while True:
        page = list(
            saver.list(
                {"configurable": thread}, filter={"source": "input"}, before=before, limit=_PAGE
            )
        )
        for found in page:
            ids = frozenset(keys_of(messages_in(found, key)))
            yield _Run(_time(found), find(found), ids)
        if len(page) < _PAGE:
            return
        before = page[-1].config


def _time(found: CheckpointTuple) -> float:
    return datetime.fromisoformat(found.checkpoint["ts"]).timestamp()


@contextmanager
def saver_in(url: str) -> Generator[BaseCheckpointSaver[Any]]:
    """The checkpointer in this database.

    Args:
        url: A path, ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        StoreError: There is none, or it cannot be read.
        ConfigurationError: A package is missing, or the URL cannot be read.
    """
    path = file_of(url)
    if path is None:
        with _postgres().saver_at(url) as saver:
            yield saver
        return
    with opened(path, "checkpoints", "thread_id", "checkpoint_ns") as connection:
        yield SqliteSaver(connection)


@contextmanager
def store_in(url: str) -> Generator[BaseStore]:
    """The LangGraph store in this database; arguments and errors as for `saver_in`."""
    path = file_of(url)
    if path is None:
        with _postgres().store_at(url) as store:
            yield store
        return
    with opened(path, "store", "prefix", "key", "value") as connection:
        connection.isolation_level = None  # as the store expects it: it begins by itself
        yield SqliteStore(connection)


def _postgres() -> Any:
    try:
        from usermemory.langgraph import postgres
    except ImportError as error:
        raise ConfigurationError(
            f"PostgreSQL needs a package that is missing ({error}): pip install "
            "'usermemory[postgres]'"
        ) from error
    return postgres
