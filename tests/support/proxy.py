"""A loopback proxy in front of a server, which cuts a connection where it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


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
        answers = threading.Thread(target=_pass_on, args=(server, client, muted), daemon=True)
        answers.start()
        with suppress(OSError):
            while said := client.recv(1 << 16):
                rule = self.rule(said)
                if rule == "after":
                    muted.set()
                if rule != "before":
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


def _pass_on(source: socket.socket, target: socket.socket, muted: threading.Event) -> None:
    with suppress(OSError):
        while answer := source.recv(1 << 16):
            if not muted.is_set():
                target.sendall(answer)
        target.shutdown(socket.SHUT_RDWR)
