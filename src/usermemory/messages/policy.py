"""An application's own rule of whose words a message holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast, get_args

from usermemory.records import Author

logger = logging.getLogger("usermemory")

AuthorPolicy = Callable[[Any], Author | None]
"""Says whose words a message holds, seeing it as the caller passed it; None: by the usual rule."""

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
