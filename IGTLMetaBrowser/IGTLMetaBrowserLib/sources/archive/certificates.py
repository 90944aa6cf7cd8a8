"""The files by which an archive and its client trust each other, read before it is called."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from ...net.errors import TLSError
from ...net.tls.certificates import in_words, load_certificate
from ...net.tls.tls_client import ClientTLS
from .archive import ArchiveError

# What OpenSSL calls an answer that is none of TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
# One that does not accept our certificate says so at once, after the handshake (TLS 1.3).
_SECONDS_TO_REFUSE = 1.0


def tls_context(authority: str, certificate: str) -> ssl.SSLContext:
    """Read the files, and return how an archive is told from others; empty texts are none.

    It is our own for both ways to an archive, and as it is between OpenIGTLink peers: revocation
    lists in the file of the authority are checked. Of ``ssl.create_default_context``, and of
    urllib3, they are not; and from Python 3.13 on these two want what RFC 5280 does, as an
    Authority Key Identifier, which many a hospital's own authority leaves out.

    Raises ``ArchiveError``, which names the option: TLS does not say later which file is wrong.
    """
    option = "--archive-ca"
    try:
        context = ClientTLS(authority=Path(authority) if authority else None).make_context()
        option = "--archive-cert"
        if certificate:
            load_certificate(context, Path(certificate), None)
    except TLSError as error:
        raise ArchiveError(f"{error}; see {option}") from error
    return context


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
