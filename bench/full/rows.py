"""What is measured: each row by itself, so that a run that was broken off goes on where it was."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cost import how_to, langmem_side, ours
from bench.cost.dialogues import load
from bench.cost.run import Run
from bench.faithfulness.page import measured
from bench.fleet import debounce
from bench.full import felt, life, scale, served, synthetic
from bench.full.peers import NotRun, asked, python_of, version_of
from bench.quick import flushes, store, turn, working
from bench.speed import imports
from bench.table import Figure
from tests.support.postgres import Server

Values = dict[str, Any]
"""One measured thing: ``system``, ``figure``, ``value`` and what else is to be known."""


@dataclass(frozen=True)
class Settings:
    """Of one run.

    Attributes:
        folder: For databases; goes afterwards.
        cache: For the others' environments; stays.
        how_to: The text of the how-to's page, which whoever runs this has.
        data: Dialogues in LoCoMo's form, in place of the synthetic year.
    """

    folder: Path
    cache: Path
    how_to: Path | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        section: Its part of the report.
        name: What it is called, in files too.
        run: Measures it.
        peer: The package of the other system, whose version is named.
    """

    section: str
    name: str
    run: Callable[[Settings], list[Values]]
    peer: str = ""


def _figures(figures: Callable[[Path], list[Figure]]) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        return [_of(one) for one in figures(settings.folder)]

    return run


def _of(figure: Figure) -> Values:
    return {
        "figure": figure.name,
        "first": figure.ours,
        "second": figure.other,
        "value": figure.ratio,
        "target": "" if figure.target is None else f"{figure.sense} {figure.target:g}",
        "met": figure.met,
    }


def _imports(settings: Settings) -> list[Values]:
    return [_of(one) for one in imports.figures(python_of("langmem", settings.cache))]


def _debounce(settings: Settings) -> list[Values]:
    python = python_of("dbos", settings.cache)
    server = Server("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB")
    try:
        return [_of(one) for one in debounce.figures(server.url, python)]
    finally:
        server.close()


def _cost(system: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        year = settings.data or synthetic.write(settings.folder / "year.json")
        found = [_costs(_read(system, year, settings), n) for n in synthetic.SESSIONS]
        if settings.data is None:
            long = synthetic.write(settings.folder / "long.json", sessions=1, exchanges=300, each=4)
            found.append(_costs(_read(system, long, settings), None))
        return found

    return run


def _read(system: str, data: Path, settings: Settings) -> Run:
    dialogues = load(data)
    if system == "usermemory":
        with tempfile.TemporaryDirectory(dir=settings.folder) as name:
            return ours.read(dialogues, Path(name)).run
    if system == "LangMem":
        return langmem_side.read(python_of("langmem", settings.cache), data, [])
    if system in {"mem0", "agno"}:
        python, module = python_of(system, settings.cache), f"bench.cost.{system}_process"
        return Run.from_json(asked(python, module, [str(data.resolve())], 600))
    if settings.how_to is None:
        raise NotRun("the page of the how-to is not part of this project: name its text, --how-to")
    return how_to.read(dialogues, how_to.page(settings.how_to))


def _sessions(count: int | None) -> str:
    if count is None:
        return "one thread of 600 messages"
    return f"{count} sessions" if count > 1 else "1 session"


def _costs(run: Run, sessions: int | None) -> Values:
    costs = [one for one in run.costs if sessions is None or one.session <= sessions]
    prompt, output = (sum(getattr(one, name) for one in costs) for name in ("prompt", "output"))
    last = [one for one in costs if one.session == max(one.session for one in costs)]
    return {
        "system": run.name,
        "figure": _sessions(sessions),
        "sessions": sessions,
        "calls": len(costs),
        "prompt": prompt,
        "output": output,
        "last_prompt": sum(one.prompt for one in last),
        "last_output": sum(one.output for one in last),
        "kept": f"{run.kept} of {run.of}" if sessions in {None, 50} else "",
        "value": prompt + 8 * output,
    }


_SIZED = {
    "usermemory": ("usermemory", "usermemory.memory"),
    "langmem": ("langmem", "langmem"),
    "mem0": ("mem0ai", "mem0"),
    "agno": ("agno", "agno.memory"),
    "dbos": ("dbos", "dbos"),
}
"""The package of each, and what is imported of it."""


def _size(system: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        python = python_of(system, settings.cache)
        found = asked(python, "bench.full.size_process", _SIZED[system])
        return [{"system": system, "figure": "size", "value": found["megabytes"], **found}]

    return run


def _scale(measure: Callable[[Path], list[Values]]) -> Callable[[Settings], list[Values]]:
    return lambda settings: measure(settings.folder)


def _life(name: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        told = life.ROWS[name](settings.folder)
        return [{"system": "usermemory", "figure": name, "value": told}]

    return run


_OUTAGE = (
    "its clock cannot be moved; the row of a provider that fails twice says what becomes of it"
)
_NOT_OF_LANGMEM = {
    "a reading that would empty the store": (
        "LangMem's executor is run with a reflector of ours, and no model"
    ),
    "an outage of ten minutes": _OUTAGE,
}


def _life_langmem(name: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        if name in _NOT_OF_LANGMEM:
            raise NotRun(_NOT_OF_LANGMEM[name])
        python = python_of("langmem", settings.cache)
        told = asked(python, "bench.full.life_langmem", [name, str(settings.folder)], 120)
        return [{"system": "LangMem's executor", "figure": name, "value": told}]

    return run


_AT_ONCE = "mem0 reads each message as it comes: nothing waits"
_NOT_OF_MEM0 = {
    "killed while a message waits": _AT_ONCE,
    "shut down while a message waits": _AT_ONCE,
    "a reading that would empty the store": "its reading only adds",
    "an outage of ten minutes": _OUTAGE,
}


_AT_THE_RUN = "agno reads with each run: nothing waits"
_NOT_OF_AGNO = {
    "killed while a message waits": _AT_THE_RUN,
    "shut down while a message waits": _AT_THE_RUN,
    "a reading that would empty the store": "the row is written for whole profiles",
    "an outage of ten minutes": _OUTAGE,
}


def _life_mem0(name: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        if name in _NOT_OF_MEM0:
            raise NotRun(_NOT_OF_MEM0[name])
        python = python_of("mem0", settings.cache)
        told = asked(python, "bench.full.life_mem0", [name, str(settings.folder)], 120)
        return [{"system": "mem0", "figure": name, "value": told}]

    return run


def _life_agno(name: str) -> Callable[[Settings], list[Values]]:
    def run(settings: Settings) -> list[Values]:
        if name in _NOT_OF_AGNO:
            raise NotRun(_NOT_OF_AGNO[name])
        python = python_of("agno", settings.cache)
        told = asked(python, "bench.full.life_agno", [name, str(settings.folder)], 120)
        return [{"system": "agno", "figure": name, "value": told}]

    return run


def _learning(_: Settings) -> list[Values]:
    """The recorded answers of a large model, on the halves that were kept aside."""
    found: list[Values] = []
    for sets, what in (("updates chat world", "single updates"), ("years", "six users, a year")):
        for name in ("auto", "off", "overwrite"):
            if sets == "years" and name == "overwrite":
                continue
            anew = name == "overwrite"
            answers = "large-overwrite" if anew else "large-updates"
            strategy = ("overwrite",) if anew else ()
            run = measured(answers, "held", sets, "off" if anew else name, *strategy)
            marks = run.marks
            found.append(
                {
                    "system": f"usermemory, {name}",
                    "figure": what,
                    "value": f"{marks.learned} of {marks.facts}",
                    "lost": marks.lost,
                    "invented": marks.invented,
                    "wrong_person": marks.wrong,
                }
            )
    return found


def rows() -> Iterator[Row]:
    """All of them, the quick ones first."""
    yield Row("time", "a turn", _figures(turn.figures))
    yield Row("time", "flushes of a turn", _figures(flushes.figures))
    yield Row("time", "remember and recall", _figures(store.figures), "langgraph-checkpoint-sqlite")
    yield Row("time", "workers", _figures(working.figures))
    for name in life.ROWS:
        yield Row("durability", name, _life(name))
    yield Row("learning", "recorded answers", _learning)
    for system in ("usermemory", "the how-to"):
        yield Row("cost", f"cost of {system}", _cost(system))
    yield Row("cost", "cost of LangMem", _cost("LangMem"), "langmem")
    yield Row("cost", "cost of mem0", _cost("mem0"), "mem0ai")
    yield Row("cost", "cost of agno", _cost("agno"), "agno")
    for name in life.ROWS:
        yield Row("durability", f"{name}, LangMem", _life_langmem(name), "langmem")
    for name in life.ROWS:
        yield Row("durability", f"{name}, mem0", _life_mem0(name), "mem0ai")
    for name in life.ROWS:
        yield Row("durability", f"{name}, agno", _life_agno(name), "agno")
    yield Row("time", "a service on PostgreSQL", lambda _: [_of(one) for one in served.figures()])
    yield Row("time", "imports", _imports, "langmem")
    yield Row("time", "a debounce of DBOS", _debounce, "dbos")
    yield Row("time", "felt", _figures(felt.figures))
    for system in _SIZED:
        yield Row("size", f"size of {system}", _size(system))
    yield Row("scale", "users on SQLite", _scale(scale.on_sqlite))
    yield Row("scale", "users on PostgreSQL", _scale(scale.on_postgres))


def version(row: Row, cache: Path) -> str:
    """The version of the other system that a row was measured with."""
    python = Path(sys.executable)
    if folder := {"langmem": "langmem", "dbos": "dbos", "mem0ai": "mem0", "agno": "agno"}.get(
        row.peer
    ):
        python = cache / folder / "bin" / "python"
    try:
        return version_of(python, row.peer) if row.peer else ""
    except (OSError, subprocess.CalledProcessError):
        return ""


NOT_RUN: Sequence[tuple[str, str]] = (
    ("langgraph-memory", "no package of that name was found"),
    ("trustcall by hand", "its patches are what LangMem's profile sends, which is measured"),
    ("the how-to's timers (durability)", "nothing of its page is run, only its prompts are read"),
    ("learning of the others", "there are no recorded answers for them"),
)
"""What the report names as missing."""
