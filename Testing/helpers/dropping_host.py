"""A host that does not answer who connects, as behind a firewall that drops SYNs. For Linux."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from helpers.silence import is_readable

ON_LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="other systems queue otherwise")
_SYN_SENT = "02"  # include/net/tcp_states.h
_CONNECTIONS = Path("/proc/net/tcp")
_HANDSHAKE_SECONDS = 0.2


@contextmanager
def dropping(port: int = 0) -> Iterator[int]:
    """Have a port of this computer be one; its queue of connections is full. The port is yielded.

    Who still waits at the end of the block is refused.
    """
    with socket.create_server(("127.0.0.1", port), backlog=0) as listener, ExitStack() as queue:
        port = listener.getsockname()[1]
        while True:
            with ExitStack() as one:
                client = one.enter_context(socket.socket())
                client.settimeout(_HANDSHAKE_SECONDS)
                try:
                    client.connect(("127.0.0.1", port))
                except TimeoutError:
                    break
                queue.enter_context(one.pop_all())
        assert is_readable(listener)
        yield port


def wait_for_somebody_to_connect(port: int, seconds: float) -> None:
    """Wait until a connection to the port is being made."""
    end = time.monotonic() + seconds
    while not any(_is_connecting(line, port) for line in _CONNECTIONS.read_text().splitlines()):
        assert time.monotonic() < end, "nobody connects"
        time.sleep(0.01)


def _is_connecting(line: str, port: int) -> bool:
    _, _, remote, state, *_ = line.split()
    return state == _SYN_SENT and remote.endswith(f":{port:04X}")
