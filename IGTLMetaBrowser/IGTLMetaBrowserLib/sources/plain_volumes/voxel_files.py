"""Which file holds the voxels of a volume: that of its header, or one that the header names.

Headers of NRRD and MetaImage can name any file of the computer, which would be sent to clients as
an image: one that is not in the folder that is served is refused. All that looks like such a name
in the beginning of a file counts, be it in a comment: a reader may understand it otherwise. So are
lists of names, of which readers open each, and headers that do not end where we stop reading.

Of head.nii.gz, ITK takes only the header if there is a head.nii: niftilib looks for the file of the
voxels by the name without its ending, and without .gz first (nifti1_io.c, ``nifti_findimgname``).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...net.source import SourceError
from ...regular_file import opened
from ...system_errors import reason_of
from .formats import (
    LONGEST_HEADER,
    META_ENDINGS,
    META_ITSELF,
    META_NAME,
    NRRD_END,
    NRRD_ENDINGS,
    SEVERAL_NAMES,
    ending_of,
)

_NRRD_NAME = re.compile(rb"data ?file:([^\r\n]*)", re.IGNORECASE)
# What both readers take for names that follow, or for a pattern, however the name goes on
# (parseNrrd.c, metaImage.cxx).
_SEVERAL = re.compile(rb"LIST|SKIPLIST|.*%", re.DOTALL)


def voxel_file(path: Path, folder: Path) -> Path:
    """Return the file that holds the voxels of the volume at ``path``, which is in ``folder``.

    Raises ``SourceError`` if that is none in the folder, or there are several.
    """
    ending = ending_of(path)
    if ending not in (*NRRD_ENDINGS, *META_ENDINGS):
        _check_nifti_neighbor(path)
        return path
    try:
        with opened(path) as file:
            header = file.read(LONGEST_HEADER)
    except OSError as error:
        raise SourceError(f"{path.name!r} cannot be read: {reason_of(error)}") from None
    is_nrrd = ending in NRRD_ENDINGS
    if is_nrrd and len(header) == LONGEST_HEADER and not NRRD_END.search(header):
        raise SourceError("its header has more than 1 MiB; save it without its comments")
    pattern = _NRRD_NAME if is_nrrd else META_NAME
    names = {name.strip() for name in pattern.findall(header)}
    if not names and is_nrrd and NRRD_END.search(header):
        return path
    if not names:
        raise SourceError("it cannot be read: its header does not say where its voxels are")
    if len(names) > 1 or any(map(_SEVERAL.match, names)):
        raise SourceError(SEVERAL_NAMES)
    (name,) = names
    is_itself = not is_nrrd and name in META_ITSELF
    return path if is_itself else _in_folder(path, os.fsdecode(name), folder)


def _check_nifti_neighbor(path: Path) -> None:
    """Raise ``SourceError`` if the voxels of another file would be read instead of its own."""
    other = path.with_suffix("")
    if path.suffix.lower() == ".gz" and os.path.lexists(other):
        raise SourceError(
            f"{path.name!r} cannot be read beside {other.name!r}, whose voxels would be taken for "
            "its own; rename one of them, or move it into another folder"
        )


def _in_folder(path: Path, name: str, folder: Path) -> Path:
    """Return the file that a header names. Raises ``SourceError`` if it is not in the folder."""
    try:
        found = (path.parent / name).resolve()
        is_there = found.is_file() and folder.resolve() in found.parents
    except (OSError, ValueError, RuntimeError):  # a name with a NUL, a circle of links
        is_there = False
    if not is_there:
        raise SourceError(
            "its header names a file of voxels that is not in the folder that is served; "
            "save both there, or as one file"
        )
    return found
