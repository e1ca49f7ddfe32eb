"""Write what the TypeScript client is made from: ``make client``.

Without an argument the document of the HTTP API; with ``--stamp``, into the types that were
generated from it, which document that was.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from usermemory import UserMemory
from usermemory.serve import app

CLIENT = Path(__file__).parents[1] / "clients" / "typescript"
DOCUMENT = CLIENT / "openapi.json"
TYPES = CLIENT / "src" / "schema.ts"


def document() -> str:
    """The document as JSON."""
    memory = UserMemory("never-opened.db", model="offline", worker=False)
    return json.dumps(app(memory).openapi(), indent=2, ensure_ascii=False) + "\n"


def stamp() -> str:
    """The first line of the types: a digest of the document that they come from."""
    digest = hashlib.sha256(DOCUMENT.read_bytes()).hexdigest()
    return f"// Generated from openapi.json {digest}: make client\n"


if __name__ == "__main__":
    if "--stamp" in sys.argv:
        TYPES.write_text(stamp() + TYPES.read_text(encoding="utf-8"), encoding="utf-8")
    else:
        DOCUMENT.write_text(document(), encoding="utf-8")
