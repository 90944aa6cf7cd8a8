"""What headers of NRRD, NIfTI and MetaImage files say that ITK does not look at.

A volume in meters would be one in mm, and one in the coordinates of a scanner one in the patient's.

- NRRD (teem.sourceforge.net/nrrd/format.html): ``space units`` of all axes of the space, or
  ``units`` of each axis, in quotation marks; if they are unknown, there are none, or ``???``. ITK
  takes each ``space`` for LPS that it does not know.
- MetaImage (MetaIO's metaImage.cxx): ``DistanceUnits`` is um, mm, cm, or ``?``, and
  ``ElementToIntensityFunctionSlope`` and ``-Offset`` say what the values mean.
- NIfTI (nifti1.h): ITK looks at the units. If qform_code and sform_code are 0, the file does not
  say where it lies.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..codec import printable
from ..net.source import SourceError
from .voxel_files import LONGEST_HEADER, META_ENDINGS, META_NAME, NRRD_END, NRRD_ENDINGS

NO_PLACE = "not in the file: lies axially"

_LONGEST_SHOWN = 20
_MILLIMETERS = {"mm", "millimeter", "millimeters", "millimetre", "millimetres"}
_UNKNOWN = {"", "?", "???", "none"}

_NRRD_UNITS = re.compile(rb"^(?:space )?units:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_NRRD_SPACE = re.compile(rb"^space:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_SPACES = {
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior",
    "las",
}  # fmt: skip

_META_FIELD = re.compile(rb"^[ \t]*(\w+)[ \t]*[=:]([^\r\n]*)", re.MULTILINE)
# What a value is multiplied by, and what is added; others than these are not applied.
_META_MEANING = {"ElementToIntensityFunctionSlope": 1.0, "ElementToIntensityFunctionOffset": 0.0}
# MetaIO ends the process at others.
_DIMENSIONS = re.compile("[1-9]")
# Its names for the matrix from index to LPS, and for the place of the first voxel.
_META_PLACE = {
    "TransformMatrix", "Rotation", "Orientation", "Offset", "Position", "Origin",
}  # fmt: skip

# nifti1.h and nifti2.h: the size of the header, and where in it are qform_code and sform_code.
_NIFTI_CODES = {348: (252, "2h"), 540: (344, "2i")}


def check_header(path: Path) -> None:
    """Raise ``SourceError`` if lengths are not in mm, or places and values are not what ITK reads.

    Raises ``OSError`` if the file cannot be read.
    """
    ending = path.suffix.lower()
    if ending in NRRD_ENDINGS:
        header = _nrrd_header(path)
        for unit in _nrrd_units(header):
            _check_unit(unit)
        for space in _nrrd_spaces(header):
            if space.lower() not in _SPACES:
                raise SourceError(
                    f"its space is {_shown(space)}, which does not say where left, front and top "
                    "of the patient are; save it in one that does, such as LPS"
                )
    elif ending in META_ENDINGS:
        fields = _meta_fields(path)
        if not _DIMENSIONS.fullmatch(fields.get("NDims", "")):
            raise SourceError("its header makes no sense: its NDims is not a number from 1 to 9")
        _check_unit(fields.get("DistanceUnits", ""))
        for field, value in _META_MEANING.items():
            if fields.get(field) and not _is_number(fields[field], value):
                raise SourceError(
                    f"its {field} is {_shown(fields[field])}, and only volumes are read that hold "
                    "what they mean; apply it"
                )


def has_place(path: Path) -> bool:
    """Whether a file, which ITK can read, says how its volume lies in the patient.

    Raises ``SourceError``, and ``OSError`` if the file cannot be read any more.
    """
    ending = path.suffix.lower()
    if ending in NRRD_ENDINGS:
        return any(True for _ in _nrrd_spaces(_nrrd_header(path)))
    if ending in META_ENDINGS:
        return not _META_PLACE.isdisjoint(_meta_fields(path))
    return _has_nifti_place(path)


def _check_unit(unit: str) -> None:
    if unit.strip().lower() not in _MILLIMETERS | _UNKNOWN:
        raise SourceError(
            f"its unit is {_shown(unit)}, and only volumes in mm are read; convert it to mm"
        )


def _shown(text: str) -> str:
    return repr(printable(text[:_LONGEST_SHOWN]))


def _is_number(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False


def _nrrd_header(path: Path) -> bytes:
    with path.open("rb") as file:
        return NRRD_END.split(file.read(LONGEST_HEADER), maxsplit=1)[0]


def _nrrd_units(header: bytes) -> Iterator[str]:
    for field in _NRRD_UNITS.findall(header):
        yield from re.findall(r'"([^"]*)"', field.decode("utf-8", "replace"))


def _nrrd_spaces(header: bytes) -> Iterator[str]:
    for field in _NRRD_SPACE.findall(header):
        yield field.decode("utf-8", "replace").strip()


def _meta_fields(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        header = file.read(LONGEST_HEADER)
    end = META_NAME.search(header)  # the last field, which voxels may follow
    found = _META_FIELD.findall(header, 0, end.start() if end else len(header))
    return {name.decode(): value.decode("utf-8", "replace").strip() for name, value in found}


def _has_nifti_place(path: Path) -> bool:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            header = file.read(max(_NIFTI_CODES))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"it cannot be read: {error}") from None
    for order in "<>":
        (size,) = struct.unpack_from(f"{order}i", header)
        if size in _NIFTI_CODES:
            at, codes = _NIFTI_CODES[size]
            return any(code > 0 for code in struct.unpack_from(f"{order}{codes}", header, at))
    return False
