"""An archive that outgrew one machine: ``python3 Testing/dev.py pacs --cluster``.

Two Orthancs on one PostgreSQL database, two gateways, haproxy before both: ``deploy/cluster``.
Fetches series, and compares their voxels with the files; ends an Orthanc, then a gateway, each by
SIGKILL in the middle of a fetch, and shows that clients end up with the right images.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from helpers import cluster
from helpers.large_series import write_large_series
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.sources.dicom.fields import image_id as image_id_of
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

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
        for find, uid, name in (
            (lambda: serving_orthanc(running, series[1]), series[1], "Orthanc"),
            (lambda: serving_gateway(running), series[2], "gateway"),
        ):
            kill = KillInTheMiddle(find)
            done_at = fetch(running, uid, expected, f"while its {name} is killed", kill)
            print(f"  {done_at - kill.when:.2f} s of it after the kill")
        fetch(running, series[3], expected, "by the Orthanc and the gateway that are left")
    expected.close()
    print("Done. All images were right.")


def fetch(
    running: cluster.Cluster,
    series: str,
    expected: DicomFolderSource,
    words: str,
    progress: Callable[[int, int], None] | None = None,
) -> float:
    """Fetch an image by the one address, and compare it; return when it was there.

    The client connects again if the connection is lost, as Slicer's does, and asks again if that
    was in the middle of the image.
    """
    image_id = image_id_of(series)
    start = time.monotonic()
    with net.Client("127.0.0.1", running.openigtlink_port, _SETTINGS) as client:
        client.list_images()
        try:
            image = client.get_image(image_id, progress)
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


class KillInTheMiddle:
    """Ends the process that is found by SIGKILL, when a part of an image has come to the client."""

    def __init__(self, find: Callable[[], subprocess.Popen[Any] | None]) -> None:
        self._find = find
        self._killed_at: float | None = None

    def __call__(self, received: int, size: int) -> None:
        if self._killed_at is None and size // 10 <= received <= size // 2:
            process = self._find()
            if process is not None:
                process.kill()
                self._killed_at = time.monotonic()

    @property
    def when(self) -> float:
        """When it was. Raises ``RuntimeError`` if nothing was killed."""
        if self._killed_at is None:
            raise RuntimeError("the fetch was over before anything was killed")
        return self._killed_at


def serving_orthanc(running: cluster.Cluster, series: str) -> subprocess.Popen[Any] | None:
    """Return the Orthanc that was asked for the files of a series."""
    asked = f"/series/{series}"
    found = (one for one in running.orthancs if asked in one.log.read_text(errors="replace"))
    return next((one.process for one in found), None)


def serving_gateway(running: cluster.Cluster) -> subprocess.Popen[Any] | None:
    """Return the gateway at which a series is arriving."""
    found = (gateway for gateway in running.gateways if _has_unfinished(gateway.cache))
    return next((gateway.process for gateway in found), None)


def _has_unfinished(cache: Path) -> bool:
    """Files wait in memory until clients have the image: only the folder says that they come."""
    with suppress(FileNotFoundError):  # dropped just now
        return any(not (folder / "complete").exists() for folder in cache.iterdir())
    return False
