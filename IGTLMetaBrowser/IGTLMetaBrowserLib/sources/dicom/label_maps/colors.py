"""Colors of structures: CIELab as DICOM has them, and those of structures that have none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# For structures without a color: colors that are easily told apart (Okabe and Ito).
_COLORS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167),
)  # fmt: skip
_D50 = np.array([0.9642, 1.0, 0.8251])
# From XYZ (D50) to linear sRGB.
_XYZ_TO_RGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def default_color(label: int) -> tuple[int, int, int, int]:
    """Return a color for a structure that has none."""
    return (*_COLORS[(label - 1) % len(_COLORS)], 255)


def color_of_lab(text: str) -> tuple[int, int, int, int] | None:
    """Return a CIELab value as DICOM encodes it (PS3.3 C.10.7.1.1) in sRGB; None if it is none."""
    parts = text.split("\\")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    scaled = np.array([float(part) for part in parts]) / 65535
    lightness, a, b = scaled[0] * 100, scaled[1] * 255 - 128, scaled[2] * 255 - 128
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    xyz = _D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = np.clip(_XYZ_TO_RGB @ xyz, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (round(255 * part) for part in rgb)
    return (red, green, blue, 255)


def lab_of_color(rgba: Sequence[int]) -> tuple[float, float, float]:
    """Return a color of sRGB in CIELab: the way back of ``color_of_lab``, as L*, a* and b*.

    With the white point of PS3.3 (D50). highdicom, and dcmtk until 3.6.9, take D65 instead: then a
    blue would come back as a violet.
    """
    srgb = np.array(rgba[:3]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    ratio = np.linalg.solve(_XYZ_TO_RGB, linear) / _D50
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = map(float, f)
    return min(100.0, max(0.0, 116 * y - 16)), 500 * (x - y), 200 * (y - z)
