"""What callers pass as messages, read into the one form that the memory works with."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import textwrap
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from bench.cost.counting import Tokens
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumpd
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    messages_to_dict,
)
from langchain_core.prompt_values import ChatPromptValue

from usermemory.errors import InvalidInput
from usermemory.messages import Attributed, digest, guarded_author, newest_first, read_messages
from usermemory.messages.content import say_unread
from usermemory.records import Message
from usermemory.text import parts, tokens

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Role(Enum):
    """As LlamaIndex has it."""

    USER = "user"


def one(raw: Any, user_id: str = "will") -> Message:
    (message,) = read_messages([raw], user_id)
    return message


@dataclasses.dataclass
class Block:
    type: str = "text"
    text: str = "hi"


@pytest.mark.parametrize(
    ("raw", "author"),
    [
        ("hi", "user"),
        (("user", "hi"), "user"),
        (("human", "hi"), "user"),
        (["ai", "hi"], "assistant"),
        ({"role": "user", "content": "hi"}, "user"),
        ({"type": "human", "content": "hi"}, "user"),
        ({"role": "assistant", "content": "hi"}, "assistant"),
        ({"role": "tool", "content": "hi", "tool_call_id": "1"}, "tool"),
        (HumanMessage("hi"), "user"),
        (HumanMessage("hi", name="will"), "user"),
        (HumanMessage("hi", name="Will S."), "user"),
        (HumanMessage("hi", additional_kwargs={"lc_source": "summarization"}), "other"),
        (AIMessage("hi"), "assistant"),
        (AIMessage("hi", name="will"), "assistant"),
        (AIMessageChunk(content="hi"), "assistant"),
        (ToolMessage("hi", tool_call_id="1"), "tool"),
        (FunctionMessage("hi", name="f"), "tool"),
        (ChatMessage("hi", role="user"), "user"),
    ],
)
def test_author(raw: Any, author: str) -> None:
    """Whose words a message holds follows from its kind, its name and who inserted it."""
    assert (one(raw).author, one(raw).text) == (author, "hi")


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        (["Will", "Will"], ["user", "user"]),
        ([None, "will"], ["user", "user"]),
        ([None, "supervisor"], ["user", "other"]),
        (["will", "Bob"], ["user", "other"]),
        (["Will", "Bob"], ["other", "other"]),
    ],
)
def test_a_display_name(names: list[str | None], authors: list[str]) -> None:
    """One name on all human messages is the user's own; of several only the user's id is known."""
    raw = [HumanMessage("hi", name=name) for name in names]
    noise = [AIMessage("hi", name="bot"), HumanMessage("s", additional_kwargs={"lc_source": "s"})]
    found = read_messages([*raw, *noise], "will")
    assert [message.author for message in found] == [*authors, "assistant", "other"]


def test_names_that_were_given_to_others() -> None:
    """Where it was found out whose the messages are, a name that is alone is no display name."""
    raw = Attributed([HumanMessage("hi", name="Bob")])
    assert [message.author for message in read_messages(raw, "will")] == ["other"]


def test_author_policy() -> None:
    """An author policy decides where it wants to."""
    raw = [HumanMessage("hi", name="Will S."), HumanMessage("ho", name="Bob")]
    will = read_messages(raw, "17", lambda m: "user" if m.name.startswith("Will") else None)
    assert [m.author for m in will] == ["user", "other"]


def test_not_read() -> None:
    """System messages, removals and messages without text are left out."""
    raw = [
        SystemMessage("be kind"),
        {"role": "developer", "content": "be brief"},
        RemoveMessage(id="1"),
        HumanMessage("  "),
        AIMessage([]),
        {"role": "assistant", "content": None},
        AIMessage([{"type": "thinking", "thinking": "hm"}]),
    ]
    assert read_messages(raw, "will") == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["a", {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "image_url", "image_url": {"url": "data:"}}], "[image]"),
        ([{"type": "image", "base64": "x"}, {"type": "text", "text": "mine"}], "[image]\nmine"),
        ([{"type": "file", "file": {"filename": "report.pdf"}}], "[file: report.pdf]"),
        ([{"type": "file", "base64": "x", "extras": {"name": "a.txt"}}], "[file: a.txt]"),
        ([{"type": "text-plain", "text": "not my words", "title": "t"}], "[file: t]"),
        ([{"type": "input_audio", "input_audio": {"data": "x"}}], "[audio]"),
        ([{"type": "audio", "base64": "x", "transcript": "spoken"}], "spoken"),
        ([{"type": "tool_result", "content": "not mine"}, "look"], "[tool_result]\nlook"),
        (
            [{"type": "guard_content", "text": "a"}, {"guardContent": {"text": {"text": "b"}}}],
            "a\nb",
        ),
        ([{"type": "text", "text": {"value": "a", "annotations": []}}], "a"),
        ([{"type": "non_standard", "value": {"type": "note", "text": "a"}}], "a"),
        ([{"type": None, "text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default"}}], "a\nb"),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "x"}}, {"text": "mine"}],
            "[image]\nmine",
        ),
        ([{"image": {"format": "png", "source": {"bytes": "x"}}}], "[image]"),
        ([{"type": "video_url", "video_url": {"url": "x"}}], "[video]"),
        ([{"type": "chart", "spec": {"width": 3}}], "[chart]"),
        ({"type": "text", "text": "alone"}, "alone"),
        ([[{"type": "text", "text": "a"}], "b"], "a\nb"),
        ([None, 7, {"type": "text", "text": "mine"}], "mine"),
        ([{"type": "quote", "quote": "a"}, {"type": "markdown", "markdown": "b"}], "a\nb"),
        ([{"searchResult": {"content": [{"text": "not mine"}]}}, {"text": "mine"}], "[file]\nmine"),
        ([{"type": "container_upload", "file_id": "x"}], "[file]"),
        (
            [{"type": "bash_tool_result", "content": "not mine"}, "a"],
            "[bash_tool_result]\na",
        ),
        ([{"type": "data-note", "data": {"text": "not mine"}}, "mine"], "mine"),
        ([{"type": "citation", "cited_text": "not mine"}, "mine"], "mine"),
        ({"content_type": "text", "parts": ["a", "b"]}, "a\nb"),
        (
            [{"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "t"}]}}],
            "a",
        ),
        (
            [{"type": "tool-weather", "input": {"city": "Graz"}}],
            '[calls weather({"city": "Graz"})]',
        ),
        ([{"type": "dynamic-tool", "toolName": "f", "input": {}}], "[calls f({})]"),
    ],
)
def test_content(content: Any, text: str) -> None:
    """Text blocks are read, what is spoken too, and media become a short placeholder."""
    assert one({"role": "user", "content": content}).text == text


@pytest.mark.parametrize(
    ("raw", "author", "text"),
    [
        (messages_to_dict([HumanMessage("hi")])[0], "user", "hi"),
        (messages_to_dict([AIMessage("hi")])[0], "assistant", "hi"),
        (dumpd(HumanMessage("hi")), "user", "hi"),
        ({"role": "user", "parts": [{"type": "text", "text": "hi"}]}, "user", "hi"),
        (
            {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "hi"}]},
            "assistant",
            "hi",
        ),
        (
            {
                "role": "assistant",
                "parts": [{"type": "step-start"}, {"type": "text", "text": "hi"}],
            },
            "assistant",
            "hi",
        ),
        ({"role": "user", "text": "hi"}, "user", "hi"),
        ({"from": "human", "value": "hi"}, "user", "hi"),
        ({"role": "critic", "content": "hi"}, "other", "hi"),
        (ChatMessage("hi", role="critic"), "other", "hi"),
        ({"role": "user", "content": [{"type": "tool_result", "content": "hi"}]}, "tool", "hi"),
        (
            {"role": "user", "content": [{"toolResult": {"content": [{"text": "hi"}]}}]},
            "tool",
            "hi",
        ),
        ({"type": "function_call_output", "call_id": "1", "output": "hi"}, "tool", "hi"),
        (SimpleNamespace(role="assistant", content=[Block()]), "assistant", "hi"),
        (SimpleNamespace(role=Role.USER, content="hi"), "user", "hi"),
        ({"sender": "user", "type": "text", "text": "hi"}, "user", "hi"),
        ({"author": {"role": "user"}, "content": {"parts": ["hi"]}}, "user", "hi"),
        ({"id": "x", "message": {"role": "assistant", "content": "hi"}}, "assistant", "hi"),
        ({"role": "user", "blocks": [{"block_type": "text", "text": "hi"}]}, "user", "hi"),
        ({"type": "computer_call_output", "output": {"text": "hi"}}, "tool", "hi"),
        ({"type": "web_search_call", "action": {}}, "assistant", "[calls web_search_call()]"),
        (ChatMessage("hi", role=""), "other", "hi"),
    ],
)
def test_forms_of_the_world(raw: Any, author: str, text: str) -> None:
    """What LangChain, the providers and front ends write is read, wherever its text stands."""
    assert (one(raw).author, one(raw).text) == (author, text)


def test_one_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """In a graph's state it is left out and named in the log; the others are read."""
    broken = HumanMessage.model_construct(content=[7], type="human", additional_kwargs={})
    read = read_messages([HumanMessage("a"), broken, HumanMessage("b")], "will")
    assert [message.text for message in read] == ["a", "b"]
    assert "message 1 is not read: a content block is neither" in caplog.text


def _absent(_: Any) -> Any:
    return {}["source"]


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (_absent, "author= raised KeyError"),
        (lambda _: "human", "author= gave 'human', which is none of user, "),
        (lambda _: "", "author= gave ''"),
        (lambda _: True, "author= gave a bool"),
        (lambda _: [], "author= gave a list"),
        (lambda _: 1, "author= gave a int"),
        (lambda m: m.content * 9, "author= gave a str"),
    ],
)
def test_a_policy_that_talks_nonsense(
    caplog: pytest.LogCaptureFixture, policy: Any, named: str
) -> None:
    """The usual rule counts where a policy raises or says what is no author; once it is named."""
    said = [HumanMessage("I like tea"), HumanMessage("Ann does", name="Ann"), HumanMessage("Hi")]
    read = read_messages(said, "will", guarded_author(policy))
    assert [message.author for message in read] == ["user", "other", "user"]
    assert caplog.text.count("author= ") == 1
    assert named in caplog.text


_PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()


def _dumped(offset: str, behind: str) -> str:
    """Bytes in rows of 16, each behind its offset."""
    rows = [range(at, at + 16) for at in range(0, 192, 16)]
    return "".join(
        f"{offset.format(row[0])}{' '.join(f'{one:02x}' for one in row)}  {behind}\n"
        for row in rows
    )


def _wrapped(width: int, between: str = "\n") -> str:
    """The beginning of a picture in full lines."""
    return between.join(textwrap.wrap(_PICTURE[: width * 9], width))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            f"I'm Will. ![shot](data:image/png;base64,{_PICTURE}) Nice?",
            "I'm Will. ![shot]([image]) Nice?",
        ),
        (
            f'<img src="data:image/svg+xml;utf8,%3Csvg{"%20" * 99}"> mine',
            '<img src="[image]"> mine',
        ),
        (f"Mine:\n{_dumped('{:08x}  ', '|...|')}000000c0\nyours", "Mine:\n[file]yours"),
        (f"Mine:\n{_dumped('{:08x}: ', '....')}yours", "Mine:\n[file]yours"),
        (_dumped("{:06d} ", "").replace("000000", "100000"),) * 2,
        (f"I'm Will. {_PICTURE} Nice?", "I'm Will. [file] Nice?"),
        ("Mine:\n" + "\n".join(textwrap.wrap(_PICTURE, 76)) + "\nyours", "Mine:\n[file]\nyours"),
        # The last line is full: what follows is no part of it.
        (f"{_wrapped(76)}\nWill is my name.", "[file]\nWill is my name."),
        (f"{_wrapped(64)}\nThanks", "[file]\nThanks"),
        (f"Mine: {_wrapped(76, ' ')} I like tea", "Mine: [file] I like tea"),
        (f"Mine: {base64.b32encode(bytes(range(256)) * 3).decode()} yours", "Mine: [file] yours"),
        (f'{{"type": "Buffer", "data": {[*range(200)]}}}', '{"type": "Buffer", "data": [file]}'),
        (f"My plan: {[*range(20)]}", f"My plan: {[*range(20)]}"),
        (f"Steps a day: {[*range(180, 380)]}", f"Steps a day: {[*range(180, 380)]}"),
        (f"{_wrapped(64)}\n日本", "[file]\n日本"),
        (f"> {_wrapped(76, chr(10) + '> ')}\n> Will\nsaid", "> [file]\n> Will\nsaid"),
        (f"{_wrapped(76)}\nqg4=\nmine", "[file]\nmine"),
        (f"{_wrapped(76)}\nqg4Zx7\nmine", "[file]\nmine"),
        (f'{{"a": "{_wrapped(76, chr(92) + "n")}"}} mine', '{"a": "[file]"} mine'),
        (f"<{'data:image/svg+xml;utf8,'}<svg a='b'>{'<g/> ' * 99}</svg>> mine", "<[image]> mine"),
        ("data:image/svg+xml,<svg " * 99 + "mine", "data:image/svg+xml,<svg " * 99 + "mine"),
        (f"dump {bytes(range(256)).hex() * 2} end", "dump [file] end"),
        ("a" * 900, "a" * 900),
        ("ha" * 300, "ha" * 300),
        (f"sha {'0a1b' * 16} is it", f"sha {'0a1b' * 16} is it"),
        ("ฉันชอบปีนเขา" * 60, "ฉันชอบปีนเขา" * 60),
        (
            "data:image is what they say, and data:text/plain,hi",
            "data:image is what they say, and data:text/plain,hi",
        ),
    ],
)
def test_files_in_the_text(text: str, left: str) -> None:
    """A file that is written out in the text becomes a placeholder; the words around it stay."""
    assert one(text).text == left


def test_transcript_beside_content() -> None:
    """What the assistant spoke is found where the provider puts it."""
    spoken = {"audio": {"id": "1", "transcript": "spoken"}}
    assert one({"role": "assistant", "content": None, **spoken}).text == "spoken"
    assert one(AIMessage("", additional_kwargs=spoken)).text == "spoken"


def test_tool_calls() -> None:
    """Calls are kept in short, once, in every form that they come in."""
    call = {"name": "find", "args": {"city": "Köln"}, "id": "1"}
    block = {"type": "tool_use", "name": "find", "input": {"city": "Köln"}, "id": "1"}
    function = {"function": {"name": "find", "arguments": '{"city": "Köln"}'}}
    expected = '[calls find({"city": "Köln"})]'
    assert one(AIMessage("", tool_calls=[call])).text == expected
    assert one(AIMessage([block], tool_calls=[call])).text == expected
    assert one({"role": "assistant", "content": [block]}).text == expected
    assert one({"role": "assistant", "content": "", "tool_calls": [function]}).text == expected
    long = AIMessage("", tool_calls=[{"name": "f", "args": {"a": "x" * 5_000}, "id": "1"}])
    assert len(one(long).text) < 400


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x1b[2J\x7f\x9b", "ab[2J"),
        ("a\r\nb\rc\td\n", "a\nb\nc\td\n"),
        ("\ud83d\ude00 \ud800!", "😀 \ufffd!"),
        ("👩‍👩‍👧 שלום \u200fمرحبا", "👩‍👩‍👧 שלום \u200fمرحبا"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    """What a database, UTF-8 or a terminal chokes on goes; all that people write stays."""
    assert one(text).text == cleaned


@given(st.text(st.characters()), st.text(st.characters()))
def test_always_storable(text: str, name: str) -> None:
    """Whatever is passed, what comes out can be encoded and holds no control characters."""
    for message in read_messages([{"role": "user", "content": text, "name": name, "id": name}], ""):
        for value in (message.text, message.name or "", message.id or ""):
            value.encode()
            assert not any(ord(c) < 32 and c not in "\n\t" for c in value)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20T13:00:00+01:00",
        "2026-11-20T12:00:00.000000000Z",
        "2026-11-20T12:00:00",
        NOON,
        NOON.timestamp(),
        int(NOON.timestamp()) * 1_000,
    ],
)
def test_time(time: Any) -> None:
    """A message's own time is read, in the forms and places that it is found in."""
    at = NOON.timestamp()
    assert one({"role": "user", "content": "hi", "created_at": time}).at == at
    assert one(HumanMessage("hi", additional_kwargs={"timestamp": time})).at == at
    assert one(AIMessage("hi", response_metadata={"created": time})).at == at


@pytest.mark.parametrize(
    "time",
    [
        *("yesterday", None, True, [], "", "0001-01-01T00:00:00Z"),
        *(-1, 1e20, 10**400, math.nan, math.inf, -math.inf),
    ],
)
def test_no_time(time: Any) -> None:
    """What is no time, or one that no calendar holds, is taken for none."""
    assert one({"role": "user", "content": "hi", "created_at": time}).at is None


def test_id_and_name() -> None:
    """Ids and names are kept as text, empty ones are none."""
    message = one({"role": "user", "content": "hi", "id": 7, "name": ""})
    assert (message.id, message.name) == ("7", None)


HELD: list[Any] = [HumanMessage("hi"), AIMessage("ho")]
PROMPT = ChatPromptValue(messages=HELD)


@pytest.mark.parametrize(
    "raw",
    [
        PROMPT,
        PROMPT.to_messages(),
        (one for one in HELD),
        {"messages": HELD, "model": "m"},
        {"contents": [{"role": "user", "parts": ["hi"]}, {"role": "model", "parts": ["ho"]}]},
        {"input": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]},
        SimpleNamespace(messages=HELD, user_info=""),
    ],
    ids=lambda raw: type(raw).__name__,
)
def test_what_holds_messages(raw: Any) -> None:
    """A prompt, a state, a history and a provider's request are read as the messages in them."""
    read = [(message.author, message.text) for message in read_messages(raw, "will")]
    assert read == [("user", "hi"), ("assistant", "ho")]


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "text-plain", "text": "x"}, True),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain"}}, True),
        ({"document": {"name": "a", "source": {"text": "x"}}}, True),
        ({"type": "search_result", "content": [{"type": "text", "text": "x"}]}, True),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png"}}, False),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "x"}}, False),
    ],
)
def test_the_text_of_a_document_is_named(
    block: dict[str, Any], named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What a document says is not read, and that it is not is in the log."""
    say_unread.cache_clear()
    assert one({"role": "user", "content": [block]}).text.startswith("[")
    assert ("the text of a document" in caplog.text) is named


def test_data_for_a_page_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """A block that is no statement is left out, and its kind is in the log, but not each time."""
    kind = f"data-{uuid4()}"
    for _ in range(3):
        read_messages([{"role": "user", "content": [{"type": kind, "data": 1}]}], "will")
    assert caplog.text.count(kind) == 1


def test_one_alone() -> None:
    """A message that is not in a list is a list of one."""
    for raw in ("hi", ("user", "hi"), HumanMessage("hi"), {"role": "user", "content": "hi"}):
        assert [m.text for m in read_messages(raw, "will")] == ["hi"]
    assert [m.text for m in read_messages(("a", "b"), "will")] == ["a", "b"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (7, "message 1: a int is not a message"),
        ({"type": "event", "content": "x"}, "message 1: unknown kind of message 'event'"),
        (
            {"role": "user", "message": "x"},
            "message 1: a message has none of content.*role, message",
        ),
        ({"content": "x"}, "message 1: a message has no role or type"),
        ({"role": "user", "content": 7}, "message 1: content is neither text nor a list"),
        ({"role": "user", "content": [7]}, "message 1: a content block is neither"),
    ],
)
def test_unknown(raw: Any, told: str) -> None:
    """What can't be read is refused by its index and its type."""
    with pytest.raises(InvalidInput, match=told):
        read_messages(["hi", raw], "will")


def test_newest_first_is_lazy() -> None:
    """From the end, a message is read only when it is asked for, and again when asked again."""
    messages = newest_first([7, "a", "b"], "will")
    assert [next(iter(messages)).text for _ in range(2)] == ["b", "b"]


def test_digest() -> None:
    """A digest depends on the words, on whose they are, and on the salt: on nothing else."""
    message = Message("user", "hi", id="1", at=1.0)
    same = digest("salt", message)
    assert len(same) == 32
    assert digest("salt", Message("user", "hi", name="will")) == same
    assert digest("pepper", message) != same
    assert digest("salt", Message("assistant", "hi")) != same
    assert digest("salt", Message("user", "Hi")) != same


@given(
    st.lists(st.sampled_from(["word", " ", "\n", "\n\n", ". ", "。", "xxxxxxxxxxxx", "😀"])).map(
        "".join
    ),
    st.integers(1, 40),
)
def test_parts(text: str, limit: int) -> None:
    """The pieces of a text are short enough, none is empty, and joined they are the text."""
    pieces = parts(text, limit)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= limit for piece in pieces)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.\n\nThree four", "One. Two.\n\n"),
        ("One two.\nThree four five", "One two.\n"),
        ("One two. Three four five", "One two."),
        ("one two three four five", "one two three "),
        ("一二三四五。六七八九十一二三四五六", "一二三四五。"),
        ("x" * 40, "x" * 15),
    ],
)
def test_where_parts_end(text: str, first: str) -> None:
    """A cut is made at the best boundary that does not make a small piece."""
    limit = 9 if text[0] == "一" else 15
    assert parts(text, limit)[0] == first


def test_one_megabyte() -> None:
    """A message of a megabyte is read and split whole."""
    text = "I like climbing. " * 60_000
    assert one(text).text == text
    assert "".join(parts(text)) == text


COUNTED = json.loads((FIXTURES / "token_counts.json").read_text("utf-8"))
"""Texts of our own with how many tokens two tokenizers count in them."""


@pytest.mark.parametrize("sample", COUNTED, ids=lambda sample: sample["name"])
def test_tokens(sample: dict[str, Any]) -> None:
    """English is counted within a tenth, all else from a tenth too low to a quarter too high."""
    estimate, counts = tokens(sample["text"]), (sample["tekken"], sample["o200k"])
    highest = 1.1 if "English" in sample["name"] else 1.25
    assert 0.9 * max(counts) <= estimate <= highest * max(counts)


@pytest.mark.parametrize("sample", COUNTED, ids=lambda sample: sample["name"])
def test_the_counts_are_a_tokenizers(sample: dict[str, Any]) -> None:
    """The recorded counts are those of the tokenizer that the bench of cost counts with."""
    assert Tokens().of(sample["text"]) == sample["tekken"]


@given(st.lists(st.text(max_size=50), max_size=5))
def test_tokens_add_up(lines: list[str]) -> None:
    """A text costs at most what its lines cost, so budgets can be added up."""
    assert tokens("\n".join(lines)) <= sum(tokens(f"{line}\n") for line in lines)
    assert tokens("") == 0


@given(st.text(max_size=100), st.text(max_size=20))
def test_more_text_is_not_cheaper(text: str, line: str) -> None:
    """A further line never makes a text cheaper."""
    assert tokens(f"{text}\n{line}") >= tokens(text)
