"""A story that passes through every flow of the store.

It is written so that telling it again, after a process died somewhere in the middle, is what
applications do: they pass the messages that they have.
"""

from __future__ import annotations

from usermemory import Change, Evidence, Retry, UserMemory
from usermemory.conformance.harness import Listener
from usermemory.errors import ExtractionError
from usermemory.gate import Words
from usermemory.messages import Asked, Attributed
from usermemory.records import Applied, Usage
from usermemory.store.driver import Hook
from usermemory.store.flows.access import (
    add_token,
    all_tokens,
    begin_reply,
    drop_reply,
    drop_signing_key,
    drop_token,
    find_token,
    keep_reply,
    known_signing_key,
    link_marks,
    mark_links,
    signing_key,
)
from usermemory.store.flows.amend import buried_fields, carry
from usermemory.store.flows.claim import claim_due, give_back, leases, renew
from usermemory.store.flows.propose import propose, start
from usermemory.store.flows.recall import (
    figures,
    held_leases,
    next_due,
    people,
    readings,
    waiting_for_provider,
)
from usermemory.store.flows.remember import said_by
from usermemory.store.flows.review import Draft, load_tidied, store_tidied
from usermemory.testing import FakeClock

ERASED = "garlic"
FACTS = ["chess", "tea", "cats", "fog", "rain", "jazz", "salt", "moss"]


def said(number: int, text: str = "") -> dict[str, str]:
    return {"role": "user", "content": text or f"I like {FACTS[number]}", "id": f"m{number}"}


def answer(number: int) -> dict[str, str]:
    return {"role": "assistant", "content": f"Good, number {number}", "id": f"a{number}"}


def guarded(memory: UserMemory) -> None:
    """A guard stops one turn; the model is asked with the next."""
    for numbers, yet in (((21,), False), ((21, 22), False), ((21, 22), True)):
        turn = Attributed(said(number, f"Is anybody there, {number}?") for number in numbers)
        turn.asked = Asked(frozenset(f"m{number}" for number in numbers), yet)
        memory.remember("ana", "w", turn)


def edited(memory: UserMemory, typo: str) -> None:
    """A turn that is another now, question and answer: whether edited, their old texts tell."""
    spoke = "We spoke of thunderstorms once"
    for words in (spoke[:-1], spoke) if typo else (spoke,):
        turn = [said(20, words), {**answer(20), "content": f"Indeed, after we {words}"}]
        memory.remember("ana", "c", turn)


def build(url: str, hook: Hook | None, start: float) -> tuple[UserMemory, Listener, FakeClock]:
    clock, listener = FakeClock(start), Listener()
    memory = UserMemory(
        url,
        model=listener,
        worker=False,
        clock=clock,
        delay=0.0,
        gate=Words("like"),
        keep_messages=30.0,
        retry=Retry(attempts=2, base=1.0),
    )
    memory.driver.hook = hook
    return memory, listener, clock


def tell(memory: UserMemory, listener: Listener, clock: FakeClock, typo: str = "") -> None:
    """The story; every flow and every statement of the store has a part in it.

    Args:
        typo: What the user wrote at first, before the message was edited.
    """
    guarded(memory)
    edited(memory, typo)
    memory.remember("will", "a", [said(0, typo)], delay=60)
    memory.remember("will", "a", [said(0), answer(0)])  # edited before it was read
    memory.run_due()
    memory.remember("will", "b", [("user", "hello")])  # held by the gate
    memory.run_due()
    memory.remember("will", "b", [("user", "hello"), said(1)])
    memory.remember("will", "a", [said(0), answer(0), said(2), answer(2), said(3)])
    claim = memory.driver.write(claim_due, "gives back", 60.0)
    if claim is not None:
        memory.driver.write(renew, claim.user_id, claim.token, 60.0)
        memory.driver.write(give_back, claim.user_id, claim.token)
    memory.run_due()
    listener.failing = ExtractionError("no JSON")
    memory.remember("will", "a", [said(3), answer(3), said(4)])
    for _ in range(6):  # halved, and then the turn that is to blame is buried
        memory.run_due()
        clock.advance(10)
    listener.failing = None
    memory.retry("will", "a")
    memory.run_due()
    memory.remember("will", "b", [said(1), {**said(0), "id": "again"}])
    memory.pause("will")
    memory.trigger("will")
    memory.resume("will")
    memory.trigger("will")
    memory.remember("ana", "a", [said(5), *(answer(10 + n) for n in range(8))])
    memory.trigger("ana", "a")
    # More new ids than are asked about with the marks.
    memory.remember("ana", "a", [*(answer(30 + n) for n in range(5)), said(6)])
    # A worker dies; its user's only thread is read meanwhile by nobody else.
    memory.driver.write(claim_due, "dies", 60.0)
    clock.advance(61)
    memory.trigger_all()
    memory.remember("ana", "noise", [("user", "to be dropped")])
    memory.drop("ana", "noise")
    memory.news("ana", "a", [said(6), said(7)])
    memory.backfill("ana", "a", [said(6), said(6), said(7)], before=clock.now())
    memory.trigger("ana")
    memory.profiles()
    memory.recall("will", tail=True)
    memory.history("will")
    memory.jobs()
    memory.driver.read(next_due)
    memory.driver.read(figures)
    memory.driver.read(leases, "a host", 60.0)
    memory.driver.read(buried_fields)
    memory.driver.write(carry, [("interests", "hobbies")])
    admit(memory)
    correct(memory, clock)


def admit(memory: UserMemory) -> None:
    """A token, links and an answer of the HTTP API are made, looked up and void again."""
    driver = memory.driver
    driver.read(said_by, "ana", "b", {"m9": "I like fog"})
    driver.write(drop_token, "t1")  # of a story that was stopped before
    driver.write(add_token, "t1", "digest", "app", "will", read_only=True, expires_at=None)
    driver.read(find_token, "t1")
    driver.read(all_tokens)
    driver.write(drop_token, "t1")
    driver.write(signing_key, "a key")
    driver.read(known_signing_key)
    driver.write(mark_links, "links of will", "a generation")
    driver.read(link_marks, "link-1", "links of will")
    driver.write(drop_signing_key)
    for _ in range(2):
        driver.write(begin_reply, "token-key", "will", "digest")
    driver.write(keep_reply, "token-key", 200, "{}")
    driver.write(drop_reply, "token-key")


def correct(memory: UserMemory, clock: FakeClock) -> None:
    """Eve has put right what was learned about her, and then has it erased bit by bit."""
    memory.costs("will")
    memory.costs()
    memory.driver.read(people)
    memory.driver.read(readings, 0.0)
    memory.driver.read(held_leases)
    memory.driver.read(waiting_for_provider)
    memory.search("will", "golf")
    clock.advance(31)
    memory.clean()  # what was kept for search has had its time
    for thread_id in ("x", "y"):  # the second one teaches nothing new, and that is recorded
        said = {"role": "user", "content": f"I like {ERASED}", "id": f"e{thread_id}"}
        memory.remember("eve", thread_id, [said])
        memory.trigger("eve")
    memory.remember("eve", "y", [{"role": "user", "content": f"Yes, {ERASED}!", "id": "ez"}])
    herbs = {"role": "user", "content": "I like sage", "id": "ep"}
    sage, golf = (Change("interests", "add", one, f"I like {one}") for one in ("sage", "golf"))
    memory.propose("eve", "x", [sage, golf], [herbs])  # one of them was not said
    memory.refused("eve")
    review(memory, clock)
    memory.edit("eve", {"name": "Eve", "interests": [ERASED, "thyme"]}, by="eve")
    for thread_id in ("x", "y"):
        shown = memory.recall("eve").shown
        memory.remember("eve", thread_id, [], shown={f"s{thread_id}": shown})
    memory.shown("eve", "sx")
    memory.undo("eve")
    clock.advance(1)
    memory.forget("eve", "interests", ERASED)
    memory.forget_message("eve", "x", "ex")
    memory.forget_thread("eve", "y")
    memory.forget_user("eve")


def review(memory: UserMemory, clock: FakeClock) -> None:
    """Two changes wait for a person, who approves the one and declines the other."""
    for thing in ("kale", "leek"):
        said = Evidence(f"I like {thing}", "r")
        change = Applied("interests", "add", None, thing, evidence=(said,))
        begun = memory.driver.read(start, "eve", "r", [], clock.now())
        memory.driver.write(propose, "eve", "r", begun, None, [Draft((change,), thread_id="r")])
    for proposal in memory.proposals("eve"):
        if proposal.changes[0].after == "kale":
            memory.approve(proposal.id)
        else:
            memory.decline(proposal.id)
    begun = memory.driver.read(start, "eve", "r", [], clock.now())
    memory.driver.write(propose, "eve", "r", begun, None, [Draft((change,), thread_id="r")])
    memory.proposals()
    begun, _ = memory.driver.read(load_tidied, "eve")
    memory.driver.write(store_tidied, "eve", begun, [], [], Usage(1), ("a model", "a prompt"))
    memory.due_to_tidy()


def finish(url: str, start: float) -> None:
    """Another process comes, long after; it tells the story again, and reads what is left."""
    memory, listener, clock = build(url, None, start + 10_000)
    with memory:
        tell(memory, listener, clock)
        clock.advance(10_000)
        memory.trigger_all()
        if memory.jobs():
            raise AssertionError(f"still waiting: {memory.jobs()}")
