"""What other middleware withholds from the model is not remembered; what it is asked with is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ModelCallLimitMiddleware,
    PIIDetectionError,
    PIIMiddleware,
    before_agent,
    before_model,
)
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from tests.acceptance.test_agent import inbox
from tests.support.agents import answering, chatting_agent
from tests.support.graphs import COLOURS, Chat

from usermemory.testing import ScriptedModel

pytestmark = pytest.mark.parametrize("colour", COLOURS)
ORDER = pytest.mark.parametrize("ours_first", [True, False])

HELD_BACK = "Write to me@zymurgy.org, I love zymurgy."
BLOCK = PIIMiddleware("email", strategy="block")


def learned(chat: Chat) -> list[str]:
    """What is known of the user's interests once everything was read."""
    chat.memory.trigger("will")
    assert "zymurgy" not in str(chat.memory.export("will"))
    found: list[str] = chat.memory.recall("will").document["interests"]
    return found


@ORDER
@pytest.mark.parametrize("saved", [True, False])
async def test_what_is_blocked_is_never_learned(
    tmp_path: Path, colour: str, ours_first: bool, saved: bool
) -> None:
    """Neither now, nor when a later turn passes the thread that still holds it."""
    async with chatting_agent(
        tmp_path,
        colour,
        answering(),
        saver=InMemorySaver() if saved else False,
        others=[BLOCK],
        ours_first=ours_first,
    ) as chat:
        await chat.say("I love chess.")
        with pytest.raises(PIIDetectionError):
            await chat.say(HELD_BACK)
        assert ("user", HELD_BACK) not in inbox(tmp_path, "1")
        await chat.say("I love go.")
        await chat.say("I love tea.")
        assert learned(chat) == ["chess", "go", "tea"]


def jumping(state: AgentState[Any], runtime: Any) -> dict[str, Any] | None:
    """Answer in the model's place."""
    if "@" not in str(state["messages"][-1].text):
        return None
    return {"messages": [AIMessage("No addresses, please.")], "jump_to": "end"}


@ORDER
@pytest.mark.parametrize("hook", [before_agent, before_model])
async def test_what_a_guard_answers_is_not_heard(
    tmp_path: Path, colour: str, ours_first: bool, hook: Any
) -> None:
    """A jump to the end before the model is asked leaves nothing to learn, in later turns too."""
    guard = hook(can_jump_to=["end"])(jumping)
    async with chatting_agent(
        tmp_path, colour, answering(), saver=InMemorySaver(), others=[guard], ours_first=ours_first
    ) as chat:
        await chat.say("I love chess.")
        assert await chat.say(HELD_BACK) == "No addresses, please."
        assert ("user", HELD_BACK) not in inbox(tmp_path, "1")
        await chat.say("I love go.")
        assert learned(chat) == ["chess", "go"]


@ORDER
async def test_what_was_redacted_before_a_jump_is_not_heard_either(
    tmp_path: Path, colour: str, ours_first: bool
) -> None:
    """The text that took the words' place is no more heard than they were."""
    others = [PIIMiddleware("email"), ModelCallLimitMiddleware(run_limit=0)]
    async with chatting_agent(
        tmp_path, colour, answering(), saver=InMemorySaver(), others=others, ours_first=ours_first
    ) as chat:
        await chat.say(HELD_BACK)
        assert all(author != "user" for author, _ in inbox(tmp_path, "1"))


class Redacting(AgentMiddleware[Any, Any, Any]):
    """Asks the model with other messages than the state holds.

    Args:
        ids: Whether they bear the ids of those whose place they take.
    """

    def __init__(self, ids: bool) -> None:
        super().__init__()
        self.ids = ids

    def _override(self, request: Any) -> Any:
        def clean(one: Any) -> Any:
            if one.type != "human":
                return one
            text = one.text.replace("me@zymurgy.org", "[mail]").replace("zymurgy", "go")
            return HumanMessage(text, id=one.id if self.ids else None)

        return request.override(messages=[clean(one) for one in request.messages])

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(self._override(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(self._override(request))


@pytest.mark.parametrize("ids", [True, False])
async def test_what_the_model_is_asked_with_is_remembered(
    tmp_path: Path, colour: str, ids: bool
) -> None:
    """A request that is rewritten on its way to the model is heard as the model hears it."""
    async with chatting_agent(
        tmp_path, colour, answering(), saver=InMemorySaver(), others=[Redacting(ids)]
    ) as chat:
        await chat.say("I love chess.")
        await chat.say(HELD_BACK)
        assert ("user", "Write to [mail], I love go.") in inbox(tmp_path, "1")
        await chat.say("I love tea.")
        assert learned(chat) == ["chess", "go", "tea"]


class Adding(AgentMiddleware[Any, Any, Any]):
    """Asks the model with what it found beside the user's words."""

    def _override(self, request: Any) -> Any:
        *before, last = request.messages
        text = f"I love facts that were found. Answer this: {last.text}"
        return request.override(messages=[*before, last.model_copy(update={"content": text})])

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(self._override(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(self._override(request))


@ORDER
async def test_what_is_added_for_the_model_is_not_the_users(
    tmp_path: Path, colour: str, ours_first: bool
) -> None:
    """Words that stand in the request as they were said are remembered as they were said."""
    async with chatting_agent(
        tmp_path, colour, answering(), others=[Adding()], ours_first=ours_first
    ) as chat:
        await chat.say("I love chess.")
        assert inbox(tmp_path, "1")[0] == ("user", "I love chess.")
        assert learned(chat) == ["chess"]


@ORDER
async def test_an_outage_of_the_model_loses_nothing(
    tmp_path: Path, colour: str, ours_first: bool
) -> None:
    """The words are remembered before the model that fails is asked."""
    replies = iter([TimeoutError("slow"), "Hi."])
    model = ScriptedModel(replies=lambda _: next(replies))
    async with chatting_agent(
        tmp_path, colour, model, saver=InMemorySaver(), others=[BLOCK], ours_first=ours_first
    ) as chat:
        with pytest.raises(TimeoutError):
            await chat.say("I love chess.")
        assert inbox(tmp_path, "1") == [("user", "I love chess.")]
        await chat.say("I love go.")
        assert learned(chat) == ["chess", "go"]


@before_model
def asking(state: AgentState[Any], runtime: Any) -> None:
    """Wait for a person before the model is asked."""
    interrupt("go on?")


@ORDER
async def test_what_waited_for_a_person_is_heard_when_the_run_goes_on(
    tmp_path: Path, colour: str, ours_first: bool
) -> None:
    """A run that stopped before its model was asked is heard once it asks."""
    async with chatting_agent(
        tmp_path, colour, answering(), saver=InMemorySaver(), others=[asking], ours_first=ours_first
    ) as chat:
        await chat.invoke({"messages": [("user", "I love chess.")]})
        assert inbox(tmp_path, "1") == []
        await chat.invoke(Command(resume="yes"))
        assert inbox(tmp_path, "1")[0] == ("user", "I love chess.")
        assert learned(chat) == ["chess"]
