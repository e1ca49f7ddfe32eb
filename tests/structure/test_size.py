"""How long things may be: a ratchet, whose allowlist only shrinks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "usermemory"
MODULE_LINES = 400
VERBS_LINES = 1_150
"""Of `memory.py`, which shows every verb."""
FUNCTION_LINES = 60
ALLOWED_FUNCTIONS: dict[str, int] = {}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_are_short(path: Path) -> None:
    """No module is longer than 400 lines; the one that shows every verb has up to 1,150."""
    most = VERBS_LINES if path == SOURCE / "memory.py" else MODULE_LINES
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_are_short(path: Path) -> None:
    """No function has more than 60 lines of code, its docstring and signature not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
            allowed = ALLOWED_FUNCTIONS.get(f"{path.stem}.{node.name}", FUNCTION_LINES)
            assert lines <= allowed, f"{path.name}: {node.name} has {lines} lines"
