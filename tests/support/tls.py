"""TLS in front of a PostgreSQL server, which may have been built without it."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress

from tests.support.proxy import Proxy

_REQUEST = 8
"""Bytes of the message by which a client asks for TLS."""


class TLS(Proxy):
    """Takes TLS connections as PostgreSQL does, and passes on in the clear what they say.

    Args:
        port: The server's, on the loopback.
        context: With the certificate to show.

    Attributes:
        served: How many clients said something over an encrypted connection.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._context = context
        self.served = 0
        super().__init__(port)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(_REQUEST)
            client.sendall(b"S")
            with (
                self._context.wrap_socket(client, server_side=True) as secure,
                socket.create_connection(("127.0.0.1", self._server_port)) as server,
            ):
                # Who checks the name does so after the handshake, and then hangs up.
                if not (greeting := secure.recv(1 << 16)):
                    return
                self.served += 1
                server.sendall(greeting)
                _pass_on(secure, server)


def _pass_on(secure: ssl.SSLSocket, server: socket.socket) -> None:
    """Both ways, until one of them hangs up."""
    other: dict[socket.socket, socket.socket] = {secure: server, server: secure}
    while True:
        ready = [secure] if secure.pending() else select.select(list(other), [], [])[0]
        for end in ready:
            said = end.recv(1 << 16)
            if not said:
                return
            other[end].sendall(said)
