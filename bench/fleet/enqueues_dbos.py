"""DBOS's debouncer, as its documentation has it.

Usage: python -m bench.fleet.enqueues_dbos URL
"""

from __future__ import annotations

import logging
import sys

from bench.fleet.enqueues import QUIET, serve
from dbos import DBOS, Debouncer

DBOS(config={"name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR"})
logging.getLogger("dbos").setLevel(logging.ERROR)


@DBOS.workflow()
def consolidate(text: str) -> None:
    """Never runs: nothing goes quiet in time."""


DBOS.launch()
debouncer = Debouncer.create(consolidate)
serve(lambda key, text: debouncer.debounce(key, QUIET, text))
DBOS.destroy()
