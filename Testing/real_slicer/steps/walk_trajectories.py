"""Get trajectories, select, jump, show and hide, filter, sort, all labels, keys."""

import qt

from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot

NAME = 1
"""The column; a click on the first shows or hides."""


def run(step):
    user = User(step)
    ui = (yield from opened(user)).ui
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    yield user.until(lambda: ui.trajectoryTableView.model().rowCount() == 7, "seven rows")
    yield from screenshot(step, "1-shown")
    yield from select_and_jump(step, user)
    yield from hide_and_show(step, user)
    yield from filter_and_sort(step, user)


def opened(user):
    yield from user.open()
    four_up()
    user.press(user.ui.demoButton)
    yield user.until_listed()
    return user


def select_and_jump(step, user):
    before = slice_offsets()
    user.click_row(user.ui.trajectoryTableView, 0, column=NAME)
    yield user.until(lambda: slice_offsets() != before, "the slices to go to the target")
    yield from screenshot(step, "2-selected")
    user.check(user.ui.turnSlicesCheckBox)
    user.click_row(user.ui.trajectoryTableView, 3, column=NAME)
    yield step.pause(0.3)
    yield from screenshot(step, "3-slices-turned")
    user.check(user.ui.turnSlicesCheckBox, False)


def hide_and_show(step, user):
    view = user.ui.trajectoryTableView
    user.click_row(view, 0, column=NAME)
    user.key(view, qt.Qt.Key_A, qt.Qt.ControlModifier)
    user.press(user.ui.hideTrajectoriesButton)
    yield user.until(lambda: not any(map(is_seen, lines())), "all trajectories to be hidden")
    user.press(user.ui.showTrajectoriesButton)
    yield user.until(lambda: all(map(is_seen, lines())), "all trajectories to be seen")


def filter_and_sort(step, user):
    view, box = user.ui.trajectoryTableView, user.ui.trajectoryFilterLineEdit
    user.type(box, "electrode")
    yield user.until(lambda: view.model().rowCount() == 2, "the two electrodes")
    yield from screenshot(step, "4-filtered")
    user.key(box, qt.Qt.Key_Escape)
    yield user.until(lambda: view.model().rowCount() == 7, "all trajectories")
    name = lambda: view.model().data(view.model().index(0, NAME))  # noqa: E731
    user.click_header(view, "Name")
    yield user.until(lambda: name() == "Highest uptake", "the names from A to Z")
    user.check(user.ui.allLabelsCheckBox)
    yield user.until(lambda: all(map(is_labeled, lines())), "all labels")
    yield from screenshot(step, "5-all-labels")
    user.check(user.ui.allLabelsCheckBox, False)
    yield user.until(lambda: sum(map(is_labeled, lines())) == 1, "the label of the present one")


def slice_offsets():
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    return [round(node.GetSliceOffset(), 3) for node in nodes]


def is_seen(node):
    return bool(node.GetDisplayVisibility())


def is_labeled(node):
    display = node.GetDisplayNode()
    return bool(display.GetPropertiesLabelVisibility() or display.GetPointLabelsVisibility())
