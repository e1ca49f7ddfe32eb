"""What rephrasing still gets past a tombstone: measured, and told in docs/decisions.md."""

from __future__ import annotations

from usermemory.erasure import buried, tombstone

SALT = "s" * 32

REPHRASED: dict[str, list[str]] = {
    "bouldering": [
        "boulders at the weekend",
        "Bouldering with friends",
        "climbing",
        "rock climbing",
    ],
    "Has a sister called Ana": [
        "Ana is the sister",
        "a sister, Ana",
        "Ana's brother",
        "sibling of Ana",
    ],
    "is vegetarian": [
        "a vegetarian",
        "vegetarian food only",
        "does not eat meat",
        "no meat or fish",
    ],
    "Works as a data scientist at Equinor": [
        "data scientist, Equinor",
        "Equinor's data scientist",
        "does data science at Equinor",
        "employed by Equinor",
    ],
    "has type 2 diabetes": [
        "diabetes type 2",
        "is diabetic",
        "type 2 diabetic",
        "has a sugar illness",
    ],
    "lives in Bergen": [
        "Bergen",
        "a flat in Bergen",
        "from Bergen",
        "lives on the coast of Norway",
    ],
    "plays the cello in an orchestra": [
        "cello in an orchestra",
        "an orchestra's cellist",
        "cellist",
        "plays a string instrument",
    ],
    "Is getting divorced from Tom": [
        "divorce from Tom",
        "Tom and the divorce",
        "splitting up with Tom",
        "the marriage with Tom is over",
    ],
    "is learning Portuguese": [
        "learns Portuguese",
        "Portuguese lessons",
        "takes Portuguese",
        "studies the language of Lisbon",
    ],
    "was in prison in 2019": [
        "prison, 2019",
        "2019 in prison",
        "a prison sentence in 2019",
        "behind bars",
    ],
}
"""Four for each: the first ones use the same words, the last ones others."""

GOT_THROUGH = 16


def test_what_gets_through() -> None:
    """Of forty rephrasings so many would be learned again; those that use the words would not."""
    through = [
        other
        for value, others in REPHRASED.items()
        for other in others
        if not buried([tombstone(SALT, "f", value, 1.0)], SALT, "f", other, 1.0)
    ]
    same_words = {others[0] for others in REPHRASED.values()}
    assert not same_words & set(through)
    assert len(through) == GOT_THROUGH, through
