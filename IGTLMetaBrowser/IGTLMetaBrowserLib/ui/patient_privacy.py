"""Hiding patients: the user's choice, for all scenes and servers."""

from __future__ import annotations

import time

from ..browser.open_browsers import hide_patients, know_patients
from .settings_values import keepBool, readBool
from .timers import SingleShotTimer

_SETTING = "HidePatientNames"
_FIRST_SECONDS, _TURN_SECONDS = 0.02, 0.008


def hideIfChosen(browser):
    """Hide the patients of a browser if the user has chosen that.

    Else those of a new one are hidden as long as another browser of its scene hides them.
    """
    if readBool(_SETTING):
        browser.patients.hide()


class PatientPrivacy:
    """The check box for it, which says whether ``browser`` hides them.

    What the user chooses in one panel is done in all, and by the browsers of scripts: all of them
    fill one scene, and write one log. Of a long list it takes turns until it is known who they are;
    then they are hidden everywhere at once.
    """

    def __init__(self, checkBox, browser):
        self._checkBox = checkBox
        self._browser = browser
        self._work = None
        self._timer = SingleShotTimer(self._goOn)
        hideIfChosen(browser)
        self.show()
        checkBox.toggled.connect(self._onToggled)

    def show(self):
        """Show what another panel, or a script, has chosen."""
        self._checkBox.checked = self._browser.patients.is_hidden

    def close(self):
        """Hide at once whom the user wants to be hidden."""
        if self._work is not None:
            self._goOn(float("inf"))
        self._timer.close()

    def _onToggled(self, isChecked):
        isTakenBack, self._work = self._work is not None, None
        self._timer.stop()
        isChanged = isChecked != self._browser.patients.is_hidden
        if isChanged or isTakenBack:
            keepBool(_SETTING, isChecked)
        if isChanged and isChecked:
            self._work = know_patients()
            self._goOn(_FIRST_SECONDS)
        elif isChanged:
            hide_patients(False)

    def _goOn(self, seconds=_TURN_SECONDS):
        end = time.monotonic() + seconds
        if any(time.monotonic() >= end for _turn in self._work):
            self._timer.start()
            return
        self._work = None
        hide_patients(True)
