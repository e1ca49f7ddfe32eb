"""A raw answer is read for what it holds, in every provider's way of wrapping and stopping it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import model_name, parsed_value, read_answer, usage
from usermemory.records import Usage

FORM: dict[str, Any] = {
    "title": "profile_changes",
    "type": "object",
    "properties": {
        "changes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"quote": {"type": "string"}, "value": {"type": "string"}},
            },
        }
    },
    "required": ["changes"],
}
PROFILE: dict[str, Any] = {
    "title": "profile",
    "type": "object",
    "properties": {"name": {"type": "string"}, "likes": {"type": "array"}},
    "required": ["name", "likes"],
}
ONE = {"quote": "I'm Ana", "value": "Ana {really} [so]"}
TWO = {"quote": "I like </think> tags", "value": 'a "quoted" \\ word'}
VALUE = {"changes": [ONE, TWO]}
J = json.dumps(VALUE)
FIRST, SECOND = json.dumps({"changes": [ONE]}), json.dumps({"changes": [TWO]})
EMPTY = '{"changes": []}'


def tool_call(arguments: Any) -> dict[str, Any]:
    return {"name": "profile_changes", "args": arguments, "id": "1"}


def invalid(arguments: str) -> dict[str, Any]:
    return {"name": "profile_changes", "args": arguments, "id": "1", "error": None}


def unusable(message: AIMessage, form: Any = FORM) -> str:
    with pytest.raises(UnusableAnswer) as caught:
        read_answer(message, form)
    return str(caught.value.reason)


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (AIMessage("", tool_calls=[tool_call({"changes": []})]), {"changes": []}),
        (AIMessage('{"changes": []}'), {"changes": []}),
        (AIMessage("\n```json\n[1]\n```\n"), [1]),
        (AIMessage("```\n[1]\n```"), [1]),
        (AIMessage([{"type": "text", "text": "[1, 2]"}]), [1, 2]),
        (AIMessage("[1]", response_metadata={"finish_reason": "STOP"}), [1]),
    ],
)
def test_what_is_read(message: AIMessage, value: Any) -> None:
    """A tool call is read, else text that is JSON, in a code fence or not."""
    assert read_answer(message) == value


WRAPPED = {
    "plain": J,
    "thoughts": f"<think>\nA name, {{so}} set it. [1]\n</think>\n\n{J}",
    "a draft among the thoughts": f"<think>{EMPTY}</think>{J}",
    "thoughts without their beginning": f"First {EMPTY}, no.\n</think>\n\n{J}",
    "empty thoughts": f"<think></think>{J}",
    "an empty tag": f"<think />{J}",
    "doubled braces": f"{{{J}}}",
    "an answer tag": f"<analysis>{EMPTY}</analysis><answer>{J}</answer>",
    "a parameter in a tag": (
        "<tool_call><function=profile_changes>\n<parameter=changes>\n"
        f"{json.dumps([ONE, TWO])}\n</parameter></function></tool_call>"
    ),
    "thinking": f"<thinking>hm {EMPTY}</thinking>\n{J}",
    "thoughts of two kinds": f"<reasoning>{EMPTY}</reasoning>And <thought>{EMPTY}</thought>: {J}",
    "Magistral": f"[THINK]hm {EMPTY}[/THINK]{J}",
    "Kimi": f"◁think▷hm {EMPTY}◁/think▷{J}",
    "Cohere": f"<|START_THINKING|>hm {EMPTY}<|END_THINKING|>{J}",
    "gpt-oss": (
        f"<|channel|>analysis<|message|>hm {EMPTY}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{J}<|return|>"
    ),
    "gpt-oss, a call": (
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary "
        f"to=functions.profile_changes <|constrain|>json<|message|>{J}<|call|>"
    ),
    "gpt-oss without its tokens": f"analysisHm {EMPTY}.assistantfinal{J}",
    "a fence after a sentence": f"Here are the changes:\n```json\n{J}\n```",
    "a fence before a sentence": f"```json\n{J}\n```\nI set the [name].",
    "a fence in capitals": f"```JSON\n{J}\n```",
    "a fence of tildes": f"~~~\n{J}\n~~~",
    "a fence without its end": f"```json\n{J}",
    "after a sentence": f"Here is the JSON: {J}",
    "between sentences with braces": f"I {{set}} it [1, see]: {J} {{done}} [2]",
    "beside an empty object": f"{{}} [1] {J}",
    "beside the schema": f"{json.dumps(FORM)}\n{J}",
    "an end token": f"{J}<|im_end|>",
    "another end token": f"{J}</s>",
    "a third one": f"{J}<|eot_id|>",
    "a byte order mark": f"\ufeff{J}",
    "twice the same": f"{J}\n\n{json.dumps(VALUE, indent=2)}",
    "a string": json.dumps(J),
    "a string in a string": json.dumps(json.dumps(J)),
    "Hermes": f'<tool_call>\n{{"name": "profile_changes", "arguments": {J}}}\n</tool_call>',
    "Llama": f'<|python_tag|>{{"name": "profile_changes", "parameters": {J}}}<|eom_id|>',
    "Llama, a function": f"<function=profile_changes>{J}</function>",
    "Mistral": f'[TOOL_CALLS] [{{"name": "profile_changes", "arguments": {J}}}]</s>',
    "Mistral, newer": f"[TOOL_CALLS]profile_changes[ARGS]{J}",
    "arguments as text": json.dumps({"name": "profile_changes", "arguments": J}),
    "OpenAI's own form": json.dumps(
        {"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": J}}]}
    ),
    "an agent's form": json.dumps({"action": "profile_changes", "action_input": VALUE}),
    "under its name": json.dumps({"profile_changes": VALUE}),
    "the list as text": json.dumps({"changes": json.dumps([ONE, TWO])}),
    "the list alone": json.dumps([ONE, TWO]),
    "the list in a sentence": f"The changes are {json.dumps([ONE, TWO])}.",
    "line breaks in strings, odd escapes": J.replace("really", "re\nally").replace("'", r"\'"),
    "two calls in text": "\n".join(
        f'<tool_call>\n{{"name": "f", "arguments": {each}}}\n</tool_call>'
        for each in (FIRST, SECOND)
    ),
    "two calls in a list": json.dumps(
        [{"name": "f", "arguments": json.loads(each)} for each in (FIRST, SECOND)]
    ),
    "a call behind which one was cut off": (f"<tool_call>{J}</tool_call><tool_call>{SECOND[:-4]}"),
    "repeated until the limit": f"{J}\n{J}\n{J[:40]}",
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED.keys())
def test_a_complete_value_is_read_whatever_stands_around_it(text: str) -> None:
    """Thoughts, sentences, fences, tokens and calls are no part of the answer."""
    found = read_answer(AIMessage(text), FORM)
    assert json.loads(json.dumps(found).replace("re\\nally", "really")) == VALUE


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED.keys())
def test_the_same_as_blocks_beside_thoughts(text: str) -> None:
    """Text in blocks is read like text; blocks of thoughts are not part of it."""
    blocks: list[Any] = [
        {"type": "thinking", "thinking": EMPTY, "signature": "s"},
        {"type": "reasoning", "text": EMPTY},
        {"type": "text", "text": text[:20]},
        {"type": "text", "text": text[20:]},
    ]
    assert len(read_answer(AIMessage(blocks), FORM)["changes"]) == 2


MESSAGES = {
    "several calls": AIMessage(
        "", tool_calls=[tool_call({"changes": [ONE]}), tool_call({"changes": [TWO]})]
    ),
    "the same call twice": AIMessage("", tool_calls=[tool_call(VALUE), tool_call(VALUE)]),
    "a call of something else first": AIMessage(
        "", tool_calls=[tool_call({"city": "Bergen"}), tool_call(VALUE)]
    ),
    "a cut-off call behind a whole one": AIMessage(
        "", tool_calls=[tool_call(VALUE)], invalid_tool_calls=[invalid(SECOND[:-3])]
    ),
    "text beside a call": AIMessage(f"I note {FIRST}", tool_calls=[tool_call(VALUE)]),
    "arguments in arguments": AIMessage("", tool_calls=[tool_call({"input": J})]),
    "the list as text": AIMessage("", tool_calls=[tool_call({"changes": json.dumps([ONE, TWO])})]),
    "the list alone as arguments": AIMessage(
        "", tool_calls=[tool_call({"input": json.dumps([ONE, TWO])})]
    ),
    "the list alone, which no package takes": AIMessage(
        "", invalid_tool_calls=[invalid(json.dumps([ONE, TWO]))]
    ),
    "a fence in the arguments": AIMessage("", invalid_tool_calls=[invalid(f"```json\n{J}\n```")]),
    "an end token in the arguments": AIMessage("", invalid_tool_calls=[invalid(f"{J}<|im_end|>")]),
    "a package without tool calls": AIMessage(
        "", additional_kwargs={"function_call": {"name": "f", "arguments": J}}
    ),
    "blocks that no package read": AIMessage(
        [{"type": "tool_use", "id": "1", "name": "f", "input": VALUE}]
    ),
    "a call in which nothing fits, and text": AIMessage(J, tool_calls=[tool_call({})]),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_calls_of_every_kind(message: AIMessage) -> None:
    """The lists of several calls are joined, and what is no answer spoils none."""
    assert read_answer(message, FORM) == VALUE


NO_ANSWER = {
    "nothing": "",
    "words": "There is nothing to change.",
    "half": '{"changes": [{"quote": "half',
    "half behind thoughts": f"<think>hm</think>{J[:-3]}",
    "all but the end": J[:-1],
    "all but the end of the call": f'{{"name": "f", "arguments": {J}',
    "thoughts only": f"<think>hm {J}",
    "thoughts only, over": f"{J}</think>",
    "two that differ": f"{FIRST}\n{SECOND}",
    "two fences that differ": f"```json\n{FIRST}\n```\nOr:\n```json\n{SECOND}\n```",
    "one, and a half of another": f"{FIRST}\n{SECOND[:-3]}",
    "an empty list in a sentence": "The list interests[] stays as it is, {} too.",
    "a list of something": 'I saw ["Ana", "Bo"].',
    "broken": J.replace('"value":', '"value"'),
    "broken, with a list inside": '{"changes" [], "more": []}',
    "brackets": "[" * 100_000,
    "null": "null",
    "a number": "12",
}


@pytest.mark.parametrize("text", NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_half_an_answer_is_no_answer(text: str) -> None:
    """What was cut off is never closed by guessing, and of two answers none is picked."""
    assert unusable(AIMessage(text)) == "unusable"


def test_a_call_that_was_cut_off_is_no_answer() -> None:
    """The beginning of a call's arguments is unusable, whether or not the provider says so."""
    half = AIMessage("", invalid_tool_calls=[invalid(J[:-3])])
    assert unusable(half) == "unusable"
    half.response_metadata["finish_reason"] = "length"
    assert unusable(half) == "truncated"


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (AIMessage(f"{J}\n\n\n  "), VALUE),
        (AIMessage(f"{J} These are the"), VALUE),
        (AIMessage(J), None),
        (AIMessage(J[:-2]), None),
        (AIMessage(f"<think>{J}, or"), None),
        (AIMessage("", tool_calls=[tool_call(VALUE), tool_call({"changes": []})]), VALUE),
        (AIMessage("", tool_calls=[tool_call(VALUE)]), None),
        (AIMessage("", invalid_tool_calls=[invalid(f"{J}\n\n\n}}")]), VALUE),
        (AIMessage("", invalid_tool_calls=[invalid(f"So: {J}")]), None),
        (
            AIMessage("", tool_calls=[tool_call(VALUE)], invalid_tool_calls=[invalid(SECOND[:-3])]),
            VALUE,
        ),
    ],
)
def test_at_the_token_limit(message: AIMessage, value: Any) -> None:
    """Behind which the answer went on, that was whole; the last call may have been closed."""
    message.response_metadata["finish_reason"] = "length"
    if value is None:
        assert unusable(message) == "truncated"
    else:
        assert read_answer(message, FORM) == value


def test_a_filter_is_no_token_limit() -> None:
    """What a filter stopped is never read, whatever stands there."""
    message = AIMessage(f"{J} and", response_metadata={"finish_reason": "content_filter"})
    assert unusable(message) == "filtered"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"name": "Ana", "likes": []}', {"name": "Ana", "likes": []}),
        ('So: {"name": "Ana", "likes": []}.', {"name": "Ana", "likes": []}),
        ('{"name": "profile", "arguments": {"name": "Ana"}}', {"name": "Ana"}),
        ('{"name": "profile", "parameters": "{\\"name\\": null}"}', {"name": None}),
        ('```json\n{"likes": ["tea"]}\n``` That is all.', {"likes": ["tea"]}),
        ('{"name": "Ana", "arguments": 1}', 1),
    ],
)
def test_another_form_is_left_to_the_caller(text: str, value: Any) -> None:
    """A value that is all of the answer is read though keys are missing; a call is opened."""
    assert read_answer(AIMessage(text), PROFILE) == value


@pytest.mark.parametrize(
    "text",
    [
        "The profile is {} now.",
        'It was {"name": "Bo"}.',
        '{"name": "Ana", "likes": []} {"name": "Bo", "likes": []}',
        "".join(f'<tool_call>{{"name": "{name}", "likes": []}}</tool_call>' for name in "ab"),
    ],
)
def test_a_profile_is_not_guessed(text: str) -> None:
    """A piece of a profile in a sentence would empty all others; two contradict each other."""
    assert unusable(AIMessage(text), PROFILE) == "unusable"


def test_a_field_may_be_named_like_arguments() -> None:
    """A value of the form is no call, whatever its fields are called."""
    form = {"properties": {"name": {}, "input": {}, "age": {}}, "required": ["name", "age"]}
    written = {"name": "Ana", "input": "a pen"}
    assert read_answer(AIMessage(json.dumps(written)), form) == written


def test_values_that_no_database_takes() -> None:
    """Half characters, endless numbers and endless nesting cost one value, not the answer."""
    deep = '{"a": ' * 5_000 + "1" + "}" * 5_000
    values = ['"chess \\ud83d"', "NaN", "-Infinity", "1e999", "9" * 6_000, deep]
    items = ", ".join(f'{{"quote": "a\\udc00", "value": {value}}}' for value in values)
    for text in (f'{{"changes": [{items}]}}', f'So: {{"changes": [{items}]}}'):
        changes = read_answer(AIMessage(text), FORM)["changes"]
        assert [change["quote"] for change in changes] == ["a\ufffd"] * 6
        assert [change["value"] for change in changes[:5]] == ["chess \ufffd", *[None] * 4]
        json.dumps(changes, allow_nan=False).encode()
    args = {"changes": [{"quote\ud83d": "x", "value": float("inf")}]}
    found = read_answer(AIMessage("", tool_calls=[tool_call(args)]), FORM)
    assert found == {"changes": [{"quote\ufffd": "x", "value": None}]}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 150_000,
        "[" * 100_000 + "x",
        '{"a":' * 100_000,
        '["a' * 100_000,
        '{"' * 400_000,
        "{} " * 60_000,
        "".join(f'{{"changes": [{n}]}} ' for n in range(20_000)),
        "<think>" * 100_000,
        "</think>" * 100_000,
        "[1" * 100_000,
        "[" + "1" * 1_000_000,
        '{"changes": ["' + "\\" * 1_000_001,
        "words " * 200_000,
    ],
    ids=range(13),
)
def test_nonsense_of_any_length(text: str) -> None:
    """A model that loops is unusable, in time that grows with the length of its answer alone."""
    assert unusable(AIMessage(text)) == "unusable"


def test_a_value_behind_five_megabytes() -> None:
    """A long answer is read to its end."""
    assert read_answer(AIMessage("I see [it]. " * 400_000 + J), FORM) == VALUE
    long = {"changes": [{**ONE, "value": "x" * 100}] * 10_000}
    assert read_answer(AIMessage(f"So:\n{json.dumps(long)}"), FORM) == long


@pytest.mark.parametrize(
    ("value", "read_as"),
    [([1], [1]), ("[1]", [1]), ("```json\n{}\n```", {}), ("none", None), ("[1", None), ("12", 12)],
)
def test_json_in_a_string(value: Any, read_as: Any) -> None:
    """A list or an item that was given as JSON in a string is opened, and nothing else."""
    assert parsed_value(value) == read_as


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "length"}, "truncated"),  # OpenAI
        ({"finish_reason": "content_filter"}, "filtered"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "truncated",
        ),
        ({"stop_reason": "max_tokens"}, "truncated"),  # Anthropic
        ({"stop_reason": "refusal"}, "refused"),
        ({"finish_reason": "MAX_TOKENS"}, "truncated"),  # Gemini
        ({"finish_reason": "SAFETY"}, "filtered"),
        ({"finish_reason": "PROHIBITED_CONTENT"}, "filtered"),
        ({"prompt_feedback": {"block_reason": "SAFETY"}}, "filtered"),
        ({"done_reason": "length"}, "truncated"),  # Ollama
        ({"finish_reason": "model_length"}, "truncated"),  # Mistral
    ],
)
def test_why_it_stopped(metadata: dict[str, Any], reason: str) -> None:
    """An answer that was stopped at its end is not read, even if it looks complete."""
    with pytest.raises(UnusableAnswer) as caught:
        read_answer(AIMessage('{"changes": []}', response_metadata=metadata))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", additional_kwargs={"refusal": "I can't help with that."}),
        AIMessage([{"type": "refusal", "refusal": "I can't help with that."}]),
    ],
)
def test_refusals(message: AIMessage) -> None:
    """A refusal is told from an unusable answer."""
    assert unusable(message) == "refused"


def test_usage_is_counted_by_the_provider() -> None:
    """Tokens are what the provider says; a call without a count is still a call."""
    counted = {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "input_token_details": {"cache_read": 4},
    }
    assert usage(AIMessage("", usage_metadata=counted)) == Usage(1, 9, 2, 4)
    assert usage(AIMessage("")) == Usage(calls=1)


@pytest.mark.parametrize(
    ("counted", "used"),
    [
        ({}, Usage(1)),
        ({"output_tokens": 3}, Usage(1, 0, 3)),
        ({"input_tokens": None, "output_tokens": -4}, Usage(1)),
        ({"input_tokens": 12.7, "output_tokens": "8"}, Usage(1, 12, 8)),
        ({"input_tokens": "many", "output_tokens": float("nan")}, Usage(1)),
        ({"input_tokens": float("inf"), "output_tokens": []}, Usage(1)),
        ({"input_tokens": 10**400, "output_tokens": 10**30}, Usage(1, 0, 2**31 - 1)),
        ({"input_tokens": 1, "output_tokens": 1, "input_token_details": None}, Usage(1, 1, 1)),
        (
            {"input_tokens": 1, "output_tokens": 1, "input_token_details": {"cache_read": "7"}},
            Usage(1, 1, 1, 7),
        ),
        ("12 tokens", Usage(1)),
    ],
)
def test_odd_figures(counted: Any, used: Usage) -> None:
    """Whatever a gateway says of the tokens, the answer is read and the call counted."""
    message = AIMessage(J)
    message.usage_metadata = counted
    assert usage(message) == used
    assert read_answer(message, FORM) == VALUE


def test_the_answer_names_its_model() -> None:
    """The exact model is the one that the answer names, else the one asked for, else the class."""

    class Asked:
        model_name = "alias"

    named = AIMessage("", response_metadata={"model_name": "alias-2025-10-01"})
    assert model_name(named, Asked()) == "alias-2025-10-01"
    assert model_name(AIMessage(""), Asked()) == "alias"
    assert model_name(AIMessage(""), object()) == "object"
