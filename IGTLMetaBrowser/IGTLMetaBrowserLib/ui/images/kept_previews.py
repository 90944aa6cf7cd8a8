"""Whether the preview of an image stays when loading is cancelled: the user's choice."""

from __future__ import annotations

from ..settings_values import keepBool, readBool

_SETTING = "KeepPreviews"


class KeptPreviews:
    """The check box for it, and the ``images`` of a browser."""

    def __init__(self, checkBox, images):
        self._images = images
        checkBox.checked = images.keeps_previews = readBool(_SETTING)
        checkBox.toggled.connect(self._onToggled)

    def _onToggled(self, isChecked):
        keepBool(_SETTING, isChecked)
        self._images.keeps_previews = isChecked
