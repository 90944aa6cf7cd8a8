"""Errors in words, with the place in the window where a limit that caused them is changed."""

from __future__ import annotations

from .. import net

# By field of ``net.ConnectionSettings``: as in the panel's Advanced section.
_LABELS = {
    "answer_timeout": "Answer time-out",
    "max_body_size": "Largest image",
    "accept_missing_checksum": "Accept messages without a checksum",
    "tls": "Use TLS",
}


def error_text(error: BaseException) -> str:
    """Return an error in words, with the label of the setting that would avoid it."""
    if isinstance(error, net.UntrustedCertificateError):
        return error.words  # its fingerprint is beside the button that accepts it
    label = _LABELS.get(getattr(error, "setting", ""))
    return f"{error} (Advanced: {label})" if label else str(error)
