"""Names of nodes with which a scene can be saved, and be loaded again."""

from __future__ import annotations

from ..codec import printable

_UNSAVABLE = str.maketrans({"&": "+"})
_UNSAVABLE_INDEX = str.maketrans({"&": "+", "<": "(", ">": ")", '"': "'"})


def savable_name(name: str) -> str:
    """Return the name of a node as Slicer can save it: with ``+`` for each ``&``.

    Slicer (5.12) names the file of a node after it, and writes that into the scene without escaping
    its ``&``: no XML parser, nor Slicer itself, would read the scene again.
    """
    return name.translate(_UNSAVABLE)


def savable_index_text(text: str) -> str:
    """Return the name or unit of a sequence's index as Slicer can save it: it escapes nothing."""
    return printable(text).translate(_UNSAVABLE_INDEX)
