"""The files by which an archive and its client trust each other, read before it is called."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from ...net.errors import TLSError
from ...net.tls import in_words, load_certificate, load_certificate_authority
from .archive import ArchiveError

# What OpenSSL calls an answer that is none of TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
# One that does not accept our certificate says so at once, after the handshake (TLS 1.3).
_SECONDS_TO_REFUSE = 1.0


def check_certificates(authority: str, certificate: str) -> None:
    """Read the files, of which TLS does not say later which is wrong; empty texts are none.

    Raises ``ArchiveError``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    option = "--archive-ca"
    try:
        if authority:
            load_certificate_authority(context, Path(authority))
        option = "--archive-cert"
        if certificate:
            load_certificate(context, Path(certificate), None)
    except TLSError as error:
        raise ArchiveError(f"{error}; see {option}") from error


def why_no_tls(name: str, error: BaseException, reason: str, without_tls: str) -> str:
    """Return in words why an archive and we do not speak TLS; ``error`` is of ssl.

    ``without_tls`` says what to try with one that does not speak it.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{name} is not trusted: {reason}; see --archive-ca"
    if getattr(error, "reason", "") in _NO_TLS:
        return f"{name} does not speak TLS; {without_tls}"
    return (
        f"{name} refuses TLS: {reason}. Does it want a certificate of ours, or another one? See "
        "--archive-cert"
    )


def why_no_dimse_by_tls(name: str, address: tuple[str, int], context: Any, timeout: float) -> str:
    """Return in words why no connection is made, as far as TLS says it; else an empty text.

    It is tried once more: pynetdicom only logs that.
    """
    try:
        with (
            socket.create_connection(address, timeout) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as connection,
        ):
            connection.settimeout(_SECONDS_TO_REFUSE)
            connection.recv(1)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or in_words(error)
        return why_no_tls(name, error, reason, "call it without --archive-ca")
    except OSError:  # it is not there, or says nothing
        pass
    return ""
