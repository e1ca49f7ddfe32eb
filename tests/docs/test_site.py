"""The site as it is built: complete, without a warning, and asking no other server for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}

PUBLIC = [
    "usermemory",
    "usermemory.langgraph",
    "usermemory.gate",
    "usermemory.testing",
    "usermemory.conformance",
]

_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself when it opens a page."""


class _Page(HTMLParser):
    """What a page fetches from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get(_LOADED.get(tag, "")) or ""
        if "//" in target:
            self.fetched.add(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in strict mode: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _in_navigation() -> list[str]:
    """The pages that the table of contents names, in its order."""
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    return [page for section in nav for pages in section.values() for page in pages]


def test_every_page_is_in_the_navigation() -> None:
    """No page of docs/ is left out of the table of contents, none stands there twice."""
    named = _in_navigation()
    assert not PAGES - set(named), "add them to nav in mkdocs.yml"
    assert len(named) == len(set(named))


def test_public_names_are_in_the_reference(site: Path) -> None:
    """Each public name has a heading in the reference, to which other pages can link."""
    # Sphinx's inventory: four lines of text, then one line a name, compressed.
    *_, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    known = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines()}
    for module in PUBLIC:
        public = {f"{module}.{name}" for name in import_module(module).__all__}
        assert not public - known - {"usermemory.__version__"}, "add ::: NAME to docs/reference/"


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """No page and no style sheet has a browser ask another server: no fonts, no scripts."""
    for file in site.rglob("*.html"):
        page, text = _Page(), file.read_text(encoding="utf-8")
        page.feed(text)
        assert page.fetched == set(), file.name
        # What the theme's script would fetch something for: diagrams, and a repository's stars.
        assert 'class="mermaid"' not in text
        assert 'data-md-component="source"' not in text
    for file in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", file.read_text("utf-8"))
        assert found == [], file.name


def test_llms_txt(site: Path) -> None:
    """The table of contents for programs lists each page in order, with what it is about."""
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# usermemory\n\n> Long-term memory")
    entries = re.findall(r"^- \[(.+?)\]\((.+?)\): (.+)$", text, re.MULTILINE)
    assert [url.partition(".html")[0] + ".md" for _, url, _ in entries] == _in_navigation()
    for title, url, about in entries:
        assert (site / url).exists(), url
        assert len(about) > 20, f"{title} has no first sentence"


def test_code_is_not_left_raw(site: Path) -> None:
    """Each fence of a page became a block of code."""
    for file in site.rglob("*.html"):
        assert "```" not in file.read_text(encoding="utf-8"), file.name
