"""Values in the user's settings, QSettings, which come back from some files as texts."""

from __future__ import annotations

import qt

PREFIX = "IGTLMetaBrowser/"


def readBool(key, otherwise=False):
    """Return a bool, or ``otherwise`` if none is kept."""
    stored = qt.QSettings().value(PREFIX + key)
    return otherwise if stored is None else str(stored).lower() == "true"


def keepBool(key, value):
    """Keep a bool."""
    qt.QSettings().setValue(PREFIX + key, bool(value))
