"""The details of an image, search, a calibration, hidden patients."""

import qt
import slicer

from real_slicer.user import User
from real_slicer.views import four_up, screenshot


def run(step):
    user = User(step)
    yield from user.open_demo()
    four_up()
    yield from user.load("DEMO_CT")
    ui = user.ui
    user.unfold(ui.detailsCollapsibleButton)
    model = ui.detailsTableView.model()
    yield user.until(lambda: model.rowCount() > 5, "the details")
    yield from screenshot(step, "1-details")
    yield from search(step, user, model)
    yield from calibrate(step, user)
    yield from type_value(step, user, model)
    yield from hide_patients(step, user)


def search(step, user, model):
    everything = model.rowCount()
    user.type(user.ui.detailsSearchLineEdit, "spacing")
    yield user.until(lambda: 0 < model.rowCount() < everything, "what was searched for")
    yield from screenshot(step, "2-searched")
    user.type(user.ui.detailsSearchLineEdit, "")
    yield user.until(lambda: model.rowCount() == everything, "all details")


def calibrate(step, user):
    node = user.browser.images.node("DEMO_CT")
    before = node.GetSpacing()
    user.type(user.ui.spacingLineEdit, "0.5 0.5")
    user.press(user.ui.calibrateButton)
    yield user.until(lambda: abs(node.GetSpacing()[0] - 0.5) < 1e-6, "the new spacing")
    yield from screenshot(step, "3-calibrated")
    user.press(user.ui.removeCalibrationButton)
    yield user.until(lambda: node.GetSpacing() == before, "the spacing as before")


def type_value(step, user, model):
    view = user.ui.detailsTableView
    row = words_of(model).index(["Modality", "CT"])
    # Without a window manager no window is active, and the editor would close again.
    qt.QApplication.setActiveWindow(slicer.util.mainWindow())
    user.double_click_row(view, row, 1)
    editors = lambda: [one for one in view.viewport().children() if one.inherits("QLineEdit")]  # noqa: E731
    yield user.until(editors, "the editor of the value")
    (editor,) = editors()
    user.type(editor, "XA")
    user.key(editor, qt.Qt.Key_Return)
    yield user.until(lambda: row_words(model, 0)[:2] == ["Modality", "XA"], "the typed value")
    step.check(row_words(model, 0)[2].startswith("Typed in"), "the source is not shown")
    yield from screenshot(step, "5-typed")
    user.click_row(view, 0)
    user.widget.panel.images.details.menu.removeTyped.trigger()
    yield user.until(lambda: ["Modality", "CT"] in words_of(model), "the value as before")


def words_of(model):
    return [row_words(model, row)[:2] for row in range(model.rowCount())]


def row_words(model, row):
    return [model.data(model.index(row, column)) for column in range(3)]


def hide_patients(step, user):
    user.bring_into_view(user.ui.hidePatientsCheckBox)
    user.check(user.ui.hidePatientsCheckBox)
    yield from screenshot(step, "4-hidden")
    user.check(user.ui.hidePatientsCheckBox, False)
    yield step.pause(0.1)
