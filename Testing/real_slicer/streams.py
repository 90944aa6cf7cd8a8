"""Messages that a server sends to each client at a rate, while it answers queries."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator


def stream(
    port: int,
    answer: Callable,
    messages: Callable[[], Iterator[bytes]],
    rate: float,
    after: str | None = None,
) -> None:
    """Answer each client's queries; send it ``messages`` at a rate, from its query ``after`` on."""
    listener = socket.create_server(("127.0.0.1", port))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin, lock = threading.Event(), threading.Lock()
        if after is None:
            begin.set()
        reader = (client, answer, begin, after, lock)
        threading.Thread(target=_answer_queries, args=reader, daemon=True).start()
        if rate:
            sender = (client, messages, begin, rate, lock)
            threading.Thread(target=_send_at_rate, args=sender, daemon=True).start()


def _answer_queries(
    client: socket.socket, answer: Callable, begin: threading.Event, after: str, lock: object
) -> None:
    from IGTLMetaBrowserLib import codec

    receiver = codec.Receiver()
    with contextlib.suppress(OSError):  # the client may leave at any time
        while count := client.recv_into(receiver.get_buffer()):
            for query in receiver.buffer_updated(count):
                reply = answer(query)
                if reply is not None:
                    with lock:
                        client.sendall(reply)
                if query.type_name == after:
                    begin.set()


def _send_at_rate(
    client: socket.socket, messages: Callable, begin: threading.Event, rate: float, lock: object
) -> None:
    begin.wait()
    due = time.monotonic()
    with contextlib.suppress(OSError):
        for message in messages():
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
            with lock:
                client.sendall(message)
