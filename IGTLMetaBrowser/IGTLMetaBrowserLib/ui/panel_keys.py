"""The keys of the panel."""

from __future__ import annotations

import qt

_MODIFIERS = (
    int(qt.Qt.ShiftModifier)
    | int(qt.Qt.ControlModifier)
    | int(qt.Qt.AltModifier)
    | int(qt.Qt.MetaModifier)
)


class PanelKeys(qt.QObject):
    """Calls what the keys of some widgets stand for. An event filter, made once for a panel."""

    def __init__(self):
        qt.QObject.__init__(self)
        self._actions = []
        self._shortcuts = []

    def add(self, widget, keys, action, modifier=qt.Qt.NoModifier):
        """Call ``action`` when one of ``keys`` arrives at ``widget``."""
        self._actions.append((widget, tuple(keys), int(modifier), action))
        widget.removeEventFilter(self)
        widget.installEventFilter(self)

    def addControlKey(self, widget, letter, action):
        """Call ``action`` for Ctrl and a letter, anywhere in ``widget``.

        Slicer's main window has Ctrl+F (Module Finder) and Ctrl+C as shortcuts. A QShortcut here
        would be ambiguous with them, and Qt activates neither of two ambiguous shortcuts.
        """
        key = getattr(qt.Qt, f"Key_{letter}")
        self._shortcuts.append((widget, key))
        self.add(widget, [key], action, qt.Qt.ControlModifier)

    def eventFilter(self, watched, event):
        if event.type() == qt.QEvent.ShortcutOverride and self._isShortcut(watched, event):
            # It arrives as a key now, and is no shortcut of Slicer's.
            event.accept()
            return True
        action = self._action(watched, event) if event.type() == qt.QEvent.KeyPress else None
        if action is None:
            return False
        action()
        return True

    def _isShortcut(self, watched, event):
        if int(event.modifiers()) & _MODIFIERS != int(qt.Qt.ControlModifier):
            return False
        return any(watched == widget and event.key() == key for widget, key in self._shortcuts)

    def _action(self, watched, event):
        modifiers = int(event.modifiers()) & _MODIFIERS
        for widget, keys, modifier, action in self._actions:
            if watched == widget and modifiers == modifier and event.key() in keys:
                return action
        return None
