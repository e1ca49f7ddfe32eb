"""``usermemory doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    BaseUrl,
    Database,
    Model,
    print_json,
    require_file,
    say,
)
from usermemory.errors import ConfigurationError, ExtractionError, UserMemoryError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from packaging.requirements import Requirement

    from usermemory.choice import Choice
    from usermemory.records import Outcome
    from usermemory.store import Driver


_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}

_CONVERSATION = "Hi, my name is Ada and I love playing chess."

_LATE = 300.0
"""Seconds after which a due thread that nobody reads looks like a missing worker."""

_REMEDIES = {
    "unauthorized": "set the right key; it has to allow this model",
    "not_found": "see which models the provider lists, and where: --model, --base-url",
    "rate_limited": "wait, or raise the account's limit",
    "connection": "is the server running and reachable from here? proxies and firewalls count",
    "timeout": "is the server overloaded? --patience waits longer",
    "unavailable": "try again later; the provider's status page may say more",
    "truncated": "give the model more tokens for its answer (max_tokens)",
    "rejected_request": "ask it in another way: LanguageModelExtractor(name, method=…)",
    "unusable": "take a stronger model, or another method: LanguageModelExtractor(name, method=…)",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ``ok``; ``warn`` (works, but not as it should); ``fail``; ``skip`` (not looked at).
        said: What was found.
        todo: What to do next; empty if nothing.
    """

    name: str
    state: Literal["ok", "warn", "fail", "skip"]
    said: str
    todo: str = ""


def doctor(
    *,
    model: Model = None,
    base_url: BaseUrl = None,
    db: Database = DATABASE,
    patience: Annotated[
        float, Option(min=0.1, metavar="SECONDS", help="How long to wait for each answer.")
    ] = 120.0,
    json: AsJson = False,
) -> None:
    """Check packages, database and language model; for each, what was found and what to do next.

    Without a model named and without a key set, and with --model offline, no model is called.
    Else it is asked three small things, at the price of some thousand tokens: to answer, to find
    changes in one sentence, and to call a tool. The database is looked at and not changed. Exit
    code 1 if something fails.

    Examples:
        usermemory doctor
        usermemory doctor --model anthropic:claude-haiku-4-5
        usermemory doctor --model qwen --base-url http://localhost:8080/v1
        usermemory doctor --db postgresql://bot@db.example.com/app --model offline --json
    """
    # What goes wrong is among the findings.
    logging.getLogger("usermemory").addHandler(logging.NullHandler())
    findings: list[Finding] = []
    for finding in chain(
        check_packages(), check_database(db), check_chat_model(model, base_url, patience)
    ):
        findings.append(finding)
        if not json:
            _print_finding(finding)
    failed = any(finding.state == "fail" for finding in findings)
    if json:
        print_json({"ok": not failed, "findings": findings})
    if failed:
        raise typer.Exit(1)


def _print_finding(finding: Finding) -> None:
    say(f"{finding.state:5}", style=_STYLES[finding.state], end="")
    say(f"{finding.name}: {finding.said}", soft_wrap=True)
    if finding.todo:
        say(f"     → {finding.todo}", soft_wrap=True, style="dim")


def check_packages() -> Iterator[Finding]:
    """Python and the packages that we need, in the versions that we need."""
    from packaging.requirements import Requirement

    yield Finding("python", "ok", f"Python {platform.python_version()} on {platform.system()}")
    needed = [
        need
        for need in map(Requirement, requires("usermemory") or ())
        if need.marker is None or need.marker.evaluate({"extra": ""})
    ]
    if wrong := [problem for problem in map(_unmet, needed) if problem]:
        yield Finding("packages", "fail", "; ".join(wrong), "pip install --upgrade usermemory")
        return
    names = ("usermemory", "langchain-core", "langgraph")
    yield Finding("packages", "ok", ", ".join(f"{name} {version(name)}" for name in names))


def _unmet(need: Requirement) -> str:
    try:
        installed = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is missing"
    fits = need.specifier.contains(installed, prereleases=True)
    return "" if fits else f"{need.name} is {installed}, and {need.specifier} is needed"


def check_database(url: str) -> Iterator[Finding]:
    """Whether it opens, is migrated, keeps what is written, and what waits in it.

    Changes nothing: a database that is not there is not made, an old one not migrated. One that
    was named is expected to be there.
    """
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver

    try:
        if url != DATABASE:
            require_file(url)
        with closing(open_driver(url, SystemClock())) as driver:
            yield from _database_findings(driver)
    except ConfigurationError as error:
        yield Finding("database", "fail", str(error), "name another with --db or USERMEMORY_DB")
    except UserMemoryError as error:
        yield Finding("database", "fail", str(error), "mend that; nothing is remembered until then")


def _database_findings(driver: Driver) -> Iterator[Finding]:
    from usermemory.store.driver import missing
    from usermemory.store.flows.recall import figures

    applied = driver.migrated()
    needed = missing(applied, driver.url)
    if lacks := driver.misses():
        todo = "then usermemory copy takes along what is stored" if applied else "name that one"
        yield Finding("encoding", "warn" if applied else "fail", lacks, todo)
    if not applied:
        yield Finding("database", "warn", f"{driver.url} has no tables yet", "first use makes them")
        return
    if needed:
        numbers = ", ".join(str(number) for number, _ in needed)
        lacks = f"{driver.url} lacks migration {numbers}"
        yield Finding("database", "warn", lacks, "usermemory migrate (or first use) applies it")
        return
    # As a write, so that a database that can only be read is reported now.
    now = driver.write(figures)
    yield Finding("database", "ok", f"{driver.url} opens, can be written, tables at {max(applied)}")
    if doubts := "; ".join(driver.doubts()):
        todo = "set it back, or accept that what was remembered last may be gone after a crash"
        yield Finding("durability", "warn", doubts, todo)
    else:
        yield Finding("durability", "ok", "what was accepted is on the disk")
    jobs = f"{now.waiting} waiting, {now.dead} dead"
    if now.dead:
        todo = "usermemory jobs list --state dead says why; then jobs retry, or jobs drop"
        yield Finding("jobs", "warn", jobs, todo)
    elif now.oldest > _LATE:
        late = f"{jobs}; the oldest has been due for {now.oldest / 60:.0f} min"
        yield Finding("jobs", "warn", late, "does a worker run? usermemory worker")
    else:
        yield Finding("jobs", "ok", jobs)


def check_chat_model(name: str | None, base_url: str | None, patience: float) -> Iterator[Finding]:
    """Package, key, an answer, a round trip through a memory of its own, and tool calls.

    Args:
        name: As for ``--model``; without one and without a key nothing is called.
        base_url: As for ``--base-url``.
        patience: Seconds for each answer.
    """
    from usermemory.choice import choose
    from usermemory.retry import TooLong, in_time

    try:
        chosen = choose(name, base_url, look=True)
        bot = chosen.bot()
    except ConfigurationError as error:
        yield Finding("model", "fail", str(error), "then run this again")
        return
    if not_called := _not_called(chosen, named=bool(name)):
        yield not_called
        if not name:
            yield from _servers()
        return
    yield _method(chosen, bot)
    for look in (_check_answer, _check_round_trip, _check_tool_call):
        try:
            # Not every provider's class has a time-out.
            findings = in_time(partial(look, bot), patience)
        except TooLong as error:
            findings = [_failure("answer", "timeout", str(error))]
        yield from findings
        if any(finding.state == "fail" for finding in findings):
            return


def _not_called(chosen: Choice, *, named: bool) -> Finding | None:
    from usermemory.choice import OFFLINE

    if chosen.model == OFFLINE and named:
        return Finding("model", "skip", "offline, as you said: rules instead of a model; no call")
    if chosen.model == OFFLINE:
        none = "no model is named and no key set: none was called"
        return Finding("model", "warn", none, chosen.notice)
    if not named and str(chosen.model).startswith("ollama:"):
        todo = f"to try it: usermemory doctor --model {chosen.model}"
        return Finding("model", "skip", f"{chosen.notice} It was not called", todo)
    return None


def _servers() -> Iterator[Finding]:
    """Servers of models on this machine that no option or variable names."""
    from usermemory.extract.models import servers

    for one in servers():
        runs = (
            f"what speaks OpenAI's protocol runs at {one.base_url}, as {one.kind} does: {one.model}"
        )
        todo = f"usermemory doctor --model {one.model} --base-url {one.base_url}"
        yield Finding("server", "skip", f"{runs}. It was not called", f"to try it: {todo}")


def _method(chosen: Choice, bot: BaseChatModel) -> Finding:
    from usermemory.extract.manner import manner_of

    manner = manner_of(bot)
    package = type(bot).__module__.partition(".")[0]
    strict = ", strict" if manner.strict else ""
    model = f"{chosen.name}: {package.replace('_', '-')} {version(package)}"
    return Finding("model", "ok", f"{model}, asked by {manner.method}{strict}")


def _check_answer(bot: BaseChatModel) -> list[Finding]:
    from usermemory.extract.answer import usage
    from usermemory.extract.provider_errors import ProviderErrors

    begun = time.monotonic()
    try:
        with ProviderErrors():
            message = bot.invoke("Answer with the one word: ready")
    except ExtractionError as error:
        return [_failure("answer", error.reason, str(error))]
    tokens = usage(message)
    cost = f"{tokens.input_tokens} + {tokens.output_tokens} tokens"
    spent = f"in {time.monotonic() - begun:.1f} s, {cost}"
    if not message.text.strip():
        return [Finding("answer", "warn", f"empty, {spent}", "does this model talk at all?")]
    return [Finding("answer", "ok", spent)]


def _check_round_trip(bot: BaseChatModel) -> list[Finding]:
    """Say something to a memory of its own, and see what is learned: the way of every message."""
    from usermemory import UserMemory
    from usermemory.extract.language_model import LanguageModelExtractor

    extractor = LanguageModelExtractor(bot, repair=False)
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "doctor.db")
        with UserMemory(path, model=extractor, worker=False) as memory:
            memory.remember("doctor", "checkup", [_CONVERSATION])
            (outcome,) = memory.trigger("doctor")
    if outcome.status == "failed":
        return [_failure("structured output", outcome.reason, outcome.error)]
    used = f"{outcome.usage.input_tokens} + {outcome.usage.output_tokens} tokens"
    return [Finding("structured output", "ok", f"a change list, {used}"), _learned_finding(outcome)]


def _learned_finding(outcome: Outcome) -> Finding:
    from usermemory.cli.show import changes_line

    changes = outcome.revision.changes if outcome.revision else ()
    learned = changes_line(changes) if changes else "nothing"
    refused = f"; {len(outcome.rejections)} refused" if outcome.rejections else ""
    result = f"of “{_CONVERSATION}” it learned {learned}{refused}"
    if {change.field for change in changes} >= {"name", "interests"}:
        return Finding("round trip", "ok", result)
    todo = "a stronger model learns more; what it does learn is checked all the same"
    return Finding("round trip", "warn", result, todo)


def _check_tool_call(bot: BaseChatModel) -> list[Finding]:
    from usermemory.extract.provider_errors import ProviderErrors

    def weather(city: str) -> str:
        """The weather in a city, now."""
        return city

    todo = "only bots with tools need them; remembering does not"
    try:
        with ProviderErrors():
            message = bot.bind_tools([weather]).invoke("What is the weather in Oslo right now?")
    except ExtractionError as error:
        return [Finding("tool calls", "warn", str(error), todo)]
    calls = [call["name"] for call in message.tool_calls]
    if calls[:1] == ["weather"]:
        return [Finding("tool calls", "ok", "it was offered a tool and called it")]
    return [Finding("tool calls", "warn", "it was offered a tool and did not call it", todo)]


def _failure(name: str, reason: str, said: str) -> Finding:
    return Finding(name, "fail", said, _REMEDIES.get(reason, "see what the provider says of it"))
