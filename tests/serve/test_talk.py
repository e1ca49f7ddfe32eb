"""Try it: a bot to talk to, over HTTP."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import jinja2
import pytest
from tests.serve.browsing import HOST, signed_in
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.extras.rules.chat_model import OfflineChatModel
from usermemory.serve import app


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as made:
        yield made


async def test_a_reply_comes_and_what_was_said_is_remembered(memory: UserMemory) -> None:
    """The bot answers, what was said waits, and once read it stands beside the talk."""
    served = app(memory, notice="Rules answer.")
    async with signed_in(served) as browser:
        assert "Rules answer." in (await browser.get("/talk")).text
        said = {"user": "will", "thread": "t", "text": "Hi, I'm Will. I like <b>climbing</b>."}
        form = {"csrf": await browser.csrf(), **said}
        script = {"origin": HOST, "hx-request": "true"}
        reply = await browser.http.post("/talk/say", data=form, headers=script)
        assert "Will" in reply.text
        page = await browser.get("/talk", user="will", thread="t")
        assert "&lt;b&gt;climbing" in page.text
        assert "Read now" in page.text
        read = await browser.post("/talk/read", user="will")
        assert read.headers["hx-trigger"] == "said"
        beside = await browser.get("/talk/beside", user="will", thread="t", since=0)
        assert "Just learned" in beside.text
        state = beside.text.partition("state=")[2].partition('"')[0]
        again = await browser.get("/talk/beside", user="will", thread="t", state=state)
        assert again.status_code == 204
    served.state.pages.close()


async def test_a_page_with_nothing_new_is_answered_in_a_word(
    memory: UserMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open pages ask every two seconds: as long as nothing changed, nothing is rendered or sent."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.remember("will", "t", [("user", "Hi, I'm Will. I like climbing.")])
        page = (await browser.get("/talk", user="will", thread="t")).text
        address = html.unescape(page.partition('id="beside"')[2].partition('hx-get="')[2])
        address = address.partition('"')[0]
        with monkeypatch.context() as patched:
            patched.setattr(jinja2.Template, "render", lambda *_, **__: "rendered")
            for _ in range(3):
                same = await browser.get(address)
                assert (same.status_code, same.content) == (204, b"")
        memory.trigger("will")
        assert "climbing" in (await browser.get(address)).text
    served.state.pages.close()


async def test_what_was_shown_stands_under_an_answer(memory: UserMemory) -> None:
    """An answer names the items that stood in its prompt, also after a reload."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.remember("will", "s", [("user", "Hi, I'm Will. I like climbing.")])
        memory.trigger("will")
        await browser.post("/talk/say", user="will", thread="t", text="What do I like?")
        page = (await browser.get("/talk", user="will", thread="t")).text
        message = page.partition("message=")[2].partition('"')[0]
        asked = {"user": "will", "thread": "t", "message": message}
        assert "climbing" in (await browser.get("/talk/shown", **asked)).text
        assert "Nothing" in (await browser.get("/talk/shown", **{**asked, "user": "ann"})).text
    served.state.pages.close()


async def test_a_thread_of_another_user_is_refused(memory: UserMemory) -> None:
    """Nobody reads or goes on with a thread that somebody else began."""
    served = app(memory)
    async with signed_in(served) as browser:
        await browser.post("/talk/say", user="will", thread="t", text="My secret is garlic")
        look = await browser.get("/talk", user="ann", thread="t")
        assert look.status_code == 422
        assert "garlic" not in look.text
        say = await browser.post("/talk/say", user="ann", thread="t", text="And me?")
        assert say.status_code == 422
        empty = await browser.post("/talk/say", user="ann", thread="u", text=" ")
        assert empty.status_code == 422
    served.state.pages.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_is_erased_is_gone_from_the_conversations_too(
    database: str, tmp_path: Path
) -> None:
    """Who erases everything finds no conversation left in this database; another's is kept."""
    with contextlib.ExitStack() as stack:
        url = f"{tmp_path}/m.db"
        if database == "postgresql":
            url = stack.enter_context(fresh())
        memory = stack.enter_context(UserMemory(url, model="offline", worker=False))
        served = app(memory)
        mine, yours = f"mine {url}", f"yours {url}"  # all tests of a server share its threads
        async with signed_in(served) as browser:
            for user, thread in (("will", mine), ("ann", yours)):
                said = {"user": user, "thread": thread, "text": "I like climbing."}
                await browser.post("/talk/say", **said)
            asked = await browser.get("/person/erase", user="will")
            assert html.escape(mine) in asked.text
            assert html.escape(yours) not in asked.text
            assert 'name="conversations" value="yes" checked' in asked.text
            confirmed = {"sure": "yes", "conversations": "yes"}
            done = await browser.post("/person/erase", user="will", **confirmed)
            assert "1 conversation deleted too" in (await browser.follow(done)).text
            page = await browser.get("/talk", user="will", thread=mine)
            assert "climbing" not in page.text
            page = await browser.get("/talk", user="ann", thread=yours)
            assert "climbing" in page.text
        served.state.pages.close()


async def test_a_conversation_goes_with_a_value_only_if_it_is_ticked(memory: UserMemory) -> None:
    """To forget one value names the conversation that says it, and leaves it unless told else."""
    served = app(memory)
    async with signed_in(served) as browser:
        said = {"user": "will", "thread": "t", "text": "I like climbing."}
        await browser.post("/talk/say", **said)
        memory.trigger("will")
        chosen = {"user": "will", "field": "interests", "item": '"climbing"'}
        asked = await browser.post("/person/forget", **chosen)
        assert "Delete this conversation too, whole" in asked.text
        assert "checked" not in asked.text
        done = await browser.post("/person/forget", **chosen, sure="yes")
        told = (await browser.follow(done)).text
        assert "still stands in this conversation" in told
        assert "nowhere" not in told
        assert "climbing" in (await browser.get("/talk", user="will", thread="t")).text
        ticked = {"sure": "yes", "words": "yes", "conversations": "yes", "thread": "t"}
        await browser.post("/person/unlearn", user="will", **ticked)
        assert "climbing" not in (await browser.get("/talk", user="will", thread="t")).text
    served.state.pages.close()


async def test_what_was_shown_is_corrected_on_the_spot(memory: UserMemory) -> None:
    """Each value under an answer opens its form there, and saving it says so there."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.edit("will", {"interests": ["climbing", "chess"]}, by="test")
        said = {"user": "will", "thread": "t", "text": "Hello! I am here about chess."}
        await browser.post("/talk/say", **said)
        page = html.unescape((await browser.get("/talk", user="will", thread="t")).text)
        answer = re.findall(r"message=([^\"&]+)", page)[-1]
        shown = (await browser.get("/talk/shown", user="will", thread="t", message=answer)).text
        places = re.findall(r"path=([^\"&]+)", html.unescape(shown))
        assert {unquote(one) for one in places} == {"/interests/0", "/interests/1"}
        here = {"hx-request": "true", "hx-current-url": f"{HOST}/talk?user=will&thread=t"}
        csrf = await browser.csrf("/person?user=will")
        form = {"csrf": csrf, "user": "will", "path": "/interests/1", "value": "go"}
        saved = await browser.http.post("/person/edit", data=form, headers={**here, "origin": HOST})
        assert "Saved." in saved.text
        assert "hx-redirect" not in saved.headers
        shown = (await browser.get("/talk/shown", user="will", thread="t", message=answer)).text
        assert "no longer" in shown
    assert memory.recall("will").document["interests"] == ["climbing", "go"]
    served.state.pages.close()


async def test_that_learning_is_paused_stands_beside_a_talk(memory: UserMemory) -> None:
    """Whoever talks sees that nothing of it is learned, and can have it learned again there."""
    served = app(memory)
    async with signed_in(served) as browser:
        page = (await browser.get("/talk", user="will", thread="t")).text
        assert "paused" not in page
        state = re.findall(r"state=([^\"&]+)", page)[-1]
        memory.pause("will")
        seen = {"user": "will", "thread": "t", "state": state}
        beside = await browser.get("/talk/beside", **seen)
        assert "Learning is paused" in beside.text
        assert "/person/resume" in beside.text
        await browser.post("/person/resume", user="will")
        assert "paused" not in (await browser.get("/talk", user="will", thread="t")).text
    served.state.pages.close()


async def test_what_waits_for_a_decision_stands_beside_a_talk(tmp_path: Path) -> None:
    """With review what was read is not known yet: the panel says where it is decided."""
    url = tmp_path / "r.db"
    with UserMemory(url, model="offline", worker=False, review="all") as memory:
        served = app(memory)
        async with signed_in(served) as browser:
            said = {"user": "will", "thread": "t", "text": "I'm Will. I like climbing."}
            await browser.post("/talk/say", **said)
            page = (await browser.get("/talk", user="will", thread="t")).text
            assert "decision" not in page
            state = re.findall(r"state=([^\"&]+)", page)[-1]
            memory.trigger("will")
            beside = await browser.get("/talk/beside", user="will", thread="t", state=state)
            assert "2 changes wait for a decision" in beside.text
            assert 'id="proposals"' in (await browser.get("/person", user="will")).text
        served.state.pages.close()


async def test_news_say_whether_they_were_learned(memory: UserMemory) -> None:
    """What a person changed by hand is not headed as learned, nor the other way round."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.edit("will", {"name": "Will"}, by="ana")
        asked = {"user": "will", "thread": "t", "since": 0}
        beside = (await browser.get("/talk/beside", **asked)).text
        assert "Changed by ana" in beside
        assert "Just learned" not in beside
        memory.remember("will", "t", [("user", "I like tea.")])
        memory.trigger("will")
        beside = (await browser.get("/talk/beside", **asked)).text
        assert beside.index("Just learned") < beside.index("Changed by ana")
    served.state.pages.close()


async def test_a_mounted_app_says_that_no_model_is_in_use(tmp_path: Path) -> None:
    """Nobody takes the rules for a model; with a bot of its own nothing is said of them."""
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as memory:
        for bot, told in ((None, True), (OfflineChatModel(), False)):
            served = app(memory, bot=bot)
            async with signed_in(served) as browser:
                for where in ({}, {"user": "will"}):
                    page = (await browser.get("/talk", **where)).text
                    assert ("No language model is in use" in page) is told
            served.state.pages.close()
