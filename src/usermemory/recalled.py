"""What a recall gives: a profile under today's names, able to load and render itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.dates import dated, of_fields
from usermemory.records import Dated, Recalled, Revision
from usermemory.render import render
from usermemory.schema.renames import renamed, renamed_revision, renamed_stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Applied
    from usermemory.schema import Schema


def recalled(
    schema: Schema,
    document: Mapping[str, Any],
    stamps: Mapping[str, Any],
    earlier: Iterable[Revision] = (),
    waiting: tuple[Applied, ...] = (),
    **rest: Any,
) -> Recalled:
    """What was recalled, under today's names, able to load and render itself.

    In the schema's order, with the fields that it got since the profile was saved.
    """
    known = renamed(schema, document)
    all_there = known.keys() >= schema.fields.keys()
    complete = dict.fromkeys(schema.fields) if all_there else schema.empty()
    times = renamed_stamps(schema, stamps)
    return Recalled(
        {**complete, **known},
        stamps=of_fields(times),
        earlier=tuple(renamed_revision(schema, one) for one in earlier),
        waiting=renamed_revision(schema, Revision(0, 0.0, "", waiting)).changes,
        **rest,
        load=schema.load,
        to_text=partial(render, schema=schema),
        to_dates=partial(_dates, times=times, schema=schema),
    )


def _dates(one: Recalled, times: Mapping[str, Any], schema: Schema) -> list[Dated]:
    return dated(one.document, times, schema, one.at or 0.0)
