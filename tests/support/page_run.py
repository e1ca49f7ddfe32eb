"""Runs the Python of a page as a reader would: block after block, in one namespace.

Models that need a key are the real provider classes, asking a loopback server; nothing else is
different. A page may begin in the middle of things: ``memory`` is there already, offline, and so
are ``user_id`` and ``thread_id``.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import sys
from collections.abc import Awaitable
from contextlib import redirect_stdout
from types import CodeType, FunctionType, ModuleType
from typing import Any, Self, cast

import pytest
from tests.support.pages import Block
from tests.support.provider_reply import Json, Reply, text, tool
from tests.support.provider_server import ProviderServer

from usermemory import UserMemory

_NAME = "page_of_the_documentation"


class PageRun:
    """One page's namespace; a context manager that closes what the page leaves open."""

    FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    """As in a notebook, a block may await."""

    def __init__(self, server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> None:
        server.always(_answer)
        for name, value in {
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": server.openai_url,
            "ANTHROPIC_API_KEY": "x",
            "ANTHROPIC_BASE_URL": server.url,
        }.items():
            monkeypatch.setenv(name, value)
        module = ModuleType(_NAME)
        monkeypatch.setitem(sys.modules, _NAME, module)
        self._names = vars(module)
        self._left_open: dict[int, Any] = {}
        self._loop = asyncio.Runner()

    def __enter__(self) -> Self:
        memory = UserMemory("sqlite:///memory.db", model="offline", worker=False)
        self._names |= {"memory": memory, "user_id": "will", "thread_id": "monday"}
        self._note_what_is_open()
        return self

    def __exit__(self, *_: object) -> None:
        for thing in reversed(self._left_open.values()):
            thing.close()
        self._loop.close()

    def __call__(self, block: Block) -> str:
        """Run one block, and return what it prints; a failure names the page and the line."""
        source = "\n" * block.line + block.code
        code = compile(source, str(block.page), "exec", self.FLAGS)
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                self._run(code)
        finally:
            self._note_what_is_open()
        return printed.getvalue()

    def _run(self, code: CodeType) -> None:
        if code.co_flags & inspect.CO_COROUTINE:
            made = FunctionType(code, self._names)()
            self._loop.run(_awaited(cast("Awaitable[object]", made)))
        else:
            exec(code, self._names)  # noqa: S102 - our own pages

    def _note_what_is_open(self) -> None:
        """A name may be given to something else by the next block."""
        for value in list(self._names.values()):
            for thing in (getattr(value, "checkpointer", None), value):
                if not isinstance(thing, type) and callable(getattr(thing, "close", None)):
                    self._left_open[id(thing)] = thing


async def _awaited(made: Awaitable[object]) -> None:
    await made


def _answer(body: Json) -> Reply:
    """Nothing to change, where changes are asked for; else a word of politeness."""
    choice = body.get("tool_choice")
    name = choice.get("type") if isinstance(choice, dict) else choice
    asked = "response_format" in body or name not in {None, "auto", "none"}
    return tool({"changes": []}) if asked else text("Noted.")
