"""What of a message only repeats the bot, and what is the user's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usermemory.checks.pasted import without_pasted
from usermemory.checks.reported import own_words
from usermemory.records import Recalled
from usermemory.render import render
from usermemory.schema import UserProfile, schema_of


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("you said: chess, tea, bouldering", ""),
        ("You told me chess, tea. Where is that from?", ". Where is that from?"),
        ("hm, you said:\n- tea\n- chess\nis that all?", "hm, is that all?"),
        ("my profile says I live in Porto", ""),
        ("your list says chess, delete that", ", delete that"),
        ("according to you I am a baker, but I am a nurse", ", but I am a nurse"),
        ("you've said Porto before – I left it", "– I left it"),
        ("as you said, I live in Porto", "as , I live in Porto"),
        ("You think I live in Lisbon but I live in Porto", "but I live in Porto"),
        ("ChatGPT said that I am a baker", ""),
        ("du hast gesagt: Schach, Tee", ""),
        ("du sagtest, ich wohne in Porto", ""),
        ("wie du sagtest, ich wohne in Porto", "wie , ich wohne in Porto"),
        ("dijiste: el té, la escalada", ""),
        ("tu as dit : le thé, l’escalade", ""),
        ("d’après toi j’habite à Porto", ""),
    ],
)
def test_what_is_reported_is_nobodys_evidence(said: str, own: str) -> None:
    """A report goes up to its end, or up to where the user speaks or denies."""
    assert " ".join(own_words(said).split()) == " ".join(own.split())


@pytest.mark.parametrize(
    "said",
    [
        "I told you that I live in Porto",
        "I said I love tea",
        "my sister said she lives in Porto",
        "you know I love bouldering",
        "you should know that I live in Porto",
        "you can call me Sammy",
        "my list of hobbies is long: tea, chess",
        "the model trains are mine",
        "meine Liste ist lang: Tee, Schach",
        "nach der Arbeit gehe ich bouldern",
        "would you believe that I live in Porto",
        "what do you think, I love tea",
        "sie hat gesagt, sie zieht nach Porto",
        "nach dir komme ich",
        "mi lista es larga",
        "tu sais que j’aime le thé",
    ],
)
def test_what_is_not_reported_stays(said: str) -> None:
    """Who speaks of the bot, of others or of their own lists reports nothing."""
    assert own_words(said) == said


@given(st.lists(st.sampled_from(["you", "said", *":,.-\nIßİ", "tea", "du hast gesagt", "but"])))
@settings(deadline=None)
def test_blanking_what_is_reported_moves_nothing(pieces: list[str]) -> None:
    """What is left of a text stands where it stood."""
    text = " ".join(pieces)
    own = own_words(text)
    assert len(own) == len(text)
    assert all(mine in (theirs, "\n") for mine, theirs in zip(own, text, strict=True))


def test_the_profile_as_the_bot_gets_it_is_pasted() -> None:
    """Whatever is in it: below the first line of the rendered text nothing is the user's."""
    known = {"name": "Will", "interests": ["tea"], "core_memories": ["Moved to Porto"]}
    for document in (known, {"name": "Will", "age": 31}, {"interests": ["tea", "chess"]}):
        rendered = render(Recalled(document), schema_of(UserProfile), 1_000)
        bare = "\n".join(one for one in rendered.splitlines() if not one.startswith("<"))
        assert without_pasted(rendered).strip() == ""
        assert without_pasted(bare).strip() == ""
