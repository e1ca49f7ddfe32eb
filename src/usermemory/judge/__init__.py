"""Is this change what the user said? A wall in code, a second look by a model.

`wall` refuses what code can know to be wrong, in any language; `second_look` asks a model about the
changes that code has a doubt about; `verdicts` puts what is left into a copy of the profile. All
ways in use the same three: the background job, tools, `propose`, Extractors of one's own.
"""

from usermemory.judge.changes import Doubt, Judged, Judgement, applied, reviewed, stamped
from usermemory.judge.wall import judge

__all__ = ["Doubt", "Judged", "Judgement", "applied", "judge", "reviewed", "stamped"]
