"""Whether the preview of an image stays when loading is cancelled: the user's choice."""

from __future__ import annotations

from ..settings_values import keepBool, readBool

_SETTING = "KeepPreviews"


class KeptPreviews:
    """The check box for it, and the downloads in ``parts`` of a browser."""

    def __init__(self, checkBox, parts):
        self._parts = parts
        checkBox.checked = parts.keeps_previews = readBool(_SETTING)
        checkBox.toggled.connect(self._onToggled)

    def _onToggled(self, isChecked):
        keepBool(_SETTING, isChecked)
        self._parts.keeps_previews = isChecked
