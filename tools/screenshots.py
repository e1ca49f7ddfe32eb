"""Pictures of the pages for README and docs: ``python tools/screenshots.py`` (needs chromium)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from usermemory import UserMemory

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SAID = {
    "monday": "Hi, I'm Will. I love bouldering. I live in Bergen.",
    "friday": "I'm 31. I like chess, and I work as a nurse.",
}


@contextmanager
def served(folder: str) -> Iterator[str]:
    """A server over a memory that knows somebody; the address that signs in."""
    url = f"sqlite:///{folder}/memory.db"
    with UserMemory(url, model="offline", worker=False) as memory:
        for thread, text in SAID.items():
            memory.remember("will", thread, [("user", text)])
            memory.trigger("will")
    command = [str(Path(sys.executable).with_name("usermemory")), "serve", "--db", url]
    command += ["--port", "8137"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        yield next(iter(server.stdout or ())).strip()
        server.terminate()


def main() -> None:
    """Take them, each at the size in which it is shown."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(folder) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1100, "height": 720})
        page.goto(address)
        page.get_by_role("link", name="will").click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "person.png")
        page.get_by_role("link", name="Talk as this user").click()
        page.get_by_role("textbox").last.fill("I like tea. What do you know about me?")
        page.keyboard.press("Enter")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3_000)
        page.screenshot(path=IMAGES / "talk.png")
        browser.close()


if __name__ == "__main__":
    main()
