"""An HTTP proxy that makes tunnels (CONNECT, RFC 9110 9.3.6), on a port of this computer."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CHUNK = 65536


@dataclass
class Proxy:
    """Its port, and for which places it was asked for a tunnel."""

    port: int
    asked: list[str] = field(default_factory=list)


@contextmanager
def running(target: int, user: str = "", password: str = "", status: int = 200) -> Iterator[Proxy]:
    """Run one until the end of the block; whatever place is asked for, tunnels lead to ``target``.

    With ``user``, it wants to know who asks; with another ``status`` it makes no tunnels.
    """
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.asked.append(self.path)
            if user and self.headers["Proxy-Authorization"] != expected:
                self.send_error(407)
            elif status != 200:
                self.send_error(status)
            else:
                with closing(socket.create_connection(("127.0.0.1", target))) as archive:
                    self.send_response(200)
                    self.end_headers()
                    _join(self.connection, archive)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # tunnels that a client keeps open end with the test
    proxy = Proxy(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Copy what each end sends to the other, until one ends."""
    back = threading.Thread(target=_copy, args=(other, one), daemon=True)
    back.start()
    _copy(one, other)
    back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
