"""Slicer ends with 0 while it browses an archive (PACS), and its gateway ends with it."""

from real_slicer import archive
from real_slicer.user import User


def run(step):
    server = archive.start(step)
    if server is None:
        return
    user = User(step)
    yield from user.open()
    archive.connect(user, archive.url(server))
    yield user.until_status("offers 3 images", 60)
    step.note(f"the gateway is process {user.widget.logic.archiveGateway._process.process_id}")
