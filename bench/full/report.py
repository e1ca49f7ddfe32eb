"""The report: Markdown, plots and the raw data beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.full.rows import NOT_RUN

_TITLES = {
    "cost": "Cost",
    "time": "Time",
    "scale": "Scale",
    "size": "Size",
    "durability": "Durability",
    "learning": "Learning",
}
_NOTES = {
    "cost": (
        "A synthetic user of our own writing, one thread a session; a model that answers perfectly "
        "and counts with Mistral's tekken. w = prompt + 8 × output."
    ),
    "time": (
        "Ratios of two sides measured in turn in one run: processor time where no clock is named, "
        "medians. The machine is shared with other work: read ratios, not times."
    ),
    "durability": (
        "What was said, and what the memory holds in the end. LangMem's executor runs a reflector "
        "that writes what it is given into LangGraph's SqliteStore; mem0 and agno ask a "
        "loopback server for answers and embeddings, so that nothing here is a model's doing. "
        "Nothing is submitted a second time by the application."
    ),
    "scale": (
        "Done in a second by one process, by the number of users in the database; everybody has a "
        "profile of seven items, a tenth has a thread that is due. Medians of five rounds, users "
        "at random, flushes on."
    ),
    "size": (
        "A package with all that it needs and no extras; and a process that has imported it. Where "
        "memory needs more (a vector store, a provider's client), that is not counted."
    ),
    "learning": "Recorded answers of a large model, halves kept aside; the others have none.",
}

Done = Mapping[str, Any]


def write(folder: Path, done: Sequence[Done]) -> Path:
    """Write the report from the raw data; gives the file."""
    head = done[0]
    said = (
        f"Written by `make bench` on {max(one['date'] for one in done)}; usermemory at "
        f"{head['revision']}; {head['machine']}. Every table is drawn from `raw/`, where each row "
        "has its versions, its time and the machine's load. Rows that we lose stand here too."
    )
    lines = ["# Report", "", said, ""]
    for section, title in _TITLES.items():
        mine = [one for one in done if one["section"] == section]
        if mine:
            lines += [f"## {title}", "", _NOTES[section], "", *_table(section, mine), ""]
            if section == "cost" and (plot := _plot(folder, mine)):
                lines += [f"![Tokens of all calls, by session]({plot})", ""]
    lines += ["## Not run", "", "| what | why |", "|---|---|"]
    lines += [f"| {one['name']} | {one['why']} |" for one in done if one["status"] != "ok"]
    lines += [f"| {what} | {why} |" for what, why in NOT_RUN]
    path = folder / "README.md"
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    return path


def _table(section: str, done: Sequence[Done]) -> list[str]:
    found = [value for one in done for value in one["values"]]
    if section == "time":
        return _lines(
            ("figure", "first", "second", "ratio", "target", "met"),
            [
                (
                    *(one["figure"], one["first"], one["second"]),
                    "-" if one["value"] is None else f"{one['value']:.2f}",
                    *(one["target"], f"**{one['met']}**" if one["met"] == "MISSED" else one["met"]),
                )
                for one in found
            ],
        )
    if section == "scale":
        names = ("database", "figure", "megabytes", "recall", "remember", "at_once", "claim")
        heads = (*names[:1], "users", "MB", *names[3:5], "remember, 100 at once", "threads claimed")
        return _lines(heads, [[one[name] for name in names] for one in found])
    if section == "size":
        names = ("system", "version", "packages", "megabytes", "import", "resident")
        heads = (*names[:3], "installed MB", "seconds to import", "resident MB")
        return _lines(heads, [[one[name] for name in names] for one in found])
    if section == "cost":
        names = ("figure", "system", "calls", "prompt", "output", "value", "kept")
        found.sort(key=lambda one: (one["sessions"] or 1_000, one["system"]))
        return _lines((*names[:5], "w", "kept"), [[one[name] for name in names] for one in found])
    if section == "learning":
        names = ("figure", "system", "value", "lost", "invented", "wrong_person")
        heads = ("updates", "setting", "learned", "lost", "invented, stale", "wrong person")
        return _lines(heads, [[one[name] for name in names] for one in found])
    systems = list(dict.fromkeys(one["system"] for one in found))
    told = {(one["figure"], one["system"]): one["value"] for one in found}
    rows = list(dict.fromkeys(one["figure"] for one in found))
    return _lines(
        ("what happens", *systems),
        [(row, *(told.get((row, system), "not run") for system in systems)) for row in rows],
    )


def _lines(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in cells),
    ]


def _plot(folder: Path, done: Sequence[Done]) -> str:
    """What all calls cost, by system and session; empty where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        return ""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "usermemory"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for one in done:
        values = [value for value in one["values"] if value["sessions"]]
        if values:
            at = [value["sessions"] for value in values]
            left.plot(at, [one["value"] for one in values], marker="o", label=values[0]["system"])
            last = [one["last_prompt"] + 8 * one["last_output"] for one in values]
            right.plot(at, last, marker="o", label=values[0]["system"])
    left.set(title="all sessions", xlabel="sessions", ylabel="w, tokens")
    right.set(title="the last session alone", xlabel="sessions")
    left.legend(frameon=False)
    figure.savefig(folder / "cost.svg", metadata={"Date": None})
    plt.close(figure)
    return "cost.svg"
