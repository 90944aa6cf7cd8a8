"""TLS at a client: whom it trusts, what it shows, and the handshake in steps."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..connection_attempt import ConnectionAttempt
from ..errors import TLSError, UntrustedCertificateError
from ..host_lookup import SocketAddress
from .certificates import (
    OTHERWISE,
    fingerprint,
    in_words,
    load_certificate,
    load_certificate_authority,
)
from .tls_socket import TLSSocket


@dataclass(frozen=True)
class ClientTLS:
    """How to connect with TLS.

    authority
        A PEM file of the authorities that may have signed the server's certificate; None for those
        that this computer trusts. Their revocation lists may be in it, and are checked then.
    certificate, key
        PEM files of this client's own certificate and its private key, for servers that want one;
        ``key`` is None if both are in one file.
    server_name
        The name that must be in the server's certificate; empty for the host that is connected to.
    accepted_fingerprint
        The SHA-256 fingerprint of a certificate that a user has accepted, such as a self-signed
        one: it is trusted instead of any that an authority has signed, whatever name is in it.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""
    accepted_fingerprint: str = ""

    def make_context(self, is_verifying: bool = True) -> ssl.SSLContext:
        """Read the files. Raises ``TLSError``, which names the one that is wrong."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            load_certificate(context, self.certificate, self.key)
        if self.accepted_fingerprint or not is_verifying:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority is not None:
            load_certificate_authority(context, self.authority)
            if context.cert_store_stats()["crl"]:
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        else:
            context.load_default_certs()
        return context


class TLSConnectionAttempt(ConnectionAttempt):
    """A connection that is being made, and TLS on it.

    A certificate that is not trusted ends the handshake before OpenSSL shows it. So that the user
    can be asked whether to accept it, a second connection is made that does nothing but look at it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        now: float,
        seconds: float,
        addresses: Sequence[SocketAddress],
        tls: ClientTLS,
    ) -> None:
        self._tls = tls
        self._handshake: TLSSocket | None = None
        self._wants_write = True
        # Why the certificate is not trusted, while the second connection looks at it.
        self._distrust = ""
        super().__init__(host, port, now, seconds, addresses)

    @property
    def wants_write(self) -> bool:
        """Whether the socket is waited for to be written to, or else to be read."""
        return self._wants_write

    def step(self, now: float) -> socket.socket | None:
        """Return the connected socket, or None if it takes longer.

        Raises ``ConnectionFailedError``; if TLS is the reason, ``TLSError``.
        """
        if self._handshake is None:
            connected = super().step(now)
            if connected is None:
                return None
            self._begin_handshake(connected)
        if self._handshake is None or not self._is_handshake_done(self._handshake, now):
            return None
        self._check_certificate(self._handshake)
        done, self._handshake, self.socket = self._handshake, None, None
        return done

    def _begin_handshake(self, connected: socket.socket) -> None:
        try:
            context = self._tls.make_context(is_verifying=not self._distrust)
            name = self._tls.server_name or self.host
            self._handshake = TLSSocket(context, connected, server_hostname=name)
        except TLSError:
            connected.close()
            raise
        except (OSError, ValueError) as error:
            connected.close()
            raise self._failure(in_words(error)) from None
        self.socket = self._handshake

    def _is_handshake_done(self, handshake: TLSSocket, now: float) -> bool:
        try:
            handshake.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            self._wants_write = isinstance(error, ssl.SSLWantWriteError)
            if now < self._end:
                return False
            self._close_handshake()
            words = f"the server has not answered the TLS handshake in {self._seconds:g} s"
            raise self._failure(f"{words}; if it does not speak TLS, {OTHERWISE}") from None
        except ssl.SSLCertVerificationError as error:
            self._close_handshake()
            self._look_at_certificate(error.verify_message, now)
            return False
        except (OSError, ValueError) as error:
            self._close_handshake()
            if self._distrust:
                raise self._failure(self._distrust) from None
            raise self._failure(in_words(error)) from None
        return True

    def _look_at_certificate(self, distrust: str, now: float) -> None:
        self._distrust = distrust
        self._wants_write = True
        self._try_addresses(now)

    def _check_certificate(self, handshake: TLSSocket) -> None:
        """Raise ``UntrustedCertificateError`` unless the user has accepted it, or OpenSSL has."""
        found = fingerprint(handshake.getpeercert(binary_form=True) or b"")
        accepted = self._tls.accepted_fingerprint
        if self._distrust:
            words = f"its certificate is not trusted: {self._distrust.rstrip('.')}"
        elif accepted and plain_fingerprint(accepted) != plain_fingerprint(found):
            words = "its certificate is not the one that was accepted"
        else:
            return
        self._close_handshake()
        raise UntrustedCertificateError(f"cannot connect to {self._name}: {words}", found)

    def _close_handshake(self) -> None:
        self._handshake = None
        self.close()

    def _failure(self, words: str) -> TLSError:
        return TLSError(f"cannot use TLS with {self._name}: {words}")


def open_attempt(
    host: str,
    port: int,
    now: float,
    seconds: float,
    addresses: Sequence[SocketAddress],
    tls: ClientTLS | None,
) -> ConnectionAttempt:
    """Begin to connect, with TLS or without."""
    if tls is None:
        return ConnectionAttempt(host, port, now, seconds, addresses)
    return TLSConnectionAttempt(host, port, now, seconds, addresses, tls)


def is_fingerprint(text: str) -> bool:
    """Return whether a text is a SHA-256 fingerprint: 32 bytes, perhaps with colons or blanks."""
    return re.fullmatch(r"(?:[0-9A-Fa-f]{2}[:\s]*){32}", text.strip()) is not None


def plain_fingerprint(text: str) -> str:
    """Return a fingerprint as digits alone, however it is written."""
    return "".join(letter for letter in text.upper() if letter in "0123456789ABCDEF")
