"""Changes of a document: made, taken back, compared, and shown as JSON patches."""

from usermemory.changes.apply import apply, edited, misfit_places, settled, undo
from usermemory.changes.coerce import Unfit
from usermemory.changes.diff import Collision, difference, inverse, patch, proposed, put

__all__ = [
    "Collision",
    "Unfit",
    "apply",
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
