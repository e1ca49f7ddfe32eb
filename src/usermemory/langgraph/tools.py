"""Tools for the hot path: the user says "remember that…", and it is known before the answer."""

# langgraph has no stubs for its namespace packages.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.prebuilt import ToolRuntime

from usermemory.errors import InvalidInput
from usermemory.extract.language_model import proposals
from usermemory.langgraph import tool_answers as answers
from usermemory.langgraph.identity import FORGET, READ, SAVE, SEARCH, FindUser, Run, current_run
from usermemory.langgraph.nodes import OnError, messages_of, tolerant
from usermemory.langgraph.speakers import asettle, settle, speakers_of
from usermemory.messages import is_mapping, is_sequence
from usermemory.prompt.batch import asked_fields, described, fill, prompt_text
from usermemory.records import Forgotten, Refused
from usermemory.schema.answer_form import closed, nullable, one_of, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping

    from usermemory.memory import UserMemory
    from usermemory.records import Change
    from usermemory.schema import Schema


_CHANGE = ("quote", "field", "action", "key", "value")
_BEFORE = {"who"}  # of earlier versions: taken, and ignored
_ERASURE = ("quote", "field", "value")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a model wants to be forgotten.

    Attributes:
        field: Of the schema.
        value: The item of a list, the key of a map or an object; None for the whole field.
        quote: Where the user asks for it.
    """

    field: str
    value: str | None
    quote: str


def save_arguments(schema: Schema) -> dict[str, Any]:
    """As JSON Schema, in the dialect that the strictest modes share: the list of changes."""
    changes = schema.change_schema(caps=False)
    return {name: changes[name] for name in changes if name not in {"title", "description"}}


def forget_arguments(schema: Schema) -> dict[str, Any]:
    """As JSON Schema: a quote, a field, a value."""
    names = [field.name for field in asked_fields(schema)]
    parts = {"quote": text(None), "field": one_of(names), "value": nullable(text(None))}
    return closed(parts)


def no_arguments() -> dict[str, Any]:
    """As JSON Schema: none."""
    return closed({})


def search_arguments() -> dict[str, Any]:
    """As JSON Schema: a query, and the time that it is about."""
    date = nullable(text(None))
    return closed({"query": text(None), "since": date, "until": date})


def read_search(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is looked for.

    Raises:
        ToolException: There is something else beside it.
    """
    refuse_others(SEARCH, given, ("query", "since", "until"))
    return {
        "query": str(given.get("query") or ""),
        "since": given.get("since") or None,
        "until": given.get("until") or None,
    }


@contextmanager
def as_answer() -> Generator[None]:
    """Tell the model what is wrong with what it asked for."""
    try:
        yield
    except InvalidInput as error:
        raise ToolException(f"nothing was searched: {error}") from error


def read_changes(given: Mapping[str, Any]) -> tuple[tuple[Change, ...], tuple[Refused, ...]]:
    """The proposed changes, and what is none.

    Raises:
        ToolException: There is something else among them, or there are none.
    """
    refuse_others(SAVE, given, ("changes",))
    listed = given.get("changes")
    for change in listed if is_sequence(listed) else ():
        if is_mapping(change):
            refuse_others("a change", set(change) - _BEFORE, _CHANGE)
    found = proposals(listed)
    if found is None or not any(found):
        raise ToolException("nothing was saved: changes is a list of objects, and not empty")
    return found


def read_erasure(given: Mapping[str, Any], schema: Schema) -> Erasure:
    """What is to be forgotten.

    Raises:
        ToolException: There is something else beside it, or the field is none of the profile's.
    """
    refuse_others(FORGET, given, _ERASURE)
    field, quote, value = given.get("field"), given.get("quote"), given.get("value")
    if field not in schema.fields:
        known = ", ".join(one.name for one in asked_fields(schema))
        raise ToolException(f"nothing was erased: there is no field {field!r}, only {known}")
    what = None if value is None or value == "" else str(value)
    return Erasure(str(field), what, quote if isinstance(quote, str) else "")


def refuse_others(what: str, given: Collection[str], known: Collection[str]) -> None:
    """Refuse arguments that the schema does not have: above all, somebody's id."""
    others = ", ".join(sorted(str(name) for name in given if name not in known))
    if others:
        raise ToolException(
            f"{what} takes {', '.join(known) or 'no arguments'}, and no {others}: whose memory it "
            "is, and in which conversation, says the application alone. Nothing was done"
        )


# Not for type checkers only: ToolNode reads the annotation to know what to hand over.


_Runtime = ToolRuntime[Any, Any]


def memory_tools(
    memory: UserMemory,
    user_id: FindUser | None = None,
    *,
    on_error: OnError = "continue",
    confirm: Callable[[Erasure], bool] | None = None,
    hears_user: bool | None = None,
) -> list[BaseTool]:
    """Tools to save, forget, read and search, for any agent or `ToolNode`.

    They are ``save_memory``, ``forget_memory``, ``read_profile`` and ``search_memory``.

    The model proposes; a change rests on a quote of what the user said last in this conversation
    and is judged as in the background, but for the second look, for which nothing in a turn waits:
    what code has a doubt about is refused. An erasure cannot be undone: it takes a second look, or
    the application confirms it. What is saved is not learned a second time. Whose memory it is
    comes from the run, never from the model, whose further arguments are refused.

    Args:
        memory: Whose profiles.
        user_id: As for `recall_node`.
        on_error: ``"continue"``: when the database fails, the model is told that nothing was
            done, a warning is logged and an ``error`` event emitted; ``"raise"``: the run fails.
        confirm: Asked before an erasure, with what is to be erased: whether the user confirms it,
            by a button or LangGraph's ``interrupt`` say. Without it a model takes a second look.
        hears_user: As for `remember_node`: inside another graph, whether the agent hears the user.

    Raises:
        IdentityError: In a run, whatever ``on_error`` is: no user or no thread is named.
    """
    made = _Tools(memory, user_id, on_error, confirm, hears_user)
    schema = memory.schema
    names = ", ".join(field.name for field in asked_fields(schema))
    return [
        _tool(
            SAVE,
            fill(prompt_text("save-memory-2"), fields=described(schema)),
            save_arguments(schema),
            made.save,
            made.asave,
        ),
        _tool(
            FORGET,
            fill(prompt_text("forget-memory-1"), fields=names),
            forget_arguments(schema),
            made.forget,
            made.aforget,
        ),
        _tool(READ, prompt_text("read-profile-1"), no_arguments(), made.read, made.aread),
        _tool(
            SEARCH, prompt_text("search-memory-1"), search_arguments(), made.search, made.asearch
        ),
    ]


def _tool(
    name: str,
    description: str,
    arguments: dict[str, Any],
    run: Callable[..., Any],
    arun: Callable[..., Any],
) -> BaseTool:
    return StructuredTool(
        name=name,
        description=description,
        args_schema=arguments,
        func=run,
        coroutine=arun,
        handle_tool_error=True,
    )


@dataclass(frozen=True, slots=True)
class _Tools:
    """What the tools do; what they raise as `ToolException` is their answer to the model."""

    memory: UserMemory
    find_user: FindUser | None
    on_error: OnError
    confirm: Callable[[Erasure], bool] | None = None
    hears_user: bool | None = None

    def save(self, runtime: _Runtime, **given: Any) -> str:
        """Make the changes that the user's words bear out."""
        run = self._kept(runtime)
        changes, unreadable = read_changes(given)
        with tolerant(self.memory, run, self.on_error):
            messages = self._heard(runtime, run)
            proposed = self.memory.propose(run.user_id, run.thread_id, changes, messages)
            return answers.saved(proposed, unreadable)
        raise ToolException(answers.UNREACHABLE)

    async def asave(self, runtime: _Runtime, **given: Any) -> str:
        """As `save`."""
        run = self._kept(runtime)
        changes, unreadable = read_changes(given)
        with tolerant(self.memory, run, self.on_error):
            messages = await self._aheard(runtime, run)
            proposed = await self.memory.apropose(run.user_id, run.thread_id, changes, messages)
            return answers.saved(proposed, unreadable)
        raise ToolException(answers.UNREACHABLE)

    def forget(self, runtime: _Runtime, **given: Any) -> str:
        """Erase what the user asks to."""
        run = self._run(runtime)
        wanted = read_erasure(given, self.memory.schema)
        with tolerant(self.memory, run, self.on_error):
            messages = self._heard(runtime, run)
            asked = (run.user_id, run.thread_id, wanted.field, wanted.value, wanted.quote, messages)
            erase = partial(self.memory.propose_erasure, *asked)
            if self.confirm is not None:  # nobody is asked about what cannot be done
                _erased(wanted, erase(confirmed=True, dry_run=True))
            return _erased(wanted, erase(confirmed=self._confirmed(wanted)))
        raise ToolException(answers.UNREACHABLE)

    async def aforget(self, runtime: _Runtime, **given: Any) -> str:
        """As `forget`."""
        run = self._run(runtime)
        wanted = read_erasure(given, self.memory.schema)
        with tolerant(self.memory, run, self.on_error):
            messages = await self._aheard(runtime, run)
            asked = (run.user_id, run.thread_id, wanted.field, wanted.value, wanted.quote, messages)
            erase = partial(self.memory.apropose_erasure, *asked)
            if self.confirm is not None:  # nobody is asked about what cannot be done
                _erased(wanted, await erase(confirmed=True, dry_run=True))
            return _erased(wanted, await erase(confirmed=self._confirmed(wanted)))
        raise ToolException(answers.UNREACHABLE)

    def read(self, runtime: _Runtime, **given: Any) -> str:
        """The profile as it is now."""
        refuse_others(READ, given, ())
        run = self._run(runtime)
        with tolerant(self.memory, run, self.on_error):
            return self.memory.recall(run.user_id).render() or answers.NOTHING_KNOWN
        raise ToolException(answers.UNREACHABLE)

    async def aread(self, runtime: _Runtime, **given: Any) -> str:
        """As `read`."""
        refuse_others(READ, given, ())
        run = self._run(runtime)
        with tolerant(self.memory, run, self.on_error):
            return (await self.memory.arecall(run.user_id)).render() or answers.NOTHING_KNOWN
        raise ToolException(answers.UNREACHABLE)

    def search(self, runtime: _Runtime, **given: Any) -> str:
        """What is found about a question, in what the user told."""
        run = self._run(runtime)
        asked = read_search(given)
        with tolerant(self.memory, run, self.on_error), as_answer():
            return answers.hits(self.memory.search(run.user_id, **asked))
        raise ToolException(answers.UNREACHABLE)

    async def asearch(self, runtime: _Runtime, **given: Any) -> str:
        """As `search`."""
        run = self._run(runtime)
        asked = read_search(given)
        with tolerant(self.memory, run, self.on_error), as_answer():
            return answers.hits(await self.memory.asearch(run.user_id, **asked))
        raise ToolException(answers.UNREACHABLE)

    def _confirmed(self, wanted: Erasure) -> bool:
        """Whether the application says that the user confirms it; False where it is not asked."""
        if self.confirm is None:
            return False
        if not self.confirm(wanted):
            raise ToolException(answers.NOT_CONFIRMED)
        return True

    def _run(self, runtime: _Runtime) -> Run:
        return current_run(runtime.config, self.find_user, self.hears_user)

    def _kept(self, runtime: _Runtime) -> Run:
        """The run, in which what the user says may be kept."""
        run = self._run(runtime)
        if not run.keep:
            raise ToolException(answers.OFF_THE_RECORD)
        return run

    def _heard(self, runtime: _Runtime, run: Run) -> list[Any]:
        """The conversation, with other people's messages under their names."""
        messages = messages_of(runtime.state)
        settle(self.memory, messages, runtime.config, run)
        return self._own(messages, run)

    async def _aheard(self, runtime: _Runtime, run: Run) -> list[Any]:
        """As `_heard`."""
        messages = messages_of(runtime.state)
        await asettle(self.memory, messages, runtime.config, run)
        return self._own(messages, run)

    def _own(self, messages: list[Any], run: Run) -> list[Any]:
        speakers = speakers_of(self.memory)
        if run.nested and not speakers.hears(messages, run):
            speakers.say_once(messages, run)
            raise ToolException(answers.NOT_THE_USER)
        return speakers.heard(messages, run, self.memory.author)


def _erased(wanted: Any, made: Forgotten | Refused) -> str:
    if isinstance(made, Refused):
        raise answers.not_erased(made)
    return answers.erased(wanted, made)
