"""Ends connections of DIMSE (PS3.8) on which too little comes, or too much, or when all shall end.

pynetdicom cannot be asked to: it reads each PDU without a time-out, so that one whose rest does not
come keeps its thread for ever, and whoever aborts the association with it. And its time-out for
messages is one for whole messages: a large file on a slow network takes longer, and is no silence.
"""

from __future__ import annotations

import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..archive import CLOSED, SECONDS_TO_LOOK, SLOWEST_BYTES_A_SECOND

# 16 KB are agreed on (PS3.8 D.1). pynetdicom collects as much as a PDU says that it has, from
# anybody who connects, before it looks at it.
_LARGEST_PDU = 1 << 20
# How often it is looked whether a connection is silent.
_STEP = 0.1
# Who does not end an association when asked to is not waited for.
SECONDS_TO_END = 3.0


class Watch:
    """Watches one connection. Its methods are called by pynetdicom's threads.

    ``silence`` is how long nothing may come or be taken, in seconds; a message may have ``largest``
    bytes, and has to come as fast as an answer of a web server. ``why`` is why it was ended here.
    ``on_data_of_association`` is called with what comes when there is an association.

    Its seconds are those in which it has looked, and not a clock's: a program that was stopped, or
    had no processor for so long, as in a virtual machine that was paused, has not heard what came
    meanwhile, and nobody was silent.
    """

    def __init__(
        self,
        silence: float,
        largest: int,
        on_data_of_association: Callable[[], None] = lambda: None,
    ) -> None:
        self._silence = silence
        self._on_data_of_association = on_data_of_association
        self.largest = largest
        self.size = 0  # of the message that comes
        self.why = ""
        self._now = self._heard = self._begin = 0.0
        self._aborted: float | None = None
        self._is_paused = False

    @property
    def is_exceeded(self) -> bool:
        """Whether a message was larger than any may be."""
        return self.size > self.largest

    def hear(self, _event: Any = None) -> None:
        """Begin to wait anew: what was sent was taken, or the peer was heard elsewhere."""
        self._heard = self._begin = self._now

    def on_data(self, event: Any) -> None:
        """Add a PDU to the message that it is of."""
        self._heard = self._now
        if event.assoc.is_established:
            self._on_data_of_association()
        self.size += len(event.data)
        if self.is_exceeded:
            event.assoc.abort(block=False)

    def on_message(self, _event: Any) -> None:
        """Begin anew: a message has come to its end."""
        if not self.is_exceeded:
            self.size = 0
        self.hear()

    def on_abort(self, event: Any) -> None:
        """Wait a moment for the end of an association that was aborted here, and for no answer."""
        self._aborted = self._now
        _wake(event.assoc)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Not to be silent: the peer waits for us meanwhile."""
        self._is_paused = True
        try:
            yield
        finally:
            self.hear()
            self._is_paused = False

    def limit(self, association: Any) -> None:
        """Have no PDU be received that says that it is larger than any may be."""
        connection = association.dul.socket
        receive = connection.recv

        def receive_limited(count: int) -> bytearray:
            if count > _LARGEST_PDU:
                self.why = f"has sent a PDU of {count >> 20} MiB"
                raise OSError(self.why)
            return receive(count)

        connection.recv = receive_limited

    def run(self, association: Any) -> None:
        """Watch a connection to its end, in a thread of its own."""
        dul, has_begun = association.dul, False
        while not self.why:
            is_alive = dul.is_alive()
            if has_begun and not is_alive:
                return
            has_begun = has_begun or is_alive
            if why := self._why_over():
                self.end(association, why)
            time.sleep(_STEP)
            self._now += _STEP

    def end(self, association: Any, why: str) -> None:
        """End a connection: whoever reads or writes returns."""
        self.why = why
        connection = association.dul.socket and association.dul.socket.socket
        if connection is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS

    def _why_over(self) -> str:
        if self._aborted is not None and self._now - self._aborted > SECONDS_TO_END:
            return "it does not end the association"
        if self._is_paused:
            return ""
        if self._now - self._heard > self._silence:
            return f"has said nothing for {self._silence:g} s"
        seconds = self._now - self._begin
        if seconds > self._silence + SECONDS_TO_LOOK + self.size / SLOWEST_BYTES_A_SECOND:
            return f"has sent only {self.size} bytes in {seconds:.0f} s"
        return ""


class Watches:
    """The watches of all connections with one archive, those that it has opened among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Any, Watch] = {}
        self._connecting: set[Watch] = set()
        self.is_closed = False

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, or its name looked up."""
        return bool(self._connecting)

    @contextmanager
    def connecting(self, watch: Watch) -> Iterator[None]:
        """Make an association: until there is a connection, there is nothing to end."""
        self._connecting.add(watch)
        try:
            yield
        finally:
            self._connecting.discard(watch)

    def handlers(self, make: Callable[[], Watch]) -> list[tuple[Any, Callable[[Any], Any]]]:
        """Return what has pynetdicom tell the watches of its associations, made as these begin."""
        from pynetdicom import evt

        return [
            (evt.EVT_CONN_OPEN, lambda event: self._begin(event.assoc, make())),
            (evt.EVT_DATA_RECV, lambda event: self._of(event).on_data(event)),
            (evt.EVT_DATA_SENT, lambda event: self._of(event).hear()),
            (evt.EVT_DIMSE_RECV, lambda event: self._of(event).on_message(event)),
            (evt.EVT_ABORTED, lambda event: self._of(event).on_abort(event)),
        ]

    def pausing(self, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a handler during which the peer is not silent, as it waits for us."""

        def handle(event: Any) -> Any:
            with self._of(event).paused():
                return handler(event)

        return handle

    def close(self) -> None:
        """End all connections, from another thread; none can be begun any more."""
        self.is_closed = True
        with self._lock:
            watched = [*self._open.items()]
        for association, watch in watched:
            watch.end(association, CLOSED)

    def _begin(self, association: Any, watch: Watch) -> None:
        watch.hear()
        watch.limit(association)
        self._connecting.discard(watch)
        with self._lock:
            self._open[association] = watch
        if self.is_closed:
            watch.end(association, CLOSED)
        threading.Thread(
            target=self._run, args=(association, watch), name="watch", daemon=True
        ).start()

    def _run(self, association: Any, watch: Watch) -> None:
        watch.run(association)
        _wake(association)
        with suppress(RuntimeError):  # it never began
            association.dul.join()  # what it still tells is for this watch
        with self._lock:
            del self._open[association]

    def _of(self, event: Any) -> Watch:
        with self._lock:
            # pynetdicom tells that an association is aborted also if there was no connection.
            return self._open.get(event.assoc, _NOBODY)


def _wake(association: Any) -> None:
    """Have nobody wait for an answer any more, as pynetdicom does if the peer ends it."""
    association.dimse.msg_queue.put((None, None))


_NOBODY = Watch(math.inf, sys.maxsize)
