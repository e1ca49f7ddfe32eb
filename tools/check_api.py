"""Run Schemathesis over the whole HTTP API, served as users serve it: ``make api``.

It stands in an environment of its own, since it and LangGraph's server want other versions of one
library. Requests are made from the OpenAPI document, valid and not; an answer with 5xx, an answer
that the document does not name or in another form than it says, and a request without a token that
is let in are failures.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread
from time import sleep

import uvicorn

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens

EXAMPLES = 25
"""Requests at most that are invented for each operation."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""All that can be told from the document: what is valid by it may still name nobody."""


def main() -> int:
    """Serve an own database and check; returns the exit code of the check."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "memory.db")
        with UserMemory(file, model="offline", worker=False) as memory:
            token, _ = Tokens(memory).create()
            served = app(memory, rate_limit=None, pages=False)
            server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="warning"))
            thread = Thread(target=server.run)
            thread.start()
            try:
                while not server.started:
                    if not thread.is_alive():
                        return 1
                    sleep(0.01)
                port = server.servers[0].sockets[0].getsockname()[1]
                return _check(f"http://127.0.0.1:{port}/api/v1/openapi.json", token, folder)
            finally:
                server.should_exit = True
                thread.join()


def _check(document: str, token: str, folder: str) -> int:
    command = (
        *(str(Path(sys.argv[1]).absolute()), "run", document),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--seed", "1"),
        *("--continue-on-failure", "--no-color"),
    )
    return subprocess.run(command, check=False, cwd=folder).returncode  # noqa: S603 - ours


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("say where schemathesis is: make api does")
    sys.exit(main())
