"""How large a package is with all that it needs, in the environment whose Python runs this.

Usage: python -m bench.full.size_process PACKAGE IMPORT; prints one JSON object. It imports nothing
but the standard library, pip's own parts, and in the end what it is asked about.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def needed(name: str) -> dict[str, int]:
    """The bytes of a package and of those that it needs, without extras, by their names."""
    from pip._vendor.packaging.requirements import Requirement
    from pip._vendor.packaging.utils import canonicalize_name

    sizes: dict[str, int] = {}
    left = [Requirement(name)]
    while left:
        one = left.pop()
        key = canonicalize_name(one.name)
        if key in sizes:
            continue
        try:
            found = distribution(one.name)
        except PackageNotFoundError:
            continue  # optional: another's extra
        paths = (file.locate() for file in found.files or ())
        sizes[key] = sum(path.stat().st_size for path in paths if path.is_file())
        for text in found.requires or ():
            requirement = Requirement(text)
            extras = one.extras or {""}
            if not requirement.marker or any(
                requirement.marker.evaluate({"extra": extra}) for extra in extras
            ):
                left.append(requirement)
    return sizes


def main() -> None:
    """Print it."""
    package, module = sys.argv[1:]
    began = time.perf_counter()
    importlib.import_module(module)
    taken = time.perf_counter() - began
    # Not the most that there was: a new process begins with what its parent had.
    status = Path("/proc/self/status").read_text("utf-8")
    resident = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    sizes = needed(package)
    found = {
        "version": distribution(package.partition("[")[0]).version,
        "packages": len(sizes),
        "megabytes": round(sum(sizes.values()) / 1e6, 1),
        "resident": round(resident, 1),
        "import": round(taken, 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
