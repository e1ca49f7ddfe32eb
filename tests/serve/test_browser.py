"""The pages in a real browser, against a real server: what people see and do."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from tests.support.command_line import COMMAND, PATIENCE, environment
from tests.support.postgres import free_port
from tests.support.provider_server import ProviderServer, status, text

from usermemory import UserMemory
from usermemory.serve.tokens import Tokens

_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Server:
    """``usermemory serve`` in a process of its own, on one port however often it is started."""

    def __init__(self, db: Path, *options: str) -> None:
        self.db = db
        self.url = f"http://127.0.0.1:{free_port()}"
        self._options = options
        self.first = self.start()

    def start(self) -> str:
        """Start it; returns the address that it prints."""
        port = self.url.rpartition(":")[2]
        self._process = subprocess.Popen(
            [
                *(COMMAND, "serve", "--db", str(self.db), "--port", port),
                *("--model", "offline", "--delay", "300", *self._options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End it."""
        self._process.send_signal(number)
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    where = shutil.which("chromium")
    assert where, "these tests drive chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "memory.db")
    yield made
    made.stop()


def is_serious(message: ConsoleMessage) -> bool:
    """Whether something was blocked or failed; that an answer was refused is no such thing."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@contextmanager
def page_of(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    """A page whose complaints (blocked by the policy, failed scripts) are written down."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1_000)
    page.on("console", lambda one: complaints.append(one.text) if is_serious(one) else None)
    page.on("pageerror", lambda one: complaints.append(str(one)))
    yield page
    page.close()


@pytest.fixture
def complaints() -> list[str]:
    """What was blocked or failed in the page; empty at the end."""
    return []


@pytest.fixture
def page(chromium: Browser, server: Server, complaints: list[str]) -> Iterator[Page]:
    """A page that is signed in; nothing may be blocked or fail in it."""
    expect.set_options(timeout=PATIENCE * 1_000)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    asked: set[str] = set()
    with page_of(context, complaints) as made:
        made.on("request", lambda one: asked.add("/".join(one.url.split("/")[:3])))
        made.goto(server.first)
        yield made
    context.close()
    assert complaints == []
    assert {one for one in asked if not one.startswith("data:")} == {server.url}


def talk(page: Page, user: str, text: str) -> None:
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("As which user").fill(user)
    page.get_by_role("button", name="Talk").click()
    say(page, text)


def say(page: Page, text: str) -> None:
    answers = page.locator("#said li.bot").count()
    page.get_by_label("Say something").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#said li.bot")).to_have_count(answers + 1)
    expect(page.locator("#said li.bot > details")).to_have_count(answers + 1)  # it is whole


def test_the_token_leaves_the_address_bar(page: Page, server: Server) -> None:
    """After signing in neither the address nor a second use of it shows anything."""
    assert page.url == f"{server.url}/people"
    page.goto(server.first)
    expect(page.get_by_role("alert")).to_contain_text("used")


def test_a_memory_forms_is_corrected_and_forgotten(page: Page) -> None:
    """Talk, read, see the change with its words; edit, take back and forget; a new thread knows."""
    talk(page, "will", "Hi, I'm Will. I like climbing.")
    beside = page.locator("#beside")
    expect(beside).to_contain_text("waiting")
    expect(beside.locator("[data-due]")).to_contain_text("due in")
    page.get_by_role("button", name="Read now").click()
    expect(beside).to_contain_text("Just learned")
    expect(page.locator("#said mark").first).to_contain_text("I'm Will")

    page.get_by_role("link", name="Open the profile").click()
    climbing = page.locator("details.value", has_text="climbing")
    climbing.locator("summary").click()
    expect(climbing).to_contain_text("Change 1 of 1")
    expect(climbing).to_contain_text("I like climbing.")

    adding = page.locator("details.value", has_text="+ Age")
    adding.locator("summary").click()
    adding.get_by_role("textbox", name="Age").fill("200")
    adding.get_by_role("button", name="Save").click()
    expect(adding.get_by_role("alert")).to_contain_text("150")
    expect(adding.get_by_role("textbox", name="Age")).to_have_value("200")
    adding.get_by_role("textbox", name="Age").fill("31")
    adding.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(page.locator("#field-age")).to_contain_text("31")

    page.get_by_role("link", name="Timeline").click()
    page.get_by_role("button", name="Take back", exact=True).first.click()
    expect(page.locator("#field-age")).to_have_count(0)

    climbing = page.locator("#field-interests details.value").first
    climbing.locator("summary").click()
    climbing.get_by_role("button", name="Forget…").click()
    expect(page.locator("main")).to_contain_text("What goes, for good")
    page.get_by_role("checkbox", name="Delete this conversation too").check()
    page.get_by_role("button", name="Forget it for good").click()
    expect(page.locator("main")).to_contain_text("1 conversation deleted too")
    expect(page.get_by_role("row", name="usermemory_profiles")).to_contain_text("0")
    assert "climbing" not in page.url
    page.reload()  # asks nobody whether to send a form again
    expect(page.locator("h1")).to_have_text("Forgotten")
    page.go_back()
    expect(page.locator("h1")).to_have_text("will")
    page.reload()
    expect(page.locator("main")).not_to_contain_text("climbing")

    talk(page, "will", "What is my name?")
    expect(page.locator("#said li.bot").last).to_contain_text("Will")


def test_keys_alone_open_and_edit_a_value(page: Page, server: Server) -> None:
    """Enter suffices; after each step the focus is where it goes on."""
    talk(page, "will", "Hi, I'm Will.")
    page.get_by_role("button", name="Read now").click()
    expect(page.locator("#beside")).to_contain_text("Just learned")
    page.get_by_role("link", name="Open the profile").click()
    page.locator("#field-name summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#field-name").get_by_role("textbox", name="Name")).to_be_visible()
    page.locator("#field-name").get_by_role("textbox", name="Name").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Bill")
    page.keyboard.press("Enter")
    expect(page.locator("#field-name").get_by_role("status")).to_contain_text("Saved")
    expect(page.locator("#field-name")).to_be_focused()
    page.locator("#field-name summary").focus()
    page.keyboard.press("Enter")
    page.locator("#field-name").get_by_role("button", name="Forget…").press("Enter")
    expect(page.get_by_role("heading", name="Forget this?")).to_be_focused()
    page.get_by_role("button", name="Keep it").press("Enter")
    expect(page.locator("#field-name summary")).to_be_focused()
    age = page.locator("details.value", has_text="+ Age")
    age.locator("summary").press("Enter")
    age.get_by_role("textbox").fill("200")
    age.get_by_role("button", name="Save").press("Enter")
    expect(age.get_by_role("textbox")).to_be_focused()
    page.locator("#field-name").get_by_role("button", name="Clear").press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_an_open_page_outlives_the_server(
    page: Page, server: Server, complaints: list[str]
) -> None:
    """Killed and started again, the server takes the next words of a page that stayed open."""
    talk(page, "will", "Hi, I'm Will.")
    server.stop()
    page.get_by_label("Say something").fill("I like tea.")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Say something")).to_have_value("I like tea.")
    server.start()
    say(page, "I like tea.")
    page.get_by_role("button", name="Read now").click()
    expect(page.locator("#beside")).to_contain_text("tea")
    complaints.clear()  # while the server was away


def test_a_fault_is_told_until_it_is_over(
    page: Page, server: Server, complaints: list[str]
) -> None:
    """What could not be said is told and stands in the box; what is polled goes on being asked."""
    talk(page, "will", "Hi, I'm Will.")
    with closing(sqlite3.connect(server.db)) as other:
        other.execute("BEGIN IMMEDIATE")
        page.get_by_label("Say something").fill("I like tea.")
        page.keyboard.press("Enter")
        expect(page.locator("#told")).to_contain_text("busy")
        with page.expect_response(lambda one: "/talk/beside" in one.url and one.ok):
            pass  # an answer of another part takes nothing back
        expect(page.locator("#told")).to_contain_text("busy")
        expect(page.get_by_label("Say something")).to_have_value("I like tea.")
        expect(page.locator("#said")).not_to_contain_text("I like tea.")
        other.rollback()
    page.route("**/talk/beside*", lambda one: one.fulfill(status=503, body="no"))
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("I like tea.")
    expect(page.locator("#told")).to_contain_text("cannot serve now")
    expect(page.locator("#beside")).to_contain_text("What is known")
    page.unroute("**/talk/beside*")
    expect(page.locator("#told")).to_be_empty()
    expect(page.locator("#beside")).to_contain_text("4 messages waiting")
    complaints.clear()  # of what was made to fail


def test_a_bot_that_cannot_answer_says_so_and_is_asked_again(
    chromium: Browser, tmp_path: Path, complaints: list[str]
) -> None:
    """Why no answer came stays on the page; asked again by button or by words it is one message."""
    with ProviderServer() as provider:
        provider.always(status(401, message="no such key"))
        model = ("--model", "gpt-test", "--base-url", provider.openai_url, "--no-worker")
        server = Server(tmp_path / "memory.db", *model)
        context = chromium.new_context()
        try:
            with page_of(context, complaints) as page:
                page.goto(server.first)
                page.goto(f"{server.url}/talk?user=will&thread=t")
                box, said = page.get_by_label("Say something"), page.locator("#said")
                again = page.get_by_role("button", name="Ask again")
                for ask in (lambda: page.keyboard.press("Enter"), again.click, page.reload):
                    if again.count() == 0:
                        box.fill("I like tea.")
                    ask()
                    expect(said.get_by_role("alert")).to_contain_text("key of this provider")
                    expect(box).to_have_value("")
                box.fill("I like tea.")
                page.keyboard.press("Enter")
                expect(again).to_be_enabled()
                provider.always(text("Noted."))
                again.click()
                expect(said).to_contain_text("Noted.")
                expect(said.locator("li.failed")).to_have_count(0)
                expect(said.locator("li.user")).to_have_text(["You: I like tea."])
                expect(page.locator("#beside")).to_contain_text("2 messages waiting")
        finally:
            server.stop()
            context.close()
    assert complaints == []


def test_each_line_of_a_message_has_its_own_direction(page: Page) -> None:
    """A message that begins in Hebrew leaves its English lines as they are written."""
    talk(page, "will", "Hi, I'm Will.")
    page.get_by_label("Say something").fill("שלום\nI love hiking.")
    page.keyboard.press("Enter")
    words = page.locator("#said li.user .text").last
    expect(words).to_contain_text("hiking")
    dot, love = words.evaluate(
        """(one) => {
          const text = [...one.childNodes].find((part) => part.data?.includes("hiking"));
          return ["hiking.", "I love"].map((part) => {
            const range = document.createRange();
            const at = text.data.indexOf(part) + (part === "hiking." ? 6 : 0);
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            return range.getBoundingClientRect().left;
          });
        }"""
    )
    assert love < dot


def test_what_is_being_corrected_is_left_alone(page: Page, complaints: list[str]) -> None:
    """A value that could not be loaded loads when it is opened again; news wait for its form."""
    talk(page, "will", "Hi, I'm Will. I like climbing.")
    page.get_by_role("button", name="Read now").click()
    beside = page.locator("#beside")
    climbing = beside.locator("details.value").filter(has_text="climbing").first
    page.route("**/person/value*", lambda one: one.abort())
    climbing.locator("summary").click()
    expect(page.locator("#told")).to_contain_text("cannot be reached")
    page.unroute("**/person/value*")
    climbing.locator("summary").click()
    climbing.locator("summary").click()
    value = climbing.get_by_role("textbox").first
    value.fill("bouldering")
    say(page, "I like tea.")
    with page.expect_response(lambda one: "/talk/beside" in one.url and one.status == 200):
        pass
    expect(value).to_have_value("bouldering")
    climbing.get_by_role("button", name="Save").click()
    expect(beside).to_contain_text("waiting")
    expect(beside).to_contain_text("bouldering")
    complaints.clear()  # of what was made to fail


def test_what_was_shown_stays_open_while_the_talk_goes_on(page: Page) -> None:
    """The next answer closes nothing that is being read under an earlier one."""
    talk(page, "will", "Hi, I'm Will. I like climbing.")
    page.get_by_role("button", name="Read now").click()
    expect(page.locator("#beside")).to_contain_text("Just learned")
    say(page, "What do you know about me?")
    shown = page.locator("#said details.shown").last
    shown.locator("summary").first.click()
    expect(shown).to_contain_text("climbing")
    first = page.locator("#said details.shown[open]")
    say(page, "I like tea.")
    expect(first).to_contain_text("Stood in the prompt of this answer")
    expect(page.locator("#said li.user")).to_have_count(3)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_people(
    chromium: Browser, server: Server, width: int, scheme: Any
) -> None:
    """Axe finds nothing serious on any page, at both widths in both themes; none is too wide."""
    with UserMemory(server.db, model="offline", worker=False) as memory:
        memory.remember("will", "a thread", [("user", "Hi, I'm Will. I like climbing.")])
        memory.trigger("will")
        memory.edit("will", [{"op": "add", "path": "/interests/-", "value": "w" * 300}], by="x")
        memory.remember("will", "another", [("user", "I like tea")])
        link = Tokens(memory).link("will")
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    complaints: list[str] = []
    paths = ["/people", "/person?user=will", "/person/timeline?user=will"]
    paths += ["/person/refused?user=will", "/person/search?user=will&q=climbing", "/talk"]
    paths += ["/person/value?user=will&path=/name", "/talk?user=will", "/operations"]
    paths += ["/person?user=nobody", f"/own?link={link}"]
    found: dict[str, list[str]] = {}
    with page_of(context, complaints) as page:
        page.goto(server.first)
        for path in paths:
            page.goto(server.url + path)
            for value in page.locator("details.value > summary").all()[:2]:
                value.click()
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, path
            results = Axe().run(page).response["violations"]
            serious = [one for one in results if one["impact"] in {"serious", "critical"}]
            found[path] = [f"{one['id']}: {one['nodes'][0]['html']}" for one in serious]
    context.close()
    assert {path: some for path, some in found.items() if some} == {}
    assert complaints == []


class _Host(BaseHTTPRequestHandler):
    frame = ""

    def do_GET(self) -> None:
        body = f'<!doctype html><title>host</title><iframe src="{self.frame}"></iframe>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def host_of(frame: str, port: int = 0) -> Iterator[str]:
    """An application whose page embeds this address."""
    handler = type("Host", (_Host,), {"frame": frame})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_an_application_embeds_a_users_own_page(chromium: Browser, tmp_path: Path) -> None:
    """From an allowed origin a user corrects in a frame; another origin gets nothing to see."""
    port = free_port()
    server = Server(tmp_path / "memory.db", "--frame", f"http://127.0.0.1:{port}")
    try:
        with UserMemory(server.db, model="offline", worker=False) as memory:
            memory.remember("will", "t", [("user", "Hi, I'm Will")])
            memory.trigger("will")
            link = f"{server.url}/own?link={Tokens(memory).link('will')}"
        context = chromium.new_context(viewport={"width": 400, "height": 800})
        with page_of(context, []) as page, host_of(link, port) as allowed, host_of(link) as other:
            page.goto(allowed)
            frame = page.frame_locator("iframe")
            frame.locator("#field-name summary").click()
            frame.locator("#field-name").get_by_role("textbox", name="Name").fill("Bill")
            frame.get_by_role("button", name="Save").click()
            expect(frame.locator("#field-name")).to_contain_text("Bill")
            page.goto(other)
            page.wait_for_load_state("networkidle")
            assert "Bill" not in page.frames[-1].content()
            people = f"{server.url}/people"
            with host_of(people) as framing:
                page.goto(framing)
                page.wait_for_load_state("networkidle")
                assert "Sign in" not in page.frames[-1].content()
        context.close()
    finally:
        server.stop(signal.SIGTERM)
