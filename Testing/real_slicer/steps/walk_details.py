"""The details of an image, search, a calibration, hidden patients."""

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


def hide_patients(step, user):
    user.bring_into_view(user.ui.hidePatientsCheckBox)
    user.check(user.ui.hidePatientsCheckBox)
    yield from screenshot(step, "4-hidden")
    user.check(user.ui.hidePatientsCheckBox, False)
    yield step.pause(0.1)
