"""A 4D series of a DICOM folder is loaded as a sequence, by its menu, and replayed."""

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
    user.open_menu(user.ui.imageTableView, 1)
    menu = user.widget.panel.images.menu
    yield user.until(lambda: menu.menu.visible, "the menu of the row")
    step.check(menu.loadSequence.enabled, "the row cannot be loaded as a sequence")
    yield from screenshot(step, "2-menu")
    menu.loadSequence.trigger()
    menu.menu.close()
    yield user.until(players, "the sequence")
    (browser,) = players()
    count = browser.GetNumberOfItems()
    step.check(count == 3, f"the sequence has {count} frames, not 3")
    states = {user.browser.images.states.of(one).status.name for one in user.ids()}
    step.check(states == {"LOADED"}, f"the rows are {states}")
    script = user.widget.logic.loadSequence(user.ids()[0])
    step.check(script == browser, "a script has loaded the sequence again")
    shown = browser.GetProxyNode(browser.GetMasterSequenceNode())
    for frame in range(count):
        browser.SetSelectedItemNumber(frame)
        yield step.pause(0.3)
        least = slicer.util.arrayFromVolume(shown).min()
        step.check(least == 10 * frame + 1, f"frame {frame} begins with {least}")
    yield from screenshot(step, "3-last-frame")
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    step.check(volumes == [shown], f"beside the sequence's there are {len(volumes) - 1} volumes")
    # As in the module Data: Slicer ended when the browser node was asked for it meanwhile.
    slicer.mrmlScene.RemoveNode(browser.GetMasterSequenceNode())
    yield step.pause(0.5)
    step.check(user.browser.connection.has_server, "the server is gone with the sequence")


def players():
    return slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
