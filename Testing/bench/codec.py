"""The codec beside the C++ library: checksums, and fetching a 157 MB image over loopback.

All contestants take turns, so that what else the machine does disturbs each alike; what is printed
are medians. Run it with ``python3 Testing/dev.py bench codec``.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cpp_library
from IGTLMetaBrowserLib import codec

ROUNDS = 7
SIZE = (512, 512, 300)  # i, j, k
BODY_OF_A_STATUS = bytes(range(48))
CALLS = 20_000

# The module, whose name in the package is hidden by the function.
crc64_module = sys.modules[codec.Crc64.__module__]
HAS_FASTCRC = crc64_module._fastcrc is not None

Contestants = dict[str, Callable[[], float]]


@contextmanager
def numpy_only() -> Iterator[None]:
    """Run the codec as if fastcrc were not installed."""
    fastcrc = crc64_module._fastcrc
    crc64_module._fastcrc = None
    try:
        yield
    finally:
        crc64_module._fastcrc = fastcrc


def without_fastcrc(run: Callable[[], float]) -> Callable[[], float]:
    """Return ``run`` as it is where fastcrc is not installed."""

    def run_it() -> float:
        with numpy_only():
            return run()

    return run_it


def seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def seconds_of_a_call(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes where it is too short for one measurement."""
    return timeit.timeit(action, number=CALLS) / CALLS


def cpp_seconds(program: Path, *arguments: object) -> float:
    """Return what the C++ program measured: the seconds of one run."""
    command = [program, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return float(result.stdout)


def medians(contestants: Contestants) -> dict[str, float]:
    """Let all take turns; return the median of the seconds of each. The first turn is not timed."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS + 1):
        for name, run in contestants.items():
            taken = run()
            if turn:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


# Checksums ---------------------------------------------------------------------------------------


def checksum_contestants(program: Path | None) -> Contestants:
    """Return those who take the CRC-64 of an image's bytes."""
    data = np.random.default_rng(0).bytes(image_size())
    contestants: Contestants = {}
    if program:
        contestants["C++ library, crc64()"] = partial(cpp_seconds, program, "crc", len(data), 1)
    run = partial(seconds, partial(codec.crc64, data))
    contestants["codec, numpy only"] = without_fastcrc(run)
    if HAS_FASTCRC:
        contestants["codec, fastcrc"] = run
    return contestants


def small_checksum_contestants() -> Contestants:
    """Return those who take the CRC-64 of 48 bytes; the seconds are those of one call."""
    run = partial(seconds_of_a_call, partial(codec.crc64, BODY_OF_A_STATUS))
    loop = partial(seconds_of_a_call, partial(crc_by_table, BODY_OF_A_STATUS))
    assert crc_by_table(BODY_OF_A_STATUS) == codec.crc64(BODY_OF_A_STATUS)
    contestants = {"plain loop over a byte table": loop, "codec, numpy only": without_fastcrc(run)}
    if HAS_FASTCRC:
        contestants["codec, fastcrc"] = run
    return contestants


def table_entry(byte: int) -> int:
    crc = byte << 56
    for _ in range(8):
        crc = crc << 1 ^ (0x142F0E1EBA9EA3693 if crc >> 63 else 0)
    return crc


TABLE = [table_entry(byte) for byte in range(256)]


def crc_by_table(data: bytes) -> int:
    """Return the CRC-64 as a textbook takes it."""
    crc = 0
    for byte in data:
        crc = TABLE[crc >> 56 ^ byte] ^ crc << 8 & 0xFFFFFFFFFFFFFFFF
    return crc


# Fetching an image -------------------------------------------------------------------------------


def image_size() -> int:
    """Return the bytes of the image's pixels."""
    return 2 * SIZE[0] * SIZE[1] * SIZE[2]


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
    numbers = np.arange(image_size() // 2, dtype=np.uint64)
    expected = (numbers * np.uint64(40503) >> np.uint64(4)).astype(np.uint16)
    np.testing.assert_array_equal(image.pixels.ravel(), expected)


def fetch_contestants(program: Path, port: int) -> Contestants:
    """Return those who fetch the image."""
    run = partial(seconds, partial(fetch, port))
    contestants: Contestants = {
        "C++ client, CRC checked": partial(cpp_seconds, program, "client", port, 1, 1),
        "codec, numpy only": without_fastcrc(run),
    }
    if HAS_FASTCRC:
        contestants["codec, fastcrc"] = run
    contestants["C++ client, CRC not checked"] = partial(cpp_seconds, program, "client", port, 0, 1)
    contestants["codec, CRC not checked"] = partial(seconds, partial(fetch, port, False))
    contestants["bare recv_into loop"] = partial(seconds, partial(fetch_bare, port))
    return contestants


# The tables --------------------------------------------------------------------------------------


def show(console: Console, title: str, byte_count: int, results: dict[str, float]) -> None:
    """Print the seconds of each, and how they compare with the first."""
    first = next(iter(results.values()))
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for heading in ("time", "MB/s", "of the first's time"):
        table.add_column(heading, justify="right")
    for name, taken in results.items():
        time_text = f"{taken:.3f} s" if taken > 1e-3 else f"{taken * 1e6:.2f} µs"
        rate = f"{byte_count / taken / 1e6:,.0f}"
        table.add_row(name, time_text, rate, f"{taken / first:.2f}")
    console.print(table)


def main() -> int:
    """Run all contests and print their tables."""
    console = Console()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(f"Medians of {ROUNDS} turns; {os.cpu_count()} processors{load}")
    with tempfile.TemporaryDirectory() as folder:
        program = None
        if reason := cpp_library.why_missing():
            console.print(f"Left out, with all fetching: {reason}")
        else:
            program = cpp_library.build(Path(__file__).with_suffix(".cc"), Path(folder))
        if not HAS_FASTCRC:
            console.print("Left out: fastcrc is not installed (pip install fastcrc)")
        results = medians(checksum_contestants(program))
        show(console, f"CRC-64 of {image_size() / 1e6:.0f} MB", image_size(), results)
        results = medians(small_checksum_contestants())
        show(console, "CRC-64 of 48 bytes", len(BODY_OF_A_STATUS), results)
        if program:
            with cpp_server(program) as port:
                check_image(fetch(port))
                results = medians(fetch_contestants(program, port))
            title = "{}×{}×{} uint16 from the C++ library over loopback".format(*SIZE)
            show(console, title, image_size(), results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
