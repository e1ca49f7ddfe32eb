"""A person's page: what stands on it, and what its forms do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Literal

import pytest
from langchain_core.language_models import FakeListChatModel
from pydantic import BaseModel, Field
from tests.serve.browsing import HOST, Browser, anonymous, signed_in

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


class Address(BaseModel):
    city: str | None = None
    rooms: list[str] = []


class Goal(BaseModel):
    name: str
    due: str | None = None


class Customer(BaseModel):
    name: str | None = Field(None, title="Called by", description="How to address them")
    age: int | None = Field(None, ge=0, le=150)
    diet: Literal["vegan", "anything"] | None = None
    interests: list[str] = []
    goals: list[Goal] = []
    home: Address = Address()
    allergies: dict[str, str] = {}


SAID = "I'm Will, I love chess, I live in Bergen and want to run. Penicillin gives me hives."
CHANGES = (
    Change("name", "set", "Will", "I'm Will"),
    Change("interests", "add", "chess", "I love chess"),
    Change("home", "update", "Bergen", "I live in Bergen", key="city"),
    Change("goals", "add", {"name": "run"}, "want to run"),
    Change("allergies", "set", "hives", "Penicillin gives me hives", key="penicillin"),
)


class Listener:
    """Proposes what it is told to."""

    def __init__(self) -> None:
        self.changes: tuple[Change, ...] = CHANGES

    def extract(self, _: Request) -> Extraction:
        return Extraction(self.changes)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def memory(tmp_path: Path, listener: Listener) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", Customer, listener, worker=False) as made:
        made.remember("will", "monday", [("user", SAID)])
        made.trigger("will")
        yield made


async def page_of(browser: Browser, where: str = "/person", **more: str) -> str:
    answer = await browser.get(where, user="will", **more)
    assert answer.status_code == 200, answer.text
    return unescape(re.sub(r"<[^>]+>", " ", answer.text))


async def test_the_profile_is_shown_by_titles_with_the_words_behind_it(memory: UserMemory) -> None:
    """Each value stands under its title, with the words it rests on."""
    async with signed_in(app(memory)) as browser:
        text = await page_of(browser)
    for part in ("Called by", "How to address them", "Bergen", "penicillin", "I love chess"):
        assert part in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("path", "quote"),
    [
        ("/name", "I'm Will"),
        ("/interests/0", "I love chess"),
        ("/home/city", "I live in Bergen"),
        ("/goals/0", "want to run"),
        ("/allergies/penicillin", "Penicillin gives me hives"),
    ],
)
async def test_a_value_tells_its_story(memory: UserMemory, path: str, quote: str) -> None:
    """Words, thread, and the number of the change are told of every kind of value."""
    async with signed_in(app(memory)) as browser:
        text = await page_of(browser, "/person/value", path=path)
    assert quote in text
    assert "monday" in text
    assert "Change 1 of 1" in text


@pytest.mark.parametrize(
    ("path", "typed", "field", "expected"),
    [
        ("/name", {"value": "Bill"}, "name", "Bill"),
        ("/age", {"value": "32"}, "age", 32),
        ("/diet", {"value": '"vegan"'}, "diet", "vegan"),
        ("/interests/0", {"value": "go"}, "interests", ["go"]),
        ("/interests/-", {"value": "tea"}, "interests", ["chess", "tea"]),
        ("/home/city", {"value": "Oslo"}, "home", {"city": "Oslo", "rooms": []}),
        (
            "/home/rooms",
            {"value": "hall\r\nattic"},
            "home",
            {"city": "Bergen", "rooms": ["hall", "attic"]},
        ),
        (
            "/goals/0",
            {"value.name": "run", "value.due": "June"},
            "goals",
            [{"name": "run", "due": "June"}],
        ),
        (
            "/allergies/-",
            {"key": "a/b~c", "value": "rash"},
            "allergies",
            {"penicillin": "hives", "a/b~c": "rash"},
        ),
    ],
)
async def test_every_kind_of_value_is_edited_in_place(
    memory: UserMemory, path: str, typed: dict[str, str], field: str, expected: object
) -> None:
    """A form puts what was typed where it belongs, in the type of the field."""
    async with signed_in(app(memory)) as browser:
        answer = await browser.post("/person/edit", user="will", path=path, **typed)
    assert answer.status_code == 303, answer.text
    assert memory.recall("will").document[field] == expected
    assert memory.history("will")[0].by == "support"


@pytest.mark.parametrize(
    ("path", "typed", "told"),
    [
        ("/age", "200", "150"),
        ("/age", "old", "age"),
        ("/home", "{", "value"),
        ("/interests/0", "", "empty"),
    ],
)
async def test_what_the_schema_refuses_is_said_in_the_form(
    memory: UserMemory, path: str, typed: str, told: str
) -> None:
    """The schema's own message stands beside what was typed, which is kept; nothing is stored."""
    before = memory.recall("will").document
    fields = {"value.city": "", "value.rooms": "", "value": typed}
    if path == "/home":
        fields = {"path": "/goals/0", "value.name": "", "value.due": ""}
        path, told = "/goals/0", "name"
    async with signed_in(app(memory)) as browser:
        answer = await browser.post("/person/edit", user="will", **{**fields, "path": path})
    assert answer.status_code == 422
    assert told in answer.text
    if typed and typed != "{":
        assert typed in answer.text
    assert memory.recall("will").document == before


async def test_adding_to_a_map_overwrites_nothing(memory: UserMemory) -> None:
    """A name that is taken is refused, however it is written; what stands there is kept."""
    async with signed_in(app(memory)) as browser:
        form = {"user": "will", "path": "/allergies/-", "value": "none"}
        for key in ("penicillin", " Penicillin. "):
            answer = await browser.post("/person/edit", **form, key=key)
            assert answer.status_code == 422
            assert "There is 'penicillin' already" in unescape(answer.text)
    assert memory.recall("will").document["allergies"] == {"penicillin": "hives"}


async def test_no_form_gives_two_items_one_name(memory: UserMemory) -> None:
    """Neither a new item nor a renamed one takes the name of another: the form says so."""
    memory.edit("will", [{"op": "add", "path": "/goals/-", "value": {"name": "swim"}}], by="test")
    async with signed_in(app(memory)) as browser:
        for path in ("/goals/-", "/goals/1"):
            form = {"user": "will", "path": path, "value.name": "RUN"}
            answer = await browser.post("/person/edit", **form)
            assert answer.status_code == 422
            assert "another item is called that" in answer.text
    assert [one["name"] for one in memory.recall("will").document["goals"]] == ["run", "swim"]


async def test_an_older_page_overwrites_nothing(memory: UserMemory) -> None:
    """A form of a value that is another one by now is refused with what to do."""
    async with signed_in(app(memory)) as browser:
        memory.edit("will", [{"op": "add", "path": "/interests/0", "value": "go"}], by="x")
        for path in ("/person/edit", "/person/remove"):
            answer = await browser.post(
                path, user="will", path="/interests/0", was='"chess"', value="tea"
            )
            assert answer.status_code in {409, 422}
            assert "meanwhile" in answer.text
    assert memory.recall("will").document["interests"] == ["go", "chess"]


async def test_what_changed_elsewhere_is_no_obstacle(memory: UserMemory) -> None:
    """While a person types, the bot may learn something else: the form is saved all the same."""
    async with signed_in(app(memory)) as browser:
        page = (await browser.get("/person/value", user="will", path="/interests/0")).text
        (was, *_) = re.findall(r'name="was" value="([^"]*)"', page)
        memory.edit("will", [{"op": "replace", "path": "/age", "value": 33}], by="x")
        answer = await browser.post(
            "/person/edit", user="will", path="/interests/0", was=unescape(was), value="tea"
        )
    assert answer.status_code == 303
    assert memory.recall("will").document["interests"] == ["tea"]
    assert memory.recall("will").document["age"] == 33


async def test_several_changes_are_taken_back_once_it_is_confirmed(memory: UserMemory) -> None:
    """From one value's history a whole revision goes: what else goes with it is said first."""
    memory.edit("will", {"age": 33, "interests": ["go"]}, by="x")
    async with signed_in(app(memory)) as browser:
        asked = await browser.post("/person/undo", user="will", revision="2")
        asked = await browser.follow(asked)
        assert memory.recall("will").revision == 2
        assert "33" in asked.text
        assert "go" in asked.text
        await browser.post("/person/undo", user="will", revision="2", sure="yes")
    assert memory.recall("will").document["age"] is None
    assert memory.recall("will").document["interests"] == ["chess"]


async def test_a_long_revision_is_told_in_part(memory: UserMemory) -> None:
    """Of thousands of changes at once a page shows the first, and says how many more there are."""
    memory.edit("will", {"interests": [f"interest {n}." for n in range(3_000)]}, by="import")
    async with signed_in(app(memory)) as browser:
        for where, more in (("/person/timeline", {}), ("/person/undo", {"revision": "2"})):
            answer = await browser.get(where, user="will", **more)
            assert re.search(r"and 2,9\d\d more changes", answer.text), where
            assert len(answer.text) < 60_000


async def test_a_change_is_taken_back_and_an_item_removed(memory: UserMemory) -> None:
    """Undo and remove do what they say, and the timeline shows both."""
    async with signed_in(app(memory)) as browser:
        await browser.post("/person/remove", user="will", path="/interests/0")
        assert memory.recall("will").document["interests"] == []
        answer = await browser.post("/person/undo", user="will", revision="2")
        assert "done=undone" in answer.headers["location"]
        assert memory.recall("will").document["interests"] == ["chess"]
        text = await page_of(browser, "/person/timeline")
        assert "Taken back" in text
        only = await page_of(browser, "/person/timeline", by="model", field="name")
        assert "takes back" in text
        assert "takes back" not in only
        assert "I'm Will" in only


async def test_a_filtered_timeline_shows_the_changes_of_its_field(memory: UserMemory) -> None:
    """Of a revision that changed others too it says so, and asks before it takes them back."""
    ops = [{"op": "replace", "path": "/age", "value": 33}]
    memory.edit("will", [*ops, {"op": "add", "path": "/interests/-", "value": "go"}], by="ana")
    async with signed_in(app(memory)) as browser:
        every = await page_of(browser, "/person/timeline")
        some = await page_of(browser, "/person/timeline", field="age")
        answer = await browser.get("/person/timeline", user="will", field="age")
    assert " go " in every
    assert "33" in some
    assert " go " not in some
    assert "and 1 change of other fields" in some
    assert "Take back 2 changes…" in some
    assert 'name="sure"' not in answer.text


async def test_forgetting_says_what_goes_asks_once_and_proves_it(memory: UserMemory) -> None:
    """A first form changes nothing and tells what goes and stays; the second erases, with proof."""
    async with signed_in(app(memory)) as browser:
        asked = {"user": "will", "field": "interests", "item": '"chess"'}
        first = await browser.post("/person/forget", **asked)
        assert "What goes" in first.text
        assert memory.recall("will").document["interests"] == ["chess"]
        done = await browser.post("/person/forget", **asked, sure="yes")
        assert "chess" not in done.headers["location"]
        assert "stands nowhere any more" in (await browser.follow(done)).text
        assert "chess" not in await page_of(browser)
        assert "chess" not in await page_of(browser, "/person/timeline")
    assert memory.verify_erased("will", "chess").erased


async def test_what_was_erased_is_told_to_nobody_else(memory: UserMemory) -> None:
    """The page after it is of one user, cannot be made up, lasts an hour, and asks no reader."""
    async with signed_in(app(memory)) as browser:
        done = await browser.post("/person/erase", user="will", sure="yes")
        told = done.headers["location"]
        assert "were erased" in (await browser.get(told)).text
        for forged in (told.replace("will", "ann"), told[:-1], "/person/forgotten?user=will"):
            assert (await browser.get(forged)).status_code == 404
    reading = Tokens(memory).create("r", read_only=True)[0]
    async with anonymous(app(memory)) as browser:
        await browser.http.post("/enter", data={"token": reading}, headers={"origin": HOST})
        for question in ("/erase", "/unlearn", "/undo"):
            answer = await browser.get(f"/person{question}", user="will", thread="t", revision="1")
            assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/name", "/home/city", "/goals/0", "/allergies/penicillin"])
async def test_every_kind_of_value_can_be_forgotten(memory: UserMemory, path: str) -> None:
    """The form of a value's panel names it as the erasure understands it."""
    async with signed_in(app(memory)) as browser:
        panel = (await browser.get("/person/value", user="will", path=path)).text
        form = panel.partition('action="/person/forget"')[2].partition("</form>")[0]
        fields = {
            name: unescape(text) for name, text in re.findall(r'name="(\w+)" value="([^"]*)"', form)
        }
        del fields["csrf"]
        answer = await browser.post("/person/forget", **fields, sure="yes")
        answer = await browser.follow(answer)
        again = await browser.get("/person/value", user="will", path=path)
    assert "In the user" not in again.text
    assert "for good" not in answer.text
    assert memory.why("will", path.split("/")[1]) == []


async def test_a_conversation_is_unlearned(memory: UserMemory) -> None:
    """What one thread taught is shown, and taken back when that is confirmed."""
    async with signed_in(app(memory)) as browser:
        first = await browser.post("/person/unlearn", user="will", thread="monday")
        first = await browser.follow(first)
        assert "chess" in first.text
        assert memory.recall("will").document["name"] == "Will"
        await browser.post("/person/unlearn", user="will", thread="monday", sure="yes")
    assert memory.recall("will").document["name"] is None


async def test_refused_misfits_search_and_exports(memory: UserMemory, listener: Listener) -> None:
    """What was refused is shown with its reason; a search finds; both exports hold the profile."""
    listener.changes = (Change("name", "set", "Zed", "I'm Zed"),)
    memory.remember("will", "tuesday", [("user", "Hello again")])
    memory.trigger("will")
    async with signed_in(app(memory)) as browser:
        assert "did not say the words" in await page_of(browser, "/person/refused")
        refused = (await browser.get("/person/refused", user="will")).text
        assert re.findall(r'.<span class="tag">', refused, re.DOTALL) == ['\n<span class="tag">']
        assert "Bergen" in await page_of(browser, "/person/search", q="where in Bergen")
        as_json = await browser.get("/person/export.json", user="will")
        assert as_json.json()["user_id"] == "will"
        assert "attachment" in as_json.headers["content-disposition"]
        text = (await browser.get("/person/export.txt", user="will")).text
        assert "I love chess" in text


async def test_learning_is_paused_and_messages_are_read_on_request(memory: UserMemory) -> None:
    """The buttons of the page pause, resume and read what waits."""
    async with signed_in(app(memory)) as browser:
        memory.remember("will", "friday", [("user", "I love chess")])
        assert "Read 1 message now" in await page_of(browser)
        await browser.post("/person/read", user="will")
        assert "Read 1 message now" not in await page_of(browser)
        await browser.post("/person/pause", user="will")
        assert "Learning is paused" in await page_of(browser)
        await browser.post("/person/resume", user="will")
        assert "Learning is paused" not in await page_of(browser)


async def test_proposals_are_approved_edited_and_declined(
    tmp_path: Path, listener: Listener
) -> None:
    """What waits for a person stands on the page; its form approves, edits or declines it."""
    listener.changes = CHANGES[:3]
    with UserMemory(tmp_path / "r.db", Customer, listener, worker=False, review="all") as reviewed:
        reviewed.remember("will", "monday", [("user", SAID)])
        reviewed.trigger("will")
        waiting = {one.changes[0].field: one.id for one in reviewed.proposals("will")}
        async with signed_in(app(reviewed)) as browser:
            assert "Waits for a decision" in await page_of(browser)
            for name, more in (
                ("name", {}),
                ("interests", {"value": "go", "was": "chess"}),
                ("home", {"decline": "yes"}),
            ):
                sent = {"user": "will", "proposal": waiting[name], **more}
                answer = await browser.post("/person/decide", **sent)
                assert answer.status_code == 303, answer.text
            again = await browser.post("/person/decide", user="will", proposal=waiting["name"])
            assert again.status_code == 409
            other = await browser.post("/person/decide", user="ann", proposal=waiting["name"])
            assert other.status_code == 409
            profile = await page_of(browser)
            assert profile.count("before it was approved") == 1
            assert re.search(r"I love chess[^“]+edited by \w+ before it was approved", profile)
            assert "edited before it was approved" in await page_of(browser, "/person/timeline")
        found = reviewed.recall("will").document
    assert (found["name"], found["interests"], found["home"]["city"]) == ("Will", ["go"], None)


async def test_a_tidy_pass_without_a_model_says_so(memory: UserMemory) -> None:
    """It is not offered, and a page from before is told so in plain words."""
    async with signed_in(app(memory)) as browser:
        assert "Look for what to tidy" not in await page_of(browser)
        answer = await browser.post("/person/tidy", user="will")
    assert answer.status_code == 422
    assert "There is no language model here" in answer.text


async def test_a_tidy_pass_is_offered_where_there_is_a_model(
    memory: UserMemory, listener: Listener
) -> None:
    """Whoever reads with a language model may look a profile over with it."""
    listener.model = FakeListChatModel(responses=[""])  # type: ignore[attr-defined]
    async with signed_in(app(memory)) as browser:
        assert "Look for what to tidy" in await page_of(browser)


async def test_the_schemas_complaints_name_fields_by_their_titles(memory: UserMemory) -> None:
    """What does not fit is told under the title that stands beside the control."""
    async with signed_in(app(memory)) as browser:
        goal = {"user": "will", "path": "/goals/0", "value.name": "", "value.due": ""}
        answer = await browser.post("/person/edit", **goal)
        assert "Goals: Name: " in answer.text
        assert "goals.0" not in answer.text


async def test_a_blank_user_is_told_in_plain_words(memory: UserMemory) -> None:
    """Neither what a parameter is called nor what a library takes."""
    async with signed_in(app(memory)) as browser:
        answer = await browser.get("/person", user=" ")
    assert answer.status_code == 422
    assert "This names no user" in answer.text
    assert "user_id" not in answer.text


async def test_a_page_that_is_open_while_its_user_is_erased_answers_clearly(
    memory: UserMemory,
) -> None:
    """Nothing is brought back, and each form says that it is not there any more."""
    async with signed_in(app(memory)) as browser:
        await browser.post("/person/erase", user="will")
        assert memory.recall("will").document["name"] == "Will"
        erased = await browser.post("/person/erase", user="will", sure="yes")
        assert "Forgotten" in (await browser.follow(erased)).text
        value = await browser.get("/person/value", user="will", path="/interests/0")
        assert "not there any more" in value.text
        edit = await browser.post(
            "/person/edit", user="will", path="/interests/0", was='"y"', value="x"
        )
        assert edit.status_code == 422
        name = await browser.post("/person/edit", user="will", path="/name", was='"y"', value="x")
        assert "meanwhile" in name.text
        assert "Nothing is known" in await page_of(browser)
    assert memory.recall("will").document["name"] is None


async def test_values_are_text_whatever_they_hold(memory: UserMemory) -> None:
    """Markup is shown as text, marks that turn text are made visible, in ids too."""
    user = '"><script>alert(1)</script>'
    bad = "<img src=x onerror=alert(1)> \u202eevil"
    memory.edit(user, [{"op": "add", "path": "/interests/-", "value": bad}], by="<b>x</b>")
    async with signed_in(app(memory)) as browser:
        for path in ("/people", "/person", "/person/timeline", "/person/value"):
            answer = await browser.get(path, user=user, path="/interests/0")
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "<img" not in answer.text
            assert "<b>x" not in answer.text
        profile = await browser.get("/person", user=user)
    assert "[U+202E]" in profile.text


async def test_a_long_list_comes_in_parts(memory: UserMemory) -> None:
    """Of 4,000 items the newest come with the page, the others on request."""
    many = [f"thing {number}" for number in range(4_000)]
    memory.edit("will", [{"op": "replace", "path": "/interests", "value": many}], by="import")
    async with signed_in(app(memory)) as browser:
        page = await browser.get("/person", user="will")
        assert "thing 3999<" in page.text
        assert "3,980 more" in page.text
        assert len(page.content) < 30_000
        part = await browser.get("/person/list", user="will", field="interests", begin=3_980)
        assert "thing 0<" in part.text


@pytest.mark.parametrize("user", ["", "x" * 10_000, "nobody", "a\0b"])
async def test_users_that_are_none_are_clear_answers(memory: UserMemory, user: str) -> None:
    """A user nobody knows has an empty page; what cannot be an id is refused."""
    async with signed_in(app(memory)) as browser:
        answer = await browser.get("/person", user=user)
    assert answer.status_code in {200, 422}
    assert "Traceback" not in answer.text


class Point(BaseModel):
    latitude: float = 0.0


class Placed(BaseModel):
    name: str | None = None
    home: Point | None = Field(None, title="Where home is")


async def test_defaults_of_an_object_that_is_null_are_not_known(tmp_path: Path) -> None:
    """What nobody spoke of stands under what is not known; what was said equal to it is known."""
    with UserMemory(tmp_path / "m.db", Placed, "offline", worker=False) as memory:
        memory.edit("will", [{"op": "add", "path": "/name", "value": "Will"}], by="ana")
        async with signed_in(app(memory)) as browser:
            assert "Where home is" in (await page_of(browser)).partition("Not known")[2]
            memory.edit("will", [{"op": "add", "path": "/home/latitude", "value": 1.5}], by="ana")
            memory.edit("will", [{"op": "add", "path": "/home/latitude", "value": 0.0}], by="ana")
            assert "Where home is" in (await page_of(browser)).partition("Not known")[0]


async def test_an_edit_before_what_was_learned_is_no_label_of_it(
    memory: UserMemory, listener: Listener
) -> None:
    """A field is labelled as edited by hand as long as nothing was learned of it since."""
    memory.edit("will", [{"op": "add", "path": "/interests/-", "value": "go"}], by="ana")
    memory.edit("will", [{"op": "remove", "path": "/interests/1"}], by="ana")
    listener.changes = (Change("interests", "add", "tea", "I love tea"),)
    async with signed_in(app(memory)) as browser:
        assert "Edited by hand" in await page_of(browser)
        memory.remember("will", "friday", [("user", "I love tea")])
        memory.trigger("will")
        page = await page_of(browser)
    assert "tea" in page
    assert "Edited by hand" not in page
