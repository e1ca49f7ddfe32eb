"""Secrets in what people say: what is found, and what is not taken for one."""

from __future__ import annotations

import json
import random
import re
import string
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from usermemory.messages.secrets import screened, secrets_in

FOLDER = Path(__file__).parent / "secret_cases"
SECRETS = json.loads((FOLDER / "secrets.json").read_text("utf-8"))["cases"]
ORDINARY = json.loads((FOLDER / "ordinary.json").read_text("utf-8"))["cases"]
KEYS = json.loads((FOLDER / "keys.json").read_text("utf-8"))["cases"]
SAID = json.loads((FOLDER / "said.json").read_text("utf-8"))["cases"]
MIXED = "a1B2c3D4e5F6g7H8i9J0"
HEX = "0123456789abcdef"

# How keys begin, and the rest of them: built here, so that no scanner takes this file for a leak.
BEGINNINGS = [
    *(("sk-", MIXED * 2), ("sk-ant-", f"api03-{MIXED}"), ("sk-or-", f"v1-{HEX * 2}")),
    *(("sk_live_", MIXED), ("rk_test_", MIXED), ("whsec_", MIXED)),
    *(("ghp_", MIXED * 2), ("gho_", MIXED * 2), ("github_pat_", MIXED * 2)),
    *(("glpat-", MIXED), ("AKIA", "IOSFODNN7EXAMPLE"), ("AIza", (MIXED * 2)[:35])),
    *(("ya29.", MIXED), ("GOCSPX-", MIXED), ("xoxb-", f"123456789012-{MIXED}")),
    *(("xapp-", f"1-{MIXED}"), ("https://hooks.slack.com/services/", f"T0000/B0000/{MIXED}")),
    *(("hf_", MIXED * 2), ("gsk_", MIXED * 2), ("xai-", MIXED * 2), ("pplx-", MIXED * 2)),
    *(("lsv2_pt_", HEX * 2), ("tvly-", MIXED * 2), ("r8_", MIXED * 2), ("npm_", (MIXED * 2)[:36])),
    *(("pypi-AgEIcHlwaS", MIXED * 3), ("SG.", f"{MIXED}.{MIXED}"), ("key-", HEX * 2)),
    *(("SK", HEX * 2), ("dop_v1_", HEX * 4), ("dapi", HEX * 2), ("shpat_", HEX * 2)),
    *(("sq0atp-", MIXED * 2), ("lin_api_", MIXED * 2), ("ntn_", MIXED * 3), ("hvs.", MIXED * 2)),
    *(("ATATT3", MIXED * 3), ("PMAK-", MIXED * 3), ("NRAK-", (MIXED * 2)[:27])),
    *(("12345678:AA", (MIXED * 2)[:33]), ("AccountKey=", MIXED * 3)),
    *(("secret_", MIXED * 2), ("figd_", MIXED * 2), ("dckr_pat_", MIXED * 2), ("sbp_", HEX * 3)),
    *((f"pat{MIXED[:14]}.", HEX * 4), ("sntrys_", MIXED * 3), ("pk.eyJ", f"{MIXED}.{MIXED}")),
    *(("EAA", MIXED * 3), ("1//0", MIXED * 2), (f"{MIXED[:14]}.atlasv1.", MIXED * 3)),
    *(("access_token$production$", f"{HEX}${HEX * 2}"), ("LTAI", MIXED), ("nvapi-", MIXED * 3)),
    *(("glc_", MIXED * 2), ("pscale_tkn_", MIXED * 2), ("HRKU-", MIXED * 2), ("nfp_", MIXED * 2)),
    *(
        (f"M{MIXED}abcd.Gh4iJ1.", MIXED + "abcdefgh"),
        ("/api/webhooks/123456789012345678/", MIXED * 3),
    ),
    *(("AGE-SECRET-KEY-1", MIXED.upper() * 3), ("eyJ", f"{MIXED}.eyJ{MIXED}.{MIXED}")),
]


@pytest.mark.parametrize("case", SECRETS, ids=[case["text"][:40] for case in SECRETS])
def test_a_secret_is_found(case: dict[str, Any]) -> None:
    """A secret is replaced by what it was, and nothing around it is."""
    before, _, after = case["text"].rpartition(case["secret"])
    kept = screened(case["text"], "mask")
    assert kept == f"{before}[{case['kind']} removed]{after}"
    assert screened(case["text"], "refuse") is None
    assert screened(case["text"], "keep") == case["text"]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    """Telephone numbers, dates, orders, ids and talk about passwords are no secrets."""
    assert screened(text, "mask") == text
    assert screened(text, "refuse") == text


ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base64": string.ascii_letters + string.digits + "+/",
    "bech32": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "digits": string.digits,
    "hex": HEX,
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase + string.digits,
    "word": string.ascii_letters + string.digits + "-_",
}


def filled(template: str, seed: int) -> str:
    """The template with what is in braces made up."""
    rng = random.Random(f"{template} {seed}")

    def made_up(brace: re.Match[str]) -> str:
        if brace[1] == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return "".join(rng.choices(ALPHABETS[brace[1]], k=int(brace[2])))

    return re.sub(r"\{(\w+)(?::(\d+))?\}", made_up, template)


def assert_masked(text: str) -> None:
    """Of what stands between two bars nothing is left, and what is around it stays."""
    before, *secret, after = text.split("|")
    kept = screened(before + "|".join(secret) + after, "mask") or ""
    assert re.fullmatch(rf"{re.escape(before)}\[[a-zA-Z -]+ removed\]{re.escape(after)}", kept)


@pytest.mark.parametrize("template", KEYS)
def test_the_keys_that_people_paste_are_found(template: str) -> None:
    """A key of a service that people use, or one that a name tells of, is masked whole."""
    for seed in range(5):
        assert_masked(filled(template, seed))


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_in_many_languages_is_found(text: str) -> None:
    """A password, a code or a number is masked in whatever language it is said."""
    assert_masked(text)


@pytest.mark.parametrize(("begins", "rest"), BEGINNINGS, ids=[begins for begins, _ in BEGINNINGS])
def test_keys_are_known_by_how_they_begin(begins: str, rest: str) -> None:
    """A key is found whole in the middle of a sentence; its beginning alone is no key."""
    kept = screened(f"please use {begins}{rest} for that", "mask") or ""
    assert rest not in kept
    assert kept.startswith("please use ")
    assert kept.endswith("] for that")
    assert not secrets_in(f"keys that begin with {begins} are theirs")


def test_several_secrets_in_one_message() -> None:
    """Each is replaced, and the text between them stays."""
    said = "password: hunter2, card 4111 1111 1111 1111, and I live in Porto"
    assert screened(said, "mask") == (
        "password: [password removed], card [card number removed], and I live in Porto"
    )


PIECES = [
    *"4111 -.\u200b:=@/aZ_9'\"\n",
    "password",
    "PIN ",
    " is ",
    "4111111111111111",
    "sk-",
    MIXED,
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example("sk-a1B2c3D4e5F6g7H8i9J0.444")
@settings(deadline=None)
def test_what_is_screened_is_clean(text: str) -> None:
    """Whatever the text: what is found lies in order and apart, and nothing is found in a mask."""
    ends = [0, *(secret.end for secret in secrets_in(text))]
    for secret, before in zip(secrets_in(text), ends, strict=False):
        assert before <= secret.start < secret.end <= len(text)
    once = screened(text, "mask") or ""
    assert screened(once, "mask") == once


@given(st.integers(10**12, 10**19 - 1))
@settings(deadline=None)
def test_numbers_without_their_check_digit_stay(number: int) -> None:
    """Of a card number and the same with another last digit, at most one is a card's."""
    tens = str(number)[:-1]
    assert sum(bool(secrets_in(f"it is {tens}{last}")) for last in range(10)) <= 1


@pytest.mark.parametrize(
    "piece",
    [
        "password ",
        "password is ",
        "password for ",
        "4111-",
        "sk-",
        "eyJ-",
        "://a:",
        "pin ",
        "-----BEGIN PRIVATE KEY-----",
        "1 is ",
        "DE89 ",
        "sl.",
        "sk-a.",
        "key=",
        "token: ",
        "?sig=",
        "пароль а ",
        "密码的",
        "482913 is ",
        "Private-Lines: 1",
        "mysql ",
        "WIFI:",
        "4111 1111 1111 1111 ",
        "a_test_",
        "aB",
        "backup codes 1234 5678 ",
        "seed phrase: abcd ",
        "app password abcd ",
        "<password>a",
        "machine a.b login a ",
        "KEY_A_",
        "K5a",
    ],
)
def test_a_long_text_takes_no_longer_for_being_odd(piece: str) -> None:
    """A text made to keep the search busy is read in one go, not again from each place."""
    assert len(secrets_in(piece * 20_000)) <= 20_000
