"""What an error advises, for a user of the window rather than of the command ``igtlmeta``."""

from __future__ import annotations

import re

from slicer.i18n import tr as _

# ``net.settings`` names the setting, and the command's option that changes it.
_OPTION = re.compile(r",? or (?:with )?--[a-z-]+| \(--[a-z-]+\)")
_OF_SETTINGS = re.compile(r"(?:among|in) the settings of the server")


def forWindow(text):
    """Return the text of an error with the place of its setting in the panel, without options."""
    if "--" not in text:
        return text
    return _OF_SETTINGS.sub(_("in the Advanced section"), _OPTION.sub("", text))
