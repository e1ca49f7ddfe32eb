"""In whose run each message of a thread arrived, as the checkpointer tells it.

A message says of its author whatever its sender likes: a name, a signature, another's id. Whose run
brought it is said by the application. Each run leaves a checkpoint as it begins, with the messages
that were there before, with what it was given, and (in the metadata) with the configurable's user.
"""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from usermemory.langgraph.identity import keys_of
from usermemory.langgraph.threads import messages_in, whose
from usermemory.messages import is_mapping, is_sequence, role_of

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple

    from usermemory.langgraph.identity import Run

_TURNS = 50
"""Earlier runs of a thread that are looked through for a message at most."""

_DEEPEST = 6

_ABOUT = frozenset({"role", "type", "from", "id", "name"})


@dataclass(frozen=True, slots=True)
class Look:
    """Checkpoints of the run's thread to look up, the newest first.

    Attributes:
        source: Only those that this left: ``input`` or ``update``; empty for any.
        limit: How many.
        since: Wait a moment for this one, which may be on its way to the disk.
        until: None that came after this one: a run that goes on from an earlier checkpoint knows
            nothing of what the thread was told later.
    """

    source: str = ""
    limit: int = 1
    since: str = ""
    until: str = ""

    def arguments(self, thread_id: str) -> tuple[Any, dict[str, Any]]:
        """As a checkpointer's ``list`` takes them."""
        config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        chosen = {"source": self.source} if self.source else None
        # Savers leave out the checkpoint that is named here; ids are in order of time.
        before = {"configurable": {"thread_id": thread_id, "checkpoint_id": self.until + "z"}}
        bound = {"before": before} if self.until else {}
        return config, {"filter": chosen, "limit": self.limit, **bound}


Looking = Generator[Look, "list[CheckpointTuple]", dict[str, "str | None"]]
"""Asks for checkpoints, and says in whose run messages arrived, by their keys (`keys_of`)."""


def in_newest_turn(
    config: RunnableConfig, run: Run, wanted: Mapping[str, Any], handed: set[str]
) -> Looking:
    """The speakers of messages that came in the thread's newest turn.

    Args:
        config: The run's.
        run: The run; its user brought what no checkpoint of an earlier run holds.
        wanted: The messages, by their keys.
        handed: Gets those that a run was given; the others came from its nodes.

    Returns:
        The speaker of each message of that turn; None where nobody can tell. What is not in it is
        older.
    """
    here = _here(config)
    lasting = (config.get("configurable") or {}).get("__pregel_durability") != "exit"
    began, speaker = (yield from _beginning(run, here)) if lasting else (None, None)
    if began is None:
        # Nothing is saved before a run ends, or nothing was yet: what is there is older.
        newest = yield Look(until=here)
        saved = _texts(_messages(newest[0])) if newest else {}
        pending = _behind_the_last_answer(newest[0], run) if newest else frozenset[str]()
        mine = (one for one, text in _each(wanted) if saved.get(one) != text or one in pending)
        return dict.fromkeys(mine, run.user_id)
    before, given = _texts(_messages(began)), set(_strings(_start(began)))
    came = {one: text for one, text in _each(wanted) if before.get(one) != text}
    handed |= {one for one, text in came.items() if {*text} <= given}
    # A checkpoint may be on its way to the disk: the newest one is of an earlier run then.
    newest = [] if came.keys() <= handed else (yield Look(until=here))
    saved = _texts(_messages(newest[0])) if newest else {}
    on_its_way = {one for one, text in came.items() if saved.get(one) != text} - handed
    found: dict[str, str | None] = {}
    inserted: dict[str, Any] = {}
    for one in came:
        if one in on_its_way:
            found[one] = run.user_id
            continue
        found[one] = speaker or (None if on_its_way else run.user_id)
        if one not in handed:
            inserted[one] = wanted[one]
    return found | (yield from _updated(run, inserted, found, here))


def _beginning(
    run: Run, here: str
) -> Generator[Look, list[CheckpointTuple], tuple[CheckpointTuple | None, str | None]]:
    """Where the thread's newest turn began, and in whose run its input was given.

    A run that goes on from where an earlier one began leaves a fork, with that one's input: the
    words are whoever's gave them, and not this run's.
    """
    recent = yield Look(limit=2, until=here)
    found = [one for one in recent if _source(one) in {"input", "fork"}]
    if not found:
        found = [*(yield Look("fork", until=here)), *(yield Look("input", until=here))]
        found.sort(key=lambda one: one.checkpoint["id"], reverse=True)
    if not found:
        return None, None
    began = found[0]
    if _source(began) == "input":
        return began, _named(began, run)
    given, parent = (*_strings(_start(began)),), _parent(began)
    inputs = yield Look("input", _TURNS, until=here)
    if _start(began) is None:
        return (inputs[0], _named(inputs[0], run)) if inputs else (None, None)
    same = [one for one in inputs if (*_strings(_start(one)),) == given]
    same.sort(key=lambda one: one.checkpoint["id"] != parent)
    return began, _named(same[0], run) if same else None


def _source(found: CheckpointTuple) -> str:
    return found.metadata.get("source", "")


def _parent(found: CheckpointTuple) -> str:
    """The id of the checkpoint that this one follows."""
    configurable: Mapping[str, Any] = (found.parent_config or {}).get("configurable") or {}
    return str(configurable.get("checkpoint_id", ""))


def in_earlier_turns(run: Run, wanted: Mapping[str, Any]) -> Looking:
    """The speakers of messages that came in earlier turns; None where nobody can tell.

    What no run was given came from a node, or in a run that saved nothing as it began: it may be
    anybody's.
    """
    found: dict[str, str | None] = {}
    for began in (yield Look("input", _TURNS)):
        before, given = _texts(_messages(began)), set(_strings(_start(began)))
        for one, text in _each(wanted):
            if one not in found and before.get(one) != text:
                found[one] = _named(began, run) if {*text} <= given else None
    return {one: found.get(one) for one in wanted}


def _updated(
    run: Run, inserted: Mapping[str, Any], found: Mapping[str, str | None], here: str
) -> Looking:
    """Who says it of messages that no run was given: a node of a run, or ``update_state``.

    What another user's ``update_state`` may have written into a run is nobody's.
    """
    if not inserted:
        return {}
    doubtful: dict[str, str | None] = {}
    for update in (yield Look("update", _TURNS, until=here)):
        by = _named(update, run)
        there = _texts(_messages(update))
        for one, text in _each(inserted):
            if there.get(one) == text and by not in {None, found[one]}:
                doubtful[one] = None
    return doubtful


def _behind_the_last_answer(newest: CheckpointTuple, run: Run) -> frozenset[str]:
    """The keys of a stopped turn of this user's."""
    if _named(newest, run) != run.user_id:
        return frozenset()
    messages = _messages(newest)
    answers = [at for at, one in enumerate(messages) if role_of(one) == "assistant"]
    return frozenset(keys_of(messages)[answers[-1] + 1 if answers else 0 :])


def given_to(config: RunnableConfig, run: Run, wanted: Mapping[str, Any]) -> Looking:
    """The speakers of messages that the outermost graph was given, seen from inside of it."""
    configurable: Mapping[str, Any] = config.get("configurable") or {}
    if configurable.get("__pregel_durability") == "exit":
        return {}  # nothing of this run is saved before it ends
    around: Mapping[str, str] = configurable.get("checkpoint_map") or {}
    yield Look(since=around.get("", ""))
    inputs = yield Look("input")
    if not inputs or _named(inputs[0], run) not in {None, run.user_id}:
        return {}
    given = set(_strings(_start(inputs[0])))
    return {one: run.user_id for one, text in _each(wanted) if {*text} <= given}


def _here(config: RunnableConfig) -> str:
    """The id of the checkpoint that the outermost run has come to."""
    around: Mapping[str, str] = (config.get("configurable") or {}).get("checkpoint_map") or {}
    return around.get("", "")


def _messages(found: CheckpointTuple) -> Sequence[Any]:
    """The messages at a checkpoint; a state may be nothing but their list."""
    return messages_in(found, "messages") or messages_in(found, "__root__")


def _named(found: CheckpointTuple, run: Run) -> str | None:
    """Whose run left a checkpoint, where it says so in the way that this run does."""
    return whose()(found) if run.usual else None


def _start(found: CheckpointTuple) -> Any:
    return found.checkpoint["channel_values"].get("__start__")


def _each(wanted: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((one, _leaves(message)) for one, message in wanted.items())


def _texts(messages: Any) -> dict[str, tuple[str, ...]]:
    """What each message says, by its key."""
    keyed = zip(keys_of(messages), messages, strict=True)
    return {key: _leaves(one) for key, one in keyed if key}


def _leaves(message: Any) -> tuple[str, ...]:
    """The texts of what a message says, without who says it."""
    if is_mapping(message):
        message = [said for name, said in message.items() if name not in _ABOUT]
    elif is_sequence(message):
        message = message[1:]
    return tuple(_strings(getattr(message, "content", message)))


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a value, however it is wrapped."""
    if isinstance(value, str):
        yield value
    elif depth < _DEEPEST:
        inside: Any = ()
        if isinstance(value, BaseMessage):
            inside = [value.content]
        elif isinstance(value, BaseModel):
            inside = [getattr(value, name, None) for name in type(value).model_fields]
        elif is_dataclass(value):
            inside = [getattr(value, each.name, None) for each in fields(value)]
        elif is_mapping(value):
            inside = value.values()
        elif is_sequence(value):
            inside = value
        for part in inside:
            yield from _strings(part, depth + 1)
