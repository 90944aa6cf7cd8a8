"""Where a server listens, and TLS there: its certificate, whose it accepts, and the handshake."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .address import format_address
from .errors import TLSError
from .limited_log import LimitedLog
from .tls import certificate_name, in_words, load_certificate, load_certificate_authority

# The first byte of a TLS connection (RFC 8446, 5.1: a record of type handshake). Every OpenIGTLink
# message begins with 0, the first byte of its version.
FIRST_BYTE = b"\x16"
# Alerts (RFC 8446, 6.2), fatal: what a client of TLS shows as words.
ALERT_ACCESS_DENIED = bytes([0x15, 3, 3, 0, 2, 2, 49])
ALERT_PROTOCOL_VERSION = bytes([0x15, 3, 3, 0, 2, 2, 70])


@dataclass(frozen=True)
class ServerTLS:
    """The files of a server's certificate.

    ``certificate`` is a PEM file with the certificate and those that lead to its authority,
    ``key`` the file of its private key, where that is another. Clients must show a certificate
    that an authority in the file ``client_authority`` has signed, where it is given; ``revoked`` is
    a PEM file of that authority's revocation list.
    """

    certificate: Path
    key: Path | None = None
    client_authority: Path | None = None
    revoked: Path | None = None

    def make_context(self) -> ssl.SSLContext:
        """Read the files. Raises ``TLSError``, which names the one that is wrong."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Resumed sessions would save a round trip, but let in whose certificate was revoked since.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
        load_certificate(context, self.certificate, self.key)
        if self.client_authority is not None:
            load_certificate_authority(context, self.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        if self.revoked is not None:
            load_certificate_authority(context, self.revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        return context


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, for IPv4 or IPv6, with ``::`` for both. Raises ``OSError``."""
    listener = socket.create_server(
        (host, port),
        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )
    listener.setblocking(False)
    return listener


class ServerHandshake:
    """The beginning of a TLS connection; ``step`` when the socket is ready."""

    def __init__(self, context: ssl.SSLContext, sock: socket.socket, now: float) -> None:
        self.begin = now
        self.socket = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.wants_write = False

    def step(self) -> bool:
        """Go on; return whether it is done. Raises ``TLSError`` in words."""
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self.wants_write = False
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        except (OSError, ValueError) as error:
            raise TLSError(in_words(error)) from None
        return True

    @property
    def client_name(self) -> str:
        """Whom the client's certificate names, or an empty text."""
        return certificate_name(self.socket.getpeercert())


class Acceptor:
    """Accepts clients for servers of a few; none waits for the TLS handshake of another.

    ``selector`` has the listener and the sockets of handshakes, with this as their ``data``: give
    those that are ready to ``step``. Who is not let in, and why no client can be accepted, goes to
    ``log`` in words; so do those who take more than ``seconds``, in ``drop_late``.
    """

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        context: ssl.SSLContext | None,
        seconds: float,
        log: LimitedLog,
    ) -> None:
        self._listener = listener
        self._selector = selector
        self._context = context
        self._seconds = seconds
        self._log = log
        self._handshakes: dict[socket.socket, tuple[ServerHandshake, tuple[str, int]]] = {}
        selector.register(listener, selectors.EVENT_READ, self)

    def step(self, ready: Any) -> tuple[socket.socket, tuple[str, int]] | None:
        """Return a client's socket, which does not block, and address, if it is let in now."""
        if ready is not self._listener:
            return self._go_on(ready)
        try:
            sock, address = self._listener.accept()
        except BlockingIOError:
            return None
        except OSError as error:
            words = f"a client could not be accepted: {error.strerror}"
            self._log.write(logging.WARNING, "", words)
            return None
        sock.setblocking(False)
        if self._context is None:
            return sock, address[:2]
        try:
            handshake = ServerHandshake(self._context, sock, time.monotonic())
        except (OSError, ValueError) as error:  # it has reset the connection
            sock.close()
            self._refuse(address[:2], in_words(error))
            return None
        self._handshakes[handshake.socket] = handshake, address[:2]
        self._selector.register(handshake.socket, selectors.EVENT_READ, self)
        return None

    def drop_late(self) -> None:
        """Close the connections of those who do not go on with their handshakes."""
        now = time.monotonic()
        for sock, (handshake, address) in [*self._handshakes.items()]:
            if now - handshake.begin > self._seconds:
                self._forget(sock)
                sock.close()
                self._refuse(address, f"the handshake was not done in {self._seconds:g} s")

    def _go_on(self, sock: ssl.SSLSocket) -> tuple[socket.socket, tuple[str, int]] | None:
        handshake, address = self._handshakes[sock]
        try:
            is_done = handshake.step()
        except TLSError as error:
            self._forget(sock)
            sock.close()
            self._refuse(address, str(error))
            return None
        if is_done:
            self._forget(sock)
            return sock, address
        events = selectors.EVENT_WRITE if handshake.wants_write else selectors.EVENT_READ
        self._selector.modify(sock, events, self)
        return None

    def _forget(self, sock: socket.socket) -> None:
        del self._handshakes[sock]
        self._selector.unregister(sock)

    def _refuse(self, address: tuple[str, int], words: str) -> None:
        line = f"client {format_address(*address)}: no TLS: {words}"
        self._log.write(logging.WARNING, address[0], line)
