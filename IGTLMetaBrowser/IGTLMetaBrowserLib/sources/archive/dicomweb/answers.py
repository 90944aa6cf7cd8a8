"""The time that answers of a web server may take, and their end before that.

The time-out of a socket limits each silence: a server that sends a byte now and then keeps who
waits for it for ever, in the header of its answer as well as in its body.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from ..archive import CLOSED, LARGEST_SERIES, SECONDS_TO_LOOK, SLOWEST_BYTES_A_SECOND

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool, PoolManager

# http.client reads headers and 1xx answers for as long as lines come.
_LONGEST_HEADER = 1 << 20


class WebAnswerError(OSError):
    """An answer is not waited for any longer; the text says why."""


class WebAnswers:
    """All that is being received: by several threads, each of which waits for its own answer.

    ``silence`` is the time-out of their sockets, in seconds.
    """

    def __init__(self, silence: float) -> None:
        self.silence = silence
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._connecting = 0
        self.is_closed = False

    def limit(self, manager: PoolManager) -> None:
        """Have all answers that come through these connections be received here."""
        manager.pool_classes_by_scheme = {
            scheme: _limited(pool_class, self)
            for scheme, pool_class in manager.pool_classes_by_scheme.items()
        }

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, or its name looked up."""
        return self._connecting > 0

    @contextlib.contextmanager
    def connecting(self) -> Iterator[None]:
        """Make a connection. Raises ``WebAnswerError`` if none shall be made any more."""
        if self.is_closed:
            raise WebAnswerError(CLOSED)
        with self._lock:
            self._connecting += 1
        try:
            yield
        finally:
            with self._lock:
                self._connecting -= 1

    def close(self) -> None:
        """End all that is being received, from another thread; it raises ``WebAnswerError``."""
        self.is_closed = True
        with self._lock:
            sockets = [*self._sockets]
        for one in sockets:
            with contextlib.suppress(OSError):  # it is closed already
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # below TLS: nothing is waited for

    def response(self, sock: socket.socket, *arguments: Any, **options: Any) -> HTTPResponse:
        """Return what http.client calls a response, which it makes as soon as it has asked."""
        response = _Response(sock, *arguments, **options)
        raw = cast("io.BufferedReader", response.fp).detach()
        response.reads = _LimitedReads(raw, self)
        response.fp = io.BufferedReader(response.reads)
        with self._lock:
            self._sockets.add(sock)
        return response


class _Response(HTTPResponse):
    """An answer whose header has an end."""

    reads: _LimitedReads

    def begin(self) -> None:
        self.reads.most = _LONGEST_HEADER
        super().begin()
        self.reads.most = LARGEST_SERIES


class _LimitedReads(io.RawIOBase):
    """Reads what a socket receives. What is done between the reads does not count."""

    def __init__(self, raw: io.RawIOBase, answers: WebAnswers) -> None:
        self._raw = raw
        self._answers = answers
        self._seconds, self._bytes = 0.0, 0
        self.most = LARGEST_SERIES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        begin = time.monotonic()
        count = None if self._answers.is_closed else self._raw.readinto(buffer)
        if self._answers.is_closed:
            raise WebAnswerError(CLOSED)
        self._seconds += time.monotonic() - begin
        self._bytes += count or 0
        if self._bytes > self.most:
            raise WebAnswerError(
                f"it has sent {self._bytes >> 20} MiB, and goes on; ask who runs the archive"
            )
        enough = self._answers.silence + SECONDS_TO_LOOK + self._bytes / SLOWEST_BYTES_A_SECOND
        if self._seconds > enough:
            raise WebAnswerError(
                f"in {self._seconds:.0f} s it has sent only {self._bytes} bytes; try again later, "
                "or ask who runs the archive"
            )
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _limited(pool_class: type[HTTPConnectionPool], answers: WebAnswers) -> Any:
    class Connection(pool_class.ConnectionCls):  # type: ignore[misc, name-defined]
        response_class = staticmethod(answers.response)

        def connect(self) -> None:
            with answers.connecting():
                super().connect()

    return type(pool_class.__name__, (pool_class,), {"ConnectionCls": Connection})
