"""Stand-in for slicer.i18n: the texts stay as they are, in English."""

from __future__ import annotations


def tr(text: str) -> str:
    """Return the text; a real Slicer looks it up in the translations of the calling source file."""
    return text


def translate(context: str, text: str) -> str:
    """Return the text; a real Slicer looks it up under the context."""
    return text
