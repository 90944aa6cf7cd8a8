"""Messages over one connected, non-blocking socket: what client and server share."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from .. import codec
from ..codec.wire import Buffer
from ..system_errors import reason_of
from .other_protocols import LONGEST_BEGINNING
from .tls.certificates import in_words
from .tls.tls_socket import NoDataError, TLSSocket

MAX_PARSED_SIZE = 1 << 20
"""Bytes of a message that is a text or many small items: larger ones would take too long to read.

None is larger that a peer sends to be shown: the C++ library's COMMAND has up to 65,535 bytes.
"""
_LARGEST_PIECE = 1 << 20
# Smaller parts are joined: a call of the system costs more than to copy them.
_SMALLEST_OF_ITS_OWN = 16 << 10
# So that one client with a fast network does not keep a server from the others.
_LARGEST_BURST = 2 << 20
_ADVICE = "try again, and look at the server's log"
# What a non-blocking socket raises where it would have to wait; with TLS it has words of its own.
WOULD_WAIT = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Reading(NamedTuple):
    """What has been read of a connection so far; times are of ``time.monotonic``."""

    received: int
    """All bytes."""
    at: float
    """When the last of them were read."""
    emptied_at: float
    """When a read found nothing more."""
    is_between: bool
    """Whether no message is cut off there."""

    @property
    def is_empty(self) -> bool:
        """Whether all was read that was there."""
        return self.emptied_at >= self.at


class Connection:
    """Reads and writes messages as far as the socket goes without waiting.

    ``lost`` is None while the connection stands. After its end it is the reason: an ``OSError``,
    or an ``EOFError`` if the peer closed it.
    """

    def __init__(self, sock: socket.socket, receiver: codec.Receiver) -> None:
        sock.setblocking(False)
        # Queries are small, and somebody waits for each of them.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # So that the system notices, after hours, a peer that vanished without a word.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.receiver = receiver
        self.beginning = b""  # the first bytes that came, see ``other_protocols``
        self.lost: OSError | EOFError | None = None
        self.socket = sock
        self._outgoing: deque[memoryview] = deque()
        self._size_to_try_again = 0
        self._read_at = self._emptied_at = time.monotonic()

    @property
    def reading(self) -> Reading:
        """What has been read so far."""
        receiver = self.receiver
        moments = self._read_at, self._emptied_at
        return Reading(receiver.bytes_received, *moments, receiver.is_between_messages)

    def fileno(self) -> int:
        """Return the socket's number, for a selector or a notifier."""
        return self.socket.fileno()

    @property
    def is_broken(self) -> bool:
        """Whether nothing can be sent any more; a peer that only closed its half still reads."""
        return isinstance(self.lost, OSError)

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait to be sent."""
        return bool(self._outgoing)

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent, as far as the system has not taken them."""
        return sum(map(len, self._outgoing))

    @property
    def has_unread(self) -> bool:
        """Whether TLS holds bytes of the peer that a selector cannot see any more."""
        return isinstance(self.socket, TLSSocket) and self.socket.pending() > 0

    def send(self, message: codec.Message) -> None:
        """Queue a message, and send what goes at once. Raises ``codec.EncodeError``."""
        self.queue(codec.pack_parts(message))
        self.write()

    def queue(self, parts: Iterable[Buffer]) -> None:
        """Queue the bytes of packed messages; ``write`` sends them.

        Large parts are not copied; the many small ones of a list become one.
        """
        small: list[Buffer] = []
        for part in parts:
            if len(part) < _SMALLEST_OF_ITS_OWN:
                small.append(part)
                continue
            self._queue_joined(small)
            small = []
            self._outgoing.append(memoryview(part).cast("B"))
        self._queue_joined(small)

    def write(self, most: int = _LARGEST_BURST) -> int:
        """Send queued bytes until the socket takes no more, or ``most`` have gone; return how many.

        It can be more than ``most`` by what TLS has begun to send.
        """
        total = 0
        while self._outgoing and not self.is_broken and total < most:
            # TLS wants to be asked again for no less than it was asked for before.
            size = max(min(_LARGEST_PIECE, most - total), self._size_to_try_again)
            try:
                sent = self.socket.send(self._outgoing[0][:size])
            except WOULD_WAIT:
                self._size_to_try_again = size
                break
            except OSError as error:
                self.lost = error
                break
            total += sent
            self._size_to_try_again = 0
            self._outgoing[0] = self._outgoing[0][sent:]
            if not self._outgoing[0]:
                self._outgoing.popleft()
        return total

    def _queue_joined(self, parts: list[Buffer]) -> None:
        if joined := b"".join(parts):
            self._outgoing.append(memoryview(joined))

    def read(self, seconds: float) -> list[codec.Message | codec.Rejected]:
        """Receive what is there, for about ``seconds`` at most; return what it completes."""
        events: list[codec.Message | codec.Rejected] = []
        end = time.monotonic() + seconds
        # What came before the end can be read even if nothing can be written any more.
        while True:
            buffer = self.receiver.get_buffer()
            try:
                count = self.socket.recv_into(buffer)
            except WOULD_WAIT:
                self._emptied_at = time.monotonic()
                break
            except OSError as error:
                # Why TLS was ended is read, while writing only finds that it was.
                self.lost = error if isinstance(error, ssl.SSLError) else self.lost or error
                break
            if count == 0:
                self.lost = EOFError("the peer closed the connection")
                break
            if len(self.beginning) < LONGEST_BEGINNING:
                self.beginning += bytes(buffer[: min(count, LONGEST_BEGINNING)])
            events += self.receiver.buffer_updated(count)
            self._read_at = time.monotonic()
            if self._read_at >= end:
                break
        return events

    @property
    def why_lost(self) -> str:
        """Why nothing comes any more, in the system's words or in those of TLS."""
        return in_words(self.lost) if self.lost is not None else ""

    def describe_loss(self, address: str, last_words: str) -> str:
        """Return in words how the connection to ``address`` ended, and what was cut off."""
        reason = f"dropped the connection ({reason_of(self.lost)})"
        if isinstance(self.lost, EOFError):
            reason = "closed the connection"
        elif isinstance(self.lost, NoDataError):
            reason = f"was hung up on ({reason_of(self.lost)})"
        elif isinstance(self.lost, ssl.SSLError):
            reason = f"ended the connection: {in_words(self.lost)}"
        # What the server itself has said is a better advice.
        advice = f"it last said: {last_words}" if last_words else _ADVICE
        return f"{address} {reason}{self._cut_off()}; {advice}"

    def describe_stall(self, address: str, seconds: float, is_silent: bool) -> str:
        """Return in words that ``address`` stands still in the middle of a message."""
        silence = f"sent {'' if is_silent else 'almost '}nothing for {seconds:g} s"
        return f"{address} {silence}{self._cut_off()}; {_ADVICE}"

    def _cut_off(self) -> str:
        """Return in words which message has come in part; nothing between two messages."""
        progress = self.receiver.progress
        if progress is None:
            return ""
        what = codec.describe(progress.header)
        return f" in the middle of {what}, after {progress.received} of {progress.body_size} bytes"

    def close(self) -> None:
        """Close the socket; what was not sent is dropped."""
        self._outgoing.clear()
        self.socket.close()


def unacknowledged(sock: socket.socket) -> int:
    """Return the bytes that the system has not yet delivered; 0 if it does not tell."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl
        import termios

        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
        return struct.unpack("i", answer)[0]
    return 0
