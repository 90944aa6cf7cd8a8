"""The files by which an archive and its client trust each other, read before it is called."""

from __future__ import annotations

import ssl
from pathlib import Path

from ...net.errors import TLSError
from ...net.tls import load_certificate, load_certificate_authority
from .archive import ArchiveError


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
