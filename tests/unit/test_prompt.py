"""The two texts of a prompt, and the words that can be replaced."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel

from usermemory.batch import Batch
from usermemory.erasure import Tombstone
from usermemory.errors import ConfigurationError
from usermemory.prompt import Example, Prompt, notes, overwriting, situation
from usermemory.prompt.batch import fill, prompt_text
from usermemory.records import Change, Message, Refused
from usermemory.schema import Remember, UserProfile, schema_of
from usermemory.settings import Limits


class Noted(BaseModel):
    name: Annotated[str | None, Remember(protect=True)] = None
    diet: str | None = None
    tags: Annotated[list[str], Remember(max_items=2)] = []


SCHEMA = schema_of(UserProfile)
SAID = (Message("user", "I'm Ana"),)
EMPTY = SCHEMA.empty()
EXAMPLE = Example(SAID, (Change("name", "set", "Ana", "I'm Ana"),))


def test_order_of_the_stable_part() -> None:
    """The fields come first, then the rules, then one's own examples; by default there are none."""
    text = Prompt(examples=(EXAMPLE,)).stable(SCHEMA)
    places = [text.index(part) for part in ("Fields\n", "- name:", "How to decide", "Example\n")]
    assert places == sorted(places)
    assert "{{" not in text
    assert "Example" not in Prompt().stable(SCHEMA)


def test_the_stable_part_is_the_same_for_everybody() -> None:
    """Whoever is read, and whatever they said, the first text has the same bytes."""
    assert Prompt().stable(SCHEMA) == Prompt().stable(schema_of(UserProfile))


def test_order_of_the_part_that_differs() -> None:
    """The profile comes first, then what was read already, then the batch."""
    context = (Message("assistant", "Who are you?"),)
    text = Prompt().asked(Batch(SCHEMA, EMPTY, SAID, context))
    parts = ("Profile: {", "<earlier>", "Who are you?", "</earlier>", "<messages>", "I'm Ana")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.endswith("</messages>")


def test_without_context_nothing_is_said_about_it() -> None:
    """The first batch of a thread has no earlier part."""
    assert "earlier" not in situation(Batch(SCHEMA, EMPTY, SAID))


def test_rejected_changes_are_shown_with_their_reasons() -> None:
    """A repair names each change and why it was not made, on lines of its own."""
    rejected = Refused(Change("age", "set", "x", "I'm x"), "wrong_type", "x is\nno number")
    text = Prompt().asked(Batch(SCHEMA, EMPTY, SAID), [rejected])
    assert '"action": "set age"' in text
    assert "\n  wrong type: x is no number\n" in text


def test_rules_can_be_replaced() -> None:
    """A schema's own rules and examples take the place of ours, under a version of their own."""
    own = Prompt(rules="Be brief. {{fields}} {not a part} {{nor this}}", examples=(EXAMPLE,))
    assert own.stable(SCHEMA).startswith("Be brief. - name: text")
    assert "{not a part} {{nor this}}\n\nExample" in own.stable(SCHEMA)
    assert own.version.startswith("changes-3+")


def test_versions_tell_words_apart() -> None:
    """Only unchanged words carry the plain version; other words differ in their digest."""
    assert Prompt().version == "changes-3"
    versions = {Prompt(rules=rules).version for rules in ("{{fields}} a", "{{fields}} b")}
    assert len(versions | {Prompt().version, Prompt(examples=(EXAMPLE,)).version}) == 4


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


@pytest.mark.parametrize("version", ["changes-3", "repair-2", "overwrite-1", "second-look-1"])
def test_words_are_there(version: str) -> None:
    """Every version that the code names has its file."""
    assert prompt_text(version)


def test_what_the_model_has_to_know_is_said() -> None:
    """Full lists, locked fields, erased values and a full profile are told, where they matter."""
    schema = schema_of(Noted)
    known = {**schema.empty(), "name": "Ana", "tags": ["a", "b"]}
    said = (Message("user", "I'm Ana", received=5.0),)
    stones = (Tombstone("diet", "x", erased_at=9.0), Tombstone("tags", "y", erased_at=1.0))
    batch = Batch(schema, known, said, tombstones=stones, limits=Limits(max_profile=40))
    assert notes(batch) == [
        "(tags is full: to add an item, remove one that matters less)",
        "(name: changed by hand only)",
        "(erased at the user's wish, do not take it from these words: values of diet)",
        "(the profile is full: it takes only corrections and removals)",
    ]
    assert notes(Batch(schema, schema.empty(), said)) == []
