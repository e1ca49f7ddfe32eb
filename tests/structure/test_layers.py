"""What may import what: a file imports from files above it, or from its own folder."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "usermemory"

LAYERS = [
    "errors",
    "records",
    "clock",
    "settings",
    "awaited",
    "schema",
    "text",
    "ranking",
    "changes",
    "messages",
    "refused",
    "past",
    "shown",
    "dates",
    "erasure",
    "batch",
    "prompt",
    "render",
    "recalled",
    "gate",
    "retry",
    "store",
    "search",
    "export",
    "extract",
    "judge",
    "choice",
    "consolidate",
    "worker",
    "metrics",
    "background",
    "correct",
    "propose",
    "review",
    "tidy",
    "migrate",
    "retention",
    "memory",
    "telemetry",
    "langgraph",
    "extras",
    "importing",
    "offline",
    "serve",
    "cli",
    "__main__",
    "testing",
    "conformance",
]

ONLY_HERE = {
    "langgraph": {"langgraph", "extras"},
    "sqlite3": {"store", "langgraph"},
    "typer": {"cli"},
    "fastapi": {"serve"},
    "mcp": {"serve"},
    "opentelemetry": {"telemetry"},
    "starlette": {"serve"},
    "jinja2": {"serve"},
    "uvicorn": {"cli"},
    "prompt_toolkit": {"cli"},
    "prometheus_client": {"metrics"},
    "pytest": {"conformance"},
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    return imported(path, ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports_at_once(path: Path) -> list[str]:
    """What a file imports as it is imported itself: neither in functions nor for type checkers."""
    return imported(path, ast.parse(path.read_text(encoding="utf-8")).body)


def imported(path: Path, nodes: Iterable[ast.AST]) -> list[str]:
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module)
            if node.module == "usermemory":
                found += [f"usermemory.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_up_the_list(path: Path) -> None:
    """No file imports from a layer below its own, but for extras once they are used."""
    layer = layer_of(path)
    if layer == "__init__":
        return
    assert layer in LAYERS, f"{layer} has no place in the layout: add it to LAYERS"
    at_once = imports_at_once(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[1:2] == ["extras"] and name not in at_once:
            continue  # loaded only where it is used, whatever is above
        if parts[0] == "usermemory" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= LAYERS.index(layer), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_packages_are_imported_where_they_belong(path: Path) -> None:
    """Only the layer that is about a package imports it."""
    for name in imports(path):
        homes = ONLY_HERE.get(name.split(".")[0])
        assert homes is None or layer_of(path) in homes, f"{path.name} imports {name}"


def test_sql_only_in_the_store() -> None:
    """No statement stands outside the store."""
    for path in modules():
        if layer_of(path) != "store":
            text = path.read_text(encoding="utf-8")
            for word in ("SELECT ", "INSERT INTO", "DELETE FROM"):
                assert word not in text, f"{path.name} holds SQL"
