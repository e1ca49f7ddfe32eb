"""A loopback proxy in front of a server, which cuts a connection where it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

_QUESTION = 8
"""Bytes of the message that asks for encryption."""


class CutEach:
    """A rule that cuts each statement once before and once after the server has it.

    Attributes:
        cut: The statements that were cut both ways.
        quiet: How many messages have passed since the last cut.
    """

    def __init__(self) -> None:
        self._left: dict[bytes, list[str]] = {}
        self._lock = threading.Lock()
        self.quiet = 0

    @property
    def cut(self) -> list[bytes]:
        with self._lock:
            return [statement for statement, left in self._left.items() if not left]

    def __call__(self, said: bytes) -> str:
        with self._lock:
            self.quiet += 1
            left = self._left.setdefault(_statement(said), ["after", "before"])
            if not left:
                return ""
            self.quiet = 0
            return left.pop()


def _statement(said: bytes) -> bytes:
    """The SQL at the beginning of what a client said; empty for anything else."""
    texts = said[5:].split(b"\0")
    return {b"Q": texts[0], b"P": texts[1] if len(texts) > 1 else b""}.get(said[:1], b"")


class Proxy:
    """Passes on what clients say, and hangs up on one when the rule says so.

    Args:
        port: The server's, on the loopback.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self.rule: Callable[[bytes], str] = lambda _said: ""
        """Looks at what a client said; ``before``: hang up instead of passing it on, ``after``:
        hang up once the server has it, before its answer."""
        self.round_trips = 0
        """How often a server answered a client that had said something."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._server_port))
        muted = threading.Event()
        spoken = threading.Event()
        ends = (server, client, muted, spoken)
        answers = threading.Thread(target=self._pass_on, args=ends, daemon=True)
        answers.start()
        with suppress(OSError):
            for said in _statements(client):
                rule = self.rule(said)
                if rule == "after":
                    muted.set()
                if rule != "before":
                    spoken.set()
                    server.sendall(said)
                if rule:
                    break
        if muted.is_set():
            # The server has done what it was told when it reads the end of the connection.
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            answers.join()
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass_on(
        self,
        source: socket.socket,
        target: socket.socket,
        muted: threading.Event,
        spoken: threading.Event,
    ) -> None:
        with suppress(OSError):
            while answer := source.recv(1 << 16):
                if spoken.is_set():
                    spoken.clear()
                    self.round_trips += 1
                if not muted.is_set():
                    target.sendall(answer)
            target.shutdown(socket.SHUT_RDWR)


def _statements(client: socket.socket) -> Iterator[bytes]:
    """What a client says, cut before each statement: a pipeline says several in one breath."""
    typed = 0  # how a connection begins has no type: questions about encryption, then who it is
    unread = b""
    while said := client.recv(1 << 16):
        unread += said
        at = start = 0
        while len(unread) >= at + typed + 4:
            (length,) = struct.unpack_from(">i", unread, at + typed)
            if len(unread) < at + typed + length:
                break
            if unread[at : at + typed] in {b"P", b"Q"} and at > start:
                yield unread[start:at]
                start = at
            at += typed + length
            typed = 0 if not typed and length == _QUESTION else 1
        if at > start:
            yield unread[start:at]
        unread = unread[at:]
