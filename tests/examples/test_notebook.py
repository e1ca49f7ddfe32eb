"""The notebook runs, and what is stored in it is what it prints and what its text says."""

from __future__ import annotations

import base64
import re
import struct
import subprocess
import sys
from typing import Any

import nbformat
import pytest
from tests.support.notebook import printed
from tests.support.readme import EXAMPLES, example_environment

STORED = EXAMPLES / "long_term_user_memory.ipynb"
ROOT = EXAMPLES.parent

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook, run now in a kernel without keys and without a home."""
    folder = tmp_path_factory.mktemp("notebook")
    program = [sys.executable, "-m", "tests.support.notebook", STORED, folder / "fresh.ipynb"]
    # An error in a cell ends the program, with the cell and its traceback in what it says.
    environment = example_environment(HOME=str(folder), TMPDIR=str(folder))
    done = subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "fresh.ipynb", as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_of(notebook: Any, source: str) -> str:
    """What the one cell that holds this code shows."""
    [cell] = [cell for cell in code_cells(notebook) if source in cell.source]
    return "\n".join(text for kind, text in printed(cell).items() if "image" not in kind)


def test_what_is_stored_is_what_it_prints(fresh: Any) -> None:
    """Each stored output, but for dates and the picture, is what the cell prints today.

    If it is not, and should: ``make notebook``.
    """
    stored = nbformat.read(STORED, as_version=4)
    for old, new in zip(code_cells(stored), code_cells(fresh), strict=True):
        shown = [
            {
                kind: _DATE.sub("…", text)
                for kind, text in printed(cell).items()
                if kind[:5] != "image"
            }
            for cell in (old, new)
        ]
        assert shown[0] == shown[1], old.source
        assert old.execution_count == new.execution_count


def test_the_graph_is_shown(fresh: Any) -> None:
    """The stored notebook holds a picture of the graph, drawn on this machine."""
    for notebook in (nbformat.read(STORED, as_version=4), fresh):
        [cell] = [cell for cell in code_cells(notebook) if "draw_mermaid" in cell.source]
        picture = base64.b64decode(printed(cell)["image/png"])
        assert picture.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture[16:24])
        assert width > 100
        assert height > 300


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("chosen = choose()", ["No language model is in use"]),
        ("[job] = await memory.ajobs()\n", ["convo 1 is waiting with 8 messages unread"]),
        ("known.document", ["changed", "'name': 'Will'", "'Is building long term memory"]),
        ("known.render()", ["Profile(name='Will'", "<user_profile", "</user_profile>"]),
        ('"convo 2")', ["I remember, Will", "building long term memory"]),
        ('"Guess what i was working on? Remeber?"', ["building long term memory"]),
        ('"HI?"', ["Hello, Will!"]),
        ('"ana", "convo 4"', ["I don't know."]),
        ("for evidence in await memory.awhy", ["I'm will”, said in convo 1"]),
        ("patch(newest.changes)", ["{'op': 'add', 'path': '/interests/0', 'value': 'bouldering'}"]),
        ("memory.aundo", ["edited: 34", "undone: None"]),
        ("memory.aforget", ["1 value gone, and the thread convo 5", "[]\n[]"]),
        ('thread_id == "convo 6"', ["is still waiting", "sister Ana lives in Rome"]),
        ("class Moody", ["the thread is dead", "retry: True", "changed – Will"]),
        ("create_agent(", ["ai: ['save_memory']", "tool: saved: add", "['Is vegetarian']"]),
        ("gate=Count(3)", ["'held', \"gate: (Count(3) | Words('remember'))\"", "'Is a nurse'"]),
    ],
)
def test_it_shows_what_it_says(fresh: Any, cell: str, words: list[str]) -> None:
    """What the text promises is what one sees below it."""
    shown = output_of(fresh, cell)
    for wanted in words:
        assert wanted in shown


def test_its_links_lead_somewhere() -> None:
    """Every link to another file of the repository leads there."""
    notebook = nbformat.read(STORED, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    targets = [target for target in _LINK.findall(text) if "://" not in target]
    assert targets
    for target in targets:
        assert (EXAMPLES / target).exists(), target
