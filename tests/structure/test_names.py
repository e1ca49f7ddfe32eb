"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import usermemory


def test_public_names() -> None:
    """The package exports these names and no others."""
    assert sorted(usermemory.__all__) == [
        "Change",
        "Event",
        "Evidence",
        "Extraction",
        "Extractor",
        "Forgotten",
        "Hit",
        "Imported",
        "Job",
        "Message",
        "Misfit",
        "Outcome",
        "Proof",
        "Proposal",
        "Proposed",
        "Recalled",
        "Refused",
        "Remember",
        "Request",
        "Retry",
        "Revision",
        "Scheduled",
        "Shown",
        "Snapshot",
        "Undone",
        "UserMemory",
        "UserMemoryError",
        "UserProfile",
        "__version__",
    ]
    for name in usermemory.__all__:
        assert getattr(usermemory, name) is not None


def test_extras_are_imported_once_they_are_used() -> None:
    """What few applications need is not loaded with the graph's nodes, only with its name."""
    code = (
        "import sys; from usermemory import UserMemory, langgraph; "
        "extras = lambda: sorted(n for n in sys.modules if n.startswith('usermemory.extras')); "
        "print(extras()); assert langgraph.ProfileStore; print(bool(extras()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["[]", "True"]


def test_import_is_light() -> None:
    """Importing `UserMemory` and `UserProfile` pulls in neither langgraph, langchain nor a UI."""
    code = (
        "import sys; from usermemory import UserMemory, UserProfile; "
        "print([n for n in ('langgraph', 'langchain_core', 'openai', 'anthropic', 'typer', 'rich') "
        "if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
