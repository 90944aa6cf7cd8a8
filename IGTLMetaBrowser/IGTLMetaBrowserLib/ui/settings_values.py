"""Values in the user's settings, QSettings, which come back from some files as texts."""

from __future__ import annotations

import qt

PREFIX = "IGTLMetaBrowser/"


def readText(key):
    """Return a text; an empty one if none is kept, or something else."""
    stored = qt.QSettings().value(PREFIX + key)
    return stored if isinstance(stored, str) else ""


def readTexts(key):
    """Return a list of texts, without what else somebody has written among them."""
    stored = qt.QSettings().value(PREFIX + key)
    # A list of one comes back from some files as a plain text.
    texts = stored if isinstance(stored, (list, tuple)) else [stored]
    return [text for text in texts if text and isinstance(text, str)]


def readBool(key, otherwise=False):
    """Return a bool, or ``otherwise`` if none is kept."""
    stored = qt.QSettings().value(PREFIX + key)
    return otherwise if stored is None else str(stored).lower() == "true"


def keepBool(key, value):
    """Keep a bool."""
    qt.QSettings().setValue(PREFIX + key, bool(value))
