"""A notebook, run in a kernel of its own.

``python -m tests.support.notebook FROM TO`` runs one and stores it with its outputs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def run(source: Path, target: Path) -> None:
    """Run a notebook, and store it with its outputs, without the times of this run."""
    notebook: Any = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    nbformat.write(notebook, target)


def printed(cell: Any) -> dict[str, str]:
    """What a cell shows, by kind: the streams, and each form of its last value."""
    shown: dict[str, str] = {}
    for output in cell.outputs:
        forms = {output.name: output.text} if output.output_type == "stream" else output.data
        for kind, text in forms.items():
            shown[kind] = shown.get(kind, "") + text
    return shown


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
