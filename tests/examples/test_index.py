"""The examples as a whole: found from their index, and made of public names."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from tests.support.readme import EXAMPLES

FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/README.md"))
PAGES = sorted(EXAMPLES.rglob("README.md"))
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def sources() -> list[tuple[str, str]]:
    """All Python in the examples, with where it stands."""
    scripts = [(path.name, path.read_text(encoding="utf-8")) for path in EXAMPLES.rglob("*.py")]
    cells = [
        (path.name, cell.source)
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    ]
    return scripts + cells


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_links_resolve(page: Path) -> None:
    """Every link of a page to another file of the repository leads there."""
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_index_is_complete() -> None:
    """Every folder and notebook is in the index, and every folder says how to run it."""
    index = set(_LINK.findall((EXAMPLES / "README.md").read_text(encoding="utf-8")))
    kept = [path.name for path in EXAMPLES.iterdir() if any(path.glob("*.py"))]
    assert kept
    assert {f"{name}/README.md" for name in kept} <= index
    assert {path.name for path in NOTEBOOKS} <= index
    for folder in FOLDERS:
        assert "usermemory" in (folder / "requirements.txt").read_text(encoding="utf-8").split("\n")


def test_public_names_only() -> None:
    """What the examples import of us is named in ``__all__``, or has no underscore and is there."""
    seen: set[str] = set()
    for where, source in sources():
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("usermemory"):
                module = import_module(str(node.module))
                for alias in node.names:
                    assert alias.name in getattr(module, "__all__", dir(module)), where
                    assert not node.module.startswith("usermemory.cli"), where
                    seen.add(str(node.module))
    assert {"usermemory", "usermemory.choice", "usermemory.langgraph"} <= seen
