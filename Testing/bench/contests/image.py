"""Fetching a 512×512×300 uint16 image from a C++ server over loopback: its time and its memory."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from IGTLMetaBrowserLib import codec

from .harness import (
    FASTCRC,
    NUMPY_ONLY,
    ROUNDS,
    Contest,
    Requirement,
    both_ways,
    cpp_seconds,
    print_verdict,
    seconds,
)

SIZE = (512, 512, 300)  # i, j, k
IMAGE_BYTES = 2 * SIZE[0] * SIZE[1] * SIZE[2]
MOST_MEMORY = 8 << 20
CPP = "C++ client, CRC checked"
BARE = "bare recv_into loop"


@contextmanager
def cpp_server(program: Path) -> Iterator[int]:
    """Run the C++ server, which sends the image to everybody who connects; yield its port."""
    command = [program, "server", *map(str, SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def fetch(port: int, check_crc: bool = True) -> codec.ImageMessage:
    """Fetch the image with the codec."""
    receiver = codec.Receiver(check_crc=check_crc)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while count := connection.recv_into(receiver.get_buffer()):
            for event in receiver.buffer_updated(count):
                assert isinstance(event, codec.ImageMessage), event
                return event
    raise ConnectionError("the server closed the connection within the image")


def fetch_bare(port: int) -> np.ndarray:
    """Receive the image's bytes into memory and do nothing with them: the limit."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        header = connection.recv(codec.HEADER_SIZE, socket.MSG_WAITALL)
        body = np.empty(codec.Header.unpack(header).body_size, np.uint8)
        view = memoryview(body)
        while view:
            count = connection.recv_into(view)
            if not count:
                raise ConnectionError("the server closed the connection within the image")
            view = view[count:]
    return body


def check_image(image: codec.ImageMessage) -> None:
    """Hold the pixels against what the server was told to send."""
    numbers = np.arange(IMAGE_BYTES // 2, dtype=np.uint64)
    expected = (numbers * np.uint64(40503) >> np.uint64(4)).astype(np.uint16)
    np.testing.assert_array_equal(image.pixels.ravel(), expected)


def fetching(program: Path, port: int) -> Contest:
    """Return the contest over the time."""
    contestants = {CPP: partial(cpp_seconds, program, "client", port, 1, 1)}
    contestants |= both_ways(partial(seconds, partial(fetch, port)))
    contestants["C++ client, CRC not checked"] = partial(cpp_seconds, program, "client", port, 0, 1)
    contestants["codec, CRC not checked"] = partial(seconds, partial(fetch, port, False))
    contestants[BARE] = partial(seconds, partial(fetch_bare, port))
    return Contest(
        "{}×{}×{} uint16 fetched from the C++ library over loopback".format(*SIZE),
        contestants,
        IMAGE_BYTES / 1e6,
        "MB",
        [
            Requirement(NUMPY_ONLY, CPP, times_as_fast=2.5),
            Requirement(FASTCRC, CPP, times_as_fast=4.5),
            Requirement(FASTCRC, BARE, at_most=1.25),
        ],
    )


# Run in a process of its own, whose memory is counted by the operating system.
MEMORY_PROGRAM = """
import sys
sys.path[:0] = sys.argv[2:4]
from contests import harness, image
def kilobytes(name):
    lines = dict(line.split(":") for line in open("/proc/self/status"))
    return int(lines[name].split()[0])
if sys.argv[4] == "numpy":
    harness.crc64_module._fastcrc = None
harness.codec.crc64(bytes(1 << 20))  # what is made once, at the first use, belongs to no image
before = kilobytes("VmRSS")
message = image.fetch(int(sys.argv[1]))
print((kilobytes("VmHWM") - before) * 1024 - message.pixels.nbytes)
"""


def show_memory(console: Console, port: int) -> bool:
    """Print how much memory beyond the image its fetching takes; return whether it is little."""
    if not Path("/proc/self/status").exists():
        console.print("Left out: memory is measured by Linux's /proc")
        return True
    console.print("[bold]Memory beyond the image's own 157 MB while it is fetched[/bold]")
    ways = {NUMPY_ONLY: "numpy", FASTCRC: "fastcrc"}
    reached = [_show_memory_of(console, port, name, way) for name, way in ways.items()]
    return all(reached)


def _show_memory_of(console: Console, port: int, name: str, way: str) -> bool:
    bench = Path(__file__).resolve().parent.parent
    folders = [str(bench), str(bench.parent.parent / "IGTLMetaBrowser")]
    command = [sys.executable, "-c", MEMORY_PROGRAM, str(port), *folders, way]
    values = [
        int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    most = statistics.median(values)
    mib = f"{most / (1 << 20):.1f} MiB"
    print_verdict(console, name, "≤ 8 MiB", mib, most <= MOST_MEMORY)
    return most <= MOST_MEMORY
