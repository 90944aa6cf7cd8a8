"""A document that is to be stored in an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Document:
    """What is to be stored: ``write`` writes it into a file of this name, for the command.

    ``series`` is that of the images it was made in, ``replaced`` the SOPInstanceUID of the document
    whose place it takes, or empty; of its segments only that of the number ``segment``, if it has
    one. ``question`` is asked before; ``stored`` is said when it is.
    """

    fileName: str
    write: Callable[[Path], None]
    series: str
    replaced: str
    question: str
    stored: str
    segment: str = ""
