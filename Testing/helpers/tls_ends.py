"""Ends of connections with TLS that send what no library does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.certificates import Authority
from helpers.peers import (
    PATIENCE,
    Peer,
)
from helpers.tls_records import HandMadeRecords, hand_made_end
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.net.tls.tls_socket import TLSSocket


class Ends:
    """Certificates, and ends of connections that send what no library does."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority.make(folder / "authority")
        self.client = net.ClientTLS(self.authority.file)
        self.server = net.ServerTLS(self.authority.issue("127.0.0.1"))
        self._key_log = folder / "keys"

    @contextmanager
    def hand_made_client(self, port: int) -> Iterator[tuple[Peer, HandMadeRecords]]:
        """Yield a client after its handshake, and what encrypts for it."""
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            yield Peer(sock), self.hand_made(sock)[1]

    def hand_made(self, sock: socket.socket) -> tuple[socket.socket, HandMadeRecords]:
        """Do a client's handshake."""
        return hand_made_end(sock, self.client.make_context(), self._key_log)

    def hand_made_server(self, peer: Peer) -> HandMadeRecords:
        """Do a server's handshake; return what encrypts for it from then on."""
        return hand_made_end(peer.socket, self.server.make_context(), self._key_log)[1]

    @contextmanager
    def pair(self) -> Iterator[tuple[TLSSocket, socket.socket, HandMadeRecords]]:
        """Yield a server's socket, a client's without TLS, and what encrypts for that."""
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            server = TLSSocket(self.server.make_context(), ours, server_side=True)
            with server, in_thread(self.hand_made, theirs) as found:
                while not found:
                    with contextlib.suppress(ssl.SSLWantReadError):
                        server.do_handshake()
                server.do_handshake()
                yield server, *found[0]


@contextmanager
def in_thread(function: Any, *arguments: Any) -> Iterator[list[Any]]:
    """Yield a list that has what the function returns, when it has."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function(*arguments)))
    thread.start()
    yield found
    thread.join(PATIENCE)
