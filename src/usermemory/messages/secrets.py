"""Secrets and numbers that nobody wants remembered, found before anything is stored.

`screened` is called once for each new message, in the chat's way: a text without a digit and
without a word that announces a secret costs a few microseconds. What is found is what can be told
from ordinary text with hardly a mistake: keys by how they begin, card and account numbers by their
check digits, passwords and codes by the word before them. A bare password in the middle of a
sentence looks like any other word and stays.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Literal, NamedTuple

SecretPolicy = Literal["mask", "refuse", "keep"]
"""``mask`` the secret, ``refuse`` the whole message, or ``keep`` it as it is."""


class Secret(NamedTuple):
    """Something found: its kind in words, and where it stands in the text."""

    kind: str
    start: int
    end: int


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
        kept += text[end : secret.start], f"[{secret.kind} removed]"
        end = secret.end
    return "".join([*kept, text[end:]])


def secrets_in(text: str) -> list[Secret]:
    """The secrets in a text, in order; none lies within another."""
    plain = text.lower()
    if not (_SIGNS.search(text) or _announced().search(plain)):
        return []
    every = chain(
        _key_secrets(text, plain), _number_secrets(text, plain), _labelled_secrets(text, plain)
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
    _announced()


_SIGNS = re.compile(r"[=]|://|\d(?:\D{0,6}\d){11}")
"""What an address or a long number has; the words are those of `_announced`."""


_SHORTEST_BARE_KEY = 40
"""Characters of the shortest key whose beginning, as the file has it, is but one character."""


@cache
def _announced() -> re.Pattern[str]:
    """How keys and labels begin: a text in lower case without any of it holds neither."""
    words = {"curl", *_key_formats(), *_labels().beginnings}
    long = {word for word in words if len(word) > 1}
    return re.compile(rf"{_one_of(long)}|\S{{{_SHORTEST_BARE_KEY}}}")


def _one_of(words: set[str]) -> str:
    """The words as a pattern that is searched for at once: by their first letters, and so on."""
    if not words or "" in words:
        return ""
    tails: defaultdict[str, set[str]] = defaultdict(set)
    for word in words:
        tails[word[0]].add(word[1:])
    return f"(?:{'|'.join(re.escape(one) + _one_of(tails[one]) for one in sorted(tails))})"


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((files("usermemory.messages") / name).read_text("utf-8"))


# Keys and tokens are known by how they begin. In an address only the password is secret: who logs
# in where is not. In the query of an address, or a form, the name before the value tells.
_LOGIN = re.compile(r"://[^\s/:@]{0,100}:(?P<secret>[^\s/@]{1,200})@")
_QUERY = re.compile(
    r"(?<=[?&;])(?:x-amz-signature|api[_-]?key|apikey|key|token|access[_-]?token|auth[_-]?token|auth"
    r"|id[_-]?token|refresh[_-]?token|client[_-]?secret|secret|sig|signature|password|passwd|pwd|pass)"
    r"=(?P<secret>(?=[^&\s#]{0,80}[\d%_])[^&\s#\"'<>)\]]{8,500})",
    re.IGNORECASE,
)
_CURL = re.compile(r"(?:^|\s)(?:-u|--user)[ =]['\"]?[^\s:'\"]{1,80}:(?P<secret>[^\s'\"]{3,200})")
_ADDRESSES = (("=", "API key", _QUERY), ("curl", "password", _CURL), ("://", "password", _LOGIN))


def _key_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Keys in a text; ``plain`` is the text in lower case."""
    formats = _key_formats()
    there = {form for begins in filter(plain.__contains__, formats) for form in formats[begins]}
    for kind, pattern in there:
        yield from (Secret(kind, *found.span()) for found in pattern.finditer(text))
    for sign, kind, pattern in _ADDRESSES:
        if sign in plain:
            yield from (Secret(kind, *found.span("secret")) for found in pattern.finditer(text))


@cache
def _key_formats() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """By each beginning the kinds of keys that begin so, and all of each."""
    formats: defaultdict[str, list[tuple[str, re.Pattern[str]]]] = defaultdict(list)
    for one in _data("key_formats.toml")["key"]:
        start = "" if one.get("anywhere") else r"(?<![\w-])"
        form = one["kind"], re.compile(start + one["pattern"])
        for begins in one["begins"]:
            formats[begins].append(form)
    return dict(formats)


# Every tenth number passes a card's check, so its issuer, its length and how it is grouped have to
# fit too, and no word before it may say that it is an order's or a parcel's. Between the digits
# stands what people and documents put there, and what nobody sees.
_BETWEEN_DIGITS = r"[ \t\r\n\u00a0\u2009\u202f.,\-–\u2010\u2011\u200b-\u200d\u2060\ufeff]{0,2}"
_CARD = re.compile(rf"(?<![\w+.,\-])\d(?:{_BETWEEN_DIGITS}\d){{12,18}}(?![.,\-]?\w)")
_IBAN = re.compile(
    rf"(?<![^\W_])[A-Z]{{2}}{_BETWEEN_DIGITS}\d{_BETWEEN_DIGITS}\d"
    rf"(?:{_BETWEEN_DIGITS}[A-Z0-9]){{11,30}}",
    re.IGNORECASE,
)
_MANY_DIGITS = re.compile(r"\d(?:\D{0,6}\d){11}")

# First digits and lengths as the issuers publish them; old ones of 13 digits look like any EAN.
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?"  # Discover
    r"|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14}(?:\d{3})?"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
)
_ANOTHER_NUMBER = re.compile(
    r"(?:order|invoice|tracking|parcel|shipment|ticket|booking|reference|serial|imei|isbn|ean|upc"
    r"|bestell|rechnung|sendung|auftrag|pedido|factura|envío|commande|facture|colis)\D{0,25}$",
    re.IGNORECASE,
)
_LONGEST_LABEL = 40
_CARD_WORDS = ("card", "karte", "tarjeta", "carte", "visa", "mastercard", "amex")

# Characters of an IBAN by country (the SWIFT registry's list).
_REGISTRY = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24
    DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21
    HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22
    MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31
    SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {one[:2]: int(one[2:]) for one in _REGISTRY.split()}


def _number_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Card and account numbers in a text; ``plain`` is the text in lower case."""
    if not _MANY_DIGITS.search(text):
        return
    for found in _CARD.finditer(text):
        if _is_card(found, plain):
            yield Secret("card number", *found.span())
    for found in _IBAN.finditer(text):
        if (end := _end_of_iban(found)) is not None:
            yield Secret("bank account number", found.start(), end)


def _is_card(found: re.Match[str], plain: str) -> bool:
    groups = re.findall(r"\d+", found.group())
    digits = "".join(str(int(one)) for one in "".join(groups))
    if not _ISSUERS.fullmatch(digits) or not _luhn(digits) or len(set(digits)) == 1:
        return False
    before = found.string[max(0, found.start() - _LONGEST_LABEL) : found.start()]
    if _ANOTHER_NUMBER.search(before):
        return False
    # Written in one piece or in fours, sixes and fives; a telephone number has shorter groups.
    grouped = all(len(group) >= 4 for group in groups[:-1]) and len(groups[-1]) >= 2
    grouped = grouped or all(len(group) == 1 for group in groups)  # as it is spelled out
    return grouped or any(word in plain for word in _CARD_WORDS)


def _luhn(digits: str) -> bool:
    """The check digit of card numbers: every second digit from the right counts twice."""
    doubled = (2 * int(one) for one in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


def _end_of_iban(found: re.Match[str]) -> int | None:
    """Where the account number ends: as long as its country's are, with the right check digits."""
    places = [at for at, one in enumerate(found.group()) if one.isalnum()]
    letters = [found.group()[at].upper() for at in places]
    length = _IBAN_LENGTHS.get("".join(letters[:2]), 0)
    if not length or len(letters) < length:
        return None
    turned = [*letters[4:length], *letters[:4]]
    if not all(one.isdecimal() or "A" <= one <= "Z" for one in turned):
        return None
    if int("".join(str(int(one, 36)) for one in turned)) % 97 != 1:
        return None
    end = places[length - 1] + 1
    goes_on = length < len(places) and places[length] == end
    return None if goes_on else found.start() + end


# "My password is hunter2" has a secret, "my password is wrong" has none: what follows the word has
# to look like a secret, or stand where the sentence ends and be nothing that people say of one.
_LABEL_KINDS = {
    "password": "password",
    "password_sign": "password",
    "password_joined": "password",
    "maybe_password": "password",
    "one_time": "one-time code",
    "key": "API key",
    "pin": "PIN",
    "pin_code": "PIN",
    "card_code": "security code",
    "account": "bank account number",
    "person": "social security number",
    "phrase": "recovery phrase",
}
_QUOTE_MARKS = r"[\"'`*“”„«]{0,3}"
_VALUE = r"(?P<quote>[\"'`“„«])?(?P<secret>(?(quote)[^\"'`”“»\n]{1,200}|[^\s\"`“”]{1,200}))"
_PLAIN_VALUE = r"(?P<quote>[\"'`“„«「])?(?P<secret>[!-~]{4,200})"
_FALLS = ".,;:!?)]}>\"'`“”»*"
_SENTENCE_ENDS = re.compile(
    r"\s*(?:$|[.,;:!?)\]}>\"'`”“»*\n—–]|\s-\s|(?:and|but|und|aber|y|et|mais|pero)\b)"
)
_LOOKS_SECRET = re.compile(r"\d|[@#$%^&*+=|~_\\]|[^\W\d_][!?]\w|[a-zà-ÿ][A-Z]")
_HOLDER = re.compile(r"^[<\[{$%*•.]|^removed\]|^x+$|^\.+$", re.IGNORECASE)
_NUMBERED = {
    "one_time": r"(?:[A-Z]-)?\d{3}[ -]?\d{1,5}(?!\w|[-./]\d)",
    "pin": r"\d{4}(?:\d{2})?(?!\w|[-./]\d)",
    "pin_code": r"\d{4}(?!\w)",  # of six digits it is an Indian address
    "card_code": r"\d{3,4}(?!\w)",
    "account": r"\d(?:[ \-]?\d){5,17}(?!\w)",
    "person": r"\d{3}[- ]?\d{2}[- ]?\d{4}(?!\w)",
}


class _Labels(NamedTuple):
    """What is looked for: how labels begin, a pattern for each kind, and what is no secret."""

    beginnings: frozenset[str]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    turned: tuple[re.Pattern[str], ...]
    ordinary: frozenset[str]


def _labelled_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Labelled secrets in a text; ``plain`` is the text in lower case."""
    labels = _labels()
    if not any(map(plain.__contains__, labels.beginnings)):
        return
    for name, pattern in labels.patterns:
        find_end = _ENDS_OF.get(name)
        for found in pattern.finditer(text):
            end = found.end("secret") if find_end is None else find_end(found, labels.ordinary)
            if end is not None:
                yield Secret(_LABEL_KINDS[name], found.start("secret"), end)
    for found in chain.from_iterable(pattern.finditer(text) for pattern in labels.turned):
        if _LOOKS_SECRET.search(found["secret"]):
            yield Secret("password", *found.span("secret"))


def _password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    said = found["secret"].rstrip(_FALLS)
    if len(said) < 4 or _HOLDER.search(said) or said.lower() in ordinary:
        return None
    bare = found.start("secret") + len(said)
    if found["quote"] or _LOOKS_SECRET.search(said):
        # A full stop belongs to the sentence, an exclamation mark to many passwords.
        return found.start("secret") + len(found["secret"].rstrip(".,;:)]}>\"'`“”»"))
    if found["to"] or not said.isalpha() or not _SENTENCE_ENDS.match(found.string, bare):
        return None
    return bare


def _maybe_password_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """What follows a word that often means something else has to look like a secret."""
    return _password_end(found, ordinary) if _LOOKS_SECRET.search(found["secret"]) else None


def _key_end(found: re.Match[str], _: frozenset[str]) -> int | None:
    said = found["secret"].rstrip(_FALLS)
    if len(said) < 12 or _HOLDER.search(said) or not re.search(r"\d", said):
        return None
    return found.start("secret") + len(said)


def _phrase_end(found: re.Match[str], ordinary: frozenset[str]) -> int | None:
    """A phrase is several words: all up to the end of the line."""
    line = re.compile(r"[^\n\"“”»]*").match(found.string, found.start("secret"))
    said = line.group().rstrip() if line else ""
    if len(said.split()) < 3 and not _LOOKS_SECRET.search(said):
        return None
    if found["verb"] and said.split()[0].lower() in ordinary:
        return None
    return found.start("secret") + len(said)


_ENDS_OF: dict[str, Callable[[re.Match[str], frozenset[str]], int | None]] = {
    "password": _password_end,
    "password_sign": _password_end,
    "password_joined": _password_end,
    "maybe_password": _maybe_password_end,
    "key": _key_end,
    "phrase": _phrase_end,
}
"""Where what follows a label ends, None where it is no secret; all of it for other labels."""


@cache
def _labels() -> _Labels:
    raw = _data("secret_labels.toml")
    about, verbs, to = (_any(raw[name]) for name in ("about", "verbs", "to"))
    between = rf"(?:\s+(?:{about})\s+(?:\S+\s+){{0,3}}?\S+?)?"
    signs = rf"{_QUOTE_MARKS}\s*(?::=|=>|->|[:=→：])\s*{_QUOTE_MARKS}"
    joins = rf"(?:{signs}|\s+(?P<verb>{verbs})\s*:?\s+|\s+(?P<to>{to})\s+)"
    first = {one.split("_")[0] for name in _LABEL_KINDS for one in raw[name].split()}
    secret = rf"{_QUOTE_MARKS}(?P<secret>\S{{4,100}}?){_QUOTE_MARKS}\s+"
    is_mine = rf"(?<!\S){secret}(?:is|ist|es|est)\s+(?:{_any(raw['mine'])})\s+(?:\w+\s+){{0,2}}?"
    use = rf"(?<!\w)(?:{_any(raw['use'])})\s+{secret}(?:{_any(raw['as'])})\s+(?:\w+\s+){{0,4}}?"
    password = _any(raw["password"])
    return _Labels(
        frozenset(one for one in first if not any(other in one for other in first - {one})),
        tuple((name, _pattern(name, _any(raw[name]), between, joins)) for name in _LABEL_KINDS),
        (
            re.compile(rf"{is_mine}(?:{password})(?!\w)", re.IGNORECASE),
            re.compile(rf"{use}(?:{password}|{_any(raw['password_sign'])})(?!\w)", re.IGNORECASE),
        ),
        frozenset(raw["ordinary"].split()),
    )


def _pattern(name: str, labels: str, between: str, joins: str) -> re.Pattern[str]:
    begin = rf"(?<![^\W\d_])(?:{labels})(?![^\W_])"
    if name in _NUMBERED:
        joins = rf"(?:\W{{1,3}}|{joins})"
        return re.compile(rf"{begin}{joins}(?P<secret>{_NUMBERED[name]})", re.IGNORECASE)
    if name == "password_joined":  # scripts without spaces: the label is a part of the sentence
        joins = rf"(?:\s*(?:{_any('是 为 為 は 는 은')})?\s*[:=：]?\s*)"
        return re.compile(f"(?:{labels}){joins}(?P<to>)(?P<verb>)?{_PLAIN_VALUE}", re.IGNORECASE)
    if name == "key":
        joins = rf"(?:{joins}|\s+)"
    return re.compile(f"{begin}{between}{joins}{_VALUE}", re.IGNORECASE)


def _any(words: str) -> str:
    """The words as alternatives, longest first; ``_`` is any space, dash or nothing."""
    ordered = sorted(words.split(), key=len, reverse=True)
    return "|".join(re.escape(word).replace("_", r"[\s_\-]{0,2}") for word in ordered)
