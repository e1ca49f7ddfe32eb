"""A year of one user in fifty sittings, of our own writing, in LoCoMo's form; and one long thread.

Nothing in it is anybody's: who, where and what is drawn from short lists, the same each time.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SESSIONS = (1, 10, 50)
"""Numbers of sessions after which the cost is looked at."""

_USER, _OTHER = "Robin", "Alex"
_BEGAN = datetime(2025, 11, 3, 19, 5, tzinfo=UTC)
_DID = {
    "started to play the {}": ("cello", "oboe", "piano", "drums", "flute"),
    "spent a weekend in {}": ("Graz", "Porto", "Ghent", "Turin", "Riga", "Leeds", "Oslo"),
    "read a long book about {}": ("bees", "salt", "trams", "glaciers", "the moon", "rope"),
    "cooked {} for the first time": ("dal", "risotto", "ramen", "borscht", "tagine"),
    "met an old friend called {}": ("Ines", "Bruno", "Mila", "Otto", "Kaja", "Theo"),
    "signed up for a course in {}": ("pottery", "Greek", "welding", "bookbinding", "sailing"),
}
_WHEN = ("last week", "on Sunday", "in the evening", "before work", "with my sister", "at last")
_SMALL = (
    "It has been raining here since the morning, and I have done next to nothing.",
    "The lift is broken again, so that was my exercise for the day.",
    "I should really go to bed earlier, but you know how it is.",
    "We had soup, nothing special, and then watched half of a film.",
)
_ANSWERS = (
    "That sounds like a good thing to have done. How did it go in the end?",
    "I am glad to hear it! Would you do it again, or was once enough for you?",
    "Nice. Tell me more, if you like: I have time, and I am curious about it.",
)


def write(path: Path, sessions: int = SESSIONS[-1], exchanges: int = 6, each: int = 2) -> Path:
    """Write the dialogue to a file; gives the file.

    Args:
        path: Where.
        sessions: How many sittings.
        exchanges: In each, how often both speak.
        each: A fact in each so many exchanges.
    """
    draw = random.Random(11)
    conversation: dict[str, Any] = {"speaker_a": _USER, "speaker_b": _OTHER}
    observation: dict[str, Any] = {}
    for number in range(1, sessions + 1):
        at = _BEGAN + timedelta(days=7 * (number - 1))
        turns: list[dict[str, str]] = []
        facts: list[list[str]] = []
        for exchange in range(exchanges):
            name = f"D{number}:{2 * exchange + 1}"
            said = draw.choice(_SMALL)
            if exchange % each == 0:
                did = draw.choice(list(_DID))
                what = did.format(draw.choice(_DID[did]))
                when = draw.choice(_WHEN)
                what += f" number{number:02}{exchange:03}"  # so that no two are alike
                said = f"By the way, I {what} {when}. {said}"
                facts.append([f"Robin {what}", name])
            turns.append({"speaker": _USER, "text": f"{said} ({name})", "dia_id": name})
            answer = {"speaker": _OTHER, "text": draw.choice(_ANSWERS)}
            turns.append({**answer, "dia_id": f"D{number}:{2 * exchange + 2}"})
        conversation[f"session_{number}"] = turns
        written = at.strftime("%I:%M %p on %d %B, %Y").lstrip("0").replace("AM", "am")
        conversation[f"session_{number}_date_time"] = written.replace("PM", "pm")
        observation[f"session_{number}_observation"] = {_USER: facts}
    sample = {"sample_id": "year", "conversation": conversation, "observation": observation}
    path.write_text(json.dumps([sample]), "utf-8")
    return path
