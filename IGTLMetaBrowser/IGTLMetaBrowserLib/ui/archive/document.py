"""A document that is to be stored in an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DocumentToStore:
    """What is to be stored: ``write`` writes it into a file of this name, for the command.

    ``series`` is that of the images it was made in, ``replaced`` the SOPInstanceUID of the document
    whose place it takes, or empty; of its segments only those of the numbers ``segments`` (2 or
    2,3), if it has some. ``question`` is asked before; ``stored`` is said when it is. ``onStored``
    is then called with the SOPInstanceUID of the new document and the numbers that those segments
    have in it. ``isEmpty``: nothing of a plan is planned any more.
    """

    fileName: str
    write: Callable[[Path], None]
    series: str
    replaced: str
    question: str
    stored: str
    segments: str = ""
    onStored: Callable[[str, str], None] = lambda _uid, _segments: None
    isEmpty: bool = False
