"""A network that does wrong: a proxy between a client and a server, with one fault at one byte.

Each connection is passed on, byte for byte, by two threads. A fault is done to the first connection
(or the first few), so that a client that connects again gets a good one.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.patience import HangError

PATIENCE = 20.0
SECONDS_OF_A_DELAY = 0.02
BYTES_OF_A_DRIP = 40
BYTES_DOUBLED = 64

KINDS = (
    "cut", "reset", "half-close", "stall", "delay", "drip", "flip", "duplicate", "drop", "refuse",
)  # fmt: skip
"""Of faults. What each does at its byte:

cut         close both ends
reset       close both ends with a RST, which throws away what is on its way
half-close  close this direction; the other goes on
stall       pass nothing on any more in this direction, and stay
delay       wait before the byte
drip        pass the next bytes on one by one
flip        change one bit of the byte
duplicate   pass the next bytes on twice
drop        leave the byte out
refuse      at no byte: end the connection before anything is passed on
"""


@dataclass(frozen=True)
class Fault:
    """``kind`` at the byte ``at`` of what goes to the client, or to the server (``is_up``).

    ``connections``: how many of them have it, the first ones.
    """

    kind: str
    at: int = 0
    is_up: bool = False
    bit: int = 0
    connections: int = 1

    def __str__(self) -> str:
        where = "to the server" if self.is_up else "to the client"
        bit = f" bit {self.bit}" if self.kind == "flip" else ""
        return f"{self.kind}{bit} at byte {self.at} {where}, {self.connections} connections"


class _Passage:
    """A connection that is passed on: its two sockets, and for each the thread that reads it.

    Both are closed as soon as both threads have ended, and not before: the number of a socket that
    is closed while somebody reads it could become that of another one.
    """

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.sockets = client, server
        self.readers: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._left = len(self.sockets)

    def on_reader_ended(self) -> None:
        """One of the threads ends."""
        with self._lock:
            self._left -= 1
            is_over = not self._left
        if is_over:
            for sock in self.sockets:
                sock.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of it."""
        return not any(thread.is_alive() for thread in self.readers.values())


class FaultProxy:
    """Listens on ``port`` and passes connections on to ``target``; ``passed`` counts the bytes.

    ``passed`` are those of the first connection: to the client, and to the server. ``fault`` may
    be a function that returns the fault of a connection by its number, the first is 0.
    ``has_done_fault``: a connection that ends early, after a time-out for instance, may not get as
    far as the fault.
    """

    def __init__(
        self, target: int, fault: Fault | Callable[[int], Fault | None] | None = None
    ) -> None:
        self._target, self._fault = target, fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = [0, 0]
        self.has_done_fault = False
        self._count = 0
        self._passages: list[_Passage] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        with contextlib.suppress(OSError):  # wakes accept()
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        self._thread.join(PATIENCE)
        self._listener.close()
        for passage in self._passages:
            for sock in passage.sockets:
                _end(sock)
        for thread in [one for passage in self._passages for one in passage.readers.values()]:
            thread.join(PATIENCE)
            if thread.is_alive():
                raise HangError("the proxy passes on what does not end")

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._is_over.is_set():
                client.close()
                return
            # A soak test has thousands of them, one after the other.
            self._passages = [one for one in self._passages if not one.is_over]
            fault = self._next_fault()
            self._count += 1
            if fault is not None and fault.kind == "refuse":
                self.has_done_fault = True
                _let_reset(client)
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target), PATIENCE)
            passage = _Passage(client, server)
            self._passages.append(passage)
            is_first = self._count == 1
            for source, sink, is_up in ((server, client, False), (client, server, True)):
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                own = fault if fault is not None and fault.is_up == is_up else None
                arguments = (passage, source, sink, own, is_up, is_first)
                passage.readers[source] = threading.Thread(
                    target=self._read, args=arguments, daemon=True
                )
            passage.readers[server].start()
            passage.readers[client].start()

    def _next_fault(self) -> Fault | None:
        if callable(self._fault):
            return self._fault(self._count)
        is_over = self._fault is None or self._count >= self._fault.connections
        return None if is_over else self._fault

    def _read(self, passage: _Passage, *arguments: Any) -> None:
        try:
            self._pass_on(passage, *arguments)
        finally:
            passage.on_reader_ended()

    def _pass_on(
        self,
        passage: _Passage,
        source: socket.socket,
        sink: socket.socket,
        fault: Fault | None,
        is_up: bool,
        is_first: bool,
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if fault is not None and passed + len(data) > fault.at:
                    self.has_done_fault = True
                    place = fault.at - passed
                    sink.sendall(data[:place])
                    if not self._do(fault, data[place:], passage, source, sink):
                        return
                    fault = None
                else:
                    sink.sendall(data)
                passed += len(data)
                if is_first:
                    self.passed[is_up] = passed
            sink.shutdown(socket.SHUT_WR)

    def _do(
        self,
        fault: Fault,
        data: bytes,
        passage: _Passage,
        source: socket.socket,
        sink: socket.socket,
    ) -> bool:
        """Do the fault, with the bytes from its place on; return whether to go on."""
        if fault.kind == "cut":
            _end(source)
            _end(sink)
        elif fault.kind == "reset":
            _let_reset(sink)
            _end(source)
            passage.readers[sink].join(PATIENCE)
            sink.close()
        elif fault.kind == "half-close":
            sink.shutdown(socket.SHUT_WR)
            _read_all(source)
        elif fault.kind == "stall":
            _read_all(source)
        else:
            self._pass_on_wrongly(fault, data, sink)
            return True
        return False

    def _pass_on_wrongly(self, fault: Fault, data: bytes, sink: socket.socket) -> None:
        if fault.kind == "delay":
            self._is_over.wait(SECONDS_OF_A_DELAY)
        elif fault.kind == "drip":
            for start in range(min(BYTES_OF_A_DRIP, len(data))):
                sink.sendall(data[start : start + 1])
            data = data[BYTES_OF_A_DRIP:]
        elif fault.kind == "flip":
            data = bytes([data[0] ^ (1 << fault.bit)]) + data[1:]
        elif fault.kind == "duplicate":
            data = data[:BYTES_DOUBLED] + data
        elif fault.kind == "drop":
            data = data[1:]
        sink.sendall(data)


def _read_all(source: socket.socket) -> None:
    while source.recv(1 << 16):
        pass


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be ended already
        sock.shutdown(socket.SHUT_RDWR)


def _let_reset(sock: socket.socket) -> None:
    """Let a socket send a RST when it is closed, and nothing more; who reads it finds the end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RD)
