"""An archive (PACS) for the steps: a real Orthanc with the phantom, browsed through a gateway."""

from __future__ import annotations

import os
import tempfile

import qt

from helpers import orthanc
from IGTLMetaBrowserLib.ui.archive.python_packages import isInstalled
from real_slicer.servers import ServerProcess
from real_slicer.views import screenshot

PACKAGES = {
    "orthanc": ("dicomweb_client", "highdicom"),
    "orthanc_by_dimse": ("pynetdicom", "highdicom"),
}


def start(step, others=0, kind="orthanc"):
    """Start one with so many series besides; None, and a note, where there is no Orthanc.

    ``kind`` is that of the server: ``orthanc_by_dimse`` is called by DIMSE.
    """
    if not orthanc.is_installed():
        step.note(f"skipped: there is no Orthanc here; {orthanc.INSTALL}")
        return None
    missing = [name for name in PACKAGES[kind] if not isInstalled(name)]
    if missing:  # else the module would ask whether to install them
        step.note(f"skipped: PythonSlicer -m pip install {' '.join(missing)}")
        return None
    cache = tempfile.TemporaryDirectory()
    step.at_end(cache.cleanup)
    os.environ["XDG_CACHE_HOME"] = cache.name  # each run fetches anew
    server = ServerProcess(kind, others)
    step.at_end(server.end)
    return server


def url(server):
    """Return the address that a user types."""
    return f"http://localhost:{server.port}/dicom-web"


def store(step, user, text, picture):
    """Choose what the button Send offers, agree to the question, and return it."""
    menu = user.widget.panel.trajectories.sendMenu
    menu.fill()
    offered = {action.text: action for action in menu.menu.actions()}
    step.check(text in offered and offered[text].enabled, f"the menu offers {[*offered]}")
    # The question has an event loop of its own, which must not be one of the step.
    qt.QTimer.singleShot(0, offered[text].trigger)
    yield user.until(lambda: qt.QApplication.activeModalWidget() is not None, "the question")
    yield from screenshot(step, picture)
    box = qt.QApplication.activeModalWidget()
    question = box.text
    qt.QTimer.singleShot(0, box.button(qt.QMessageBox.Ok).click)
    yield user.until_status("Storing in", 60)
    return question


def peer(server):
    """Return its address for DIMSE."""
    return f"ORTHANC@localhost:{server.port}"


def connect(user, address):
    """Ask for the archive by the module's dialog."""
    user.press(user.ui.archiveButton)
    asked = user.widget.panel.archive.dialog
    user.type(asked.addressBox.lineEdit(), address)
    user.press(asked.connectButton)
