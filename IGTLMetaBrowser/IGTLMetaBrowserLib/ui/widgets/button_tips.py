"""Buttons that cannot be pressed now say why in their tool tips."""

from __future__ import annotations


class ButtonTips:
    """Enables widgets, and adds to the tool tips of the others what has to be done first.

    A tool tip from the .ui file comes first: reasons are texts such as "{tip}. Connect first.".
    """

    def __init__(self):
        self._tips = {}
        self._reasons = {}

    def enable(self, widget, reason=""):
        """Enable a widget if there is no ``reason`` why it cannot be used."""
        widget.enabled = not reason
        name = widget.objectName
        tip = self._tips.setdefault(name, _plain(widget.toolTip))
        if self._reasons.get(name, "") != reason:  # to be asked for many times a second
            self._reasons[name] = reason
            widget.toolTip = reason.format(tip=tip) if reason else tip


def _plain(toolTip):
    # In Slicer tool tips come back as rich text.
    return toolTip.removeprefix("<p>").removesuffix("</p>")
