"""Slicer ends with 0 while it browses an archive (PACS), and its gateway ends with it."""

from helpers import orthanc
from real_slicer.servers import ServerProcess
from real_slicer.user import User


def run(step):
    if not orthanc.is_installed():
        step.note(f"skipped: there is no Orthanc here; {orthanc.INSTALL}")
        return
    server = ServerProcess("orthanc", 0)
    step.at_end(server.end)
    user = User(step)
    yield from user.open()
    user.press(user.ui.archiveButton)
    asked = user.widget.panel.archive.dialog
    user.type(asked.addressBox.lineEdit(), f"http://localhost:{server.port}/dicom-web")
    user.press(asked.connectButton)
    yield user.until_status("offers 3 images", 60)
    step.note(f"the gateway is process {user.widget.logic.archiveGateway._process.process_id}")
