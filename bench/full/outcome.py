"""What came of things that were said, in words; of use to every system, so it imports none."""

from __future__ import annotations


def told(wanted: list[str], found: list[str], calls: int | None = None) -> str:
    """The outcome in words: lost, doubled, or neither."""
    lost = [one for one in wanted if one not in found]
    doubled = [one for one in set(found) if found.count(one) > 1]
    strange = [one for one in found if one not in wanted]
    parts = [
        f"lost {len(lost)} of {len(wanted)}" if lost else "",
        f"doubled {len(doubled)}" if doubled else "",
        f"{len(strange)} of another" if strange else "",
    ]
    told = ", ".join(filter(None, parts)) or f"all {len(wanted)} there"
    return told if calls is None else f"{told}, {calls} call{'s' * (calls != 1)}"
