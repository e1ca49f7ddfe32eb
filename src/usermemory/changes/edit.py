"""What a person's edit makes of a profile: a JSON patch, or the whole document as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import difference
from usermemory.errors import Conflict, InvalidInput
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.records import Applied
    from usermemory.schema import Schema


def edited(
    document: Mapping[str, Any], edit: Any, schema: Schema
) -> tuple[dict[str, Any], tuple[Applied, ...]]:
    """The document after an edit, and what that changed, by value.

    Args:
        document: The profile as it is; what an older schema left in it stays as it is.
        edit: RFC 6902 operations, or a whole document: fields that are not in it are emptied.
        schema: The profile's.

    Raises:
        InvalidInput: The edit is neither, or the patch does not apply.
        InvalidDocument: The schema refuses the result.
        Conflict: A ``test`` of the patch does not hold.
    """
    known, unknown = schema.adopt(document)
    if is_list(edit):
        wanted: Any = _patched(known, edit)
    elif is_object(edit):
        wanted = edit
    else:
        raise InvalidInput(
            f"an edit is a list of JSON patch operations or a whole document, not {edit!r:.80}"
        )
    new = schema.validate(wanted)
    changes = difference(known, new, schema)
    touched = {change.field for change in changes}
    kept = {name: value for name, value in unknown.items() if name not in touched}
    return {**new, **kept}, changes


def _patched(document: Mapping[str, Any], operations: Sequence[Any]) -> Any:
    import jsonpatch

    try:
        return jsonpatch.apply_patch(document, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Conflict(f"the profile is not what the patch tests for: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise InvalidInput(f"the JSON patch does not apply: {error}") from error
