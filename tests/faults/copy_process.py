"""A copy that is killed before it commits its third page.

Usage: copy_process.py SOURCE TARGET
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from usermemory.clock import SystemClock
from usermemory.store import copying, open_driver


def main() -> None:
    source, target = (open_driver(url, SystemClock()) for url in sys.argv[1:])
    commits = count(1)

    def kill(stage: str, flow: str, statement: str) -> None:
        if (stage, statement) == ("before", "commit") and next(commits) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    target.hook = kill
    copying._USERS_PAGE = 10
    copying.copy(source, target, lambda users: None)


if __name__ == "__main__":
    main()
