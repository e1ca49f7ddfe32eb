"""Measure everything and write ``bench/report/``: ``python -m bench.full [PART …]``.

A row that was measured is not measured again: ``--again`` does. Parts are sections or beginnings of
rows' names. The other systems are installed into environments of their own in a folder that stays.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.full.peers import ROOT, NotRun
from bench.full.report import write
from bench.full.rows import Row, Settings, rows, version

REPORT = ROOT / "bench" / "report"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "usermemory-bench"


def main() -> int:
    """Measure what is missing, row by row; 1 where a row broke."""
    parser = argparse.ArgumentParser(prog="python -m bench.full", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--again", action="store_true", help="measure what was measured, too")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="the others' environments")
    parser.add_argument("--how-to", type=Path, metavar="PAGE", help="the text of the how-to")
    parser.add_argument("--data", type=Path, metavar="FILE", help="dialogues in LoCoMo's form")
    args = parser.parse_args()
    raw = REPORT / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    every, broken = list(rows()), 0
    for number, row in enumerate(every, 1):
        path = raw / f"{re.sub(r'[^a-z0-9]+', '-', row.name.casefold())}.json"
        wanted = not args.parts or any(
            part == row.section or row.name.startswith(part) for part in args.parts
        )
        if not wanted or (path.exists() and not args.again and _is_done(path)):
            continue
        print(f"[{number}/{len(every)}] {row.section}: {row.name}", flush=True)
        with tempfile.TemporaryDirectory() as name:
            done = measured(row, Settings(Path(name), args.cache, args.how_to, args.data))
        broken += done["status"] == "broken"
        print(f"    {done['status']} in {done['seconds']} s {done['why']}", flush=True)
        path.write_text(json.dumps(done, indent=2, ensure_ascii=False) + "\n", "utf-8")
    order = {row.name: number for number, row in enumerate(every)}
    found = [json.loads(path.read_text("utf-8")) for path in raw.glob("*.json")]
    found.sort(key=lambda one: order.get(one["name"], len(order)))
    print(write(REPORT, found))
    return 1 if broken else 0


def _is_done(path: Path) -> bool:
    return bool(json.loads(path.read_text("utf-8"))["status"] == "ok")


def measured(row: Row, settings: Settings) -> dict[str, Any]:
    """A row's raw data; whatever goes wrong is said in it."""
    begin, status, why, values = time.monotonic(), "ok", "", list[dict[str, Any]]()
    try:
        values = row.run(settings)
    except NotRun as error:
        status, why = "not run", str(error)
    except Exception as error:  # noqa: BLE001 - the other rows are measured
        status, why = "broken", f"{type(error).__name__}: {error}"[:500]
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(git, check=False, capture_output=True, text=True).stdout.strip()
    return {
        "section": row.section,
        "name": row.name,
        "status": status,
        "why": " ".join(why.split()),
        "values": values,
        "peer": f"{row.peer} {version(row, settings.cache)}".strip(),
        "revision": revision,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.monotonic() - begin, 1),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
