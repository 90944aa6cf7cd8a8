"""Passes one HTTP answer on: what it costs at least that a process stands in between.

``relay.py PORT`` prints its own port, passes the first request on to PORT of this computer, and
sends each byte of the answer from where it has received it. It keeps the answer, as a gateway does.
"""

from __future__ import annotations

import socket
import sys

import numpy as np

_LARGEST_ANSWER = 1 << 30
_AT_ONCE = 256 << 10


def main() -> None:
    """Pass one answer on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        client, _ = listener.accept()
    archive = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    with client, archive:
        archive.sendall(client.recv(_AT_ONCE))
        kept = memoryview(np.empty(_LARGEST_ANSWER, np.uint8))
        while count := archive.recv_into(kept, _AT_ONCE):
            client.sendall(kept[:count])
            kept = kept[count:]


if __name__ == "__main__":
    main()
