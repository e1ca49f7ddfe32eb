"""The content of a message as plain text: blocks joined, files named, tool calls kept."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from typing import Any, TypeGuard

from usermemory.errors import InvalidInput
from usermemory.text import clean

logger = logging.getLogger("usermemory")

# Kinds of block as LangChain, OpenAI, Anthropic, Google, Amazon and Vercel name them. Blocks of
# Google's and Amazon's bear no type: the name of what they hold is their kind.
_TEXT = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_MEDIA = {
    **dict.fromkeys(("image", "image_url", "input_image"), "image"),
    **dict.fromkeys(("audio", "audio_url", "input_audio"), "audio"),
    **dict.fromkeys(("video", "video_url"), "video"),
    **dict.fromkeys(("file", "input_file", "document", "media", "text-plain"), "file"),
    **dict.fromkeys(("inline_data", "inlineData", "file_data", "fileData"), "file"),
    **dict.fromkeys(("search_result", "searchResult", "container_upload"), "file"),
}
_CALLS = frozenset(
    {
        "tool_call",
        "tool_use",
        "function_call",
        "functionCall",
        "toolUse",
        "toolCall",
        "dynamic-tool",
    }
)
_RESULTS = frozenset(
    (
        *("tool_result", "toolResult", "function_call_output", "functionResponse"),
        *("function_response", "code_execution_result", "codeExecutionResult"),
    )
)
# What the model thought, pieces of calls, and marks for caches are nobody's statement.
_SILENT = frozenset(
    (
        *("reasoning", "thinking", "redacted_thinking", "reasoningContent", "reasoning_content"),
        *("tool_call_chunk", "input_json_delta", "invalid_tool_call", "server_tool_call"),
        *("server_tool_call_chunk", "server_tool_use", "executable_code", "executableCode"),
        *("cachePoint", "cache_point", "step-start", "source-url", "source-document"),
    )
)
_TEXTS = ("text", "value", "content", "output_text", "parts")
"""Where a block of an unknown kind may have its text, the likeliest first."""

# What a program adds for a page to show: data of its own, and where something was read.
_SHOWN = re.compile(r"data-.*|citations?")

_ARGUMENTS = ("args", "arguments", "input")
_LONGEST_ARGUMENTS = 300
_DEEPEST_BLOCK = 4

# Files that stand in the text itself. Each is found in one pass, whatever surrounds it.
_CODED = r"[A-Za-z0-9+/_-]"
_DATA_URL = re.compile(
    r"data:([a-z]{1,20})/[\w.+-]{1,100}(?:;[\w.+=-]{1,100}){0,4},[^\s\"'<>()\[\]]+", re.IGNORECASE
)
_BARE = re.compile(_CODED + r"{256,}={0,6}")
_BREAK = r"(?:\r?\n|\\r\\n|\\n)"  # also as JSON writes it
_WRAPPED = re.compile(
    rf"(?<!{_CODED})(?:{_CODED}{{56,200}}(?P<gap>{_BREAK}[ \t>]{{0,8}}| )){{3,}}"
    rf"(?P<last>{_CODED}{{0,200}}={{0,2}})(?P<alone>(?=[ \t\"']*(?:{_BREAK}|$)))?"
)
_NUMBERS = re.compile(r"\[\s{0,20}(?:\d{1,3}\s{0,20},\s{0,20}){127,}\d{1,3}\s{0,20}\]")
_DRAWING, _ITS_END = (
    re.compile(r"data:image/svg\+xml[^,<>\"\s]{0,100},\s{0,8}<", re.IGNORECASE),
    "</svg>",
)
_MEDIA_KINDS = {"image", "audio", "video"}


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this has entries by name."""
    # Nearly all are dicts: the abstract class takes five times as long to tell.
    return isinstance(value, dict) or (value is not None and isinstance(value, Mapping))


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether this is a list or a tuple."""
    return isinstance(value, list | tuple)


def as_mapping(value: Any) -> Mapping[str, Any] | None:
    """A block's or message's entries by name, also of objects as providers' packages make them."""
    if is_mapping(value):
        return value
    for name in ("model_dump", "to_dict"):
        if callable(dump := getattr(value, name, None)) and not isinstance(value, type):
            found = dump()
            return found if is_mapping(found) else None
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return None


def plain_text(content: Any, tool_calls: Iterable[Any] = (), transcript: str = "") -> str:
    """All that a message says, as one text.

    Args:
        content: A string, a block, a list of both, or None.
        tool_calls: The message's own list of calls, in LangChain's or OpenAI's form.
        transcript: What was spoken, where it stands beside the content.

    Returns:
        The text, cleaned, with a short placeholder for each file; empty where nothing was said.

    Raises:
        InvalidInput: The content is of no known form.
    """
    if isinstance(content, str) and not (tool_calls or transcript):
        return clean(without_files(content))
    found = blocks(content)
    lines = [_block(block) for block in found]
    if transcript:
        lines.append(transcript)
    # Anthropic's content holds the calls too: they count once.
    inside = (block for block in found if _block_kind(block) not in _SILENT)
    calls = list(tool_calls) or [block for block in inside if _is_call(_block_kind(block))]
    lines.extend(_call_line(call) for call in calls)
    return clean(without_files("\n".join(line for line in lines if line)))


def blocks(content: Any) -> list[str | Mapping[str, Any]]:
    """A message's content as texts and blocks.

    Raises:
        InvalidInput: It is of no known form.
    """
    if content is None or isinstance(content, str) or is_mapping(content):
        content = [content or ""]
    if not is_sequence(content):
        one = as_mapping(content)
        if one is None:
            raise InvalidInput(f"content is neither text nor a list of blocks: {type(content)!r}")
        content = [one]
    strange: list[str] = []
    found = list(_flat(content, strange))
    if strange and not found:
        raise InvalidInput(f"a content block is neither text nor a mapping: {strange[0]}")
    for kind in strange:
        say_unread(f"of class {kind}", "it is neither text nor a mapping")
    return found


def _flat(
    content: Iterable[Any], strange: list[str], deep: int = 0
) -> Iterator[str | Mapping[str, Any]]:
    """The texts and blocks; the classes of what is neither go into the list."""
    for block in content:
        entries = block if isinstance(block, str) else as_mapping(block)
        if entries is not None:
            yield entries
        elif is_sequence(block) and deep < _DEEPEST_BLOCK:
            yield from _flat(block, strange, deep + 1)
        else:
            strange.append(type(block).__name__)


@lru_cache(maxsize=64)
def say_unread(what: str, why: str) -> None:
    """Name a kind of block in the log; cached, so that each is named once."""
    logger.warning("a content block %s is not read: %s", what, why)


def only_results(content: Any) -> bool:
    """Whether a message holds nothing but results of tools, as providers send them for the user."""
    if isinstance(content, str) or not content:
        return False
    found = [block for block in blocks(content) if block != ""]
    return bool(found) and all(_is_result(_block_kind(block)) for block in found)


def result_text(content: Any) -> str:
    """What the results in a message say."""
    return clean(without_files("\n".join(_text_within(block) for block in blocks(content))))


def without_files(text: str) -> str:
    """The text with a placeholder for each file that is written out in it.

    These are data URLs, long runs of base64, base32 or hexadecimal digits, in one line or wrapped,
    dumps of them beside their offsets, and lists of bytes.
    """
    if len(text) < _SHORTEST_FILE:
        return text
    text = _DUMP.sub("[file]", _DATA_URL.sub(_data_url, _without_drawings(text)))
    text = _BARE.sub(_if_coded, text)
    return _NUMBERS.sub(_if_bytes, _WRAPPED.sub(_if_wrapped, text))


_DUMPED = r"(?:[ \t]{1,3}[0-9a-fA-F]{2}(?:[0-9a-fA-F]{2})?){1,16}(?:[ \t][^\n]{0,80})?(?:\n|\Z)"
_DUMP = re.compile(rf"(?m)^0{{6,16}}:?{_DUMPED}(?:^[0-9a-fA-F]{{6,16}}:?(?:{_DUMPED}|\n)){{3,}}")
_SHORTEST_FILE = 64
_SHORTEST_HEX = 512
_LONGEST_PLAIN_WORD = 30


def _without_drawings(text: str) -> str:
    """Without SVG that stands as it is behind the head of a data URL."""
    kept: list[str] = []
    at = 0
    while (head := _DRAWING.search(text, at)) and (end := text.find(_ITS_END, head.end())) > 0:
        kept += text[at : head.start()], "[image]"
        at = end + len(_ITS_END)
    return "".join([*kept, text[at:]])


def _if_wrapped(found: re.Match[str]) -> str:
    """As `_if_coded`; a word behind the last full line is no part of the file."""
    run, last = found[0], found["last"]
    long = last.endswith("=") or len(last) >= _LONGEST_PLAIN_WORD
    coded = long or (found["alone"] is not None and bool(last) and not last.isalpha())
    placed = _if_coded(found)
    return placed if coded or placed == run else f"{placed}{found['gap']}{last}"


def _data_url(found: re.Match[str]) -> str:
    if len(found[0]) < _SHORTEST_FILE:
        return found[0]
    kind = found[1].lower()
    return f"[{kind}]" if kind in _MEDIA_KINDS else "[file]"


def _if_coded(found: re.Match[str]) -> str:
    """A placeholder for what is coded; a long word, or letters in a row, stay as they are."""
    run = found[0]
    some = run[:_SHORTEST_HEX]
    digits = any(map(str.isdigit, some))
    coded = digits and any(map(str.isupper, some)) and any(map(str.islower, some))
    long = digits and len(run) >= _SHORTEST_HEX
    uncased = long and not (some.strip(_IN_HEX) and some.strip(_IN_32))
    varied = len(set(some)) >= min(16, len(some))
    return "[file]" if varied and (coded or uncased) else run


_IN_HEX = "0123456789abcdefABCDEF \n"
_IN_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 \n"


def _if_bytes(found: re.Match[str]) -> str:
    """A placeholder for a list of many numbers, if each may be a byte."""
    return "[file]" if max(map(int, re.findall(r"\d+", found[0]))) < _BYTES else found[0]


_BYTES = 256


def _block_kind(block: Any) -> str:
    if not is_mapping(block):
        return "text"
    if kind := block.get("type"):
        return str(kind)
    if isinstance(block.get("text"), str):
        return "reasoning" if block.get("thought") is True else "text"
    return next((key for key in block if key in _NAMED), "")


_NAMED = _MEDIA.keys() | _CALLS | _RESULTS | _SILENT


def _is_call(kind: str) -> bool:
    """Whether a tool is called, be it the provider's own."""
    return kind in _CALLS or kind.startswith("tool-") or kind.endswith(("_call", "_tool_use"))


def _is_result(kind: str) -> bool:
    return kind in _RESULTS or kind.endswith(("_tool_result", "_call_output"))


def _block(block: str | Mapping[str, Any]) -> str:
    if isinstance(block, str):
        return block
    kind = _block_kind(block)
    if kind in _MEDIA:
        return _media(kind, block)
    if _is_result(kind) and kind not in _SILENT:
        return f"[{kind}]"
    if shown := _SHOWN.fullmatch(kind):
        say_unread(f"of type {kind!r}", "it is no statement, but data for a page")
    if shown or kind in _SILENT or _is_call(kind):
        return ""
    found = block.get(_TEXT.get(kind, kind))
    text = found if isinstance(found, str) else _text_within(block)
    if not text and kind not in _TEXT:
        say_unread(f"of type {kind or [*block]!r}", "it has no text")
        return "" if kind == "non_standard" or not kind else f"[{kind}]"
    return text


def _media(kind: str, block: Mapping[str, Any]) -> str:
    """What was spoken in a file, else its kind (where only its own type tells, that) and name."""
    if spoken := _first_entry(block, "transcript"):
        return spoken
    mime = _first_entry(block, "mime_type", "mimeType", "media_type", "mediaType").partition("/")[0]
    if mime == "text" or _text_within(block):
        say_unread(f"of type {kind!r}", "the text of a document is no statement of the user's")
    shown = mime if mime in _MEDIA_KINDS else _MEDIA[kind]
    name = _first_entry(block, "filename", "file_name", "name", "title")
    return f"[{shown}: {name}]" if name else f"[{shown}]"


def _text_within(value: Any, deep: int = 0) -> str:
    """The text of a block of any form: ``{"text": {"value": …}}``, ``{"guardContent": …}``."""
    if isinstance(value, str):
        return value
    if deep > _DEEPEST_BLOCK:
        return ""
    if is_sequence(value):
        return "\n".join(filter(None, (_text_within(one, deep + 1) for one in value)))
    if not is_mapping(value):
        return ""
    for key in _TEXTS:
        if key in value and (text := _text_within(value[key], deep + 1)):
            return text
    nested = (inner for inner in value.values() if is_mapping(inner) or is_sequence(inner))
    return next(filter(None, (_text_within(inner, deep + 1) for inner in nested)), "")


def _first_entry(block: Mapping[str, Any], *keys: str) -> str:
    """The first of these entries that is there, in the block or one level below it."""
    nested = (value for value in block.values() if is_mapping(value))
    for entries in (block, *nested):
        for key in keys:
            if isinstance(value := entries.get(key), str) and value:
                return value
    return ""


def _call_line(call: Any) -> str:
    """A tool call in one short line, so that the result after it can be understood."""
    entries: Mapping[str, Any] = call if is_mapping(call) else {}
    for name in ("function", *_CALLS):
        if is_mapping(inner := entries.get(name)):
            entries = inner
    given: Any = next((entries[key] for key in _ARGUMENTS if key in entries), "")
    arguments = (
        given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
    )
    if len(arguments) > _LONGEST_ARGUMENTS:
        arguments = arguments[:_LONGEST_ARGUMENTS] + "…"
    name = entries.get("name") or entries.get("toolName") or _name_in(entries.get("type"))
    return f"[calls {name or 'a tool'}({arguments})]"


def _name_in(kind: Any) -> str:
    """The tool's name where only the kind of the block tells: ``tool-weather``, ``mcp_call``."""
    kind = str(kind or "")
    name = kind.removeprefix("tool-")
    return name if name != kind or (kind not in _CALLS and kind.endswith("_call")) else ""
