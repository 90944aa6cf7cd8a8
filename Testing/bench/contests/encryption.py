"""What TLS itself costs: the cipher alone, and a bare loop over Python's ``ssl`` module."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import numpy as np

from . import serving

CIPHER = "aes-256-gcm"  # which both ends choose if nobody says otherwise
_RECORD_BYTES = 16384  # the largest of TLS (RFC 8446, 5.1)

# Prints its port, and sends the image to everybody who asks; the certificate is the argument.
BARE_TLS = (
    serving.PREPARE
    + """
import ssl
data = codec.pack(image)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
def serve(connection):
    with context.wrap_socket(connection, server_side=True) as connection:
        while connection.recv(58):
            connection.sendall(data)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
)


def seconds_of_bare_loop(port: int, times: int, authority: Path | None) -> float:
    """Return the seconds in which a bare loop fetches the image so many times, unchecked.

    As for an image that is to be kept, the memory is new each time. Without ``authority`` the loop
    is one of a plain socket.
    """
    size = len(serving.QUERY) + 72 + serving.IMAGE_BYTES
    connection = serving.connect(port)
    if authority is not None:
        context = ssl.create_default_context(cafile=authority)
        connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
    with connection:
        begin = time.perf_counter()
        for turn in range(times + 1):
            if turn == 1:  # the first does not count
                begin = time.perf_counter()
            connection.sendall(serving.QUERY)
            buffer, received = memoryview(np.empty(size, np.uint8)), 0
            while received < size:
                count = connection.recv_into(buffer[received : received + (256 << 10)])
                if not count:
                    raise ConnectionError("the server closed the connection")
                received += count
        return time.perf_counter() - begin


def cipher_speed() -> str:
    """Return in words how fast one processor encrypts, by ``openssl speed``."""
    program = shutil.which("openssl")
    if program is None:
        return "openssl is not installed"
    command = [program, "speed", "-seconds", "1", "-evp", CIPHER, "-bytes", str(_RECORD_BYTES)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    found = re.search(r"^AES-256-GCM\s+([\d.]+)k", output, re.MULTILINE)
    return f"{float(found[1]) / 1e3:,.0f} MB/s" if found else "openssl speed does not tell"
