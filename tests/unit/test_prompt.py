"""The two texts of a prompt, and the words that can be replaced."""

from __future__ import annotations

import pytest

from usermemory.errors import ConfigurationError
from usermemory.prompt import Example, Prompt, overwriting, situation
from usermemory.prompt.words import fill, words
from usermemory.records import Change, Message, Refused
from usermemory.schema import UserProfile, schema_of

SCHEMA = schema_of(UserProfile)
SAID = (Message("user", "I'm Ana"),)


def test_order_of_the_stable_part() -> None:
    """The fields come first, then the rules, then the examples, the telling one last."""
    text = Prompt().stable(SCHEMA)
    places = [text.index(part) for part in ("Fields of", "- name:", "How to decide", "Example\n")]
    assert places == sorted(places)
    assert text.rindex("Example\n") < text.index('"I\'m Mira"')
    assert "{{" not in text


def test_order_of_the_part_that_differs() -> None:
    """The profile comes first, then what was read already, then the batch, then the question."""
    context = (Message("assistant", "Who are you?"),)
    text = Prompt().asked(SCHEMA, SCHEMA.empty(), SAID, context)
    parts = ("profile: {", "<earlier>", "Who are you?", "</earlier>", "<messages>", "I'm Ana")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.endswith("</messages>\nchanges:")


def test_without_context_nothing_is_said_about_it() -> None:
    """The first batch of a thread has no earlier part."""
    assert "earlier" not in situation(SCHEMA, SCHEMA.empty(), SAID)


def test_rejected_changes_are_shown_with_their_reasons() -> None:
    """A repair names each change and why it was not made, on lines of its own."""
    rejected = Refused(Change("age", "set", 4, "I'm four"), "not_grounded", "4 was\nnot said")
    text = Prompt().asked(SCHEMA, SCHEMA.empty(), SAID, (), [rejected])
    assert '"field": "age"' in text
    assert "\n  not grounded: 4 was not said\n" in text
    assert text.endswith("\nchanges:")


def test_rules_can_be_replaced() -> None:
    """A schema's own rules and examples take the place of ours, under a version of their own."""
    example = Example(SAID, (Change("name", "set", "Ana", "I'm Ana"),))
    own = Prompt(rules="Be brief. {{fields}} {not a part} {{nor this}}", examples=(example,))
    assert own.stable(SCHEMA).startswith("Be brief. - name: text")
    assert own.stable(SCHEMA).endswith("{not a part} {{nor this}}")
    assert own.version.startswith("changes-2+")
    assert Prompt(examples=(example,)).stable(SCHEMA).count("Example\n") == 1
    assert "Example" not in Prompt(examples=()).stable(SCHEMA)


def test_versions_tell_words_apart() -> None:
    """Only unchanged words carry the plain version; other words differ in their digest."""
    assert Prompt().version == "changes-2"
    versions = {Prompt(rules=rules).version for rules in ("{{fields}} a", "{{fields}} b")}
    assert len(versions | {Prompt().version, Prompt(examples=()).version}) == 4


def test_rules_without_a_place_for_fields_are_refused() -> None:
    """A prompt that would not name the fields is refused when it is built."""
    with pytest.raises(ConfigurationError, match="no place for the fields"):
        Prompt(rules="Be brief.")


def test_overwriting_names_the_fields() -> None:
    """The overwrite strategy tells the same fields, and no examples of changes."""
    text = overwriting(SCHEMA)
    assert "- core_memories:" in text
    assert "quote" not in text


def test_filling_never_looks_at_what_was_filled_in() -> None:
    """A field description that looks like a placeholder stays as it is."""
    assert fill("{{a}} {{b}}", a="{{b}}", b="x") == "{{b}} x"
    assert fill("{{a} {{b", a="x", b="x") == "{{a} {{b"


@pytest.mark.parametrize("version", ["changes-2", "repair-1", "overwrite-1"])
def test_words_are_there(version: str) -> None:
    """Every version that the code names has its file."""
    assert words(version)
