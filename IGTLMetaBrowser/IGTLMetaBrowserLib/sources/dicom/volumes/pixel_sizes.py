"""How large the pixels of a frame are, and by what rule: in mm, or not known.

The attributes that DICOM has for it, the most trustworthy first (PS3.3 10.7 and C.8):

- PixelSpacing: mm in the patient. In a projection image it may have been copied from the detector.
- SequenceOfUltrasoundRegions: mm within a region of an ultrasound image (C.8.5.5).
- ImagerPixelSpacing: mm at the detector, in the patient smaller by
  EstimatedRadiographicMagnificationFactor (C.8.11.5) if that is known.
- NominalScannedPixelSpacing: mm on the film or paper that was scanned (C.8.6.2).
- PixelAspectRatio: the ratio alone (C.7.6.3.1.7).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from ....lengths import is_length
from ..files import Frame, parse_numbers

AT_DETECTOR = "mm at the detector; in the patient they are smaller by an unknown magnification"
NOT_KNOWN = "the pixel size is not known: a pixel is shown as 1 mm"
MM_NOT_KNOWN = "mm not known"
"""The same in a list, after the image's name."""
_REGION_2D = "1"  # RegionSpatialFormat (PS3.3 C.8.5.5.1.1)
_CM = "3"  # PhysicalUnitsXDirection (PS3.3 C.8.5.5.1.15)
# Whoever stands in front of the detector is never magnified as much.
_MOST_MAGNIFIED = 20
# No scanner's pixels are as oblong.
_MOST_OBLONG = 100
# A region beside which there is room for a scale or a logo still is the image's.
_WHOLE = 0.98


class PixelSize(NamedTuple):
    """mm between rows, and between columns; the rule by which they were found.

    ``notice`` is what a user has to know of them, empty if they are mm in the patient.
    """

    rows: float
    columns: float
    rule: str
    notice: str = ""

    @property
    def smaller(self) -> float:
        """The smaller of the two, mm."""
        return min(self.rows, self.columns)

    @property
    def mark(self) -> str:
        """What a list says of it in a few words; nothing if these are mm in the patient."""
        if not self.is_known:
            return MM_NOT_KNOWN
        return "mm at detector" if self.notice == AT_DETECTOR else ""

    @property
    def is_known(self) -> bool:
        """Whether these are mm of anything."""
        return self.rule != ""


def pixel_size(frame: Frame) -> PixelSize:
    """Return the size of a frame's pixels."""
    return (
        _pixel_spacing(frame)
        or _ultrasound_regions(frame)
        or _at_detector(frame)
        or _on_film(frame)
        or _aspect_ratio(frame)
        or PixelSize(1.0, 1.0, "", NOT_KNOWN)
    )


def _pixel_spacing(frame: Frame) -> PixelSize | None:
    spacing = _two_lengths(frame, "PixelSpacing")
    if spacing is None:
        return None
    is_copied = spacing == _two_lengths(frame, "ImagerPixelSpacing")
    if is_copied and not frame.get("PixelSpacingCalibrationType"):
        # PS3.3 10.7.1.3: equal values without a calibration type are those of the detector.
        return _at_detector(frame)
    return PixelSize(*spacing, "PixelSpacing")


def _at_detector(frame: Frame) -> PixelSize | None:
    spacing = _two_lengths(frame, "ImagerPixelSpacing")
    if spacing is None:
        return None
    factor = frame.number("EstimatedRadiographicMagnificationFactor")
    if factor is not None and 1 <= factor <= _MOST_MAGNIFIED:
        rows, columns = spacing[0] / factor, spacing[1] / factor
        return PixelSize(
            rows,
            columns,
            f"ImagerPixelSpacing / EstimatedRadiographicMagnificationFactor {factor:g}",
        )
    return PixelSize(*spacing, "ImagerPixelSpacing", AT_DETECTOR)


def _on_film(frame: Frame) -> PixelSize | None:
    spacing = _two_lengths(frame, "NominalScannedPixelSpacing")
    if spacing is None:
        return None
    return PixelSize(*spacing, "NominalScannedPixelSpacing", "mm on the film that was scanned")


def _aspect_ratio(frame: Frame) -> PixelSize | None:
    ratio = _two_lengths(frame, "PixelAspectRatio")
    if ratio is None or ratio[0] == ratio[1] or max(ratio) > _MOST_OBLONG * min(ratio):
        return None
    notice = f"{NOT_KNOWN} wide and {ratio[0] / ratio[1]:g} mm high (PixelAspectRatio)"
    return PixelSize(ratio[0] / ratio[1], 1.0, "", notice)


def _ultrasound_regions(frame: Frame) -> PixelSize | None:
    text = frame.get("SequenceOfUltrasoundRegions")
    if not text:
        return None
    size = (frame.number("Rows") or 0.0, frame.number("Columns") or 0.0)
    return _size_in_regions(text, *size)


@lru_cache(maxsize=64)
def _size_in_regions(text: str, rows: float, columns: float) -> PixelSize | None:
    """Return the pixel size that all spatial regions have, or None if there is no such size."""
    regions = [region for region in json.loads(text) if _is_spatial(region)]
    sizes = {
        tuple(abs(10 * number) for key in keys for number in parse_numbers(region.get(key, "")))
        for region in regions
        for keys in [("PhysicalDeltaY", "PhysicalDeltaX")]
    }
    if len(sizes) != 1:
        return None
    (size,) = sizes
    if len(size) != 2 or not all(map(is_length, size)):
        return None
    notice = "" if _covers(regions[0], rows, columns) else f"mm only inside {_place_of(regions[0])}"
    return PixelSize(*size, "SequenceOfUltrasoundRegions", notice)


def _is_spatial(region: dict[str, str]) -> bool:
    units = {region.get(f"PhysicalUnits{axis}Direction") for axis in "XY"}
    return region.get("RegionSpatialFormat") == _REGION_2D and units == {_CM}


def _bounds(region: dict[str, str]) -> list[float]:
    keys = ("MinX0", "MaxX1", "MinY0", "MaxY1")
    return [float(region.get(f"RegionLocation{key}") or 0) for key in keys]


def _covers(region: dict[str, str], rows: float, columns: float) -> bool:
    left, right, top, bottom = _bounds(region)
    return right - left + 1 >= _WHOLE * columns and bottom - top + 1 >= _WHOLE * rows


def _place_of(region: dict[str, str]) -> str:
    left, right, top, bottom = _bounds(region)
    return f"columns {left:g} to {right:g}, rows {top:g} to {bottom:g}"


def _two_lengths(frame: Frame, keyword: str) -> tuple[float, float] | None:
    spacing = frame.numbers(keyword, 2)
    return (spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None
