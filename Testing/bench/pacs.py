"""A real archive through the gateway, beside a bare client of its DICOMweb service.

Run it with ``python3 Testing/dev.py bench pacs``; it exits with 1 if something was not reached. All
contestants take turns, against the same Orthanc on this computer. The gateway is ``igtlmeta serve
--dicomweb`` in a process of its own, each turn with an empty cache. A relay that only passes bytes
on shows what any process in between costs. ``--series N`` takes fewer for the list, ``--slices N``
fewer for the image, ``--rounds N`` fewer turns.

What they have in the end is not the same. The bare clients have the bytes of an answer, or nothing;
its parts, files, patients and pixels they have not looked at, as ``dicomweb-client`` does. Through
the gateway a client has one volume of rescaled voxels with its place in the patient, of which each
instance was checked to be of the series, and all bytes against a checksum.
"""

# ruff: noqa: E402 - the path comes before what is found on it

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import requests
from dicomweb_client import DICOMwebClient
from rich.console import Console

TESTING = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

from contests import harness
from contests.dicom_series import plain_series
from contests.dicom_tree import FOLDER
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from helpers import orthanc
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.sources.archive.archive import KEYWORDS

ROUNDS = 3
SECONDS = net.ConnectionSettings(answer_timeout=120)
BARE = "WADO-RS by requests, thrown away"
KEPT = "WADO-RS by requests, kept"
RELAYED = "WADO-RS by requests, kept, through a bare relay"
CLIENT = "WADO-RS by dicomweb-client, parsed"
WHOLE = "GET_IMAGE through the gateway"
PARTS = "GET_IMGPART through the gateway"
CACHED = "GET_IMAGE, from the gateway's cache"
QIDO = "QIDO-RS by requests"
LIST = "GET_IMGMETA through the gateway"
# Nobody clicks sooner after a list has come, nor a program that has just been started.
_SECONDS_TO_CLICK = 0.5
# As much as the image has.
_BYTES_AT_HAND = 160 << 20
ONE_VOXEL = (0xFFFF, 0xFFFF, 0xFFFF)
IN_LIST = "SERIES-OF-THE-LIST"

# Fetches the only image; returns the seconds to the first and to the last byte.
Fetch = Callable[[net.Client], tuple[float, float]]


def main() -> int:
    """Hold the contests; return 0 if all that is required was reached."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--series", type=int, default=10_000)
    options.add_argument("--slices", type=int, default=300)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = options.parse_args()
    console = Console()
    if not orthanc.is_installed():
        console.print(f"no Orthanc: {orthanc.INSTALL}")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with orthanc.running(folder / "orthanc") as archive:
            archive.upload(sorted(plain_series(FOLDER, arguments.slices).iterdir()))
            are_met = hold_fetch(console, archive, folder, arguments)
            archive.upload(write_series(folder / "list", arguments.series))
            are_met &= hold_list(console, archive, folder, arguments)
    return 0 if are_met else 1


class FirstBytes:
    """The seconds to the first byte, of all who take turns."""

    def __init__(self) -> None:
        self._taken: dict[str, list[float]] = {}

    def in_turns(self, who: str, work: Callable[[], tuple[float, float]]) -> Callable[[], float]:
        """Return what does the work, notes the first byte, and returns the last."""

        def run() -> float:
            first, last = work()
            self._taken.setdefault(who, []).append(first)
            return last

        return run

    def show(self, console: Console) -> None:
        """Print the medians; the first turn does not count."""
        for who, taken in self._taken.items():
            first = statistics.median(taken[1:])
            console.print(f"  first byte, {who}: {1000 * first:.1f} ms", highlight=False)


def hold_fetch(
    console: Console, archive: orthanc.Orthanc, folder: Path, arguments: argparse.Namespace
) -> bool:
    """Fetch one series, first by first and last byte, then from the cache."""
    (record,) = requests.get(f"{archive.dicomweb}/series", timeout=60).json()
    url = record["00081190"]["Value"][0]
    study, series = url.partition("/studies/")[2].split("/series/")
    client = DICOMwebClient(archive.dicomweb)
    noted = FirstBytes()

    def gateway(fetch_with: Fetch) -> tuple[float, float]:
        with ExitStack() as stack:
            cache = stack.enter_context(tempfile.TemporaryDirectory(dir=folder))
            return fetch_with(stack.enter_context(serving(archive, Path(cache))))

    with ExitStack() as stack:
        own = stack.enter_context(serving(archive, folder / "kept"))
        fetch(own)
        contest = harness.Contest(
            f"A CT of {arguments.slices} slices, to the last byte",
            {
                BARE: noted.in_turns(BARE, lambda: download(url)),
                KEPT: noted.in_turns(KEPT, lambda: download(url, is_kept=True)),
                RELAYED: noted.in_turns(RELAYED, lambda: download_through_relay(archive, url)),
                CLIENT: lambda: harness.seconds(lambda: client.retrieve_series(study, series)),
                PARTS: noted.in_turns(PARTS, lambda: gateway(fetch_in_parts)),
                WHOLE: noted.in_turns(WHOLE, lambda: gateway(fetch)),
                CACHED: noted.in_turns(CACHED, lambda: fetch(own)),
            },
            requirements=[
                harness.Requirement(who, beside, at_most=1.2)
                for who in (PARTS, WHOLE)
                for beside in (BARE, KEPT)
            ],
            pieces=arguments.slices,
            unit="slices",
        )
        is_met = harness.hold(console, contest, arguments.rounds)
    noted.show(console)
    return is_met


def hold_list(
    console: Console, archive: orthanc.Orthanc, folder: Path, arguments: argparse.Namespace
) -> bool:
    """List all series."""
    query = [("limit", arguments.series + 100), ("PatientID", f"{IN_LIST}*")]
    query += [("includefield", keyword) for keyword in KEYWORDS]
    url = f"{archive.dicomweb}/series?" + "&".join(f"{key}={value}" for key, value in query)

    def bare() -> float:
        start = time.perf_counter()
        assert len(requests.get(url, timeout=120).json()) == arguments.series
        return time.perf_counter() - start

    options = ["--most", str(arguments.series + 99), "--filter", f"PatientID={IN_LIST}*"]
    with serving(archive, folder / "kept", *options) as own:

        def through_the_gateway() -> float:
            start = time.perf_counter()
            assert len(own.list_images()) == arguments.series
            return time.perf_counter() - start

        contest = harness.Contest(
            f"A list of {arguments.series} series",
            {QIDO: bare, LIST: through_the_gateway},
            requirements=[harness.Requirement(LIST, QIDO, at_most=1.5)],
            pieces=arguments.series,
            unit="series",
        )
        return harness.hold(console, contest, arguments.rounds)


@contextmanager
def serving(archive: orthanc.Orthanc, cache: Path, *options: str) -> Iterator[net.Client]:
    """Run a gateway; yield a client that has connected to it and knows its version."""
    command = [sys.executable, "-m", "IGTLMetaBrowserLib.cli", "serve", "--port", "0"]
    command += ["--dicomweb", archive.dicomweb, "--archive-cache", str(cache), *options]
    path = str(TESTING.parent / "IGTLMetaBrowser")
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            host, _, port = process.stdout.readline().split()[-1].rpartition(":")
            with net.Client(host, int(port), SECONDS) as client:
                client.list_images()
                time.sleep(_SECONDS_TO_CLICK)
                yield client
        finally:
            process.terminate()


def fetch(client: net.Client) -> tuple[float, float]:
    """Fetch the only image; return the seconds to the first and to the last byte."""
    (item,) = client.list_images()
    have_memory_at_hand()
    start = time.perf_counter()
    first = 0.0
    query = client.ask("IMAGE", item.id)
    while not query.is_done:
        client.wait_for_socket(1.0)
        client.step()
        if not first and client.progress(query) is not None:
            first = time.perf_counter() - start
    assert query.answer is not None, query.error
    return first, time.perf_counter() - start


def fetch_in_parts(client: net.Client) -> tuple[float, float]:
    """Fetch the only image in parts; return the seconds to the first voxel and to the last."""
    (item,) = client.list_images()
    client.find_capability()
    have_memory_at_hand()
    start = time.perf_counter()
    client.get_image_part(codec.GetImagePartMessage(stride=ONE_VOXEL, device_name=item.id))
    first = time.perf_counter() - start
    assert get_image_in_parts(client, item.id).pixels.size
    return first, time.perf_counter() - start


def have_memory_at_hand() -> None:
    """Use memory and let go of it: whoever is measured next gets this, as all others do.

    The host of a virtual machine may take back what nobody has used for half a second, and then
    needs up to 0.4 s to give 157 MB. Without this, only those would wait for it before whom a
    gateway was started.
    """
    np.ones(_BYTES_AT_HAND, np.uint8)


def download(url: str, is_kept: bool = False) -> tuple[float, float]:
    """Download a series; return the seconds to the first and to the last byte."""
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    have_memory_at_hand()
    start = time.perf_counter()
    first = 0.0
    kept: list[bytes] = []
    with requests.get(url, headers={"Accept": accept}, stream=True, timeout=60) as response:
        for chunk in response.iter_content(1 << 20):
            first = first or time.perf_counter() - start
            if is_kept:
                kept.append(chunk)
    return first, time.perf_counter() - start


def download_through_relay(archive: orthanc.Orthanc, url: str) -> tuple[float, float]:
    """Download a series as ``download`` does, through one more process that does nothing else.

    This is what it costs on this computer that there is a process in between at all.
    """
    command = [sys.executable, str(TESTING / "bench/contests/relay.py"), str(archive.http_port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip()
        return download(url.replace(f":{archive.http_port}/", f":{port}/"), is_kept=True)


def write_series(folder: Path, count: int) -> Iterator[Path]:
    """Write so many series of one small file each; yield their paths."""
    folder.mkdir()
    for number in range(count):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PatientID = f"{IN_LIST}-{number // 10}"
        dataset.PatientName = f"Family{number // 10}^Given"
        dataset.StudyInstanceUID = f"1.2.3.{number // 10}"
        dataset.StudyDate, dataset.StudyTime = "20240514", "083000"
        dataset.SeriesInstanceUID = f"1.2.3.{number // 10}.{number}"
        dataset.SeriesDescription, dataset.Modality = f"Series {number}", "CT"
        path = folder / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        yield path


if __name__ == "__main__":
    sys.exit(main())
