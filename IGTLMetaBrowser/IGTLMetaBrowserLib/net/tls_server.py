"""Where a server listens, and TLS there: its certificate, whose it accepts, and the handshake."""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

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


def accept(
    listener: socket.socket, context: ssl.SSLContext | None, seconds: float, log: LimitedLog
) -> tuple[socket.socket, tuple[str, int]] | None:
    """Return a client's socket and address, after its TLS handshake; for servers of a few clients.

    None if it is gone, is not let in, or there are no descriptors, which ``log`` gets in words.
    """
    try:
        sock, address = listener.accept()
    except BlockingIOError:
        return None
    except OSError as error:
        log.write(logging.WARNING, "", f"a client could not be accepted: {error.strerror}")
        return None
    where = address[:2]
    try:
        return sock if context is None else _after_handshake(context, sock, seconds), where
    except TLSError as error:
        log.write(logging.WARNING, where[0], f"client {format_address(*where)}: no TLS: {error}")
        return None


def _after_handshake(context: ssl.SSLContext, sock: socket.socket, seconds: float) -> ssl.SSLSocket:
    """Return a client's socket after the handshake, which is waited for.

    Raises ``TLSError``, and closes the socket then.
    """
    sock.settimeout(seconds)
    try:
        return context.wrap_socket(sock, server_side=True)
    except (OSError, ValueError) as error:
        sock.close()
        raise TLSError(in_words(error)) from None


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
