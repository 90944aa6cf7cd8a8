"""A connection that looks at messages as they are on the wire: headers, checksums, times."""

from __future__ import annotations

import contextlib
import ssl
import time
from dataclasses import dataclass
from typing import Any

from ... import codec
from ..address import format_address
from ..other_protocols import LONGEST_BEGINNING, error_of_other
from ..settings import LONGEST_WAIT_SECONDS, SLOWEST_BYTES_PER_SECOND, ConnectionSettings
from ..tls.certificates import certificate_name, fingerprint
from ..tls.tls_client import open_attempt
from ..tls.tls_socket import TLSSocket

RIGHT, MISSING, WRONG = "right", "missing", "wrong"
# What has begun may take its time, unless it is too slow for so many seconds.
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Received:
    """A message with its header, how its checksum was, and when it began to come.

    ``message`` is None if it cannot be read, and ``error`` says why.
    """

    header: codec.Header
    checksum: str
    began: float
    ended: float
    message: codec.Message | None
    error: str = ""


class ProbeConnection:
    """A blocking connection to a server. Raises ``ConnectionFailedError``."""

    def __init__(self, host: str, port: int, settings: ConnectionSettings) -> None:
        self._address = format_address(host, port)
        self._limit = settings.max_body_size
        begin = time.monotonic()
        attempt = open_attempt(host, port, begin, settings.connect_timeout, (), settings.tls)
        while (sock := attempt.step(time.monotonic())) is None:
            time.sleep(0.001)  # nothing else is done in this process
        self._socket = sock
        self.connect_seconds = time.monotonic() - begin

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def tls(self) -> dict[str, Any] | None:
        """Return what is known of TLS and the server's certificate; None without TLS."""
        sock = self._socket
        if not isinstance(sock, TLSSocket):
            return None
        certificate = sock.getpeercert() or {}
        cipher = sock.cipher()
        return {
            "version": sock.version(),
            "cipher": cipher[0] if cipher else "",
            "certificate": certificate_name(certificate) or "not verified",
            "expires": certificate.get("notAfter", ""),
            "fingerprint": fingerprint(sock.getpeercert(binary_form=True) or b""),
        }

    def send(self, message: codec.Message) -> None:
        """Send a message. Raises ``OSError``."""
        self._socket.settimeout(10.0)
        self._socket.sendall(codec.pack(message))

    def receive(self, until: float) -> Received | None:
        """Return the next message, or None if none begins before ``until``.

        Raises ``EOFError`` or ``OSError`` if the connection ends, ``codec.DecodeError`` if what
        comes is no message or one that is too large, and ``AnswerError`` if it is known what else
        the server is.
        """
        first = self._take(1, until)
        if first is None:
            return None
        began = time.monotonic()
        data = self._header(first, began + _PATIENCE_SECONDS)
        header = codec.Header.unpack(data)
        if header.version not in (1, 2):
            raise codec.DecodeError(
                f"a header of version {header.version} with {header.body_size} bytes came; "
                "this is not an OpenIGTLink server, or it is out of sync"
            )
        if header.body_size > self._limit:
            raise codec.DecodeError(
                f"a message of {header.body_size} bytes came; the limit is {self._limit} "
                "(--max-size). Is it an OpenIGTLink server?"
            )
        # Some servers send an image while they read it.
        patience = max(until - began, _PATIENCE_SECONDS)
        body = self._take(header.body_size, time.monotonic() + patience, patience)
        if body is None:
            raise EOFError("the server stopped in the middle of a message")
        return _received(header, data + body, began)

    def _header(self, first: bytes, until: float) -> bytes:
        data = first
        for length in (LONGEST_BEGINNING, codec.HEADER_SIZE):
            more = self._take(length - len(data), until)
            if more is None:
                raise EOFError("the server stopped in the middle of a header")
            data += more
            if (error := error_of_other(data, self._address)) is not None:
                raise error
        return data

    def _take(self, count: int, until: float, patience: float = 0.0) -> bytes | None:
        """Return so many bytes; None if the time is over before.

        If ``patience`` is given, there are so many seconds from each time that enough has come.
        """
        data = bytearray(count)
        view, received = memoryview(data), 0
        enough = SLOWEST_BYTES_PER_SECOND * patience
        while received < count:
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(min(left, LONGEST_WAIT_SECONDS))
            with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
                got = self._socket.recv_into(view[received:])
                if not got:
                    raise EOFError("the server closed the connection")
                received += got
            if patience and received >= enough:
                until = time.monotonic() + patience
                enough = received + SLOWEST_BYTES_PER_SECOND * patience
        return bytes(data)


def _received(header: codec.Header, data: bytes, began: float) -> Received:
    ended = time.monotonic()
    crc = codec.crc64(data[codec.HEADER_SIZE :])
    checksum = RIGHT if crc == header.crc else MISSING if header.crc == 0 else WRONG
    try:
        message = codec.unpack(data, check_crc=False)
    except codec.DecodeError as error:
        return Received(header, checksum, began, ended, None, str(error))
    return Received(header, checksum, began, ended, message)
