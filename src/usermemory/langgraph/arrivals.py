"""In whose run each message of a thread arrived, as the checkpointer tells it.

A message says of its author whatever its sender likes: a name, a signature, another's id. Whose run
brought it is said by the application. Each run leaves a checkpoint as it begins, with the messages
that were there before, with what it was given, and (in the metadata) with the configurable's user.
Runs of several users may go on in one thread at the same moment: each has a line of checkpoints of
its own, by their parents, and what stands beside the line says nothing of it.
"""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from usermemory.langgraph.identity import is_human, keys_of, signature
from usermemory.langgraph.threads import messages_in, whose
from usermemory.messages import is_mapping, is_sequence

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple

    from usermemory.langgraph.identity import Run

_TURNS = 50
"""Earlier runs of a thread that are looked through for a message at most."""

_LONGEST_PAGE = 64
"""Checkpoints that are loaded at a time; each holds the thread as it was."""

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
        before: Only those that came before this one.
    """

    source: str = ""
    limit: int = 1
    since: str = ""
    until: str = ""
    before: str = ""

    def arguments(self, thread_id: str) -> tuple[Any, dict[str, Any]]:
        """As a checkpointer's ``list`` takes them."""
        config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        chosen = {"source": self.source} if self.source else None
        # Savers leave out the checkpoint that is named here; ids are in order of time.
        newest = self.before or (self.until and self.until + "z")
        before = {"configurable": {"thread_id": thread_id, "checkpoint_id": newest}}
        bound = {"before": before} if newest else {}
        return config, {"filter": chosen, "limit": self.limit, **bound}


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message came into the thread's newest turn.

    Attributes:
        speaker: In whose run, by the checkpoint that the run left; None where none tells.
        own: Whether that is the run which asks: no checkpoint needs to be believed.
        handed: Whether a run was given it; what else came is of its nodes, or of an update.
        was: The key and the message that it stands for, where a node wrote another text under its
            id, or put the same text in again under another: it is still theirs who said that.
        waited: Whether it may have waited beside the checkpoint that this run began from.
    """

    speaker: str | None
    own: bool = False
    handed: bool = False
    was: tuple[str, Any] | None = None
    waited: bool = False


Looking = Generator[Look, "list[CheckpointTuple]", dict[str, "str | None"]]
"""Asks for checkpoints, and says in whose run messages arrived, by their keys (`keys_of`)."""

_Lookup = Generator[Look, "list[CheckpointTuple]", "list[CheckpointTuple]"]


def in_newest_turn(
    config: RunnableConfig, run: Run, wanted: Mapping[str, Any]
) -> Generator[Look, list[CheckpointTuple], dict[str, Arrival]]:
    """How messages came that came in the thread's newest turn.

    Args:
        config: The run's.
        run: The run; its user brought what no checkpoint of an earlier run holds.
        wanted: The messages, by their keys.

    Returns:
        Those of that turn. What is not in it is older.
    """
    first = _first_step(config)
    if (yield from _brought_all(config, run, wanted, first)):
        return {one: Arrival(run.user_id, own=True, handed=True) for one in wanted}
    line = yield from _line(config)
    own = _own(line, first)
    if not line and first != _FIRST:
        # A thread without a checkpoint begins at the first step; of this one's, none was found.
        return {one: Arrival(None) for one in wanted}
    began = line[-1] if line else None
    given = set(_strings(_start(began))) if began and _source(began) == "input" else set[str]()
    passed = [_texts(_messages(one)) for one in line]
    base = _messages(line[-1]) if line and (_parent(line[-1]) or given) else ()
    there = dict(zip(keys_of(base), base, strict=True))
    again: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for one, text in (passed[-1] if base else {}).items():
        if is_human(there[one]):
            again[text].append(one)
    came: dict[str, Arrival] = {}
    for one, text in _each(wanted):
        at = max((at for at, texts in enumerate(passed) if texts.get(one) == text), default=-1)
        if at == len(line) - 1 and one in there:
            continue
        left = line[at] if at >= 0 else None
        before = one if one in there else again[text][0] if again[text] else ""
        if {*text} <= given and began:
            mine = _id(began) in own
            came[one] = Arrival(run.user_id if mine else _named(began, run), mine, handed=True)
        elif left is not None and _source(left) == "update":
            came[one] = Arrival(run.user_id if _named(left, run) == run.user_id else None)
        elif before and (left is not None or before == one):
            again[text] = [each for each in again[text] if each != before]
            came[one] = Arrival(None, was=(before, there[before]))
        else:
            came[one] = _brought(left, line, own, config, run)
    return came


def _brought_all(
    config: RunnableConfig, run: Run, wanted: Mapping[str, Any], first: int | None
) -> Generator[Look, list[CheckpointTuple], bool]:
    """Whether a run of this user brought all of the messages, by the newest input alone.

    That is nearly every turn, and one checkpoint to load in place of two. The input may be that of
    another run of the user's, beside this one: it is the user who counts.
    """
    here = _here(config)
    if not here or first is None or not run.usual:
        return False
    found = yield Look(before=here)
    if not found or _source(found[0]) != "input" or found[0].metadata.get("step") != first:
        return False
    began = found[0]
    if _named(began, run) != run.user_id or _keys_in(_messages(began)) & wanted.keys():
        return False
    given = set(_strings(_start(began)))
    return all({*text} <= given for _, text in _each(wanted))


def _keys_in(messages: Sequence[Any]) -> set[str]:
    return set(keys_of(messages))


def _brought(
    left: CheckpointTuple | None,
    line: Sequence[CheckpointTuple],
    own: set[str],
    config: RunnableConfig,
    run: Run,
) -> Arrival:
    """How a message came that no run was given, and that stands for no other."""
    if left is not None:
        mine = _id(left) in own
        return Arrival(run.user_id if mine else _named(left, run), mine)
    # Nothing saved has it: this run was given it, or what stopped before it left it there.
    mine = not line or _id(line[0]) in own
    waited = not mine and _id(line[0]) == _here(config)
    return Arrival(run.user_id, mine, waited=waited)


def _line(config: RunnableConfig) -> _Lookup:
    """The checkpoints that led this run to where it is, back to what the newest turn began with.

    Of a run that saves nothing before it ends, the one that it began from and that one's parent.
    """
    here = _here(config)
    if (config.get("configurable") or {}).get("__pregel_durability") != "exit":
        found = yield Look(limit=2, since=here, until=here)
        if found and _id(found[0]) == here:
            return (yield from _back(found, here))
    before = None if (first := _first_step(config)) is None else first - 1
    found = yield Look(limit=2, until=here)
    while found:
        for one in found:
            if one.metadata.get("step") == before:
                return (yield from _back([one], _id(one), most=2))
        found = yield Look(limit=_LONGEST_PAGE, before=_id(found[-1]))
    return []


def _back(page: list[CheckpointTuple], wanted: str, most: int = 0) -> _Lookup:
    """The line from one checkpoint back, by the parents; others' may lie between.

    Args:
        page: What was loaded already, that one first.
        wanted: Its id.
        most: So many of them at most; 0 for as many as it takes to an input.
    """
    line: list[CheckpointTuple] = []
    size = 2
    while page:
        for one in page:
            if _id(one) == wanted:
                line.append(one)
                wanted = _parent(one)
            if not wanted or wanted > _id(one) or len(line) == most > 0:
                return line
            if line and _source(line[-1]) == "input" and not most:
                return line
        size = min(4 * size, _LONGEST_PAGE)
        page = yield Look(limit=size, before=_id(page[-1]))
    return line


_FIRST = -1
"""The first step of a thread."""


def _first_step(config: RunnableConfig) -> int | None:
    """The step of the first checkpoint that this run leaves; None where LangGraph does not tell."""
    scratchpad = (config.get("configurable") or {}).get("__pregel_scratchpad")
    stop = getattr(scratchpad, "stop", None)
    limit = config.get("recursion_limit") or _usual_limit()
    return None if stop is None or limit is None else stop - int(limit) - 1


def _usual_limit() -> int | None:
    """Steps of a run whose config names no limit; None where LangGraph keeps that to itself."""
    try:
        from langgraph._internal._config import DEFAULT_RECURSION_LIMIT
    except ImportError:
        return None
    return DEFAULT_RECURSION_LIMIT


def _own(line: Sequence[CheckpointTuple], first: int | None) -> set[str]:
    """The ids of those of a line that the run which asks has left itself."""
    if first is None:
        return set()
    own = [one for one in line if one.metadata.get("step", _FIRST - 1) >= first]
    return {*map(_id, own)} if own and own[-1].metadata.get("step") == first else set()


def _id(found: CheckpointTuple) -> str:
    return found.checkpoint["id"]


def _source(found: CheckpointTuple) -> str:
    return found.metadata.get("source", "")


def _parent(found: CheckpointTuple) -> str:
    """The id of the checkpoint that this one follows."""
    configurable: Mapping[str, Any] = (found.parent_config or {}).get("configurable") or {}
    return str(configurable.get("checkpoint_id", ""))


def in_earlier_turns(config: RunnableConfig, run: Run, wanted: Mapping[str, Any]) -> Looking:
    """The speakers of messages that came in earlier turns; None where nobody can tell.

    What no run was given came from a node, or in a run that saved nothing as it began: it may be
    anybody's. So it is where the message is signed by another than the checkpoint names: ids for
    tracing in a run's metadata stand there in place of the user's.
    """
    found: dict[str, str | None] = {}
    for began in (yield Look("input", _TURNS, until=_here(config))):
        before, given = _texts(_messages(began)), set(_strings(_start(began)))
        for one, text in _each(wanted):
            if one not in found and before.get(one) != text and {*text} <= given:
                by = _named(began, run)
                found[one] = by if signature(wanted[one]) in {None, by} else None
    return {one: found.get(one) for one in wanted}


def given_to(config: RunnableConfig, run: Run, wanted: Mapping[str, Any]) -> Looking:
    """The speakers of messages that the outermost graph was given, seen from inside of it."""
    configurable: Mapping[str, Any] = config.get("configurable") or {}
    if configurable.get("__pregel_durability") == "exit":
        return {}  # nothing of this run is saved before it ends
    line = yield from _line(config)
    if not line or _named(line[-1], run) not in {None, run.user_id}:
        return {}
    given = set(_strings(_start(line[-1])))
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
    if isinstance(message, BaseMessage) and isinstance(message.content, str):
        return (message.content,)
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
