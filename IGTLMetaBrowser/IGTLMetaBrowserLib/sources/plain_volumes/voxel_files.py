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

NRRD_ENDINGS = (".nrrd", ".nhdr")
META_ENDINGS = (".mha", ".mhd")
NIFTI_ENDINGS = (".nii.gz", ".nii")
LONGEST_HEADER = 1 << 20
# teem.sourceforge.net/nrrd/format.html: a header ends with an empty line.
NRRD_END = re.compile(rb"\n\r?\n")
_NRRD_NAME = re.compile(rb"data ?file:([^\r\n]*)", re.IGNORECASE)
# The last field of a MetaImage's header, which voxels follow if they are in the same file.
_META_FIELD = b"ElementDataFile"
META_NAME = re.compile(_META_FIELD + rb"\s*[=:]([^\r\n]*)")
META_ITSELF = (b"LOCAL", b"Local", b"local")
# What both readers take for names that follow, or for a pattern, however the name goes on
# (parseNrrd.c, metaImage.cxx).
_SEVERAL = re.compile(rb"LIST|SKIPLIST|.*%", re.DOTALL)
_SEVERAL_NAMES = "its header names several files of voxels; save it as one file"
_PIECE = 1 << 20


def ending_of(path: Path) -> str:
    """Return how the name of a volume ends, by which its reader is chosen; empty if it is none.

    Not ``suffix``, which a file that is called ``.nrrd`` has not.
    """
    name = path.name.lower()
    endings = (*NRRD_ENDINGS, *META_ENDINGS, *NIFTI_ENDINGS)
    return next((ending for ending in endings if name.endswith(ending)), "")


def voxel_file(path: Path, folder: Path) -> Path:
    """Return the file that holds the voxels of the volume at ``path``, which is in ``folder``.

    Raises ``SourceError`` if that is none in the folder, or there are several.
    """
    ending = ending_of(path)
    if ending not in (*NRRD_ENDINGS, *META_ENDINGS):
        _check_nifti_neighbor(path)
        return path
    try:
        with path.open("rb") as file:
            header = file.read(LONGEST_HEADER)
    except OSError as error:
        raise SourceError(f"{path.name!r} cannot be read: {error.strerror}") from None
    is_nrrd = ending in NRRD_ENDINGS
    if is_nrrd and len(header) == LONGEST_HEADER and not NRRD_END.search(header):
        raise SourceError("its header has more than 1 MiB; save it without its comments")
    pattern = _NRRD_NAME if is_nrrd else META_NAME
    names = {name.strip() for name in pattern.findall(header)}
    if not names and is_nrrd and NRRD_END.search(header):
        return path
    if not names:
        raise SourceError("it cannot be read: its header says not where its voxels are")
    if len(names) > 1 or any(map(_SEVERAL.match, names)):
        raise SourceError(_SEVERAL_NAMES)
    (name,) = names
    is_itself = not is_nrrd and name in META_ITSELF
    return path if is_itself else _in_folder(path, os.fsdecode(name), folder)


def check_names(path: Path, byte_count: int) -> None:
    """Raise ``SourceError`` if the header of a MetaImage may name voxels where nobody has looked.

    MetaIO passes over the last field of a header behind a line without ``=``, among others, and
    goes on to look for it in what seems to be the voxels. So all of the file is looked at; it has
    at most a header and voxels of ``byte_count`` bytes. Raises ``OSError``.
    """
    if ending_of(path) not in META_ENDINGS:
        return
    count, end = 0, b""
    with path.open("rb") as file:
        # A sparse file of terabytes takes no room, and hours to be read.
        if os.fstat(file.fileno()).st_size > LONGEST_HEADER + byte_count:
            raise SourceError(
                f"{path.name!r} is longer than its header and its voxels; save it anew"
            )
        while piece := file.read(_PIECE):
            piece = end + piece
            count += piece.count(_META_FIELD)
            end = piece[1 - len(_META_FIELD) :]
    if count != 1:
        raise SourceError(_SEVERAL_NAMES)


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
