"""Numbers of cards and bank accounts, by their issuers, lengths and check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from usermemory.messages.secret_keys import Secret, data

MANY_DIGITS = re.compile(r"\d(?:\D{0,6}\d){11}")
"""A text without these holds neither."""

# Between the digits stands what people and documents put there, and what nobody sees.
_BETWEEN_DIGITS = r"[ \t\r\n\u00a0\u2009\u202f.,/|·\-–\u2010\u2011\u200b-\u200d\u2060\ufeff]{0,6}"
_CARD = re.compile(rf"(?<![\w+.,\-/])\d(?:{_BETWEEN_DIGITS}\d){{12,18}}(?![.,\-/]?\w)")
_IBAN_BETWEEN = _BETWEEN_DIGITS.replace("{0,6}", "{0,2}")
# Looked ahead for, since what begins like one may hide the one that follows it.
_IBAN = re.compile(
    rf"(?<![^\W_])(?=(?P<account>[A-Z]{{2}}{_IBAN_BETWEEN}\d{_IBAN_BETWEEN}\d"
    rf"(?:{_IBAN_BETWEEN}[A-Z0-9]){{11,30}}))",
    re.IGNORECASE,
)

# First digits and lengths as the issuers publish them; old ones of 13 digits look like any EAN.
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?"  # Discover
    r"|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14}(?:\d{3})?"  # UnionPay
    r"|220[0-4]\d{12}"  # Mir
    r"|(?:60|81|82|508)\d{13,14}"  # RuPay
    r"|9792\d{12}"  # Troy
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
)

# Characters of an IBAN by country (the SWIFT registry's list).
_REGISTRY = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24
    DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21
    HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22
    MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31
    SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {one[:2]: int(one[2:]) for one in _REGISTRY.split()}


def number_secrets(text: str, plain: str) -> Iterator[Secret]:
    """Card and account numbers in a text; ``plain`` is the text in lower case."""
    for found in _CARD.finditer(text):
        if _is_card(found, plain):
            yield Secret("card number", *found.span())
    for found in _IBAN.finditer(text):
        if (end := _end_of_iban(found)) is not None:
            yield Secret("bank account number", found.start(), end)


class _Words(NamedTuple):
    """What people call a card, what else has a number, and what a number is called."""

    card: re.Pattern[str]
    other: re.Pattern[str]
    number: re.Pattern[str]


@cache
def _words() -> _Words:
    raw = data("secret_labels.toml")
    return _Words(*(_any_of(raw[name].split()) for name in ("cards", "numbered", "numbers")))


def _any_of(words: list[str]) -> re.Pattern[str]:
    """Long words stand for their compounds too; short Latin ones stand alone."""
    alone = r"(?<![^\W\d_]){}(?![^\W\d_])"
    parts = (re.escape(one.replace("_", " ")) for one in words)
    return re.compile(
        "|".join(
            alone.format(part) if len(one) < 4 and one[0] < "\u0400" and one[0].isalpha() else part
            for one, part in zip(words, parts, strict=True)
        )
    )


_LABEL = 40
_NEXT_WORD = 12
_CLAUSE_ENDS = re.compile(r"[\n.;!?。！？](?=\s*\S)")


def _is_card(found: re.Match[str], plain: str) -> bool:
    """Whether these digits are a card's.

    Every tenth number passes a card's check, so its issuer, its length and how it is grouped have
    to fit too, and no word beside it may say that it is an order's or a parcel's.
    """
    groups = re.findall(r"\d+", found.group())
    digits = "".join(str(int(one)) for one in "".join(groups))
    if not _ISSUERS.fullmatch(digits) or not _luhn(digits) or len(set(digits)) == 1:
        return False
    if _is_called_another(found, in_one_piece=len(groups) == 1):
        return False
    # Written in one piece or in fours, sixes and fives; a telephone number has shorter groups.
    grouped = all(len(group) >= 4 for group in groups[:-1]) and len(groups[-1]) >= 2
    grouped = grouped or all(len(group) == 1 for group in groups)  # as it is spelled out
    return grouped or bool(_words().card.search(plain))


def _is_called_another(found: re.Match[str], *, in_one_piece: bool) -> bool:
    """Whether the words beside a number say that it is no card's.

    Digits in one piece are another number wherever they are called a number and no card is named;
    digits in groups of four only where they are an order's, a parcel's or the like.
    """
    words, text = _words(), found.string
    before = _CLAUSE_ENDS.split(text[max(0, found.start() - _LABEL) : found.start()].lower())[-1]
    after = _CLAUSE_ENDS.split(text[found.end() : found.end() + _LABEL].lower())[0]
    if words.card.search(before) or words.card.search(after[:_NEXT_WORD]):
        return False
    if words.other.search(before) or (in_one_piece and words.number.search(before)):
        return True
    return bool(words.other.search(after)) and not words.card.search(after)


def _luhn(digits: str) -> bool:
    """The check digit of card numbers: every second digit from the right counts twice."""
    doubled = (2 * int(one) for one in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


def _end_of_iban(found: re.Match[str]) -> int | None:
    """Where the account number ends: as long as its country's are, with the right check digits."""
    account = found["account"]
    places = [at for at, one in enumerate(account) if one.isalnum()]
    letters = [account[at].upper() for at in places]
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
