"""At the edges of the app: addresses that lead nowhere, bodies that are none, other sites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from pydantic import AfterValidator, BaseModel
from tests.serve.browsing import HOST, anonymous, signed_in
from tests.support.command_line import run

from usermemory import UserMemory
from usermemory.schema import schema_of
from usermemory.serve import app
from usermemory.serve.pages.values import Origins, section
from usermemory.serve.tokens import Tokens

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROFILE = "/api/v1/users/will/profile"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as made:
        made.edit("will", {"name": "Will"}, by="test")
        yield made


@pytest.fixture
async def http(memory: UserMemory) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {Tokens(memory).create()[0]}"}
    transport = httpx.ASGITransport(app(memory))
    return httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers)


async def test_a_lost_browser_sees_a_page(memory: UserMemory, http: httpx.AsyncClient) -> None:
    """With the way back for who is signed in; programs, and the API, go on with problem+json."""
    async with signed_in(app(memory)) as browser:
        for path in ("/nowhere", "/person/proposals"):
            page = await browser.http.get(path, headers=BROWSER)
            assert page.status_code == 404
            assert "There is no such page." in page.text
            assert "Back to people" in page.text
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    async with anonymous(app(memory)) as browser:
        page = await browser.http.get("/nowhere", headers=BROWSER)
        assert page.status_code == 404
        assert "Back to people" not in page.text
    for path, headers in (("/nowhere", {}), ("/api/v1/nowhere", BROWSER)):
        answer = await http.get(path, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
    bare = httpx.ASGITransport(app(memory, pages=False))
    async with httpx.AsyncClient(transport=bare, base_url=HOST) as client:
        assert (await client.get("/nowhere", headers=BROWSER)).json()["status"] == 404


async def test_allow_names_every_method(http: httpx.AsyncClient) -> None:
    """Also where they belong to several routes."""
    for method in ("PUT", "POST"):
        answer = await http.request(method, PROFILE)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, PATCH"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"by": 1e}'])
async def test_what_is_no_json_is_told_alike(http: httpx.AsyncClient, body: bytes) -> None:
    """Cut off, of other bytes or too deep: 400, as the document says."""
    answer = await http.patch(PROFILE, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
async def test_a_body_that_is_no_object_is_told_plainly(
    memory: UserMemory, http: httpx.AsyncClient, kind: str
) -> None:
    """Of another type, a text or a list: what is wanted is said, and as which type."""
    for body in (b'"x"', b"[1]", b"") if kind == "application/json" else (b'{"by": "x"}',):
        answer = await http.patch(PROFILE, content=body, headers={"content-type": kind})
        told = "the body is a JSON object, sent as content-type: application/json"
        assert (answer.status_code, answer.json()["detail"]) == (422, told)
    away = {"field": "interests", "value": "tea"}
    answer = await http.post("/api/v1/users/will/forget", json=away)
    assert answer.json()["detail"].endswith("pass anywhere")


async def test_nobody_is_named_in_plain_words(memory: UserMemory) -> None:
    """A person's page without a user is told to a person, and shows the way."""
    async with signed_in(app(memory)) as browser:
        page = await browser.get("/person", user="")
    assert page.status_code == 422
    assert "No user is named here." in page.text
    assert "Back to people" in page.text


async def test_mcp_takes_nothing_from_another_site(memory: UserMemory) -> None:
    """A foreign Origin is refused before its token is looked at; the server's own is none."""
    headers = {"authorization": f"Bearer {Tokens(memory).create(user_id='will')[0]}"}
    headers["accept"] = "application/json, text/event-stream"
    asked = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    transport = httpx.ASGITransport(app(memory))
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers) as http:
        foreign = {"origin": "https://elsewhere.example"}
        assert (await http.post("/mcp", json=asked, headers=foreign)).status_code == 403
        for own in ({}, {"origin": HOST}):
            assert (await http.post("/mcp", json=asked, headers=own)).status_code != 403


async def test_the_export_of_the_default_says_how_to_make_the_other(
    http: httpx.AsyncClient,
) -> None:
    """What cannot be imported is refused in words of the API; the other export can be."""
    path = "/api/v1/users/will"
    default = (await http.get(f"{path}/export")).json()
    refused = await http.post("/api/v1/users/new/import", json=default)
    assert refused.status_code == 422
    assert "for_user=false" in refused.json()["detail"]
    whole = (await http.get(f"{path}/export", params={"for_user": False})).json()
    assert (await http.post("/api/v1/users/new/import", json=whole)).status_code == 200


async def test_talking_works_without_scripts(memory: UserMemory) -> None:
    """The form leads back to the talk, in which the reply stands."""
    async with signed_in(app(memory)) as browser:
        said = await browser.post("/talk/say", user="ann", thread="t", text="I like chess.")
        assert said.status_code == 303
        page = await browser.get(said.headers["location"])
        assert page.text.count('class="bot"') == 1


def test_a_token_can_be_the_first_thing(tmp_path: Path) -> None:
    """Made before any host touched the database: the tables are made with it."""
    db = str(tmp_path / "new.db")
    made = run("token", "create", "first", "--db", db)
    assert made.returncode == 0, made.stderr
    with UserMemory(db, model="offline", worker=False) as memory:
        assert Tokens(memory).check(made.stdout.strip()) is not None


def test_a_value_leads_to_where_it_is_stored() -> None:
    """Whatever order a validator puts the items of a list in, and whatever it adds to them."""

    def arranged(tags: list[str]) -> list[str]:
        return sorted({*tags, "always"})

    class Sorted(BaseModel):
        tags: Annotated[list[str], AfterValidator(arranged)] = []

    schema = schema_of(Sorted)
    rows = section(schema.read({"tags": ["tea", "chess"]}), schema.fields["tags"], Origins([])).rows
    assert [(row.value, row.path) for row in rows] == [
        ("tea", "/tags/0"),
        ("chess", "/tags/1"),
        ("always", "/tags/-"),
    ]
