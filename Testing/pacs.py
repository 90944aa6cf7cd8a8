"""A real archive as an OpenIGTLink endpoint, end to end: ``python3 Testing/dev.py pacs``.

Starts Orthanc on free loopback ports with a temporary folder, fills it with the head phantom and
with pydicom's test files, and starts ``igtlmeta serve --dicomweb``. Lists, searches,
fetches; compares voxels with those of the folder source. Stores a plan and a segmentation with
``igtlmeta store``, by STOW-RS, and others in their places by C-STORE; lists and fetches these.
Then it opens the module in the stand-in, which starts a gateway of its own, searches the archive,
and loads images, the segmentation and the plan. Exit code 0 means that every step happened.
``demo-output/pacs.png`` and ``pacs-views.png`` show it.
``--cluster`` shows one that outgrew one machine instead, see ``pacs_cluster``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom.data

import demo
import pacs_cluster
import pacs_documents
import slicerhost
from helpers import orthanc
from helpers.demo_dicom import write_phantom
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource


def main() -> int:
    """Run the demo and return the exit code."""
    options = argparse.ArgumentParser("dev.py pacs")
    options.add_argument("--cluster", action="store_true", help="two Orthancs and two gateways")
    if options.parse_args().cluster:
        return pacs_cluster.main()
    if not orthanc.is_installed():
        print(f"There is no Orthanc here. Install it: {orthanc.INSTALL}", file=sys.stderr)
        return 1
    demo.OUTPUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="igtlmetabrowser-") as name:
        folder = Path(name)
        write_phantom(folder / "phantom")
        with orthanc.running(folder / "orthanc") as archive:
            files = sorted((folder / "phantom").rglob("*.dcm"))
            files += sorted(Path(pydicom.data.__file__).parent.joinpath("test_files").glob("*.dcm"))
            print(f"Orthanc at {archive.dicomweb} has taken {archive.upload(files)} files")
            options = ["--dicomweb", archive.dicomweb, "--archive-cache", str(folder / "cache")]
            with demo.serving(*options) as (host, port):
                search(host, port)
                compare(host, port, folder / "phantom")
                pacs_documents.store(archive, folder)
                pacs_documents.check(host, port)
            os.environ["XDG_CACHE_HOME"] = str(folder)  # not the user's
            show(archive.dicomweb)
    print(f"Done. Look at {(demo.OUTPUT / 'pacs.png').relative_to(demo.TOP)}")
    return 0


def search(host: str, port: int) -> None:
    """Search the archive through the gateway."""
    with net.Client(host, port) as client:
        items = client.get_list(attributes={"PatientName": "Sheplogan*", "Modality": "CT"}).items
    names = [item.name for item in items]
    print(f"Of the patient Sheplogan, these are CT: {', '.join(names)}")
    if names != ["CT head"]:
        raise RuntimeError("the search has found something else than the phantom's CT")


def compare(host: str, port: int, folder: Path) -> None:
    """Fetch the phantom's images, and hold them against those of the folder."""
    source = DicomFolderSource(folder)
    with net.Client(host, port) as client:
        for item in source.images():
            image, expected = client.get_image(item.id), source.image(item.id)
            if not np.array_equal(image.pixels, expected.pixels):
                raise RuntimeError(f"{item.name} has other voxels than in the folder")
            if not np.allclose(image.ijk_to_ras(), expected.ijk_to_ras(), atol=1e-4):
                raise RuntimeError(f"{item.name} lies elsewhere than in the folder")
            print(f"{item.name}: {expected.pixels.size:,} voxels are the same as in the folder")


def show(url: str) -> None:
    """Browse the archive in the module, and load two images and what was stored for them."""
    slicer = slicerhost.start()
    module = slicerhost.load_module(demo.MODULE)
    try:
        module.show(1100, 960)
        user = demo.User(module)
        user.browse_archive(url, "sheplogan")
        ct, _ = user.load(demo.IMAGES_TO_LOAD)
        label_map = user.load_label_map(pacs_documents.TUMOR)
        lines = user.get_trajectories()
        slicerhost.screenshot(module.window, demo.OUTPUT / "pacs.png")
        demo.draw_views(slicer, ct, lines, demo.OUTPUT / "pacs-views.png", label_map)
    finally:
        module.cleanup()


if __name__ == "__main__":
    demo.run(main)
