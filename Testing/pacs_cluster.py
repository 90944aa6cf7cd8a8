"""An archive that outgrew one machine: ``python3 Testing/dev.py pacs --cluster``.

Two Orthancs on one PostgreSQL database, two gateways, haproxy before both: ``deploy/cluster``.
Fetches series, and compares their voxels with the files; ends an Orthanc, then a gateway, each by
SIGKILL in the middle of a fetch, and shows that clients end up with the right images.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from helpers import cluster
from helpers.large_series import write_large_series
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.sources.dicom_fields import image_id as image_id_of
from IGTLMetaBrowserLib.sources.dicom_folder import DicomFolderSource

SLICES = 200
_SETTINGS = net.ConnectionSettings(answer_timeout=120)


def main() -> int:
    """Run the demo and return the exit code."""
    if not cluster.is_installed():
        print(f"Something is missing here. Install it: {cluster.INSTALL}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="igtlmetabrowser-") as name:
        run(Path(name), SLICES)
    return 0


def run(folder: Path, slices: int) -> None:
    """Show all of it with series of so many slices; raises if anything is not as it should be."""
    series = [
        write_large_series(folder / "files" / str(number), slices, seed=number)
        for number in range(4)
    ]
    expected = DicomFolderSource(folder / "files")
    with cluster.running(folder / "cluster") as running:
        files = sorted((folder / "files").rglob("*.dcm"))
        taken = [archive.upload(files[k::2]) for k, archive in enumerate(running.orthancs)]
        print(f"Two Orthancs on one database have taken {taken[0]} and {taken[1]} files")
        fetch(running, series[0], expected, "undisturbed")
        with killed_in_a_fetch(running, lambda: serving_orthanc(running, series[1])) as killed_at:
            done_at = fetch(running, series[1], expected, "while its Orthanc is killed")
        print(f"  {done_at - killed_at[0]:.2f} s of it after the kill")
        with killed_in_a_fetch(running, lambda: serving_gateway(running)) as killed_at:
            done_at = fetch(running, series[2], expected, "while its gateway is killed")
        print(f"  {done_at - killed_at[0]:.2f} s of it after the kill")
        fetch(running, series[3], expected, "by the Orthanc and the gateway that are left")
    expected.close()
    print("Done. All images were right.")


def fetch(running: cluster.Cluster, series: str, expected: DicomFolderSource, words: str) -> float:
    """Fetch an image by the one address, and compare it; return when it was there.

    The client connects again if the connection is lost, as Slicer's does, and asks again if that
    was in the middle of the image.
    """
    image_id = image_id_of(series)
    start = time.monotonic()
    with net.Client("127.0.0.1", running.openigtlink_port, _SETTINGS) as client:
        client.list_images()
        try:
            image = client.get_image(image_id)
        except net.ConnectionLostError:
            image = client.get_image(image_id)
    done_at = time.monotonic()
    ideal = expected.image(image_id)
    if not np.array_equal(image.pixels, ideal.pixels):
        raise RuntimeError(f"{image_id} has other voxels than in the folder")
    if not np.allclose(image.ijk_to_ras(), ideal.ijk_to_ras(), atol=1e-4):
        raise RuntimeError(f"{image_id} lies elsewhere than in the folder")
    print(f"{ideal.pixels.nbytes / 1e6:.0f} MB {words}: right after {done_at - start:.2f} s")
    return done_at


@contextmanager
def killed_in_a_fetch(
    running: cluster.Cluster, find: Callable[[], subprocess.Popen[Any] | None]
) -> Iterator[list[float]]:
    """End the process that is found by SIGKILL, when a fetch of the block has begun.

    Yields a list of when that was. Raises ``RuntimeError`` if the fetch was over before.
    """
    is_over = threading.Event()
    killed_at: list[float] = []

    def watch() -> None:
        while not is_over.wait(0.001):
            is_begun = any(arriving(running))
            process = find() if is_begun else None
            if process is not None:
                process.kill()
                killed_at.append(time.monotonic())
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed_at
    finally:
        is_over.set()
        thread.join()
    if not killed_at:
        raise RuntimeError("the fetch was over before anything was killed")


def arriving(running: cluster.Cluster) -> list[int]:
    """Return how many series are arriving at each gateway."""
    return [_series_arriving(gateway.cache) for gateway in running.gateways]


def serving_orthanc(running: cluster.Cluster, series: str) -> subprocess.Popen[Any] | None:
    """Return the Orthanc that was asked for the files of a series."""
    asked = f"/series/{series}"
    found = (one for one in running.orthancs if asked in one.log.read_text(errors="replace"))
    return next((one.process for one in found), None)


def serving_gateway(running: cluster.Cluster) -> subprocess.Popen[Any] | None:
    """Return the gateway at which a series is arriving."""
    counts = arriving(running)
    return next((one.process for one, n in zip(running.gateways, counts, strict=True) if n), None)


def _series_arriving(cache: Path) -> int:
    """Files wait in memory until clients have the image: only the folder says that they come."""
    with suppress(FileNotFoundError):  # dropped just now
        return sum(not (folder / "complete").exists() for folder in cache.iterdir())
    return 0
