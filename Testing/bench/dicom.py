"""A folder of DICOM files, opened and read, beside pydicom and SimpleITK.

Run it with ``python3 Testing/dev.py bench dicom``; it exits with 1 if something was not reached.
All contestants take turns. The files stay in the temporary folder for the next time; ``--files N``
takes fewer files for the opening, ``--slices N`` fewer slices, ``--compressed N`` fewer of those
that are decoded, ``--rounds N`` fewer turns.

The first byte of a compressed IMAGE cannot come before its last slice is decoded: OpenIGTLink's
header, which goes first, has a checksum of all pixels. A checksum of 0 does not mean "none": the
C++ library compares it (igtl::MessageBase::Unpack with its argument 1, which Slicer's OpenIGTLinkIF
passes by default), and drops the body. In parts (IMGPART, between our own ends) the
first slices come while the others are decoded. What is measured is the time to the first slice and
to the last byte at the client, beside what all cores need to decode.
"""

# ruff: noqa: E402 - the path comes before what is found on it

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pydicom
from rich.console import Console

TESTING = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

from contests import harness
from contests.dicom_series import compressed_series, enhanced_file, plain_series
from contests.dicom_tree import FOLDER, dicom_tree

from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.net.limits import ServerLimits
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

ROUNDS = 3
JOBS = 2
PYDICOM = "pydicom.dcmread in a loop"
BYTES = "reading the bytes"
ITK = "SimpleITK's series reader"
OURS = "DicomFolderSource.image"
SERVED = "a server, to the last byte at the client"
IN_PARTS = "a server, in parts, to the last byte at the client"
SECONDS_TO_FIRST = 0.1
ONE_DECODING = "decoding it once with pydicom"
IDEAL = f"{PYDICOM}, half of the slices in each of {JOBS} processes"
INDEX = "the index alone"
OPEN = "serve is ready, first time"
AGAIN = "serve is ready, again"
SECONDS_AGAIN = 2.0
SCAN = "processor time of a scan after one file has come or gone"
NO_CHANGE = "one that finds nothing"
MOST_TO_SCAN = 6.0
SECONDS_A_TURN = 0.01  # as in igtlmeta serve
KILOBYTES_A_FILE = 5.0

# Opens a folder as serve does; prints the seconds, and how much memory that took. Then a file of a
# new series comes and goes: prints the processor time of scans that find nothing, and that find it.
OPEN_FOLDER = """
import sys, time
from pathlib import Path
from statistics import median
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

def kilobytes(name):
    lines = dict(line.split(":") for line in open("/proc/self/status"))
    return int(lines[name].split()[0])

def scan_seconds(source):
    begin = time.process_time()
    source.images()
    return time.process_time() - begin

def seconds_of_scans(source):
    folder_scans._SECONDS_BETWEEN_SCANS = -1
    content = next(source.folder.rglob("*.dcm")).read_bytes()
    new, seconds = source.folder / "new.dcm", ([], [])
    for number in range(6):
        seconds[0].append(scan_seconds(source))
        if number % 2:
            new.unlink()
        else:
            new.write_bytes(content.replace(b".77", b".99"))
        seconds[1].append(scan_seconds(source))
    return map(median, seconds)

def main():
    folder, database, jobs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    before = kilobytes("VmRSS")
    begin = time.perf_counter()
    with DicomIndex(folder, database) as index:
        index.update(jobs)
        indexed = time.perf_counter()
        source = DicomFolderSource(folder, (), index=index)
        source.images()
        print(indexed - begin, time.perf_counter() - begin, kilobytes("VmHWM") - before)
        print(*seconds_of_scans(source))

if __name__ == "__main__":
    main()
"""


def main() -> int:
    """Hold the contests; return 0 if all that is required was reached."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--slices", type=int, default=300)
    options.add_argument("--compressed", type=int, default=100)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = options.parse_args()
    console = Console()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {arguments.rounds} turns after one that does not count; "
        f"{os.cpu_count()} processors{load}",
        highlight=False,
    )
    reached = [
        harness.hold(console, uncompressed(arguments.slices), arguments.rounds),
        harness.hold(console, enhanced(arguments.compressed), arguments.rounds),
        hold_compressed(console, arguments.compressed, arguments.rounds),
        hold_opening(console, dicom_tree(arguments.files), arguments.files),
    ]
    return 0 if all(reached) else 1


def uncompressed(slices: int) -> harness.Contest:
    folder = plain_series(FOLDER, slices)
    return harness.Contest(
        f"{slices} × 512² slices of a CT, uncompressed, ready to send",
        {
            PYDICOM: timed(partial(read_with_pydicom, folder)),
            BYTES: timed(partial(read_bytes, folder)),
            ITK: timed(partial(read_with_itk, folder)),
            OURS: reading(DicomFolderSource(folder)),
        },
        slices * 512 * 512 * 2 / 1e6,
        "MB",
        [
            harness.Requirement(OURS, PYDICOM, at_most=0.6),
            harness.Requirement(OURS, ITK, times_as_fast=5),
        ],
    )


def enhanced(frames: int) -> harness.Contest:
    path = enhanced_file(FOLDER, frames)
    return harness.Contest(
        f"an enhanced file of {frames} frames, JPEG 2000",
        {
            ONE_DECODING: timed(lambda: pydicom.dcmread(path).pixel_array),
            OURS: reading(DicomFolderSource(path.parent)),
        },
        frames,
        "frames",
        [harness.Requirement(OURS, ONE_DECODING, at_most=1.2)],
    )


def hold_compressed(console: Console, slices: int, rounds: int) -> bool:
    folder = compressed_series(FOLDER, slices)
    source = DicomFolderSource(folder, jobs=JOBS, seconds_a_turn=SECONDS_A_TURN)
    image_id = source.images()[0].id
    first_bytes: list[float] = []
    with ServerInThread(source, limits=ServerLimits(image_cache_size=0)) as server:
        address = server.host, server.port
        fetch = partial(fetch_bytes, address, image_id, first_bytes)
        fetch()  # the processes are started
        first_slices: list[float] = []
        in_parts = partial(fetch_parts, address, image_id, first_slices)
        contest = harness.Contest(
            f"{slices} × 512² slices of a CT, JPEG 2000",
            {IDEAL: partial(decode_in_processes, folder), SERVED: fetch, IN_PARTS: in_parts},
            slices,
            "slices",
            [harness.Requirement(who, IDEAL, at_most=1.15) for who in (SERVED, IN_PARTS)],
        )
        is_reached = harness.hold(console, contest, rounds)
    console.print(
        f"  first byte of IMAGE after {median(first_bytes):.3g} s: not before all is decoded, as "
        "the checksum of all pixels is in the header",
        highlight=False,
    )
    seconds = median(first_slices)
    is_soon = seconds <= SECONDS_TO_FIRST
    required = f"≤ {SECONDS_TO_FIRST:g} s"
    harness.print_verdict(console, "first slice, in parts", required, f"{seconds:.3g} s", is_soon)
    console.print()
    source.close()
    return is_reached and is_soon


def hold_opening(console: Console, tree: Path, files: int) -> bool:
    """Print how long a folder takes to open, and what memory; return whether that is enough."""
    database = FOLDER / "bench-dicom.sqlite"
    database.unlink(missing_ok=True)
    indexed, first, *_ = open_folder(tree, database)
    # The first time, it is mostly the memory of reading headers.
    _, again, kilobytes, nothing, change = open_folder(tree, database)
    verdicts = []
    for who, required, measured, is_reached in (
        (
            OPEN,
            f"≤ 1.3 × {INDEX}",
            f"{first:.3g} s: {first / indexed:.3g} ×",
            first <= 1.3 * indexed,
        ),
        (AGAIN, f"≤ {SECONDS_AGAIN:g} s", f"{again:.3g} s", again <= SECONDS_AGAIN),
        (
            "memory of serve, opening it again",
            f"≤ {KILOBYTES_A_FILE:g} KB a file",
            f"{kilobytes / files:.3g} KB",
            kilobytes / files <= KILOBYTES_A_FILE,
        ),
        (
            SCAN,
            f"≤ {MOST_TO_SCAN:g} × {NO_CHANGE}",
            f"{change:.3g} s: {change / nothing:.3g} ×",
            change <= MOST_TO_SCAN * nothing,
        ),
    ):
        harness.print_verdict(console, who, required, measured, is_reached)
        verdicts.append(is_reached)
    return all(verdicts)


# Those who compete -------------------------------------------------------------------------------


def timed(action: Callable[[], object]) -> Callable[[], float]:
    return partial(harness.seconds, action)


def reading(source: DicomFolderSource) -> Callable[[], float]:
    """Read the only image of a source, whole."""
    (item,) = source.images()
    return timed(lambda: source.image(item.id))


def fetch_bytes(address: tuple[str, int], image_id: str, first_bytes: list[float]) -> float:
    """Get an image; return the seconds to its last byte, and note those to its first."""
    query = codec.pack(codec.GetMessage("IMAGE", device_name=image_id))
    buffer = memoryview(bytearray(1 << 20))
    with socket.create_connection(address) as connection:
        begin = time.perf_counter()
        connection.sendall(query)
        connection.recv_into(buffer[: codec.HEADER_SIZE], codec.HEADER_SIZE, socket.MSG_WAITALL)
        first_bytes.append(time.perf_counter() - begin)
        left = codec.Header.unpack(bytes(buffer[: codec.HEADER_SIZE])).body_size
        while left:
            left -= connection.recv_into(buffer, min(left, len(buffer)))
        return time.perf_counter() - begin


def fetch_parts(address: tuple[str, int], image_id: str, first_slices: list[float]) -> float:
    """The same in parts, by our client; note the seconds until the whole first slice is there."""
    with net.Client(*address) as client:
        client.find_capability()
        begin = time.perf_counter()
        request = codec.GetImagePartMessage(device_name=image_id, size=(0, 0, 1))
        client.get_image_part(request)
        first_slices.append(time.perf_counter() - begin)
        get_image_in_parts(client, image_id)
        return time.perf_counter() - begin


def read_with_pydicom(folder: Path, share: slice = slice(None)) -> np.ndarray:
    paths = sorted(folder.iterdir())[share]
    volume = np.empty((len(paths), 512, 512), np.int16)
    for k, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        volume[k] = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
    return volume


def read_bytes(folder: Path) -> None:
    for path in folder.iterdir():
        path.read_bytes()


def read_with_itk(folder: Path) -> None:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    reader.Execute()


def decode_in_processes(folder: Path) -> float:
    """Return what all cores take if each decodes its share, and nothing is sent anywhere."""
    code = (
        "import sys, time; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from dicom import read_with_pydicom\n"
        "read_with_pydicom(Path(sys.argv[3]), slice(0, 4))\n"
        "print(flush=True); sys.stdin.readline(); begin = time.perf_counter()\n"
        "read_with_pydicom(Path(sys.argv[3]), slice(int(sys.argv[4]), None, int(sys.argv[5])))\n"
        "print(time.perf_counter() - begin)\n"
    )
    bench = str(Path(__file__).parent)
    paths = [bench, str(TESTING), str(folder)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, *paths, str(share), str(JOBS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(JOBS)
    ]
    for process in processes:
        process.stdout.readline()
    begin = time.perf_counter()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    return time.perf_counter() - begin


def open_folder(folder: Path, database: Path) -> list[float]:
    """Return the seconds until the index is up to date, until all is listed, and KB of memory.

    And the seconds of scans that find nothing, and that find one file.
    """
    environment = {**os.environ, "PYTHONPATH": str(TESTING.parent / "IGTLMetaBrowser")}
    script = FOLDER / "open_folder.py"
    script.write_text(OPEN_FOLDER)
    result = subprocess.run(
        [sys.executable, script, folder, database, str(JOBS)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return [*map(float, result.stdout.split())]


if __name__ == "__main__":
    sys.exit(main())
