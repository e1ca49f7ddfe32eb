"""Whose words messages hold, and what of them may be kept, as the application has it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from usermemory.records import Author

logger = logging.getLogger("usermemory")

AuthorPolicy = Callable[[Any], Author | None]
"""Says whose words a message holds, seeing it as the caller passed it; None: by the usual rule."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked with of the newest words of a thread.

    Attributes:
        ids: Of the messages that hold them.
        yet: Whether it is asked. Until then no more than a mark is kept of them.
        texts: What it is given in place of what was said; None for nothing.
    """

    ids: frozenset[str | None] = frozenset()
    yet: bool = True
    texts: Mapping[str, str | None] = field(default_factory=dict[str, Any])


class Attributed(list[Any]):
    """Messages of which it was found out whose they are: another's bear another's name.

    Of other lists a display name may be the user's own.

    Attributes:
        settled: The places of those that were: no policy is asked about them a second time.
        asked: What a model is asked with of the newest of them.
    """

    settled: frozenset[int] = frozenset()
    asked: Asked = Asked()


_KNOWN = get_args(Author)
_MOST_NAMED = 20
_LONGEST_AUTHOR = 12


def guarded_author(author: AuthorPolicy) -> AuthorPolicy:
    """The policy, saying nothing where it raises or says what nobody knows: the usual rule counts.

    Each kind of trouble is named in the log once.
    """
    named = set[str]()

    def asked(raw: Any) -> Author | None:
        error: BaseException | None = None
        try:
            found: Any = author(raw)
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - named in the log
            error, trouble = raised, f"raised {type(raised).__name__}"
        else:
            if found is None or (isinstance(found, str) and found in _KNOWN):
                return cast("Author | None", found)
            # A longer text may be what somebody said.
            short = isinstance(found, str) and len(found) <= _LONGEST_AUTHOR
            gave = repr(found) if short else f"a {type(found).__name__}"
            trouble = f"gave {gave}, which is none of {', '.join(_KNOWN)}"
        if trouble not in named and len(named) < _MOST_NAMED:
            named.add(trouble)
            shown = error if logger.isEnabledFor(logging.DEBUG) else None
            logger.warning("author= %s; the usual rule counts", trouble, exc_info=shown)
        return None

    return asked
