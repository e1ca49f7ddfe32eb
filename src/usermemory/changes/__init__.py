"""Changes of a document: made, taken back, compared, and shown as JSON patches."""

from usermemory.changes.apply import apply, edited, misfit_places, settled, undo
from usermemory.changes.coerce import Unfit
from usermemory.changes.diff import difference, inverse, patch, proposed

__all__ = [
    "Unfit",
    "apply",
    "difference",
    "edited",
    "inverse",
    "misfit_places",
    "patch",
    "proposed",
    "settled",
    "undo",
]
