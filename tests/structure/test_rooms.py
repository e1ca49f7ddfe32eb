"""How many rooms the house has: a ratchet; why a figure grew is said beside it."""

from __future__ import annotations

import ast
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from usermemory import Change, Extraction, Request, UserMemory

SOURCE = Path(__file__).parents[2] / "src" / "usermemory"
ASIDE = {"conformance", "extras", "serve"}

MODULES = 146  # with room for review, tidy, what is shown and what grows stale
CODE_LINES = 21_200  # raised twice, where what fits no schema came to be spoken of, and put right
REMEMBER_FILES = 16  # the first one reads the tables of secrets
CHANGE_FILES = 42


def modules() -> list[Path]:
    found = SOURCE.rglob("*.py")
    return sorted(one for one in found if one.relative_to(SOURCE).parts[0] not in ASIDE)


def code_lines(path: Path) -> int:
    """Lines that are neither blank, comment, docstring nor import."""
    text = path.read_text(encoding="utf-8")
    aside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            aside.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node) is not None and first is not None:
                aside.update(range(first.lineno, (first.end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(
        bool(line.strip()) and line.strip()[0] != "#" and at not in aside for at, line in lines
    )


def test_modules_are_few() -> None:
    """The package, its extras and its conformance suite aside, has no more modules than it had."""
    assert len(modules()) <= MODULES


def test_lines_are_few() -> None:
    """Nor more lines of code."""
    assert sum(map(code_lines, modules())) <= CODE_LINES


def test_a_name_means_one_thing() -> None:
    """No public name is defined at the top of two modules."""
    homes: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                homes[node.name].add(str(path.relative_to(SOURCE)))
    twice = {name: where for name, where in homes.items() if len(where) > 1 and name[0] != "_"}
    assert twice == {}


class Chess:
    """Learns that the user likes chess."""

    def extract(self, request: Request) -> Extraction:
        assert request.batch
        return Extraction((Change("interests", "add", "chess", "I like chess"),))


class Way:
    """The files of ours that are passed through, in all threads that begin after it."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(SOURCE)):
            self.files.add(str(Path(frame.f_code.co_filename).relative_to(SOURCE)))

    def of(self, call: Callable[[], object]) -> list[str]:
        """Those of one call."""
        self.files.clear()
        call()
        return sorted(self.files)


@pytest.fixture
def way() -> Iterator[Way]:
    yield Way()
    sys.setprofile(None)
    threading.setprofile(None)


def test_the_ways_are_short(tmp_path: Path, way: Way) -> None:
    """One `remember`, and one accepted change, pass through no more files than they did."""
    with UserMemory(tmp_path / "memory.db", model=Chess(), worker=False) as memory:
        remembered = way.of(lambda: memory.remember("will", "t", ["I like chess"]))
        changed = way.of(lambda: memory.trigger("will"))
    assert len(remembered) <= REMEMBER_FILES, remembered
    assert len(changed) <= CHANGE_FILES, changed
