"""How much of an inbox one consolidation reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usermemory.batch import fitting, half, turns
from usermemory.records import Author, Message
from usermemory.text import tokens

LINE = "word " * 40
COST = tokens(LINE)
AUTHORS: list[Author] = ["user", "assistant", "tool", "other"]


def talk(*authors: Author) -> list[Message]:
    return [Message(author, LINE, seq=seq) for seq, author in enumerate(authors, start=1)]


def seqs(messages: tuple[Message, ...]) -> list[int]:
    return [message.seq for message in messages]


def test_a_tool_call_stays_with_its_result() -> None:
    """A batch ends between turns, though it could hold a part of the next one."""
    inbox = talk("user", "assistant", "user", "assistant", "tool", "assistant", "user")
    for budget in range(2 * COST, 6 * COST):
        assert seqs(fitting(inbox, budget)) == [1, 2]
    assert seqs(fitting(inbox, 6 * COST)) == [1, 2, 3, 4, 5, 6]


def test_a_turn_beyond_the_budget_is_read_alone() -> None:
    """Nothing is too long to be read, and nothing comes along with it."""
    assert seqs(fitting(talk("user", "assistant", "user"), 1)) == [1, 2]


def test_the_last_turn_waits_for_the_rest_of_it() -> None:
    """Where the inbox goes on behind what was fetched, its last turn may lack its end."""
    inbox = talk("user", "assistant", "user", "assistant")
    assert seqs(fitting(inbox, 100 * COST, more=True)) == [1, 2]
    assert seqs(fitting(inbox[:2], 100 * COST, more=True)) == [1, 2], "something must be read"


def test_halving_ends_at_one_turn() -> None:
    """A batch is halved by turns; a single turn cannot be."""
    inbox = talk("user", "assistant", "user", "user", "assistant")
    assert half(inbox) == 2
    assert seqs(fitting(inbox, 100 * COST, half(inbox))) == [1, 2, 3]
    assert half(inbox[:2]) is None


@given(st.lists(st.sampled_from(AUTHORS), min_size=1, max_size=12), st.integers(1, 8 * COST))
def test_batch_after_batch_reads_everything_once(authors: list[Author], budget: int) -> None:
    """Whatever was said, the batches are the inbox, in order, cut between turns only."""
    inbox = talk(*authors)
    rest, read = inbox, list[Message]()
    begins = {turn[0].seq for turn in turns(inbox)}
    while rest:
        batch = fitting(rest, budget)
        assert batch[0].seq in begins
        assert len(turns(batch)) == 1 or sum(tokens(one.text) for one in batch) <= budget
        read += batch
        rest = rest[len(batch) :]
    assert read == inbox
