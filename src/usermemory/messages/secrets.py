"""Secrets and numbers that nobody wants remembered, found before anything is stored.

`screened` is called once for each new message, in the chat's way: a text without a digit and
without a word that announces a secret costs a few microseconds. What is found is what can be told
from ordinary text with hardly a mistake: keys by how they begin, card and account numbers by their
check digits, passwords and codes by the word before them. A bare password in the middle of a
sentence looks like any other word and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any, Literal, NamedTuple

from usermemory.messages.secret_keys import (
    Secret,
    data,
    key_formats,
    key_secrets,
    might_hold_key,
    trie,
)
from usermemory.messages.secret_looks import (
    FALLS,
    LOOKS_SECRET,
    NEXT_FIELD,
    SENTENCE_ENDS,
    is_likely,
    is_possible,
    is_strong,
)
from usermemory.messages.secret_numbers import MANY_DIGITS, number_secrets
from usermemory.messages.secret_walk import Walk, said_after

__all__ = ["Secret", "SecretPolicy", "load_formats", "screened", "secrets_in"]

SecretPolicy = Literal["mask", "refuse", "keep"]
"""``mask`` the secret, ``refuse`` the whole message, or ``keep`` it as it is."""


def removed_mark(kind: str) -> str:
    """What stands in the place of a secret."""
    return f"[{kind} removed]"


def screened(text: str, policy: SecretPolicy) -> str | None:
    """The text as it may be stored.

    Args:
        text: What was said.
        policy: What to do about secrets in it.

    Returns:
        The text, each secret replaced by what it was, such as ``[card number removed]``;
        None where the message is not to be stored.
    """
    if policy == "keep" or not (found := secrets_in(text)):
        return text
    if policy == "refuse":
        return None
    kept: list[str] = []
    end = 0
    for secret in found:
        kept += text[end : secret.start], removed_mark(secret.kind)
        end = secret.end
    return "".join([*kept, text[end:]])


def secrets_in(text: str) -> list[Secret]:
    """The secrets in a text, in order; none lies within another."""
    plain = text.lower()
    every = chain(
        key_secrets(text, plain) if might_hold_key(text, plain) else (),
        number_secrets(text, plain) if MANY_DIGITS.search(text) else (),
        _labelled_secrets(text, plain),
    )
    found: list[Secret] = []
    end = 0
    for secret in sorted(every, key=lambda one: (one.start, -one.end)):
        if secret.end > end:
            found.append(secret._replace(start=max(secret.start, end)))
            end = secret.end
    return found


def load_formats() -> None:
    """Read what secrets are known by, which takes a moment the first time."""
    key_formats()
    _labels()


# "My password is hunter2" has a secret, "my password is wrong" has none: what follows the word has
# to look like a secret, or stand where the sentence ends and be nothing that people say of one.
_LABEL_KINDS = {
    "password": "password",
    "password_noun": "password",
    "password_sign": "password",
    "password_joined": "password",
    "maybe_password": "password",
    "strong_password": "password",
    "card_code": "security code",
    "one_time": "one-time code",
    "code": "one-time code",
    "your_code": "one-time code",
    "tan": "one-time code",
    "key": "API key",
    "pin": "PIN",
    "pin_code": "PIN",
    "account": "bank account number",
    "person": "social security number",
    "phrase": "recovery phrase",
}
_QUOTE_MARKS = r"[\"'`*“”„«]{0,3}"
_VALUE = r"(?P<quote>[\"'`“„«])?(?P<secret>(?(quote)[^\"'`”“»\n]{1,200}|[^\s\"`“”]{1,200}))"
_PLAIN_VALUE = r"(?P<quote>[\"'`“„«「『])?(?P<secret>[!-~]{4,200})"
_CODE_ENDS = r"(?!\w|[-./:]\d)"
_NUMBERED = {
    "one_time": rf"(?:[A-Z]-)?\d{{3}}[ -]?\d{{1,5}}(?:[ -]\d{{4}})?{_CODE_ENDS}",
    "code": rf"(?:\d{{6,8}}|\d{{3}}[ -]\d{{3}}|\d{{4,5}}(?=\s*(?:$|[^\w\s]|\n))){_CODE_ENDS}",
    "your_code": rf"\d{{6,8}}{_CODE_ENDS}",
    "tan": rf"\d{{6,8}}{_CODE_ENDS}",
    "pin": r"\d{4}(?:\d{2})?(?!\w|[-./]\d)",
    "pin_code": r"\d{4}(?!\w)",  # of six digits it is an Indian address
    "card_code": r"\d{3,4}(?!\w)",
    "account": r"\d(?:[ \-]?\d){5,17}(?!\w)",
    "person": r"\d{3}[- ]?\d{2}[- ]?\d{4}(?!\w)",
}
_GOOGLES_CODE = re.compile(r"(?<![\w-])G-\d{6}(?![\w-])")


_NO_LATIN = "\u0370"
"""The first character that is none of the Latin letters: words of other scripts come after it."""


class _Labels(NamedTuple):
    """What is looked for: how labels begin, a pattern for each kind, and what is no secret."""

    latin: re.Pattern[str]
    others: re.Pattern[str]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    turned: tuple[tuple[str, re.Pattern[str]], ...]
    walked: tuple[Walk, ...]
    ordinary: frozenset[str]
    once: tuple[str, ...]


def _labelled_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Labelled secrets in a text; ``plain`` is the text in lower case."""
    if "G-" in text:
        yield from (Secret("one-time code", *one.span()) for one in _GOOGLES_CODE.finditer(text))
    labels = _labels()
    if labels.latin.search(plain) or (not plain.isascii() and labels.others.search(plain)):
        yield from _announced(text, plain, labels)
        if LOOKS_SECRET.search(text):
            yield from _announced_otherwise(text, labels)


def _announced(text: str, plain: str, labels: _Labels) -> Iterator[Secret]:
    """What stands after a label as the languages of most users put it."""
    for name, pattern in labels.patterns:
        if name == "code" and not any(word in plain for word in labels.once):
            continue
        find_end = _ENDS_OF.get(name)
        for found in pattern.finditer(text):
            end = found.end("secret") if find_end is None else find_end(found, labels.ordinary)
            if end is not None:
                yield Secret(_LABEL_KINDS[name], found.start("secret"), end)


def _announced_otherwise(text: str, labels: _Labels) -> Iterator[Secret]:
    """What stands before its label, or after more words."""
    for kind, pattern in labels.turned:
        for found in pattern.finditer(text):
            if kind != "password" or is_likely(found["secret"], labels.ordinary):
                yield Secret(kind, *found.span("secret"))
    for walk in labels.walked:
        for found in walk.label.finditer(text):
            if (said := said_after(found, walk)) is not None:
                yield Secret(walk.kind, *said)


def _password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    said = found["secret"].rstrip(FALLS)
    if len(said) < 4 or not is_possible(found["secret"], ordinary, quoted=bool(found["quote"])):
        return None
    bare = found.start("secret") + len(said)
    if found["quote"] or LOOKS_SECRET.search(said):
        # A full stop belongs to the sentence, an exclamation mark to many passwords.
        whole = found["secret"] if found["quote"] else NEXT_FIELD.split(found["secret"])[0]
        return found.start("secret") + len(whole.rstrip(".,;:)]}>\"'`“”»"))
    if found["to"] or not said.isalpha() or not SENTENCE_ENDS.match(found.string, bare):
        return None
    return bare


def _maybe_password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """What follows a word that often means something else has to look like a secret."""
    said = found["secret"].rstrip(FALLS)
    looks = LOOKS_SECRET.search(said) and not said.isdecimal()
    return _password_end(found, ordinary) if looks else None


def _strong_password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """What follows a word that mostly means something else may be no name either."""
    return _password_end(found, ordinary) if is_strong(found["secret"].rstrip(".,;")) else None


def _joined_password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """In scripts without spaces words may stand between, and then it is no name of a product."""
    said = found["secret"].rstrip(FALLS)
    is_sure = found["said"] and said[0].islower()
    if found["words"] and not is_sure and not is_strong(said):
        return None
    return _password_end(found, ordinary)


def _key_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    said = found["secret"].rstrip(FALLS)
    quoted = bool(found["quote"])
    if len(said) < 12 or not is_possible(found["secret"], ordinary, quoted=quoted):
        return None
    return found.start("secret") + len(said) if re.search(r"\d", said) else None


def _phrase_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """A phrase is several words: all up to the end of the line."""
    line = re.compile(r"[^\n\"“”»]{0,1000}").match(found.string, found.start("secret"))
    said = line.group().rstrip() if line else ""
    if len(said.split()) < 3 and not LOOKS_SECRET.search(said):
        return None
    if found["verb"] and said.split()[0].lower() in ordinary:
        return None
    return found.start("secret") + len(said)


_ENDS_OF: dict[str, Callable[[re.Match[str], frozenset[str]], int | None]] = {
    "password": _password_end,
    "password_noun": _password_end,
    "password_sign": _password_end,
    "password_joined": _joined_password_end,
    "maybe_password": _maybe_password_end,
    "strong_password": _strong_password_end,
    "key": _key_end,
    "phrase": _phrase_end,
}
"""Where what follows a label ends, None where it is no secret; all of it for other labels."""


@cache
def _labels() -> _Labels:
    raw = data("secret_labels.toml")
    about, verbs, to = (_any(raw[name]) for name in ("about", "verbs", "to"))
    to = f"{to}|{_any(raw['other_verbs'])}"
    between = rf"(?:\s+(?:{about})\s+(?:\S+\s+){{0,3}}?\S+?)?"
    signs = rf"{_QUOTE_MARKS}\s*(?::=|=>|->|[:=→：])\s*{_QUOTE_MARKS}"
    joins = rf"(?:{signs}|\s+(?P<verb>{verbs})\s*:?\s+|\s+(?P<to>{to})\s+)"
    first = {
        one.split("_")[0]
        for name in _LABEL_KINDS
        for one in raw[name.removeprefix("your_")].split()
    }
    first |= set(raw["maybe_key"].split())
    one_time = _any(raw["one_time"])
    verbs_of_all = frozenset(f"{raw['verbs']} {raw['other_verbs']}".split())
    copulas = verbs_of_all | frozenset(raw["copulas"].split())
    return _Labels(
        re.compile(rf"(?<![a-z]){trie({one for one in first if one < _NO_LATIN})}"),
        re.compile(trie({one for one in first if one >= _NO_LATIN})),
        tuple((name, _pattern(name, raw, between, signs, joins)) for name in _LABEL_KINDS),
        _turned(raw, one_time),
        (
            _walked("password", "password", "", verbs_of_all, raw),
            _walked("password", "password_noun", r"[^\W\d_]{0,3}", copulas, raw),
            _walked("password", "password_sign", r"[^\W\d_]{0,6}", copulas, raw),
            _walked("API key", "maybe_key", r"[^\W\d_]{0,4}", copulas, raw),
        ),
        frozenset(raw["ordinary"].split()),
        tuple(one.replace("_", " ") for one in raw["once"].split()),
    )


def _walked(
    kind: str, name: str, suffix: str, copulas: frozenset[str], raw: dict[str, Any]
) -> Walk:
    # A part of a name ("public_key=") is no label of a key.
    begin = r"(?<![A-Za-zÀ-ӿ0-9_-])(?:API[\s_-]?)?" if kind == "API key" else r"(?<![^\W\d_])"
    label = rf"{begin}(?:{_any(raw[name])}){suffix}(?:['’]s|[\"'`*”»]{{0,3}})(?=[\s:=→：])[:=→：]?"
    mine, about, ordinary = (frozenset(raw[one].split()) for one in ("mine", "about", "ordinary"))
    pattern = re.compile(label, re.IGNORECASE)
    compounding = frozenset[str](() if suffix else raw["compound_verbs"].split())
    return Walk(kind, pattern, copulas, mine, about, ordinary, compounding)


def _turned(raw: dict[str, Any], one_time: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What stands before its label: "hunter2 is my password", "482913 is your code"."""
    secret = rf"{_QUOTE_MARKS}(?P<secret>\S{{4,100}}?){_QUOTE_MARKS}\s+"
    any_password = _any(" ".join(raw[f"password{one}"] for one in ("", "_noun", "_sign")))
    any_password = rf"(?:{any_password})"
    articles = rf"(?:{_any(raw['articles'])})\s+(?:\w+\s+)?"
    is_ = rf"(?:{_any(raw['verbs'] + ' ' + raw['other_verbs'] + ' ' + raw['copulas'])}|[-–—])"
    ends = rf"(?!\w)(?=\s*(?:$|[^\w\s])|\s+(?:{_any(raw['after'])})(?!\w)|\s*\n)"
    mine = rf"(?:{_any(raw['mine'])})"
    number = rf"(?<![\w.,/:-])(?P<secret>{_NUMBERED['one_time'].removesuffix(_CODE_ENDS)})"
    return (
        (
            "password",
            re.compile(
                rf"(?<!\S){secret}{is_}\s+(?:{articles}|{mine}\s+(?:\w+\s+){{0,2}}?){any_password}{ends}",
                re.IGNORECASE,
            ),
        ),
        (
            "password",
            re.compile(
                rf"(?<!\w)(?:{_any(raw['use'])})\s+{secret}(?:{_any(raw['as'])})\s+"
                rf"(?:\w+\s+){{0,4}}?{any_password}{ends}",
                re.IGNORECASE,
            ),
        ),
        (
            "one-time code",
            re.compile(
                rf"{number}\s*(?:\s{is_}|[:：])\s+(?:[^\W\d]+\s+){{0,4}}?(?:{one_time})(?!\w)",
                re.IGNORECASE,
            ),
        ),
        (
            "one-time code",
            re.compile(
                rf"{number}\s*(?:\s{is_}|[:：])\s+(?:{_any(raw['yours'])})\w{{0,3}}\s+"
                rf"(?:(?!(?:{_any(raw['other_codes'])})\s)[^\W\d]+\s+){{0,4}}?(?:{_any(raw['code'])})(?!\w)",
                re.IGNORECASE,
            ),
        ),
        (
            "one-time code",
            re.compile(
                rf"(?<!\w)(?:{_any(raw['use'])})\s+(?:(?:the|den|el|le|il)\s+)?(?:code\s+)?"
                rf"(?P<secret>{_NUMBERED['one_time']})(?=\s[^\n]{{0,40}}?(?:{_any(raw['once'])}))",
                re.IGNORECASE,
            ),
        ),
    )


def _pattern(
    name: str, raw: dict[str, Any], between: str, signs: str, joins: str
) -> re.Pattern[str]:
    labels = _any(raw[name.removeprefix("your_")])
    begin = rf"(?<![^\W\d_])(?:{labels})(?![^\W_])"
    mine = rf"(?<!\S)(?:{_any(raw['mine'])})"
    if name == "code":  # a code that nothing tells from others but what the message speaks of
        others = rf"(?:(?!(?:{_any(raw['other_codes'])})[\s-])[^\W\d]+[\s-]+){{0,3}}?"
        whose = rf"(?:(?<![^\n])|(?<=[.!?,:]\s)|(?:{mine}|(?<!\S)(?:{_any(raw['articles'])}))\s+)"
        begin = rf"{whose}{others}(?:{labels})[^\W\d_]{{0,6}}"
    if name == "one_time":
        begin = rf"(?:(?<![^\W\d_])|(?<=[\u3040-\u9fff\uac00-\ud7af]))(?:{labels})[^\W\d_]{{0,6}}"
    if name == "pin":  # "GPIO pin 1234" is none
        joins = rf"(?:[^\w\s]\W{{0,2}}|{between}{joins})"
        begin = rf"(?:{begin}{joins}|(?<!IO )(?-i:\bPIN) |{mine}\s+(?:\w+\s+)?(?:{labels})\s+)"
        return re.compile(rf"{begin}(?P<secret>{_NUMBERED[name]})", re.IGNORECASE)
    if name == "your_code":
        others = rf"(?:(?!(?:{_any(raw['other_codes'])})[\s-])[^\W\d]+[\s-]+){{0,3}}?"
        begin = (
            rf"(?<!\S)(?:{_any(raw['yours'])})[^\W\d_]{{0,3}}\s+{others}(?:{labels})[^\W\d_]{{0,6}}"
        )
    if name in ("one_time", "code", "your_code"):
        copulas = _any(f"{raw['verbs']} {raw['other_verbs']} {raw['copulas']}")
        others = r"(?:\s+[^\W\d]+){1,4}?\W{1,3}(?=\d{3}[ -]?\d{3})"
        is_ = rf"(?:\s+[^\W\d]+){{0,3}}?(?:\s*{signs}|\s+(?:{copulas})\s*:?\s+)"
        joins = rf"(?:{is_}|\W{{0,3}}|{others})"
        return re.compile(rf"{begin}{joins}(?P<secret>{_NUMBERED[name]})", re.IGNORECASE)
    if name in _NUMBERED:
        joins = rf"(?:\W{{1,3}}|{joins})"
        return re.compile(rf"{begin}{joins}(?P<secret>{_NUMBERED[name]})", re.IGNORECASE)
    if name == "password_joined":  # scripts without spaces: the label is a part of the sentence
        said = rf"(?P<said>{_any('是 为 為 は が を 는 은 를 을 คือ 이 가 叫')})"
        joins = (
            rf"\s*(?P<words>[^\x00-\x7f\s。、，！？：「」『』]{{1,14}}?)??\s*{said}?\s*[:=：]?\s*"
        )
        return re.compile(f"(?:{labels}){joins}(?P<to>)(?P<verb>)?{_PLAIN_VALUE}", re.IGNORECASE)
    if name == "key":
        joins = rf"(?:{joins}|\s+)"
    return re.compile(f"{begin}{between}{joins}{_VALUE}", re.IGNORECASE)


def _any(words: str) -> str:
    """The words as alternatives, longest first; ``_`` is any space, dash or nothing."""
    ordered = sorted(words.split(), key=len, reverse=True)
    return "|".join(re.escape(word).replace("_", r"[\s_\-]{0,2}") for word in ordered)
