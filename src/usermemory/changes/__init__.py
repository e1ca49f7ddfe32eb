"""Changes of a document: made, taken back, compared, and shown as JSON patches."""

from usermemory.changes.apply import apply, apply_beside, edited, misfit_places, undo
from usermemory.changes.coerce import Unfit
from usermemory.changes.diff import Collision, difference, inverse, patch, proposed, put
from usermemory.changes.rejoining import settled

__all__ = [
    "Collision",
    "Unfit",
    "apply",
    "apply_beside",
    "difference",
    "edited",
    "inverse",
    "misfit_places",
    "patch",
    "proposed",
    "put",
    "settled",
    "undo",
]
