"""A plan and a segmentation for the phantom's CT, stored in an archive and got back from it.

They are stored as a user does, with ``igtlmeta store``: the first by STOW-RS, and others in their
places by C-STORE, of which only these come back.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import demo
from helpers.orthanc import Orthanc
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.label_map import Structure
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore, write_label_file
from IGTLMetaBrowserLib.sources.trajectory_file import write_trajectories

TUMOR = "Tumor"
_RADII = (12, 18)  # mm, of the ball that is stored first and of the one in its place
_LINES = [
    [codec.TrajectoryItem(name="Left STN", entry=(-30, 40, 50), target=(-10, -5, 2), diameter=1.5)],
    [
        codec.TrajectoryItem(
            name="Left STN", entry=(-30, 40, 50), target=(-11, -6, 3), diameter=1.5
        ),
        codec.TrajectoryItem(name="Right STN", entry=(30, 40, 50), target=(11, -6, 3)),
    ],
]


def store(archive: Orthanc, folder: Path) -> None:
    """Store a plan and a segmentation for the CT in ``folder/phantom``, twice each."""
    images = folder / "phantom" / "CT"
    source = DicomFolderSource(images)
    ijk_to_ras = source.image(source.images()[0].id).ijk_to_ras()
    size = source.images()[0].size
    replaced: dict[str, str] = {}
    for number, way in enumerate((["--dicomweb", archive.dicomweb], ["--dicom", archive.peer])):
        files = {"plan": folder / "plan.json", "segmentation": folder / "labels.npz"}
        write_trajectories(files["plan"], _LINES[number])
        tumor = [Structure(TUMOR, 1, (230, 60, 60, 255))]
        voxels = _ball(size, ijk_to_ras, _RADII[number])
        write_label_file(files["segmentation"], LabelMapToStore(voxels, ijk_to_ras, tumor))
        for what, file in files.items():
            before = ["--replaces", replaced[what]] if what in replaced else []
            replaced[what] = _stored([str(file), "--images", str(images), *before, *way])
            place = ", in place of the first" if before else ""
            print(f"A {what} is stored by {'STOW-RS' if number == 0 else 'C-STORE'}{place}")


def _stored(arguments: list[str]) -> str:
    """Run ``igtlmeta store``; return the UID of the document."""
    command = [sys.executable, "-m", "IGTLMetaBrowserLib.cli", "store", *arguments]
    path = os.pathsep.join([str(demo.MODULE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"igtlmeta store: {done.stderr.strip()}")
    return done.stdout.strip()


def _ball(size: tuple[int, int, int], ijk_to_ras: np.ndarray, radius: float) -> np.ndarray:
    """Return which voxels are within so many mm of the target, uint8 of shape (k, j, i)."""
    ijk = np.moveaxis(np.indices(size), 0, -1)
    ras = ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    distance = np.linalg.norm(ras - np.array(_LINES[1][0].target), axis=-1)
    return (distance <= radius).astype(np.uint8).T


def check(host: str, port: int) -> None:
    """List and fetch what was stored last, through the gateway; nothing else is offered."""
    with net.Client(host, port) as client:
        (ct,) = client.get_list(attributes={"SeriesDescription": "CT head"}).items
        items = client.wait(client.ask("LBMETA")).items
        lines = client.wait(client.ask("TRAJ")).items
        if [(item.name, item.owner) for item in items] != [(TUMOR, ct.id)]:
            raise RuntimeError(f"the label maps are {[item.name for item in items]}")
        voxels, matrix = client.get_image(items[0].id), client.get_image(ct.id).ijk_to_ras()
    expected = _ball(ct.size, matrix, _RADII[1]).sum()
    if (voxels.pixels == items[0].label).sum() != expected:
        raise RuntimeError(f"{TUMOR} has other voxels than were stored")
    print(f"{TUMOR}, of {ct.name}: {expected:,} voxels are the same as were stored")
    for line, planned in zip(lines, _LINES[1], strict=True):
        if not np.allclose([line.entry, line.target], [planned.entry, planned.target], atol=1e-4):
            raise RuntimeError(f"{line.name} has other points than were stored")
    print(f"Trajectories: {', '.join(line.name for line in lines)}, as they were stored")
