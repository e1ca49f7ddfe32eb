"""Tests through PgBouncer in transaction mode: ``python -m tests.support.pgbouncer [pytest's …]``.

For a machine that has ``pgbouncer``; PyPI has none, so `make test` can't count on it. What needs
`LISTEN` or ``options=`` does not work behind it, by nature (docs/operate.md), and is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.postgres import Server, free_port

_TESTS = ("tests/conformance", "tests/model", "tests/faults/test_postgres_fleet.py")
_NEEDS_OPTIONS = "tests/faults/test_postgres_fleet.py::test_a_server_in_trouble"


@contextmanager
def pooled() -> Generator[str]:
    """The URL of a pooler of transactions in front of a server of our own."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise SystemExit("no pgbouncer on this machine: install its package")
    server = Server()
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"""[databases]
* = host=127.0.0.1 port={urlsplit(server.url).port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
logfile = {folder}/log
"""
    )
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    pooler = subprocess.Popen([program, settings], user=user, stderr=subprocess.DEVNULL)
    try:
        while not (folder / "log").exists() or "process up" not in (folder / "log").read_text():
            if pooler.poll() is not None:
                raise SystemExit("pgbouncer did not start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        pooler.terminate()
        pooler.wait()
        server.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    with pooled() as url:
        tests = sys.argv[1:] or (*_TESTS, f"--deselect={_NEEDS_OPTIONS}")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *tests]
        environment = {**os.environ, "USERMEMORY_TEST_POSTGRES": url}
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
