"""What can go wrong in a browser itself, not in the network, the codec or the scene."""

from __future__ import annotations


class BrowserError(Exception):
    """What was asked for cannot be done now; the text says why and what to try."""
