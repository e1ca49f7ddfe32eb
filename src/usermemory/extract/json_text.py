"""JSON values in what a model wrote, whatever stands around them.

Models wrap their JSON: in thoughts, sentences, code fences, call texts and end tokens. The text is
read once from left to right, by a parser of its own: the standard library's is recursive, and the
error that it raises at each bracket in prose counts lines from the beginning of the text. Half a
value is never closed by guessing.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from usermemory.schema.shape import is_list, is_object

LEVELS = 64
"""Lists and objects inside of each other; whatever is deeper becomes null."""

_NAMES = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad)"
# What the templates of open-weight models put around thoughts: DeepSeek and Qwen, Magistral, Kimi,
# Cohere, and gpt-oss (github.com/openai/harmony); read 2025-11.
_LANDMARK = re.compile(
    rf"""(?P<thought><\|?(?:begin_of_|start_)?(?:\w{{1,10}}:)?{_NAMES}(?:\s[^<>/]{{0,80}})?\|?>
        |(?-i:\[THINK\])|◁think▷)
    |(?P<channel><\|channel\|>\s*analysis)
    |(?P<over><\|?(?:/|end_of_|end_)(?:\w{{1,10}}:)?{_NAMES}\s*\|?>
        |(?-i:\[/THINK\])|◁/think▷|<\|channel\|>\s*final|assistantfinal)
    |(?P<json>\{{(?=\s{{0,99}}+(?:\}}|"(?:[^"\\]|\\.){{0,200}}+"\s{{0,99}}+:))
        |\[(?=\s{{0,99}}+[\]\[{{"\d\-tfnNI]))""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_THOUGHT_OVER = re.compile(
    rf"<\|?(?:/|end_of_|end_)(?:\w{{1,10}}:)?{_NAMES}\s*\|?>|(?-i:\[/THINK\])|◁/think▷",
    re.IGNORECASE,
)
_CHANNEL_OVER = re.compile(r"<\|(?:end|start|channel)\|>", re.IGNORECASE)
_CALL = re.compile(r"tool.?calls?|<function|functions?\.\w|\[ARGS\]|python_tag", re.IGNORECASE)
_FENCE = re.compile(r"(?:```|~~~)\w*\s*\Z")
_DRESS = re.compile(r"(?:```|~~~)\w*|<[^<>\s]{1,80}>|[\s\ufeff`]")
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:(?P<mark>[{}\[\],:])
    |"(?P<text>(?:[^"\\]++|\\.)*+)"
    |(?P<number>-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?)(?![\w.])
    |(?P<word>true|false|null|NaN|-?Infinity)\b)""",
    re.DOTALL | re.VERBOSE,
)
_WORDS = {"true": True, "false": False}  # NaN and the infinities have no place in JSON: null
_HALF_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:"(?:[^"\\]++|\\.)*+\\?|-?\d*+[\d.eE+-]{0,400}
    |tr?u?|fa?l?s?|nu?l?|Na?|-?I[nfity]{0,6})\Z""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\"\\/bfnrt]|)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = " \t\r\n\ufeff"
_LONGEST_NUMBER = 308  # digits; what is longer is beyond every float


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One complete value in a text.

    Attributes:
        value: What was read.
        start: Where it begins.
        end: Where the text goes on behind it.
        called: Whether a mark of a tool call stands right before it.
    """

    value: Any
    start: int
    end: int
    called: bool = False


@dataclass(slots=True)
class JsonReading:
    """What a text holds.

    Attributes:
        values: The complete values, without those among thoughts.
        cut: Where a value begins that the text ends in; None without one.
        broken: Whether something begins like JSON and is none.
        begin: Where the answer begins, behind the last thoughts.
    """

    values: list[JsonValue] = field(default_factory=list[JsonValue])
    cut: int | None = None
    broken: bool = False
    begin: int = 0


def reading(text: str) -> JsonReading:
    """All complete lists and objects in a text, in time that grows with its length only.

    Args:
        text: What a model wrote.
    """
    if quick := _quick(text):
        return JsonReading([quick])
    found = JsonReading()
    position, patience = 0, len(text)
    while landmark := _LANDMARK.search(text, position):
        kind, start, position = landmark.lastgroup, landmark.start(), landmark.end()
        if kind == "over":  # the beginning of these thoughts was part of the prompt
            found = JsonReading(begin=position)
        elif kind != "json":
            over = (_CHANNEL_OVER if kind == "channel" else _THOUGHT_OVER).search(text, position)
            if over is None:
                return found
            position = over.start() if kind == "channel" else over.end()
            found.begin = position
        else:
            state, value, end = _Parser(text).parse(start)
            if state == "cut":
                found.cut = start
                return found
            if state == "whole":
                before = found.values[-1].end if found.values else found.begin
                called = _CALL.search(text, before, start) is not None
                found.values.append(JsonValue(value, start, end, called))
                position = end
            else:
                # A value inside of what is broken may be whole. Looking there again and again
                # would take the square of the length, so after a while it is passed over.
                found.broken = found.broken or end > position
                patience -= end - start
                position = position if patience > 0 else max(end, position)
    return found


def whole(text: str) -> Any:
    """The value of a text that is JSON and nothing else, but for spaces and a byte order mark.

    Returns:
        The value; None if the text is no JSON, or the JSON ``null``.
    """
    try:
        return json.loads(text.strip(_SPACE), strict=False)
    except (ValueError, RecursionError):  # perhaps too deep for it, or with an odd escape
        read = reading(text)
    only = read.values[0] if len(read.values) == 1 else None
    beside = text[: only.start] + text[only.end :] if only else text
    return None if only is None or beside.strip(_SPACE) else only.value


def set_apart(text: str, read: JsonReading, found: JsonValue) -> bool:
    """Whether a value is all of the answer: in a fence, or with nothing but tags beside it."""
    if _FENCE.search(text, max(0, found.start - 20), found.start):
        return True
    if len(read.values) > 1:
        return False
    beside = text[read.begin : found.start] + text[found.end :]
    return not _DRESS.sub("", beside)


def storable_json(value: Any, levels: int = LEVELS) -> Any:
    """A value as every JSON library and database takes it.

    Args:
        value: What was read, by us or by a provider's package.
        levels: How deep lists and objects may be.

    Returns:
        A copy: half characters (lone surrogates) become U+FFFD; numbers beyond a float, what is no
        JSON, and what is too deep become None.
    """
    cleaned: Any = None
    if isinstance(value, str):
        cleaned = _SURROGATE.sub("\ufffd", value)
    elif isinstance(value, bool):
        cleaned = value
    elif isinstance(value, int):
        cleaned = value if value.bit_length() < 1_024 else None
    elif isinstance(value, float):
        cleaned = value if math.isfinite(value) else None
    elif levels and is_object(value):
        cleaned = {
            storable_json(str(key)): storable_json(part, levels - 1) for key, part in value.items()
        }
    elif levels and is_list(value):
        cleaned = [storable_json(part, levels - 1) for part in value]
    return cleaned


def _quick(text: str) -> JsonValue | None:
    """The usual case, read by the standard library: a list or an object and nothing else."""
    stripped = text.strip(_SPACE)
    if not stripped.startswith(("{", "[")):
        return None
    try:
        value = json.loads(stripped, strict=False)
    except (ValueError, RecursionError):
        return None
    start = text.index(stripped[0])
    return JsonValue(value, start, start + len(stripped))


_State = Literal["whole", "cut", "broken"]
_Expected = Literal["value", "value or end", "key", "key or end", "colon", "comma or end"]


class _Parser:
    """One list or object, token by token, with a stack of its own instead of recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[list[Any] | dict[str, Any]] = []
        self._key = ""
        self._expected: _Expected = "value"
        self._whole: Any = None

    def parse(self, start: int) -> tuple[_State, Any, int]:
        """Whether the value that begins here is whole; the value; where it ends or goes wrong."""
        position = start
        while self._open or position == start:
            token = _TOKEN.match(self._text, position)
            if token is None and _HALF_TOKEN.match(self._text, position):
                return "cut", None, len(self._text)
            if token is None or not self._takes(token):
                return "broken", None, position
            position = token.end()
        return "whole", self._whole, position

    def _takes(self, token: re.Match[str]) -> bool:
        mark = token["mark"]
        if mark and mark in "}]":
            return self._closes(mark)
        if mark == ":":
            return self._steps("colon", "value")
        if mark == ",":
            inside = is_object(self._open[-1])
            return self._steps("comma or end", "key" if inside else "value")
        if self._expected.startswith("key"):
            key = _string(token["text"])
            self._key = key or ""
            self._expected = "colon"
            return key is not None
        return self._expected.startswith("value") and self._holds(token)

    def _steps(self, expected: _Expected, then: _Expected) -> bool:
        fits = self._expected == expected
        self._expected = then
        return fits

    def _closes(self, mark: str) -> bool:
        fits = self._expected.endswith("end") and is_object(self._open.pop()) == (mark == "}")
        self._expected = "comma or end"
        return fits

    def _holds(self, token: re.Match[str]) -> bool:
        if token["mark"]:
            opened: list[Any] | dict[str, Any] = {} if token["mark"] == "{" else []
            self._put(opened)
            self._open.append(opened)
            self._expected = "key or end" if is_object(opened) else "value or end"
            return True
        value = _string(token["text"]) if token["text"] is not None else _scalar(token)
        self._put(value)
        self._expected = "comma or end"
        return value is not None or token["text"] is None

    def _put(self, value: Any) -> None:
        if not self._open:
            self._whole = value
            return
        holder = self._open[-1]
        if isinstance(holder, dict):
            holder[self._key] = value
        else:
            holder.append(value)


def _scalar(token: re.Match[str]) -> Any:
    """A number, or a word such as ``true``; what no JSON number can be is None, as null is."""
    number = token["number"]
    if number is None:
        return _WORDS.get(token["word"])
    if len(number) > _LONGEST_NUMBER:
        return None
    try:
        return int(number)
    except ValueError:
        return float(number)


def _string(written: str | None) -> str | None:
    """What stands between quotation marks, also with line breaks in it and odd escapes."""
    if written is None or "\\" not in written:
        return written
    # Models escape what needs it not, such as an apostrophe.
    repaired = _ESCAPE.sub(lambda escape: escape[0] if escape[1] else "", written)
    value: str = json.loads(f'"{repaired}"', strict=False)
    return value
