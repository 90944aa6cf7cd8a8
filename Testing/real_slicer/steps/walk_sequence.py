"""A 4D series of a DICOM folder is loaded as one sequence by a script, and replayed."""

import slicer

from real_slicer.user import User
from real_slicer.views import four_up, screenshot


def run(step):
    from real_slicer.servers import ServerProcess

    server = ServerProcess("perfusion")
    step.at_end(server.stop)
    user = User(step)
    yield from user.open()
    four_up()
    yield from user.connect(server.port)
    yield user.until_listed()
    yield from screenshot(step, "1-listed")
    browser = user.widget.logic.loadSequence(user.ids()[1])
    count = browser.GetNumberOfItems()
    step.check(count == 3, f"the sequence has {count} frames, not 3")
    shown = browser.GetProxyNode(browser.GetMasterSequenceNode())
    slicer.util.setSliceViewerLayers(background=shown, fit=True)
    for frame in range(count):
        browser.SetSelectedItemNumber(frame)
        yield step.pause(0.3)
        least = slicer.util.arrayFromVolume(shown).min()
        step.check(least == 10 * frame + 1, f"frame {frame} begins with {least}")
    yield from screenshot(step, "2-last-frame")
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    step.check(volumes == [shown], f"beside the sequence's there are {len(volumes) - 1} volumes")
