"""Whether the lengths in a header can be those of an image of a patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

# No table moves a kilometer, and no pixel is smaller than a nanometer. OpenIGTLink's matrix, of 32
# bits, would overflow at 3e38.
_LONGEST = 1e6  # mm
_SHORTEST = 1e-6
_POSITIONS = ("ImagePositionPatient", "DetectorImagePositionPatient")
_SPACINGS = (
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "SliceThickness",
    "SpacingBetweenSlices",
)  # fmt: skip


def why_not_lengths(values: Mapping[str, str], frames: Mapping[str, Sequence[str]]) -> str:
    """Return which length in a header, or in one of its frames, makes no sense; empty if none."""
    for keyword in (*_POSITIONS, *_SPACINGS):
        shortest = _SHORTEST if keyword in _SPACINGS else 0.0
        for text in (values.get(keyword, ""), *frames.get(keyword, ())):
            if not all(_is_length(number, shortest) for number in floats(text)):
                return f"its header makes no sense: {keyword} is {text[:60]} (mm)"
    return ""


def floats(text: str) -> list[float]:
    """Return the numbers of a multi-valued attribute; none if one of them is no number."""
    try:
        return [float(part) for part in text.split("\\")] if text else []
    except ValueError:
        return []


def _is_length(number: float, shortest: float) -> bool:
    # 0 stands for "not known" in many files.
    return math.isfinite(number) and (number == 0 or shortest <= abs(number) <= _LONGEST)
