"""An archive (PACS) for the steps: a real Orthanc with the phantom, browsed through a gateway."""

from __future__ import annotations

import os
import tempfile

from helpers import orthanc
from real_slicer.servers import ServerProcess


def start(step, others=0):
    """Start one with so many series besides; None, and a note, where there is no Orthanc."""
    if not orthanc.is_installed():
        step.note(f"skipped: there is no Orthanc here; {orthanc.INSTALL}")
        return None
    cache = tempfile.TemporaryDirectory()
    step.at_end(cache.cleanup)
    os.environ["XDG_CACHE_HOME"] = cache.name  # each run fetches anew
    server = ServerProcess("orthanc", others)
    step.at_end(server.end)
    return server


def url(server):
    """Return the address that a user types."""
    return f"http://localhost:{server.port}/dicom-web"


def connect(user, server):
    """Ask for the archive by the module's dialog."""
    user.press(user.ui.archiveButton)
    asked = user.widget.panel.archive.dialog
    user.type(asked.addressBox.lineEdit(), url(server))
    user.press(asked.connectButton)
