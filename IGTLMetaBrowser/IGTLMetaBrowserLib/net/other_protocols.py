"""Servers that are no OpenIGTLink servers, known by the first bytes that they send."""

from __future__ import annotations

from .errors import AnswerError

LONGEST_BEGINNING = 8

# An OpenIGTLink header begins with its version: two bytes of which the first is 0.
_BEGINNINGS = {
    b"SSH-": "an SSH server",  # RFC 4253, 4.2
    b"HTTP/": "a web server",  # RFC 9112, 4
    b"<!DOCTY": "a web server",
    b"<html": "a web server",
    b"RTSP/": "a video server (RTSP)",  # RFC 2326, 7
    b"RFB ": "a VNC server",  # RFC 6143, 7.1.1
    b"220": "an FTP or mail server",  # RFC 959, 5.4; RFC 5321, 4.2
    b"+OK": "a mail server (POP3)",  # RFC 1939, 4
    b"* OK": "a mail server (IMAP)",  # RFC 9051, 7.1
    b"-ERR": "a database or mail server (Redis, POP3)",
    b"\xff\xfd": "a Telnet server",  # RFC 854
    b"\xff\xfb": "a Telnet server",
    b"\x07\x00\x00\x00\x00\x04": "a DICOM server",  # A-ABORT, PS3.8, 9.3.8
    b"\x03\x00\x00\x00\x00\x04": "a DICOM server",  # A-ASSOCIATE-RJ, PS3.8, 9.3.4
}
# Records of an alert and of a handshake, RFC 8446, 5.1.
_TLS = (b"\x15\x03", b"\x16\x03")


def error_of_other(beginning: bytes, address: str) -> AnswerError | None:
    """Return in words that a server speaks another protocol, if its first bytes say so."""
    if beginning.startswith(_TLS):
        return AnswerError(f"{address} speaks TLS only; connect with TLS", "tls")
    for start, words in _BEGINNINGS.items():
        if beginning.startswith(start):
            return AnswerError(f"{address} is {words}, not an OpenIGTLink server; check the port")
    return None
