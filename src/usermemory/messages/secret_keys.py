"""Keys, tokens and what is assigned to a name that says it is secret.

A key is known by how it begins (`key_formats.toml`: one table of beginnings, lengths and
alphabets, and patterns for those of another build); one that is not in the table by the name that
it is assigned to, or by the words that nearly all vendors put before theirs, and by looking as if
it came out of a machine.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections import defaultdict
from collections.abc import Generator, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from usermemory.messages.secret_looks import (
    FALLS,
    HASH,
    HOLDER,
    is_code,
    is_made,
    is_plain,
    is_random,
)


class Secret(NamedTuple):
    """Something found: its kind in words, and where it stands in the text."""

    kind: str
    start: int
    end: int


_MADE = re.compile(r"(?<![!-~])(?=[!-~]{8})[!-~]*?(?:[0-9=:@_$|+/~-]|[a-z][A-Z])")


def data(name: str) -> dict[str, Any]:
    """One of the package's tables."""
    return tomllib.loads((files("usermemory.messages") / name).read_text("utf-8"))


def trie(words: set[str]) -> str:
    """The words as a pattern that is searched for at once: by their first letters, and so on.

    The longest of those that begin alike is found.
    """
    tails: defaultdict[str, set[str]] = defaultdict(set)
    for word in words - {""}:
        tails[word[0]].add(word[1:])
    ways = "|".join(re.escape(one) + trie(tails[one]) for one in sorted(tails))
    return f"(?:{ways}){'?' if '' in words else ''}" if ways else ""


def might_hold_key(text: str, plain: str) -> bool:
    """Whether a text has a run of characters as keys have, or words that the table tells keys by.

    ``plain`` is the text in lower case.
    """
    return bool(_MADE.search(text) or key_formats().words.search(plain))


def key_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Keys in a text; ``plain`` is the text in lower case."""
    known = key_formats()
    covered = 0
    for begin in known.beginning.finditer(text):
        if begin.start() >= covered:
            covered = yield from _by_beginning(text, begin, known)
    for kind, pattern in {form for begins, form in known.patterns if begins in plain}:
        group = "secret" if "secret" in pattern.groupindex else 0
        yield from (Secret(kind, *found.span(group)) for found in pattern.finditer(text))
    for sign, kind, pattern in _ADDRESSES:
        if sign in plain:
            for found in pattern.finditer(text):
                if not HOLDER.search(found["secret"]) and not found["secret"].isdecimal():
                    yield Secret(kind, *found.span("secret"))
    for found in _VENDORS_WAY.finditer(text):
        if is_random(found["body"]) and not HASH.fullmatch(found["body"]):
            yield Secret("API key", *found.span())
    yield from _assigned(text, plain)


# Keys by their beginnings.

_LONG, _LONGEST = 300, 4000


class _Known(NamedTuple):
    """One pattern for all beginnings, what follows each, and the keys of another build.

    Of these some are words: what stands beside such a key, in lower case.
    """

    beginning: re.Pattern[str]
    words: re.Pattern[str]
    bodies: dict[str, list[tuple[re.Pattern[str], bool]]]
    patterns: tuple[tuple[str, tuple[str, re.Pattern[str]]], ...]


@cache
def key_formats() -> _Known:
    """How keys begin and what follows."""
    raw = data("key_formats.toml")
    bodies: dict[str, list[tuple[re.Pattern[str], bool]]] = defaultdict(list)
    for begin, alphabet, least, _ in raw["formats"]["rows"]:
        body = re.compile(rf"{raw['alphabets'][alphabet]}{{{least},{_LONGEST}}}")
        bodies[begin].append((body, alphabet == "mixed"))
    patterns = tuple(
        (begins, (one["kind"], re.compile(start + one["pattern"])))
        for one in raw["key"]
        for start in ["" if one.get("anywhere") else r"(?<![A-Za-z0-9_-])"]
        for begins in one["begins"]
    )
    beginning = re.compile(rf"(?<![A-Za-z0-9_-]){trie(set(bodies))}")
    words = {begins for one in raw["key"] if one.get("in_words") for begins in one["begins"]}
    return _Known(beginning, re.compile(trie(words)), dict(bodies), patterns)


def _by_beginning(text: str, begin: re.Match[str], known: _Known) -> Generator[Secret, None, int]:
    """The key that begins here, whichever of the table's beginnings it has.

    Returns:
        Where to look on: a long run that is no key holds none further on either.
    """
    said, covered = begin.group(), begin.start()
    for length in range(len(said), 1, -1):
        for body, in_one_run in known.bodies.get(said[:length], ()):
            found = body.match(text, begin.start() + length)
            if not found:
                continue
            if is_random(found.group()) or not (in_one_run or is_plain(found.group())):
                end = found.start() + len(found.group().rstrip("."))
                yield Secret("API key", begin.start(), end)
                return end
            if len(found.group()) > _LONG:
                covered = max(covered, found.end())
    return covered


# As nearly all vendors build them: whose key, what for, and then what came out of a machine.
_VENDORS_WAY = re.compile(
    r"(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z0-9]{1,15}[_-]"
    r"(?:live|test|prod|sandbox|secret|sk|pat|api|apikey|token|key)[_-](?P<body>[A-Za-z0-9]{16,200})"
    r"(?![A-Za-z0-9_-])"
)

# In an address only the password is secret: who logs in where is not. In the query of an address,
# or a form, the name before the value tells.
_LOGIN = re.compile(r"://[^\s/:@]{0,100}:(?P<secret>[^\s/@]{1,200})@")
_QUERY = re.compile(
    r"(?<=[?&;])(?:x-amz-signature|x-goog-signature|api[_-]?key|appid|access[_-]?token|sig"
    r"|auth[_-]?token|id[_-]?token|refresh[_-]?token|client[_-]?secret|secret|signature)"
    r"=(?P<secret>(?=[^&\s#]{0,80}(?:\d[A-Za-z]|[A-Za-z]\d|%))[^&\s#\"'<>)\]]{8,2000})",
    re.IGNORECASE,
)
_QUERY_PASSWORD = re.compile(
    r"(?<=[?&;])(?:password|passwd|pwd|pass)=(?P<secret>[^&;\s#\"'<>)\]]{4,500})", re.IGNORECASE
)
_CURL = re.compile(
    r"(?:^|\s)(?:-u|--user|--proxy-user)[ =]?['\"]?[^\s:'\"]{1,80}:(?P<secret>[^\s'\"]{3,200})"
)
_COMMAND = re.compile(
    r"\b(?:(?:sshpass|docker login|az login)\b[^\n]{0,80}?\s(?:-p|--password)[ =]?"
    r"|(?:mysql|mysqldump|mariadb)\s[^\n]{0,80}?-p|redis-cli\s[^\n]{0,80}?-a )"
    r"(?P<quote>['\"])?(?P<secret>(?(quote)[^'\"\n]{3,100}|[^\s'\"-][^\s'\"]{3,100}))"
)
_WIFI = re.compile(r"WIFI:[^\n]{0,120}?;?P:(?P<secret>[^;\n]{4,100});")
_ADDRESSES = (
    ("=", "API key", _QUERY),
    ("=", "password", _QUERY_PASSWORD),
    ("-u", "password", _CURL),
    ("--user", "password", _CURL),
    (" -", "password", _COMMAND),
    ("://", "password", _LOGIN),
    ("wifi:", "password", _WIFI),
)


# What is assigned to a name: PGPASSWORD=…, "client_secret": "…", X-Api-Key: …, AccountKey=…;

_ASSIGNED = re.compile(
    r"(?P<name>password|passwd|passphrase|pwd|pass|secret|token|key|credentials?|sid|sessionid|session"
    r"|authorization|(?<![a-z])(?:pat|auth))(?P<more>_base|_id|_ids|_value|_?[0-9]|(?-i:(?:_[A-Z0-9]{1,20}){1,3}))?"
    r"(?P<sign>[\"'\]]{0,2}[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3})"
    r"(?:(?P<scheme>bearer|token|basic|ssws|apikey|key|bot)[ \t]{1,2})?"
    r"(?P<quote>[\"'`])?(?P<secret>(?(quote)[^\"'`\n]{1,2000}|[^\s\"'`,;&<>]{1,2000}))",
    re.IGNORECASE,
)
_OF_NAMES = string.ascii_letters + string.digits + "_.-"
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_OPEN = """public pub publishable partition primary foreign sort cache idempotency object s3 row hot
group order product page next cursor sync max min num count storage answer license site translation
json map index unique ssh host"""
_NAMED = ("pass", "pwd", "secret", "token", "key", "credential", "sid", "session", "pat", "auth")
_NO_SECRET = re.compile(
    r"_(?:ids?|name|ur[il]|file|path|type|limit|host|count|size)", re.IGNORECASE
)
_NO_WORD = re.compile(r"(?=.{0,60}\d)(?=.{0,60}[!@#$%^&*()+=|~?<>]).{8,}")


def _assigned(text: str, plain: str) -> Iterator[Secret]:
    """What is assigned to names that end as those of secrets do."""
    if not ("=" in plain or ":" in plain) or not any(one in plain for one in _NAMED):
        return
    for found in _ASSIGNED.finditer(text):
        said = found["secret"] if found["quote"] else found["secret"].rstrip(FALLS)
        if HOLDER.search(said) or (not found["quote"] and is_code(found["secret"])):
            continue
        before = text[max(0, found.start() - 60) : found.start()]
        prefix = before[len(before.rstrip(_OF_NAMES)) :]
        name = found["name"].lower()
        if _is_assigned(name, prefix, found, said):
            kind = "password" if name.startswith(("pass", "pwd")) else "API key"
            yield Secret(kind, found.start("secret"), found.start("secret") + len(said))


def _is_assigned(name: str, prefix: str, found: re.Match[str], said: str) -> bool:
    """Whether what is assigned to this name is a secret."""
    compact = "=" in found["sign"] and found["sign"].strip() == found["sign"]
    whole = f"{prefix}{found['name']}{found['more'] or ''}"
    constant = compact and whole.isupper() and whole != found["name"]
    has_digit = any(one.isdigit() for one in said)
    if name.startswith(("pass", "pwd")):
        # A password alone is a label's matter; here it is a part of a name.
        if said.startswith(("/", "~/", "./")):
            return False
        part = bool(prefix) and prefix[-1] != "-" and (constant or name != "pass")
        return part and len(said) >= 4 and (has_digit or constant)
    if _NO_SECRET.match(found["more"] or ""):
        return False
    parts = _PARTS.findall(prefix)
    if parts and parts[-1].lower() in _OPEN.split() and not found["scheme"]:
        return False
    if constant and whole.endswith(("SECRET", "TOKEN", "CREDENTIALS")) and not said.isdecimal():
        return len(said) >= 8 and has_digit
    is_quoted = constant and found["quote"] is not None and _NO_WORD.match(said) is not None
    return is_quoted or is_made(said)
