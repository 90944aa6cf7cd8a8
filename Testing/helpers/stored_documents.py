"""The user stores what was made in the window, in the archive that is browsed."""

from __future__ import annotations

from io import BytesIO

import pydicom
import pytest
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers import orthanc
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import replaced_by

# The command imports highdicom, fetches the images and writes; other tests may run beside it.
SECONDS_TO_STORE = 120

without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


def connect(user, address: str) -> None:
    user.press(user.ui.archiveButton)
    asked = user.panel.archive.dialog
    asked.addressBox.currentText = address
    QTest.mouseClick(asked.connectButton, Qt.LeftButton)
    user.wait_for_status("offers one image")


def line(name: str, owner: str = ""):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
    node.AddControlPointWorld(30, 40, 50)
    node.AddControlPointWorld(10, -5, 2)
    if owner:
        node.SetAttribute("IGTLMetaBrowser.TrajectoryOwner", owner)
    return node


def actions(user) -> dict[str, object]:
    """What the menu of the button Send offers."""
    menu = user.panel.trajectories.sendMenu
    menu.fill()
    return {action.text: action for action in menu.menu.actions()}


def load_the_image(user) -> str:
    (image_id,) = user.ids()
    user.load(image_id)
    user.panel.archiveStore.imageInViews = lambda: image_id  # there are no views here
    return image_id


def documents(archive: orthanc.Orthanc, modality: str) -> list[pydicom.Dataset]:
    """What the archive has of them, in the order of their creation."""
    query = {"Level": "Instance", "Query": {"Modality": modality}}
    ids = archive.call("POST", "/tools/find", json=query).json()
    files = [archive.call("GET", f"/instances/{id_}/file").content for id_ in ids]
    found = [pydicom.dcmread(BytesIO(content)) for content in files]
    return sorted(found, key=lambda one: len(replaced_by(one)))
