"""What a page shows of marks that nobody sees."""

from __future__ import annotations

import pytest

from usermemory.serve.pages.words import shown_text

HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2064"
    "\u2066\u206f\u3164\ufeff\uffa0\ufff9\ufffb\U000e0001\U000e0041\U000e007f\U000e0100\U000e01ef"
)


@pytest.mark.parametrize("mark", HIDDEN, ids=lambda mark: f"{ord(mark):X}")
def test_a_hidden_mark_is_shown(mark: str) -> None:
    """Whatever turns, joins or fills text unseen, or carries text that no page shows."""
    assert shown_text(f"a{mark}b") == f"a[U+{ord(mark):04X}]b"
    assert shown_text(f"\u05d0{mark}") == f"\u05d0[U+{ord(mark):04X}]"


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d💻",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "line\nand\ttab",
        "Zoë 中文",
    ],
)
def test_scripts_and_emoji_stay_as_they_are(text: str) -> None:
    """Joiners in them are a part of how they are written."""
    assert shown_text(text) == text


def test_a_joiner_within_latin_is_shown() -> None:
    """There it only hides."""
    assert shown_text("ad\u200dmin\u200c") == "ad[U+200D]min[U+200C]"
    assert shown_text("\U0001f3f4\U000e0061\U000e0062\U000e007f").count("[U+") == 3
