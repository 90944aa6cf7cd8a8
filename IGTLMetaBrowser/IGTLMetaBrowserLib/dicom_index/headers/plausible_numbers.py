"""Whether the numbers in a header can be those of an image of a patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...lengths import LONGEST, is_length

# Multiplied with any stored value, a number of 32 bits still holds it.
_LARGEST_RESCALE = 1e28
_POSITIONS = ("ImagePositionPatient", "DetectorImagePositionPatient")
_DIRECTIONS = ("ImageOrientationPatient", "DetectorImageOrientationPatient")
_SPACINGS = (
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "SliceThickness",
    "SpacingBetweenSlices",
)  # fmt: skip
_RESCALES = (
    "RescaleSlope", "RescaleIntercept", "DoseGridScaling", "RealWorldValueSlope",
    "RealWorldValueIntercept",
)  # fmt: skip


def why_implausible(values: Mapping[str, str], frames: Mapping[str, Sequence[str]]) -> str:
    """Return which number in a header, or in one of its frames, makes no sense; empty if none.

    A spacing of 0, or below, is none of them: it stands for "not known" in many files.
    """
    for keyword in (*_POSITIONS, *_DIRECTIONS, *_SPACINGS, *_RESCALES):
        for text in {values.get(keyword, ""), *frames.get(keyword, ())}:
            if not _is_plausible(keyword, text):
                unit = "" if keyword in (*_DIRECTIONS, *_RESCALES) else " (mm)"
                return f"its header makes no sense: {keyword} is {text[:60]}{unit}"
    return ""


def floats(text: str) -> list[float]:
    """Return the numbers of a multi-valued attribute; none if one of them is no number.

    So is what only Python takes for one: 1_5 is 15 to it, and 1 to readers in C.
    """
    if "_" in text or not text.isascii():
        return []
    try:
        return [float(part) for part in text.split("\\")] if text else []
    except ValueError:
        return []


def _is_plausible(keyword: str, text: str) -> bool:
    numbers = floats(text)
    if not all(map(math.isfinite, numbers)):
        return False
    if keyword in _RESCALES:
        # Without it, all values would be wrong; without a spacing, the image is said to have none.
        is_number = bool(numbers) or not text
        return is_number and all(abs(number) <= _LARGEST_RESCALE for number in numbers)
    if keyword in _SPACINGS:
        return all(number == 0 or is_length(abs(number)) for number in numbers)
    return all(abs(number) <= LONGEST for number in numbers)
