"""The units of NRRD files, which ITK does not look at: a volume in meters would be one in mm.

teem.sourceforge.net/nrrd/format.html: ``space units`` of all axes of the space, or ``units`` of
each axis, in quotation marks; where they are unknown, there are none, or ``???``.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..codec import printable
from ..net.source import SourceError

_LONGEST_HEADER = 1 << 20
_END = re.compile(rb"\n\r?\n")
_UNITS = re.compile(rb"^(?:space )?units:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_MILLIMETERS = {"mm", "millimeter", "millimeters", "millimetre", "millimetres"}
_UNKNOWN = {"", "???", "none"}
_LONGEST_UNIT = 20


def check_nrrd_units(path: Path) -> None:
    """Raise ``SourceError`` if the header at ``path`` says that lengths are not in mm."""
    with path.open("rb") as file:
        header = _END.split(file.read(_LONGEST_HEADER), maxsplit=1)[0]
    for field in _UNITS.findall(header):
        for unit in re.findall(r'"([^"]*)"', field.decode("utf-8", "replace")):
            if unit.strip().lower() not in _MILLIMETERS | _UNKNOWN:
                shown = printable(unit[:_LONGEST_UNIT])
                raise SourceError(
                    f"its unit is {shown!r}, and only volumes in mm are read; convert it to mm"
                )
