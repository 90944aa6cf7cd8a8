"""A connected socket with TLS that handles a bounded number of bytes in each call.

``ssl.SSLSocket`` does not: with SSL_MODE_AUTO_RETRY, which Python sets, OpenSSL reads on for as
long as records without data come, such as KeyUpdate (RFC 8446, 4.6.3): it takes any number of them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, NoReturn

from ...codec.wire import Buffer

# What is read from the network in one call: more for those who send data, which is faster.
_SMALLEST_PIECE = 16 << 10
_LARGEST_PIECE = 128 << 10
_RECORD = 17 << 10
# What is encrypted in one call.
_SENT_PIECE = 128 << 10
MOST_WITHOUT_DATA = 64 << 10
"""Bytes of TLS one after the other without a byte of data.

A record has 16 KiB and a little (RFC 8446, 5.2); session tickets and KeyUpdate have less.
"""
# Of what was sent, and of alerts that OpenSSL answers to what it reads, for who reads none of it.
_MOST_UNSENT = 4 * _SENT_PIECE


class NoDataError(OSError):
    """The other end only keeps TLS busy; in words for the log, without its name."""


class TLSSocket(socket.socket):
    """Takes over ``sock``; what is sent and received is as with an ``ssl.SSLSocket``.

    Where it would have to wait it raises ``ssl.SSLWantReadError`` or ``ssl.SSLWantWriteError``. It
    reads from the network once in a call, with a time limit or without: that may end a record, or
    not. A selector does not see what has been read and not been asked for, see ``pending``.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        sock: socket.socket,
        server_side: bool = False,
        server_hostname: str | None = None,
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # None when this end has said that it sends no more: what comes then is thrown away.
        self._tls: ssl.SSLObject | None = context.wrap_bio(
            self._incoming, self._outgoing, server_side, server_hostname
        )
        self._unsent: Buffer = b""  # encrypted
        self._bytes_in_unsent = 0  # of data
        self._without_data = 0
        self._piece = _SMALLEST_PIECE
        self._hold = memoryview(b"")
        # What ended TLS, behind the data before it.
        self._failure: OSError | None = None
        seconds = sock.gettimeout()
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.settimeout(seconds)

    # The beginning and the end of TLS

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises as ``ssl.SSLSocket`` does."""
        tls = self._require_tls()
        try:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
                tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            raise
        except ssl.SSLError:
            with contextlib.suppress(OSError):  # the alert; why it is sent is the better reason
                self._flush()
            raise
        self._flush()
        self._without_data = 0

    def unwrap(self) -> None:
        """Send close_notify. Raises ``ssl.SSLWantReadError`` while the other end has not."""
        try:
            self._require_tls().unwrap()
        finally:
            self._flush()

    def shutdown(self, how: int) -> None:
        """Send no more; what still comes is not decrypted, as with ``ssl.SSLSocket``."""
        self._tls = None
        super().shutdown(how)

    # Data

    def pending(self) -> int:
        """Return how many bytes were read and not asked for yet; more than 0 also for an end."""
        if self._tls is None:
            return 0
        return self._tls.pending() + self._incoming.pending + (self._failure is not None)

    def recv_into(self, buffer: Any, nbytes: int | None = None) -> int:
        """Receive what is there, of several records; return how many bytes, 0 at the end."""
        if self._tls is None:
            return super().recv_into(buffer, nbytes or 0)
        view = memoryview(buffer)[: nbytes or None]
        try:
            count = self._decrypt_into(view, self._tls) if self.pending() else None
            if count is None:
                self._feed()
                count = self._decrypt_into(view, self._tls)
        finally:
            # Alerts. If they cannot be sent, what is sent next finds out; reading goes on.
            with contextlib.suppress(OSError):
                self._flush()
        if len(self._unsent) > _MOST_UNSENT:
            self._hang_up("it has TLS answer, and reads no answer")
        if count is None:
            if self._without_data >= MOST_WITHOUT_DATA:
                self._hang_up(f"it sent {self._without_data >> 10} KiB of TLS without data")
            raise ssl.SSLWantReadError
        self._choose_piece(count)
        return count

    def recv(self, bufsize: int) -> bytes:
        """Receive what is there, of several records; empty at the end."""
        if self._tls is None:
            return super().recv(bufsize)
        # As much as there can be: what is read at once, and what was there of the record before.
        buffer = bytearray(min(bufsize, self._piece + _RECORD))
        return bytes(memoryview(buffer)[: self.recv_into(buffer)])

    def send(self, data: Buffer) -> int:
        """Send a piece of ``data``; return how many bytes when the network has taken them all.

        After ``ssl.SSLWantWriteError`` it wants the same data again, or more that begins with it.
        """
        self._flush()
        if not self._bytes_in_unsent:
            with memoryview(data) as whole, whole[:_SENT_PIECE] as piece:
                self._bytes_in_unsent = self._require_tls().write(piece)
            self._flush()
        count, self._bytes_in_unsent = self._bytes_in_unsent, 0
        return count

    def sendall(self, data: Buffer) -> None:
        """Send all of ``data``; for a socket that blocks."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view) :]

    def _without_tls(self, *_arguments: Any, **_named: Any) -> NoReturn:
        raise NotImplementedError("this would send or receive without TLS")

    sendto = sendmsg = sendfile = recvfrom = recvfrom_into = recvmsg = recvmsg_into = _without_tls

    # Who the other end is

    def getpeercert(self, binary_form: bool = False) -> Any:
        """Return the other end's certificate, as ``ssl.SSLSocket`` does."""
        return self._require_tls().getpeercert(binary_form)

    def version(self) -> str | None:
        """Return the version of TLS in words."""
        return self._require_tls().version()

    def cipher(self) -> tuple[str, str, int] | None:
        """Return name, version and bits of the cipher."""
        return self._require_tls().cipher()

    @property
    def session_reused(self) -> bool:
        """Whether the handshake went on with a session of before: without certificates."""
        return bool(self._require_tls().session_reused)

    def _require_tls(self) -> ssl.SSLObject:
        if self._tls is None:
            raise BrokenPipeError("this end has said that it sends no more")
        return self._tls

    def _feed(self) -> None:
        """Read from the network, once. Raises ``ssl.SSLWantReadError`` if nothing is there."""
        try:
            if len(self._hold) < self._piece:
                self._hold = memoryview(bytearray(self._piece))
            data = self._hold[: super().recv_into(self._hold[: self._piece])]
        except BlockingIOError:
            raise ssl.SSLWantReadError from None
        if data:
            self._incoming.write(data)
            self._without_data += len(data)
        else:
            self._incoming.write_eof()

    def _decrypt_into(self, buffer: memoryview, tls: ssl.SSLObject) -> int | None:
        """Decrypt what was read, as far as there is room; return None if no data was in it."""
        count = 0
        try:
            while self._failure is None and count < len(buffer):
                more = tls.read(len(buffer) - count, buffer[count:])
                count += more
                if not more:
                    self._failure = ssl.SSLEOFError()
        except ssl.SSLWantReadError:
            return count or None
        except OSError as error:
            self._failure = error
        # An end without close_notify is one, too: messages know their length.
        if count or self._failure is None or isinstance(self._failure, ssl.SSLEOFError):
            return count
        raise self._failure

    def _choose_piece(self, count: int) -> None:
        """Read more the next time, if most of what was read was data; begin to count anew."""
        if self._without_data:
            is_mostly_data = 2 * count >= self._without_data
            larger = min(2 * self._piece, _LARGEST_PIECE)
            self._piece = larger if is_mostly_data else _SMALLEST_PIECE
        self._without_data = 0

    def _hang_up(self, words: str) -> NoReturn:
        self._failure = NoDataError(words)
        raise self._failure

    def _flush(self) -> None:
        """Send what is encrypted. Raises ``ssl.SSLWantWriteError`` if not all of it went."""
        if self._outgoing.pending:
            made = self._outgoing.read()
            self._unsent = bytes(self._unsent) + made if self._unsent else made
        while self._unsent:
            try:
                sent = super().send(self._unsent)
            except BlockingIOError:
                raise ssl.SSLWantWriteError from None
            self._unsent = memoryview(self._unsent)[sent:]
