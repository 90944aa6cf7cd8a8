"""Hiding patients: the user's choice, for all scenes and servers."""

from __future__ import annotations

from ..browser.open_browsers import hide_patients
from .settings_values import keepBool, readBool

_SETTING = "HidePatientNames"


def hideIfChosen(browser):
    """Hide the patients of a browser if the user has chosen that.

    Else those of a new one are hidden as long as another browser of its scene hides them.
    """
    if readBool(_SETTING):
        browser.patients.hide()


class PatientPrivacy:
    """The check box for it, which says whether ``browser`` hides them.

    What the user chooses in one panel is done in all, and by the browsers of scripts: all of them
    fill one scene, and write one log.
    """

    def __init__(self, checkBox, browser):
        self._checkBox = checkBox
        self._browser = browser
        hideIfChosen(browser)
        self.show()
        checkBox.toggled.connect(self._onToggled)

    def show(self):
        """Show what another panel, or a script, has chosen."""
        self._checkBox.checked = self._browser.patients.is_hidden

    def _onToggled(self, isChecked):
        if isChecked != self._browser.patients.is_hidden:
            keepBool(_SETTING, isChecked)
            hide_patients(isChecked)
