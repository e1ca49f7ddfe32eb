"""What a secret looks like, and what stands where one might and is none."""

from __future__ import annotations

import re

FALLS = ".,;:!?)]}>\"'`“”»*"
"""What at the end of a secret belongs to the sentence around it."""

HOLDER = re.compile(r"^[<\[{$%*•.]|^removed\]|^x+$|^\.+$|^your[_-]", re.IGNORECASE)
"""What stands for a secret that is not told."""

# A call or an item: os.getenv("TOKEN"), config["key"]; a path of names: process.env.API_KEY.
_CALL = re.compile(r"[A-Za-z_][\w.:>-]*[(\[](?:[\"'`)\]A-Za-z_$]|$)")
_PATH = re.compile(r"[A-Za-z_][\w.:>-]*")
_NAMES_SECRET = re.compile(r"pass|pwd|token|key|secret|cred", re.IGNORECASE)


def is_code(said: str) -> bool:
    """Whether this is code that names a secret and does not hold it."""
    if _CALL.match(said):
        return True
    path = said.rstrip(",;)")
    last = re.split(r"\.|->|::", path)[-1]
    is_path = last != path or path.isupper()
    return is_path and bool(_PATH.fullmatch(path) and _NAMES_SECRET.search(last))


SENTENCE_ENDS = re.compile(
    r"\s*(?:$|[.,;:!?)\]}>\"'`”“»*\n—–]|\s-\s|(?:and|but|und|aber|y|et|mais|pero)\b)"
)
NEXT_FIELD = re.compile(r"[;&](?=[A-Za-z][\w .-]{0,30}=)")  # Password=…;Encrypt=True
LOOKS_SECRET = re.compile(r"\d|[@#$%^&*+=|~_\\]|[^\W\d_][!?]\w|[a-zà-ÿ][A-Z]")

# What stands where a secret might, and is none: an address, a day, a time, a range, a version.
_KNOWN_FORM = re.compile(
    r"[\w.+-]{1,64}@[\w.-]{1,190}\.[a-z]{2,}|\w+://\S+|www\.\S+|\S+\.(?:com|org|net|io|de)(?:/\S*)?"
    r"|(?:~|\.{0,2})/[\w.-]+(?:/\S*)?"  # a path
    r"|\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d+/\d+|\w+=[\"'].*|\d{1,2}:\d\d(?::\d\d)?(?:am|pm)?|\d+[-–]\d+|v?\d+(?:\.\d+)+"
    r"|\d+(?:st|nd|rd|th|x|k|m|kg|cm|mm|km|gb|mb|ms|am|pm|bit|chars?|min|h|d|%|€|\$)",
    re.IGNORECASE,
)
# iPhone15, Office365, sha256, input_42: after words that nobody knows it is a name.
_NAME_WITH_NUMBER = re.compile(
    r"\d{0,4}(?:[^\W\d_]+[-._])*[^\W\d_]+[-._]?\d{0,4}(?:[-.]?[^\W\d_]+)?"
)


def is_possible(secret: str, ordinary: frozenset[str], *, quoted: bool = False) -> bool:
    """Whether this may be a password at all: no placeholder, no code, no day, no address."""
    said = secret.rstrip(FALLS)
    if HOLDER.search(said) or said.lower() in ordinary or _KNOWN_FORM.fullmatch(said):
        return False
    return quoted or not is_code(secret)


def is_likely(secret: str, ordinary: frozenset[str]) -> bool:
    """Whether this looks like a password, and like nothing else that is known."""
    return bool(LOOKS_SECRET.search(secret)) and is_possible(secret, ordinary)


def is_strong(said: str) -> bool:
    """Whether it looks like a password also where words stand between that nobody knows."""
    if len(said) < 6 or not LOOKS_SECRET.search(said) or _NAME_WITH_NUMBER.fullmatch(said):
        return False
    return any(one.isdigit() for one in said) and not said.isdecimal()


# What comes out of a machine.

_RUN = re.compile(r"[A-Za-z0-9]{8,500}")
_CHANGES = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z])")
_VALUE = re.compile(r"[\w+/.~:%-]+={0,2}")
HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def is_random(said: str) -> bool:
    """Whether letters and digits are mixed as no word, name or number mixes them."""
    for run in _RUN.findall(said):
        changes = len(_CHANGES.findall(run))
        if not any(one.isdigit() for one in run):
            if len(run) >= 24 and changes >= 0.35 * len(run):
                return True
        elif changes >= 3 or (changes and len(run) >= 20):
            return True
    return False


def is_made(said: str) -> bool:
    """Whether a whole value came out of a machine, whatever stands before it."""
    if len(said) < 16 or not _VALUE.fullmatch(said) or not is_random(said):
        return False
    return len(said) >= 24 or sum(one.isdigit() for one in said) >= 3


def is_plain(said: str) -> bool:
    """Whether there are only small letters and signs, only capitals, or only digits."""
    kinds = str.isdigit, str.islower, str.isupper
    return sum(any(kind(one) for one in said) for kind in kinds) < 2
