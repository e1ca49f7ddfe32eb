"""Numbers of cards and bank accounts, by their check digits.

Every tenth number passes a card's check, so its issuer, its length and how it is grouped have to
fit too, and no word before it may say that it is an order's or a parcel's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[str, int, int]

# What people and documents put between the digits, and what nobody sees.
_GAP = r"[ \t\r\n\u00a0\u2009\u202f.,\-–\u2010\u2011\u200b-\u200d\u2060\ufeff]{0,2}"
_CARD = re.compile(rf"(?<![\w+.,\-])\d(?:{_GAP}\d){{12,18}}(?![.,\-]?\w)")
_IBAN = re.compile(
    rf"(?<![^\W_])[A-Z]{{2}}{_GAP}\d{_GAP}\d(?:{_GAP}[A-Z0-9]){{11,30}}", re.IGNORECASE
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
_OTHER = re.compile(
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
_LENGTHS = {one[:2]: int(one[2:]) for one in _REGISTRY.split()}


def find(text: str, plain: str) -> Iterator[Span]:
    """Card and account numbers in a text; ``plain`` is the text in lower case."""
    if not _MANY_DIGITS.search(text):
        return
    for found in _CARD.finditer(text):
        if _is_card(found, plain):
            yield "card number", found.start(), found.end()
    for found in _IBAN.finditer(text):
        if (end := _end_of_iban(found)) is not None:
            yield "bank account number", found.start(), end


def _is_card(found: re.Match[str], plain: str) -> bool:
    groups = re.findall(r"\d+", found.group())
    digits = "".join(str(int(one)) for one in "".join(groups))
    if not _ISSUERS.fullmatch(digits) or not _luhn(digits):
        return False
    if len(set(digits)) == 1:
        return False
    before = found.string[max(0, found.start() - _LONGEST_LABEL) : found.start()]
    if _OTHER.search(before):
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
    length = _LENGTHS.get("".join(letters[:2]), 0)
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
