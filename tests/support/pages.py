"""The documentation's pages, taken apart: blocks of code, what they tell people to type, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "bench" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]

SHELL = {"", "bash", "console", "sh", "shell"}
"""A block without a language is something to type."""

_NOT_RUN = re.compile(r'title="not run: (?P<reason>[^"]+)"')
_ASSIGNMENT = re.compile(r"\w+=")
_ENDS = {"|", "||", "&&", "&", ";", ">", ">>", "<"}
_markdown = MarkdownIt("commonmark")


@dataclass(frozen=True, repr=False)
class Block:
    """One block of code.

    Attributes:
        page: Where it stands.
        line: The line it begins on.
        info: What follows the fence: the language, and what the block says of itself.
        code: What is in it.
    """

    page: Path
    line: int
    info: str
    code: str

    @property
    def language(self) -> str:
        """The first word of `info`; empty without one."""
        return self.info.partition(" ")[0]

    @property
    def not_run(self) -> str:
        """Why it is not run, if it says so: ``python title="not run: needs a broker"``."""
        found = _NOT_RUN.search(self.info)
        return found["reason"] if found else ""

    def __repr__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """A page as people call it: its path in the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """All blocks of code of a page, those in lists and quotes too, in order."""
    tokens = _markdown.parse(page.read_text(encoding="utf-8"))
    return [
        Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)
        for token in tokens
        if token.type in {"fence", "code_block"}
    ]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead."""
    found = []
    for token in _markdown.parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                found.append(str(target))
    return found


def typed(block: Block) -> Iterator[list[str]]:
    """The commands of a block that is something to type, as words, one pipe's part at a time."""
    lines = block.code.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _ENDS:
                words.append(word)
                continue
            while words and _ASSIGNMENT.match(words[0]):
                del words[0]
            if words:
                yield words
            words = []


def inline(page: Path) -> list[str]:
    """What a page calls by `code` within a sentence, if it begins with the program's name."""
    return [
        child.content
        for token in _markdown.parse(page.read_text(encoding="utf-8"))
        for child in token.children or ()
        if child.type == "code_inline" and child.content.startswith("usermemory ")
    ]
