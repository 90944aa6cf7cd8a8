"""The list by patient and study: groups, collapsed and expanded, selected as a whole; columns."""

import qt

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import screenshot

NAME = 1
"""The column; a click on the first opens and closes a group."""


def run(step):
    user = User(step)
    yield from user.open_demo()
    yield from group(step, user)
    yield from choose_columns(step, user)
    yield from group_long_list(step, user)


def group(step, user):
    view, model = user.ui.imageTableView, user.model
    user.check(user.ui.groupCheckBox)
    yield user.until(lambda: model.isGrouped and model.rows.is_group(0), "the patient's row")
    yield from screenshot(step, "1-by-patient")
    user.click_row(view, 0, column=NAME)
    user.press(user.ui.loadButton)
    yield user.until_loaded("DEMO_CT", "DEMO_MR", "DEMO_PT")
    yield from screenshot(step, "2-patient-loaded")
    user.double_click_row(view, 0, NAME)
    yield user.until(lambda: not user.ids(), "the patient to be collapsed")
    user.click_row(view, 0, column=0)
    yield user.until(lambda: len(user.ids()) == 3, "the patient to be expanded")


def choose_columns(step, user):
    view = user.ui.imageTableView
    columns = user.widget.panel.images.columns
    before = columns.shown()
    header = view.horizontalHeader()
    place = qt.QPoint(40, header.height // 2)
    header.customContextMenuRequested.emit(place)
    yield user.until(lambda: columns.menu.visible, "the menu of the header")
    yield from screenshot(step, "3-columns")
    action = next(one for one in columns.menu.actions() if one.text == "Patient ID")
    columns.menu.close()
    action.trigger()
    step.check(len(columns.shown()) == len(before) + 1, "the column is not shown")
    yield from screenshot(step, "4-patient-id")
    columns.reset()
    user.check(user.ui.groupCheckBox, False)
    user.press(user.ui.connectButton)
    yield step.pause(0.2)


def group_long_list(step, user):
    server = ServerProcess("long_list", 100_000)
    step.at_end(server.stop)
    yield from user.connect(server.port)
    user.check(user.ui.groupCheckBox)
    yield user.until(lambda: user.model.rows.is_group(0), "the first patient's row")
    yield from screenshot(step, "5-long-list")
