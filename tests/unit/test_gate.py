"""When a thread is worth a model call."""

from __future__ import annotations

import re

import pytest

from usermemory.errors import ConfigurationError
from usermemory.gate import Count, Gate, Matches, Tokens, Words, gate_of
from usermemory.records import Message


def said(*texts: str) -> list[Message]:
    """Messages by the user, each answered by the assistant with "remember my name"."""
    answer = Message("assistant", "remember my name")
    return [message for text in texts for message in (Message("user", text), answer)]


@pytest.mark.parametrize(
    ("gate", "text", "opens"),
    [
        (Count(1), "hi", True),
        (Count(2), "hi", False),
        (Count(2, by="anyone"), "hi", True),
        (Tokens(5), "a fairly long sentence by the user", True),
        (Tokens(5), "hi", False),
        (Tokens(5, by="anyone"), "hi", True),
        (Words("remember"), "Please REMEMBER this", True),
        (Words("remember"), "hi", False),
        (Words("remember", by="anyone"), "hi", True),
        (Words("name"), "I renamed it", False),
        (Words("my name"), "so,  My\nname is Will", True),
        (Words("I'm"), "I\u2019m Will", True),
        (Words("c++"), "I like C++.", True),
        (Words("straße"), "Meine STRASSE", True),
        (Matches(r"\d{4}"), "since 2019", True),
        (Matches(re.compile("NAME", re.IGNORECASE)), "a name", True),
        (Matches(r"\d{4}"), "since ever", False),
        (Count(1) & Words("x"), "hi", False),
        (Count(2) | Words("hi"), "hi", True),
        (Words("a") | Count(1) & Words("b"), "b", True),
    ],
    ids=repr,
)
def test_opens(gate: Gate, text: str, opens: bool) -> None:
    """A gate opens for what it names, in the user's own messages unless said otherwise."""
    assert gate.opens(said(text)) is opens


def test_at_once() -> None:
    """A count or a size makes a thread due at once, and a composed gate where one of it does."""
    assert not Count(1).at_once(1_000, 1_000_000)
    assert Count(1, at_once=20).at_once(20, 0)
    assert not Count(1, at_once=20).at_once(19, 1_000_000)
    assert Tokens(1, at_once=100).at_once(0, 300)
    assert not Tokens(1, at_once=100).at_once(1_000, 299)
    both = Count(1, at_once=20) & Words("x") | Tokens(1, at_once=100)
    assert both.at_once(20, 0)
    assert both.at_once(0, 300)
    assert not both.at_once(19, 299)


def test_repr() -> None:
    """A gate prints as it was written, for people to read what a held thread waits for."""
    gate = Words("remember", "my name") | Count(3, at_once=20) & Matches("x", by="anyone")
    expected = "(Words('remember', 'my name') | (Count(3, at_once=20) & Matches('x', by='anyone')))"
    assert repr(gate) == expected


def test_function() -> None:
    """A plain function of the batch is a gate, and can be composed."""

    def long_enough(batch) -> bool:
        return len(batch) > 2

    gate = gate_of(long_enough)
    assert gate is not None
    assert not gate.opens(said("a"))
    assert gate.opens(said("a", "b"))
    assert (gate & Count(1)).opens(said("a", "b"))
    assert "long_enough" in repr(gate)
    assert gate_of(gate) is gate
    assert gate_of(None) is None


def test_refused() -> None:
    """What can't be a gate is refused when the memory is built."""
    for make in (
        lambda: Count(0),
        lambda: Tokens(0),
        Words,
        lambda: Words("a", " "),
        lambda: Matches("("),
        lambda: gate_of("remember"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ConfigurationError):
            make()
