"""A three-dimensional Shepp-Logan head phantom in CT, MR and PET contrast.

Ten ellipsoids are those of the published table: Kak and Slaney, "Principles of Computerized
Tomographic Imaging" (1988), page 102, with the authors' errata; Yu, Ye and Wang (SPIE 5535, 2004)
use the same ones. Scalp, cerebrospinal fluid and the brain's surface are the
additional layers of Gach, Tanase and Boada, "2D & 3D Shepp-Logan Phantom Standards for MRI" (ICSEng
2008). Nose, ears, tumor and marker are our own.

The table has no units and one density for each ellipsoid. Here one unit is 100 mm, which makes a
head 144 mm wide, 190 mm from front to back and 186 mm high; the table's x, y and z are the
patient's right, anterior and superior (RAS); and each ellipsoid is of one tissue, whose value
depends on the modality.

**Left and right:** a bright ball (``MARKER``) touches the skin at the patient's LEFT. The nose
shows the front.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid filled with one tissue; lengths in mm, RAS.

    ``angle`` turns the first two semi-axes about the superior axis, in degrees from right towards
    anterior.
    """

    tissue: str
    center: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    angle: float = 0.0

    def ras_to_unit_ball(self) -> np.ndarray:
        """The affine (3, 4) from RAS mm to coordinates in which this ellipsoid is the unit ball."""
        cosine, sine = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        rotation = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        linear = rotation / np.asarray(self.semi_axes)[:, None]
        return np.column_stack([linear, -linear @ np.asarray(self.center)])


SCALP = Ellipsoid("scalp", (0, 0, 0), (72, 95, 93))
TUMOR = Ellipsoid("tumor", (36, -34, 4), (13, 15, 12))
MARKER = Ellipsoid("marker", (-77, 0, 0), (5, 5, 5))
LEFT_VENTRICLE = Ellipsoid("fluid", (-22, 0, -25), (41, 16, 21), 108)
RIGHT_VENTRICLE = Ellipsoid("fluid", (22, 0, -25), (31, 11, 22), 72)

# Each one is painted over those before it.
HEAD = (
    Ellipsoid("scalp", (0, 90, -34), (11, 16, 20)),  # nose
    Ellipsoid("scalp", (69, -10, -30), (8, 8, 24)),  # ears
    Ellipsoid("scalp", (-69, -10, -30), (8, 8, 24)),
    SCALP,
    Ellipsoid("bone", (0, 0, 0), (69, 92, 90)),  # table, 1
    Ellipsoid("fluid", (0, 0, 0), (66.24, 87.4, 88)),  # table, 2
    Ellipsoid("gray matter", (0, 0, 0), (65.24, 86.4, 87)),
    LEFT_VENTRICLE,  # table, 3
    RIGHT_VENTRICLE,  # table, 4
    Ellipsoid("white matter", (0, 35, -25), (21, 25, 50)),  # table, 5
    Ellipsoid("nodule", (0, 10, -25), (4.6, 4.6, 4.6)),  # table, 6
    Ellipsoid("nodule", (-8, -65, -25), (4.6, 2.3, 2)),  # table, 7
    Ellipsoid("nodule", (6, -65, -25), (4.6, 2.3, 2), 90),  # table, 8
    Ellipsoid("nodule", (6, -10.5, 62.5), (5.6, 4, 10), 90),  # table, 9
    Ellipsoid("fluid", (0, 10, 62.5), (5.6, 5.6, 10)),  # table, 10
    TUMOR,
    MARKER,
)

# Hounsfield units, T1-weighted signal, and Bq/ml.
CONTRAST: dict[str, dict[str, float]] = {
    "CT": {
        "air": -1000,
        "scalp": 20,
        "bone": 1000,
        "fluid": 5,
        "gray matter": 37,
        "white matter": 30,
        "nodule": 60,
        "tumor": 75,
        "marker": 400,
    },
    "MR": {
        "air": 0,
        "scalp": 900,
        "bone": 60,
        "fluid": 150,
        "gray matter": 480,
        "white matter": 640,
        "nodule": 700,
        "tumor": 820,
        "marker": 1000,
    },
    "PT": {
        "air": 0,
        "scalp": 1500,
        "bone": 800,
        "fluid": 600,
        "gray matter": 14000,
        "white matter": 6000,
        "nodule": 20000,
        "tumor": 32000,
        "marker": 20000,
    },
}


def paint_head(
    volume: np.ndarray, modality: str, ijk_to_ras: np.ndarray, edge: float
) -> Iterator[None]:
    """Fill ``volume``, float32 of shape (k, j, i), with the phantom, a slice at a time.

    It is sampled as by a scanner at the centers of the voxels: ``modality`` is a key of
    ``CONTRAST``; ``ijk_to_ras`` (4, 4) takes a voxel index to the RAS mm of the voxel's center;
    ``edge`` is the width in mm over which one tissue fades into the next (the scanner's sharpness).
    Iterate to the end; a slice takes a fraction of a millisecond, so that nobody is kept waiting.
    """
    values = CONTRAST[modality]
    for pixels in volume:
        pixels[:] = values["air"]
        yield
    for ellipsoid in HEAD:
        yield from _paint(volume, ellipsoid, values[ellipsoid.tissue], np.asarray(ijk_to_ras), edge)


def skin_point(
    inside: tuple[float, float, float], direction: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Where the ray from the RAS point ``inside`` along ``direction`` leaves the scalp (RAS mm)."""
    to_ball = SCALP.ras_to_unit_ball()
    start = to_ball @ (*inside, 1.0)
    step = to_ball[:, :3] @ direction
    a, b, c = step @ step, start @ step, start @ start - 1.0
    distance = (-b + np.sqrt(b * b - a * c)) / a
    x, y, z = np.asarray(inside) + distance * np.asarray(direction)
    return (float(x), float(y), float(z))


def _paint(
    volume: np.ndarray, ellipsoid: Ellipsoid, value: float, ijk_to_ras: np.ndarray, edge: float
) -> Iterator[None]:
    """Blend ``value`` into the voxels (k, j, i) that the ellipsoid covers, slice by slice within
    its bounding box."""
    ijk_to_ball = (ellipsoid.ras_to_unit_ball() @ ijk_to_ras).astype(np.float32)
    radius = min(ellipsoid.semi_axes)
    outermost = 1.0 + edge / (2.0 * radius)
    boxes = _bounding_box(ijk_to_ball.astype(np.float64), outermost, volume.shape[::-1])
    i, j = (np.arange(box.start, box.stop, dtype=np.float32) for box in boxes[:2])
    in_plane = [row[0] * i[None, :] + row[1] * j[:, None] + row[3] for row in ijk_to_ball]
    for k in range(boxes[2].start, boxes[2].stop):
        squared = sum(
            (plane + row[2] * k) ** 2 for plane, row in zip(in_plane, ijk_to_ball, strict=True)
        )
        share = np.clip(0.5 + (1.0 - np.sqrt(squared)) * np.float32(radius / edge), 0.0, 1.0)
        pixels = volume[k, boxes[1], boxes[0]]
        pixels += share * (np.float32(value) - pixels)
        yield


def _bounding_box(
    ijk_to_ball: np.ndarray, radius: float, size: tuple[int, ...]
) -> tuple[slice, slice, slice]:
    """The voxels (as i, j, k slices) that can lie within ``radius`` of the unit ball's center."""
    ball_to_ijk = np.linalg.inv(ijk_to_ball[:, :3])
    center = -ball_to_ijk @ ijk_to_ball[:, 3]
    reach = radius * np.linalg.norm(ball_to_ijk, axis=1)
    first = np.clip(np.ceil(center - reach), 0, size).astype(int)
    last = np.clip(np.floor(center + reach) + 1, 0, size).astype(int)
    return tuple(slice(a, max(a, b)) for a, b in zip(first, last, strict=True))
