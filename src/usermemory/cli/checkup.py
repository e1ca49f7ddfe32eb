"""What a doctor finds: this machine's packages, and the database."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from usermemory.errors import ConfigurationError, UserMemoryError

if TYPE_CHECKING:
    from usermemory.store import Driver

State = Literal["ok", "warn", "fail", "skip"]


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
    state: State
    said: str
    todo: str = ""


def packages() -> Iterator[Finding]:
    """Python and the packages that we need, in the versions that we need."""
    yield Finding("python", "ok", f"Python {platform.python_version()} on {platform.system()}")
    wanted = [Requirement(line) for line in requires("usermemory") or ()]
    needed = [need for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    wrong = [found for found in map(_unmet, needed) if found]
    if wrong:
        yield Finding("packages", "fail", "; ".join(wrong), "pip install --upgrade usermemory")
        return
    told = ", ".join(f"{name} {version(name)}" for name in ("langchain-core", "langgraph"))
    yield Finding("packages", "ok", f"usermemory {version('usermemory')}, {told}")


def _unmet(need: Requirement) -> str:
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is missing"
    fits = need.specifier.contains(found, prereleases=True)
    return "" if fits else f"{need.name} is {found}, and {need.specifier} is needed"


def database(url: str) -> Iterator[Finding]:
    """Whether it opens, is migrated, keeps what it is told, and what waits in it.

    Changes nothing: a database that is not there is not made, an old one not migrated.
    """
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver

    try:
        driver = open_driver(url, SystemClock())
    except ConfigurationError as error:
        yield Finding("database", "fail", str(error), "name another with --db or USERMEMORY_DB")
        return
    try:
        yield from _looked_at(driver)
    except UserMemoryError as error:
        yield Finding("database", "fail", str(error), "mend that; nothing is remembered until then")
    finally:
        driver.close()


def _looked_at(driver: Driver) -> Iterator[Finding]:
    from usermemory.store.driver import missing
    from usermemory.store.flows.recall import figures

    done = driver.migrated()
    needed = missing(done, driver.url)
    if not done:
        yield Finding("database", "warn", f"{driver.url} has no tables yet", "first use makes them")
        return
    if needed:
        numbers = ", ".join(str(number) for number, _ in needed)
        told = f"{driver.url} lacks migration {numbers}"
        yield Finding("database", "warn", told, "usermemory migrate (or first use) applies it")
        return
    # As a write, so that a database that can only be read is told now.
    now = driver.write(figures)
    yield Finding("database", "ok", f"{driver.url} opens, can be written, tables at {max(done)}")
    doubts = "; ".join(driver.doubts())
    if doubts:
        todo = "set it back, or accept that what was remembered last may be gone after a crash"
        yield Finding("durability", "warn", doubts, todo)
    else:
        yield Finding("durability", "ok", "what was accepted is on the disk")
    yield _jobs(now.waiting, now.oldest, now.dead)


_LATE = 300.0
"""Seconds after which a due thread that nobody reads looks like a missing worker."""


def _jobs(waiting: int, oldest: float, dead: int) -> Finding:
    told = f"{waiting} waiting, {dead} dead"
    if dead:
        todo = "usermemory jobs list --state dead says why; then jobs retry, or jobs drop"
        return Finding("jobs", "warn", told, todo)
    if oldest > _LATE:
        told = f"{told}; the oldest has been due for {oldest / 60:.0f} min"
        return Finding("jobs", "warn", told, "does a worker run? usermemory worker")
    return Finding("jobs", "ok", told)
