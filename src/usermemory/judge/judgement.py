"""What was found about one proposed change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from usermemory.records import Change, Evidence, Reason, Refused

Doubt = Literal["inexact", "passage", "others", "unnamed", "ungrounded", "echo", "always"]
"""Why a second look is taken at a change:

- ``inexact``: the quote is the user's only after more than folding (a near match, a part of a word)
- ``passage``: it stands in a pasted block, in quotation marks, in tags, or past the first line
- ``others``: the value's words stand in what others said, and not in the user's own
- ``unnamed``: what is removed or cleared is not named in the quote
- ``ungrounded``: nothing of the value stands in the user's words
- ``echo``: others said the whole value, or all words of the quote, before
- ``always``: the owner wants each change looked at
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One proposed change, and what was found about it.

    Attributes:
        change: As proposed; cleaned of hidden characters that carry nothing.
        evidence: The user's own words that it rests on; empty where none is required.
        doubts: Why a second look should be taken.
        refused: Why it is not made; None as long as it may be.
        answers: Whether the words are the whole answer to the question right before them.
    """

    change: Change
    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    refused: Refused | None = None
    answers: bool = False

    def refuse(self, reason: Reason, detail: str = "") -> Judgement:
        """The same, refused."""
        from usermemory.records import Refused

        return replace(self, refused=Refused(self.change, reason, detail))
