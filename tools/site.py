"""What `mkdocs build` does for this site besides rendering docs/: see `mkdocs.yml`.

The pages link to files of the repository that stand outside of docs/, so that they can be read
where they are. In the site those files are pages too. ``llms.txt`` (https://llmstxt.org) is the
table of contents for programs, and beside each page stands its Markdown.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

OUTSIDE = {
    "README.md": "index.md",
    "bench/README.md": "bench.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "compose.yaml": "compose.yaml",
}
"""Files outside of docs/, and where the site has them."""

_LINK = re.compile(r"(?<=\]\()[^)#\s]+")
# GitHub wants a pipe in a table escaped even within code, Python's Markdown then shows the escape.
_PIPE_IN_CODE = re.compile(r"^(\|.*`[^`|]*)\\\|(?=[^`|]*`)", re.MULTILINE)
_SENTENCE = re.compile(r"(.+?[.!?])(?=\s|$)")
_navigation: list[Navigation] = []


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Take the files from outside into the site."""
    for source, place in OUTSIDE.items():
        if place not in files.src_uris:  # index.md is a page of its own
            files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_nav(nav: Navigation, **_: Any) -> Navigation:
    """Keep the table of contents for `on_post_build`, which is not given it."""
    _navigation[:] = [nav]
    return nav


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to where the site has what they name."""
    place = page.file.src_uri
    homes = {inside: source for source, inside in OUTSIDE.items() if inside != "index.md"}
    folder = posixpath.dirname(homes.get(place, f"docs/{place}"))

    def moved(found: re.Match[str]) -> str:
        if "://" in found[0]:
            return found[0]
        target = posixpath.normpath(posixpath.join(folder, found[0]))
        target = OUTSIDE.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(target, posixpath.dirname(place) or ".")

    return _PIPE_IN_CODE.sub(r"\1|", _LINK.sub(moved, markdown))


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Write ``llms.txt``, and the Markdown of each page as ``page.html.md``."""
    site = Path(config.site_dir)
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for section in _navigation[0].items:
        lines += [f"## {section.title}", ""]
        for page in section.children or ():
            markdown = page.markdown or ""
            url = page.file.dest_uri
            if "\n::: " not in markdown:  # what is made of docstrings has no Markdown of its own
                url += ".md"
                (site / url).write_text(markdown, encoding="utf-8")
            where = posixpath.join(config.site_url or "", url)
            lines.append(f"- [{page.title}]({where}): {summary(markdown)}")
        lines.append("")
    (site / "llms.txt").write_text("\n".join(lines), encoding="utf-8")


def summary(markdown: str) -> str:
    """The first sentence of a page's text, without its markup."""
    paragraphs = (
        part for part in markdown.split("\n\n") if not part.startswith(("#", "```", "|", ":", "<"))
    )
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", next(paragraphs, ""))
    found = _SENTENCE.match(" ".join(text.split()))
    return found[1] if found else text
