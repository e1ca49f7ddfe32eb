"""Print the figures of speed: ``python -m bench.speed [recall remember turn imports threads]``."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.speed import disk, imports, recall, remember, threads, turn
from bench.table import Figure, print_figures

_IN_PROCESS = {
    "recall": recall.figures,
    "remember": remember.figures,
    "turn": turn.figures,
    "threads": threads.figures,
}


def main() -> None:
    """Measure what was asked for, or all, in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", choices=[*_IN_PROCESS, "imports", []], metavar="FIGURE"
    )
    parser.add_argument("--folder", type=Path, help="put the databases on this disk")
    parser.add_argument("--langmem", type=Path, help="a Python interpreter that has langmem")
    parser.add_argument("--install-langmem", action="store_true", help="in a throw-away venv")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        print(f"the disk flushes 4 KiB in {disk.flush_milliseconds(folder):.2f} ms")
        langmem = imports.install_langmem(folder) if args.install_langmem else args.langmem
        for figure in args.figures or [*_IN_PROCESS, "imports"]:
            print_figures(figure, _measured(figure, folder, langmem))


def _measured(figure: str, folder: Path, langmem: Path | None) -> list[Figure]:
    if figure == "imports":
        return imports.figures(langmem)
    return asyncio.run(_IN_PROCESS[figure](folder))


if __name__ == "__main__":
    main()
