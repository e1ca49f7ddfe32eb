"""Changes of a document: made, taken back, compared, and shown as JSON patches."""

from usermemory.changes.apply import apply, settled, undo
from usermemory.changes.compare import difference, proposed
from usermemory.changes.edit import edited
from usermemory.changes.patch import inverse, patch
from usermemory.changes.unfit import Unfit

__all__ = [
    "Unfit",
    "apply",
    "difference",
    "edited",
    "inverse",
    "patch",
    "proposed",
    "settled",
    "undo",
]
