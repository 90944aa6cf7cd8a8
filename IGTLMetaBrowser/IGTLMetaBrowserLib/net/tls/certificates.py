"""TLS at both ends: files, certificates and words, on the standard library's ``ssl``."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...regular_file import read_small
from ...system_errors import reason_of, why_not_read
from ..errors import TLSError

OTHERWISE = "connect without TLS, or to another port"
"""What to try with an end that does not speak TLS."""

# What OpenSSL says, and what it means between two OpenIGTLink peers. The first that fits is said.
_WORDS = {
    "CERTIFICATE_REQUIRED": "the server requires a certificate from clients; provide one",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other end presented no certificate",
    "HTTP_REQUEST": f"the other end does not speak TLS; {OTHERWISE}",
    "WRONG_VERSION_NUMBER": f"the other end does not speak TLS; {OTHERWISE}",
    "UNKNOWN_CA": "the other end does not trust the certificate of this end",
    "CERTIFICATE_UNKNOWN": "the other end does not accept the certificate of this end",
    "BAD_CERTIFICATE": "the other end does not accept the certificate of this end",
    "CERTIFICATE_EXPIRED": "the other end says that the certificate of this end has expired",
    "CERTIFICATE_REVOKED": "the other end says that the certificate of this end was revoked",
    "ACCESS_DENIED": "the other end accepts no connections from this address, or is full",
    "ALERT_PROTOCOL_VERSION": (
        f"the other end does not speak TLS, or only another version of it; {OTHERWISE}"
    ),
    "UNSUPPORTED_PROTOCOL": "the other end speaks only an old version of TLS",
    "UNEXPECTED_EOF": "the other end closed the connection in the middle of the TLS handshake",
    "EOF occurred": "the other end closed the connection in the middle of the TLS handshake",
}


# What a server says to clients without TLS; they know from it which setting is wrong.
REQUIRES_TLS = "this server requires TLS"


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Show this certificate to the other end. Raises ``TLSError``."""
    contents = [_read(path) for path in (certificate, key or certificate)]
    try:
        # Without a function, OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        files = f"{str(certificate)!r}" + (f" and {str(key)!r}" if key else "")
        why = _why_not_loaded((certificate, key or certificate), contents, error)
        raise TLSError(f"no certificate with its private key in {files}: {why}") from None


def load_certificate_authority(context: ssl.SSLContext, path: Path) -> None:
    """Trust the certificates in a PEM file, or read its revocation list. Raises ``TLSError``."""
    _read(path)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        why = f"{_reason(error)}; name a PEM file that has some"
        raise TLSError(f"no certificates in {str(path)!r}: {why}") from None


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate in DER, as ``openssl x509`` prints it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def certificate_name(certificate: Mapping[str, Any] | None) -> str:
    """Return whom a certificate (of ``getpeercert``) names; an empty text if there is none."""
    if not certificate:
        return ""
    subject = {key: value for entry in certificate.get("subject", ()) for key, value in entry}
    alternatives = [value for _, value in certificate.get("subjectAltName", ())]
    names = [subject.get("commonName"), *alternatives, subject.get("organizationName")]
    return str(next(filter(None, names), "a certificate without a name"))


def in_words(error: Exception) -> str:
    """Return an error of TLS in words for a user, if there are any."""
    text = f"{getattr(error, 'reason', '') or ''} {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the other end is not trusted: {error.verify_message}"
    return next((words for key, words in _WORDS.items() if key in text), _reason(error))


def _read(path: Path) -> bytes:
    """Return what OpenSSL will read: it does not say which of two files it cannot open, and it
    would wait for a pipe."""
    try:
        return read_small(path)
    except OSError as error:
        raise TLSError(why_not_read(error, path)) from None


def _why_not_loaded(paths: Sequence[Path], contents: Sequence[bytes], error: Exception) -> str:
    """Return what is wrong with a certificate or its key, of which OpenSSL says little."""
    certificate, key = paths
    if b"CERTIFICATE-----" not in contents[0]:
        return f"{str(certificate)!r} has no -----BEGIN CERTIFICATE-----; convert it to PEM"
    if b"PRIVATE KEY-----" not in contents[1]:
        return f"{str(key)!r} has no private key in PEM; name the file that has it"
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return "the key is that of another certificate; name the one that belongs to it"
    return f"{_reason(error)}; PEM files without a password are needed"


def _no_password() -> bytes:
    raise ValueError("it is protected by a password")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or reason_of(error)
    reason = re.sub(r" \(_ssl\.c:\d+\)$", "", str(reason))  # a line of Python's source
    return str(reason).replace("_", " ").lower() if str(reason).isupper() else str(reason)
