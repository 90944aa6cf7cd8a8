"""Builds and runs the example programs of the OpenIGTLink C++ library (Debian's 1.11)."""

from __future__ import annotations

import gzip
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers import cpp_library

EXAMPLES = Path("/usr/share/doc/openigtlink-examples/examples")
IMAGE_FOLDER = EXAMPLES / "Imager" / "img"
INSTALL = "sudo apt-get install g++ libopenigtlink-dev openigtlink-examples"
_PATIENCE = 60.0
_CHOSEN_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")  # ip(7)

# Compiles an example by its name.
BuildExample = Callable[[str], Path]


def why_missing() -> str | None:
    """Return why the examples cannot be built here, and what installs them; None if they can."""
    if reason := cpp_library.why_missing():
        return f"{reason} openigtlink-examples"
    if not IMAGE_FOLDER.is_dir():
        return f"the examples of the OpenIGTLink library are not installed; on Debian: {INSTALL}"
    return None


def build_example(name: str, folder: Path) -> Path:
    """Compile an example, such as ``"Trajectory/TrajectoryServer"``; return the program's path."""
    source = EXAMPLES / f"{name}.cxx"
    unpacked = folder / source.name
    if source.is_file():
        shutil.copyfile(source, unpacked)
    else:  # Debian compresses what is large
        unpacked.write_bytes(gzip.decompress(source.with_name(f"{source.name}.gz").read_bytes()))
    return cpp_library.build(unpacked, folder)


def raw_image(number: int) -> bytes:
    """Return the pixels of the examples' test image 1 to 6: 256×256 uint8."""
    file = IMAGE_FOLDER / f"igtlTestImage{number}.raw"
    if file.is_file():
        return file.read_bytes()
    return gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes())


@contextmanager
def running(program: Path, *arguments: str | Path) -> Iterator[int]:
    """Run a server as ``program PORT arguments`` until the block ends; yield its port."""
    with started(program, *arguments) as (process, port):
        _wait_until_it_accepts(process, port)
        yield port


@contextmanager
def started(program: Path, *arguments: str | Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """Start a server that may not listen yet; yield its process and its port."""
    port = _port_for_nobody_else()
    process = subprocess.Popen(
        [program, str(port), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def _port_for_nobody_else() -> int:
    """Return a free port that the system chooses neither for a client nor for another server.

    Of those that it chooses, a client that tries to connect before the server listens is sometimes
    given this very one, and is connected to itself: the server finds the port taken, and ends. The
    library's servers are no such that a ``ReservedPort`` lets in: they do not set SO_REUSEADDR.
    """
    first, last = map(int, _CHOSEN_PORTS.read_text().split())
    ports = [*range(1024, first), *range(last + 1, 1 << 16)] or [0]
    while True:
        with socket.socket() as sock, suppress(OSError):  # it is taken
            sock.bind(("", secrets.choice(ports)))
            return sock.getsockname()[1]


def _wait_until_it_accepts(process: subprocess.Popen, port: int) -> None:
    # The attempt that succeeds is a client to the server: it sees it leave, and takes the next.
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with the exit code {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError(f"{process.args} does not accept connections on port {port}")
