"""What holds for the change schema of every schema."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from tests.support.provider_rules import gemini_refusals, strict_refusals
from tests.support.random_schemas import schemas

from usermemory.schema import Schema

# Every example builds types, so few of them, and none smaller once one has failed.
few = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

CAPS = {"maxLength", "maxItems", "minimum", "maximum"}


def without_caps(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_caps(part) for part in schema]
    if isinstance(schema, dict):
        return {word: without_caps(part) for word, part in schema.items() if word not in CAPS}
    return schema


@few
@given(schema=schemas())
def test_the_change_schema_keeps_the_rules_of_strict_modes(schema: Schema) -> None:
    """Without caps, OpenAI's strict mode has nothing to refuse in it."""
    assert list(strict_refusals(schema.change_schema(caps=False))) == []


@few
@given(schema=schemas())
def test_gemini_knows_every_word_of_the_change_schema(schema: Schema) -> None:
    """Gemini leaves out what it does not know, so nothing may depend on that."""
    assert list(gemini_refusals(schema.change_schema(caps=False))) == []


@few
@given(schema=schemas())
def test_caps_only_add_lengths_and_bounds(schema: Schema) -> None:
    """With caps the form is the same but for lengths and bounds."""
    capped, plain = schema.change_schema(), schema.change_schema(caps=False)
    assert without_caps(capped) == plain


@few
@given(schema=schemas())
def test_the_only_union_is_that_of_the_value(schema: Schema) -> None:
    """Inside of a value nothing is a union but with null, which small models' grammars hate."""
    value = change_of(schema)["value"]

    def unions(node: Any) -> list[Any]:
        if not isinstance(node, dict):
            return []
        inner = [found for part in node.get("properties", {}).values() for found in unions(part)]
        inner += unions(node.get("items"))
        return [*inner, node["anyOf"]] if "anyOf" in node else inner

    assert value["anyOf"][-1] == {"type": "null"}
    for union in [found for kind in value["anyOf"] for found in unions(kind)]:
        assert len(union) == 2
        assert union[1] == {"type": "null"}


@few
@given(schema=schemas())
def test_every_part_comes_in_the_order_that_was_measured(schema: Schema) -> None:
    """Quote first, then action, key and value."""
    Draft202012Validator.check_schema(schema.change_schema())
    parts = list(change_of(schema))
    assert parts == [part for part in ("quote", "action", "key", "value") if part in parts]


def change_of(schema: Schema) -> dict[str, Any]:
    changes = schema.change_schema()["properties"]["changes"]
    found: dict[str, Any] = changes["items"]["properties"]
    return found


@few
@given(schema=schemas())
def test_the_bytes_are_the_same_every_time(schema: Schema) -> None:
    """Asked twice, also after the first answer was changed by its receiver, it is the same text."""
    first = schema.change_schema()
    text = json.dumps(first)
    first["properties"].clear()
    assert json.dumps(schema.change_schema()) == text
