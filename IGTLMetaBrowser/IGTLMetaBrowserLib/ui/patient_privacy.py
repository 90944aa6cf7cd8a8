"""Hiding patients: the user's choice, for all scenes and servers."""

from __future__ import annotations

from .settings_values import keepBool, readBool

_SETTING = "HidePatientNames"


def arePatientsHidden():
    """Whether the user wants to see no patient names."""
    return readBool(_SETTING)


class PatientPrivacy:
    """The check box for it; ``browser.patients`` emits ``hidden_changed``."""

    def __init__(self, checkBox, browser):
        self._browser = browser
        checkBox.checked = arePatientsHidden()
        browser.patients.hide(checkBox.checked)
        checkBox.toggled.connect(self._onToggled)

    def _onToggled(self, isChecked):
        keepBool(_SETTING, isChecked)
        self._browser.patients.hide(isChecked)
