"""Which words a value rests on, and who made it."""

from __future__ import annotations

from usermemory.past import Origins, evidence_of
from usermemory.records import Applied, Evidence, Revision


def said(quote: str, thread_id: str) -> tuple[Evidence, ...]:
    return (Evidence(quote, thread_id),)


def test_an_item_that_was_refined() -> None:
    """An item that took the place of a less exact one rests on the words for both."""
    first = Applied("tags", "add", None, "climbing", evidence=said("I climb", "a"))
    out = Applied("tags", "remove", "climbing", None, evidence=said("in Bergen", "b"))
    refined = Applied("tags", "add", None, "climbing in Bergen", evidence=said("in Bergen", "b"))
    other = Applied("tags", "add", None, "tea", evidence=said("I drink tea", "b"))
    history = [
        Revision(2, 2.0, "model", (out, refined, other)),
        Revision(1, 1.0, "model", (first,)),
    ]
    document = {"tags": ["climbing in Bergen", "tea"]}
    found = evidence_of(history, document, "tags", "climbing in Bergen")
    assert [(one.quote, one.thread_id) for one in found] == [("in Bergen", "b"), ("I climb", "a")]
    assert [one.quote for one in evidence_of(history, document, "tags", "tea")] == ["I drink tea"]


def test_who_made_it() -> None:
    """The newest revision that made a value is found, but for undos, which put back."""
    revisions = [
        Revision(3, 3.0, "undo", (Applied("name", "set", "Bo", "Will"),), undoes=(2,)),
        Revision(2, 2.0, "ana", (Applied("name", "set", "Will", "Bo"),)),
        Revision(1, 1.0, "model", (Applied("name", "set", None, "Will"),)),
    ]
    for name, number in {"Will": 1, "Bo": 2}.items():
        found = Origins(revisions).maker("name", name)
        assert found is not None
        assert found.number == number
    assert Origins(revisions).maker("name", "Cy") is None
