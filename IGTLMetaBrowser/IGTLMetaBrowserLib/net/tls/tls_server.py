"""Where a server listens, and TLS there: its certificate, whose it accepts, and the handshake."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from ..errors import TLSError
from .certificates import certificate_name, in_words, load_certificate, load_certificate_authority
from .tls_socket import TLSSocket

# The first byte of a TLS connection (RFC 8446, 5.1: a record of type handshake). Every OpenIGTLink
# message begins with 0, the first byte of its version.
FIRST_BYTE = b"\x16"
HANDSHAKE_SECONDS = 10.0
"""Who opens connections and never goes on (as slowloris) holds a descriptor for no longer."""
# Alerts (RFC 8446, 6.2), fatal: what a client of TLS shows as words.
ALERT_ACCESS_DENIED = bytes([0x15, 3, 3, 0, 2, 2, 49])
ALERT_PROTOCOL_VERSION = bytes([0x15, 3, 3, 0, 2, 2, 70])
# OpenSSL, as Python has it, keeps sessions of TLS 1.2 whatever the options say.
_RESUMED = "it goes on with a TLS session of before, without showing its certificate; connect anew"


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
        # TLS 1.2 has those of connections that are open, too: see ``ServerHandshake``.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
        # With OpenSSL 1.1, a client could have the handshake done again and again.
        context.options |= ssl.OP_NO_RENEGOTIATION
        load_certificate(context, self.certificate, self.key)
        if self.client_authority is not None:
            load_certificate_authority(context, self.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        if self.revoked is not None:
            load_certificate_authority(context, self.revoked)
            if not context.cert_store_stats()["crl"]:  # nobody would be let in
                raise TLSError(f"no list of revoked certificates in {str(self.revoked)!r}")
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        return context


class ServerHandshake:
    """The beginning of a TLS connection; ``step`` when the socket is ready."""

    def __init__(self, context: ssl.SSLContext, sock: socket.socket) -> None:
        self._asks_for_certificates = context.verify_mode != ssl.CERT_NONE
        self.socket = TLSSocket(context, sock, server_side=True)
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
        if self._asks_for_certificates and self.socket.session_reused:
            raise TLSError(_RESUMED)  # which also forgets the session: what comes next is whole
        return True

    @property
    def client_name(self) -> str:
        """Whom the client's certificate names, or an empty text."""
        return certificate_name(self.socket.getpeercert())
