"""What headers of NRRD, NIfTI and MetaImage files say that ITK does not look at.

A volume in meters would be one in mm, and one in the coordinates of a scanner one in the patient's.

- NRRD (teem.sourceforge.net/nrrd/format.html): ``space units`` of all axes of the space, or
  ``units`` of each axis, in quotation marks; if they are unknown, there are none, or ``???``. ITK
  takes each ``space`` for LPS that it does not know, a list of volumes for vectors, times for
  millimeters, any three numbers for red, green and blue, and all spacings for 1 where the header
  has where axes begin and end. ``old min`` and ``old max`` say what the values meant before they
  were made integers.
  Billions of lines to be passed over (``line skip``) keep it busy as soon as it reads the header.
  Of ``1,5``, as it is written in many countries, and of ``1.5d2``, it reads the beginning.
- MetaImage (MetaIO's metaImage.cxx): ``DistanceUnits`` is um, mm, cm, or ``?``, and
  ``ElementToIntensityFunctionSlope`` and ``-Offset`` say what the values mean. Of ``10,5 20 30``
  MetaIO reads 10, and 0 for the rest; with a ``HeaderSize``, it takes a header for voxels that
  follow it.
- NIfTI: see ``nifti_header`` and ``nifti_place``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...codec import printable
from ...net.source import SourceError
from ...regular_file import opened
from ..dicom.volumes.pixel_sizes import NOT_KNOWN
from .formats import (
    LONGEST_HEADER,
    META_ENDINGS,
    META_FIELD,
    META_ITSELF,
    META_NAME,
    NRRD_END,
    NRRD_ENDINGS,
    ending_of,
)
from .nifti_header import check_nifti_voxels, nifti_header
from .nifti_place import nifti_place

NO_PLACE = "not in the file: lies axially"

_LONGEST_SHOWN = 20
_MILLIMETERS = {"mm", "millimeter", "millimeters", "millimetre", "millimetres"}
_UNKNOWN = {"", "?", "???", "none"}

_NRRD_UNITS = re.compile(rb"^(?:space )?units:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_NRRD_OLD = re.compile(rb"^old ?(?:min|max):", re.IGNORECASE | re.MULTILINE)
_NRRD_ENDS = re.compile(rb"^axis ?maxs:", re.IGNORECASE | re.MULTILINE)
_NRRD_LINES = re.compile(rb"^line ?skip:[ \t]*0*([1-9]\d*)", re.IGNORECASE | re.MULTILINE)
_MOST_DIGITS = 4  # of how many lines of another header are passed over
_NRRD_DIRECTIONS = re.compile(rb"^space directions:", re.IGNORECASE | re.MULTILINE)
_NRRD_NUMBERS = re.compile(
    rb"^(spacings|space directions|space origin):(?!=)([^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_NOT_KNOWN_NUMBERS = {"nan", "none", "???"}
# What readers in C take for a number as a whole, too: of 1_5, which is 15 in Python, they take 1.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_DOMAINS = {"domain", "space", "time", "none", "???"}
_OTHER_COLORS = {"hsv-color", "xyz-color"}
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

# Fields with other names that MetaIO takes for the same; of two values it takes the first or last.
_META_SYNONYMS = {
    "Position": "Offset", "Origin": "Offset", "Rotation": "TransformMatrix",
    "Orientation": "TransformMatrix", "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}  # fmt: skip
_META_SPACINGS = {"ElementSpacing", "ElementSize"}
# Fields that have a number for each dimension, or for each pair of them.
_META_NUMBERS = {
    **dict.fromkeys(("DimSize", "Offset", "Position", "Origin", *_META_SPACINGS), 1),
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), 2),
}
_META_ONCE = {
    *_META_NUMBERS, *_META_PLACE, *_META_SYNONYMS, *_META_MEANING, "BinaryDataByteOrderMSB",
    "CompressedData", "DistanceUnits", "ElementNumberOfChannels", "ElementType", "HeaderSize",
    "NDims",
}  # fmt: skip


class FileGeometry(NamedTuple):
    """The matrix from index to RAS mm, (4, 4), and metadata that say what is not known of it."""

    ijk_to_ras: np.ndarray
    metadata: Mapping[str, str]
    has_spacing: bool


def place_of(path: Path, read: np.ndarray, size: tuple[int, ...], nifti: bytes) -> FileGeometry:
    """Return where a volume of this size (i, j, k) lies, of which ITK has read the matrix ``read``.

    ``nifti`` is the header of a NIfTI file, which can be compressed.
    Raises ``SourceError``, and ``OSError`` if the file cannot be read any more.
    """
    ending = ending_of(path)
    is_said, has_spacing, notice = True, True, ""
    if ending in NRRD_ENDINGS:
        header = _nrrd_header(path)
        is_said, has_spacing = any(True for _ in _nrrd_spaces(header)), _has_nrrd_spacing(header)
    elif ending in META_ENDINGS:
        fields = _meta_fields(path)
        is_said = not _META_PLACE.isdisjoint(fields)
        has_spacing = not _META_SPACINGS.isdisjoint(fields)
    else:
        fields = nifti_header(nifti)
        check_nifti_voxels(fields)
        read, is_said, has_spacing, notice = nifti_place(fields, read, size)
    notice = notice if has_spacing else NOT_KNOWN
    metadata = {"Position": "" if is_said else NO_PLACE, "Notice": notice}
    return FileGeometry(read, {key: text for key, text in metadata.items() if text}, has_spacing)


def check_header(path: Path) -> None:
    """Raise ``SourceError`` if lengths are not in mm, or places and values are not what ITK reads.

    Raises ``OSError`` if the file cannot be read.
    """
    ending = ending_of(path)
    if ending in NRRD_ENDINGS:
        _check_nrrd(_nrrd_header(path), is_segmentation=path.name.lower().endswith(".seg.nrrd"))
    elif ending in META_ENDINGS:
        _check_meta(_meta_fields(path))


def _check_nrrd(header: bytes, is_segmentation: bool) -> None:
    for unit in _nrrd_units(header):
        _check_unit(unit)
    for space in _nrrd_spaces(header):
        if space.lower() not in _SPACES:
            raise SourceError(
                f"its space is {_shown(space)}, which does not say where left, front and top "
                "of the patient are; save it in one that does, such as LPS"
            )
    if _NRRD_OLD.search(header):
        raise SourceError(
            "its header has old min or old max, and only volumes are read that hold what they "
            "mean; save its values as they were"
        )
    if any(len(number) > _MOST_DIGITS for number in _NRRD_LINES.findall(header)):
        raise SourceError("its header passes over 10000 lines or more (line skip); save it anew")
    if _NRRD_ENDS.search(header) and not _has_nrrd_spacing(header):
        raise SourceError(
            "its header says where its axes begin and end, but not its spacings; save it with these"
        )
    _check_nrrd_numbers(header)
    _check_spacings(_nrrd_words(header, b"spacings"))
    kinds, sizes = _nrrd_words(header, b"kinds"), _nrrd_words(header, b"sizes")
    for kind, size in zip(kinds, sizes, strict=False):
        if kind == "list" and size != "1" and not is_segmentation:
            raise SourceError(f"it is a list of {_shown(size)} volumes; save each as a file")
        if kind == "time" and size != "1":
            raise SourceError(f"its axis of {_shown(size)} is time; save an image for each")
        if kind in _OTHER_COLORS:
            raise SourceError(f"its colors are {kind}; save them as red, green and blue")


def _check_nrrd_numbers(header: bytes) -> None:
    for name, field in _NRRD_NUMBERS.findall(header):
        text = field.decode("utf-8", "replace").strip()
        between = r"\s+" if name.lower() == b"spacings" else r"[\s(),]+"
        words = filter(None, re.split(between, text))
        if not all(_is_float(word) or word.lower() in _NOT_KNOWN_NUMBERS for word in words):
            raise SourceError(
                f"its header makes no sense: its {name.decode().lower()} are {_shown(text)}, not "
                "numbers with decimal points"
            )


def _check_meta(fields: Mapping[str, str]) -> None:
    if not _DIMENSIONS.fullmatch(fields.get("NDims", "")):
        raise SourceError("its header makes no sense: its NDims is not a number from 1 to 9")
    _check_unit(fields.get("DistanceUnits", ""))
    for field, value in _META_MEANING.items():
        if fields.get(field) and not _is_number(fields[field], value):
            raise SourceError(
                f"its {field} is {_shown(fields[field])}, and only volumes are read that hold "
                "what they mean; apply it"
            )
    for field, power in _META_NUMBERS.items():
        count = int(fields["NDims"]) ** power
        words = fields.get(field, "").split()
        if words and (len(words) != count or not all(map(_is_float, words))):
            raise SourceError(
                f"its header makes no sense: its {field} is {_shown(fields[field])}, not "
                f"{count} numbers with decimal points"
            )
        if field in _META_SPACINGS:
            _check_spacings(words)
    is_in_same_file = fields.get("ElementDataFile", "").encode() in META_ITSELF
    if is_in_same_file and fields.get("HeaderSize", "") not in ("", "0", "-1"):
        raise SourceError(
            f"its HeaderSize is {_shown(fields['HeaderSize'])}, though its voxels follow its "
            "header; leave that out"
        )


def _check_spacings(words: list[str]) -> None:
    """Raise ``SourceError`` if voxels are less than 0 wide: ITK mirrors the volume."""
    if any(_is_float(word) and float(word) < 0 for word in words):
        raise SourceError(
            f"its header makes no sense: its spacings are {_shown(' '.join(words))}, less than 0"
        )


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


def _is_float(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and bool(np.isfinite(float(text)))


def _nrrd_header(path: Path) -> bytes:
    with opened(path) as file:
        return NRRD_END.split(file.read(LONGEST_HEADER), maxsplit=1)[0]


def _nrrd_units(header: bytes) -> Iterator[str]:
    for field in _NRRD_UNITS.findall(header):
        yield from re.findall(r'"([^"]*)"', field.decode("utf-8", "replace"))


def _nrrd_spaces(header: bytes) -> Iterator[str]:
    for field in _NRRD_SPACE.findall(header):
        yield field.decode("utf-8", "replace").strip()


def _nrrd_words(header: bytes, field: bytes) -> list[str]:
    """Return what a field has for each axis."""
    found = re.search(rb"^" + field + rb":([^\r\n]*)", header, re.IGNORECASE | re.MULTILINE)
    return found[1].decode("ascii", "replace").lower().split() if found else []


def _has_nrrd_spacing(header: bytes) -> bool:
    """Whether each axis of the volume has a spacing, or a direction of some length."""
    if _NRRD_DIRECTIONS.search(header):
        return True
    count = len(_nrrd_words(header, b"sizes"))
    kinds = _nrrd_words(header, b"kinds")
    spacings = [word for word in _nrrd_words(header, b"spacings") if _is_float(word)]
    # The axis of a vector's components has none.
    has_components = any(kind not in _DOMAINS for kind in kinds)
    return len(spacings) >= count - has_components


def _meta_fields(path: Path) -> dict[str, str]:
    with opened(path) as file:
        header = file.read(LONGEST_HEADER)
    end = META_NAME.search(header)  # the last field, which voxels may follow
    found = _META_FIELD.findall(header, 0, end.start() if end else len(header))
    if end:
        found.append((META_FIELD, end[1]))
    fields = [(name.decode(), value.decode("utf-8", "replace").strip()) for name, value in found]
    _check_values(fields)
    return dict(fields)


def _check_values(fields: Iterable[tuple[str, str]]) -> None:
    """Raise ``SourceError`` if a MetaImage has two values of what makes it another image."""
    said: dict[str, tuple[str, list[float] | str]] = {}
    for name, value in fields:
        if name not in _META_ONCE:
            continue
        words = value.split()
        content = [*map(float, words)] if all(map(_is_float, words)) else value
        other, before = said.setdefault(_META_SYNONYMS.get(name, name), (name, content))
        if before != content:
            both = f"{other} twice" if other == name else f"{other} and {name}"
            raise SourceError(f"its header has {both}, with different values")
