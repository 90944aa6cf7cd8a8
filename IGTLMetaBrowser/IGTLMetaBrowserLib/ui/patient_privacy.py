"""Hiding patients: the user's choice, for all scenes and servers."""

from __future__ import annotations

import qt

SETTINGS_KEY = "IGTLMetaBrowser/HidePatientNames"


def arePatientsHidden():
    """Whether the user wants to see no patient names."""
    # From some files it comes back as a text.
    return str(qt.QSettings().value(SETTINGS_KEY)).lower() == "true"


class PatientPrivacy:
    """The check box for it. ``onChanged`` is called when what is shown has to be shown anew."""

    def __init__(self, checkBox, browser, onChanged):
        self._browser = browser
        self._onChanged = onChanged
        checkBox.checked = arePatientsHidden()
        browser.patients.hide(checkBox.checked)
        checkBox.toggled.connect(self._onToggled)

    def _onToggled(self, isChecked):
        qt.QSettings().setValue(SETTINGS_KEY, isChecked)
        self._browser.patients.hide(isChecked)
        self._onChanged()
