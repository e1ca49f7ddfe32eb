"""What holds for every schema and every change that fits its change schema."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import jsonpatch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.random_schemas import changes, schemas

from usermemory.changes import Unfit, apply, difference, inverse, patch, undo
from usermemory.records import Applied, Change
from usermemory.schema import Schema

# Every example builds types, so few of them, and none smaller once one has failed.
few = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def played(
    document: dict[str, Any], told: Iterable[Change], schema: Schema
) -> tuple[dict[str, Any], list[Applied]]:
    """The document after all changes that can be made, and those."""
    made: list[Applied] = []
    for change in told:
        try:
            document, done = apply(document, change, schema)
        except Unfit:
            continue
        made.append(done)
    return document, made


@few
@given(data=st.data(), schema=schemas())
def test_a_document_stays_valid_and_its_input_unchanged(
    data: st.DataObject, schema: Schema
) -> None:
    """Applying a change leaves its input alone and makes a document that the schema keeps as is."""
    document = schema.empty()
    for change in data.draw(changes(schema)):
        before = copy.deepcopy(document)
        try:
            after, _ = apply(document, change, schema)
        except Unfit:
            assert document == before
            continue
        assert document == before
        assert schema.validate(after) == after
        assert schema.load(schema.dump(schema.load(after))) == schema.load(after)
        document = after


@few
@given(data=st.data(), schema=schemas())
def test_undoing_everything_is_the_identity(data: st.DataObject, schema: Schema) -> None:
    """Changes that are taken back leave the document from before, without a conflict."""
    before, _ = played(schema.empty(), data.draw(changes(schema)), schema)
    after, made = played(before, data.draw(changes(schema)), schema)
    undone, done, conflicts = undo(after, made, schema)
    assert (undone, conflicts) == (before, ())
    assert undo(undone, done, schema)[0] == after


@few
@given(data=st.data(), schema=schemas())
def test_patches_lead_there_and_back(data: st.DataObject, schema: Schema) -> None:
    """The JSON patch turns the document before into the one after, its inverse turns it back."""
    before, _ = played(schema.empty(), data.draw(changes(schema)), schema)
    after, made = played(before, data.draw(changes(schema)), schema)
    assert jsonpatch.apply_patch(before, patch(made)) == after
    assert jsonpatch.apply_patch(after, inverse(made)) == before


@few
@given(data=st.data(), schema=schemas())
def test_undo_keeps_what_came_since_in_other_fields(data: st.DataObject, schema: Schema) -> None:
    """Undoing changes of one field gives what there would be without them."""
    field = data.draw(st.sampled_from(sorted(schema.fields)))
    others = schema.fields.keys() - {field}
    _, made = played(schema.empty(), data.draw(changes(schema, {field})), schema)
    since = data.draw(changes(schema, others)) if others else []
    without, _ = played(schema.empty(), since, schema)
    document = schema.empty()
    for each in made:
        document = jsonpatch.apply_patch(document, patch([each]))
    with_both, _ = played(document, since, schema)
    assert undo(with_both, made, schema)[0] == without


@few
@given(data=st.data(), schema=schemas())
def test_the_difference_of_documents_is_what_turns_one_into_the_other(
    data: st.DataObject, schema: Schema
) -> None:
    """The difference is a patch from one document to the other, and can be undone by value."""
    before, _ = played(schema.empty(), data.draw(changes(schema)), schema)
    after, _ = played(schema.empty(), data.draw(changes(schema)), schema)
    found = difference(before, after, schema)
    assert jsonpatch.apply_patch(before, patch(found)) == after
    assert undo(after, found, schema)[0] == before
