"""Print the figures of a fleet: ``python -m bench.fleet [workers claim recall debounce idle]``."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from bench.fleet import claim, debounce, idle, recall, workers
from bench.table import Figure, print_figures
from tests.support.postgres import Server

_SETTINGS = ("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB")
"""As in earnest: what was committed is on the disk."""

_LOGGING = ("log_statement=all", "log_min_messages=log", "log_line_prefix=%p:%n:%a:")
"""Statements are counted where they arrive."""

_FIGURES = ["workers", "claim", "recall", "debounce", "idle"]


def main() -> None:
    """Measure what was asked for, or all, each on a PostgreSQL server of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*_FIGURES, []], metavar="FIGURE")
    parser.add_argument("--dbos", type=Path, help="a Python interpreter that has dbos")
    parser.add_argument("--install-dbos", metavar="REQUIREMENT", help="in a throw-away venv")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dbos = args.dbos
        if args.install_dbos:
            dbos = debounce.install(Path(folder), args.install_dbos)
        for figure in args.figures or _FIGURES:
            print(f"load of the machine: {os.getloadavg()[0]:.1f}")
            print_figures(figure, _measured(figure, dbos))


def _measured(figure: str, dbos: Path | None) -> list[Figure]:
    server = Server(*_SETTINGS, *(_LOGGING if figure == "idle" else ()))
    try:
        if figure == "debounce":
            return debounce.figures(server.url, dbos)
        if figure == "idle":
            return idle.figures(server)
        simple = {"workers": workers.figures, "claim": claim.figures, "recall": recall.figures}
        return simple[figure](server.url)
    finally:
        server.close()


if __name__ == "__main__":
    main()
