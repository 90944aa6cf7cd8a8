"""In which plane of a label map an image lies, and what a label map has in the images' planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...codec.geometry import flip_matrix_lps_ras
from ...net.source import SourceError
from .plan_document import frame_count

if TYPE_CHECKING:
    from pydicom import Dataset

# How far a plane of the label map may be from that of its image, in voxels.
_FITS = 0.05


def plane_numbers(
    images: Sequence[Dataset], shape: Sequence[int], ijk_to_ras: np.ndarray
) -> list[int]:
    """Return in which plane of a label map each image lies, see ``plane_of``.

    Raises ``SourceError``.
    """
    planes = [plane_of(image, shape, ijk_to_ras) for image in images]
    if len(set(planes)) < len(planes):
        raise SourceError(
            "several images lie in one plane of the label map, as in a 4D series; name a folder of "
            "one of each (--images)"
        )
    return planes


def plane_of(image: Dataset, shape: Sequence[int], ijk_to_ras: np.ndarray) -> int:
    """Return in which plane of a label map of the shape (k, j, i) an image lies.

    There need not be such a plane: segmentations leave out those at their ends in which they have
    nothing. Raises ``SourceError`` if the label map's voxels are not the image's pixels.
    """
    if frame_count(image) > 1:
        raise SourceError(
            "the image is a multi-frame one (enhanced); segmentations are stored of single-frame "
            "images only"
        )
    try:
        position, cosines, spacing = (
            np.array([float(number) for number in image[keyword].value])
            for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError("the images have no place in space") from error
    columns, rows = int(image.Columns), int(image.Rows)
    along = cosines[:3] * spacing[1] * (columns - 1), cosines[3:] * spacing[0] * (rows - 1)
    corners = np.array([position, position + along[0], position + along[1]])
    lps_to_ijk = np.linalg.inv(flip_matrix_lps_ras(ijk_to_ras))
    found = corners @ lps_to_ijk[:3, :3].T + lps_to_ijk[:3, 3]
    k = round(float(found[0, 2]))
    expected = np.array([[0, 0, k], [columns - 1, 0, k], [0, rows - 1, k]])
    is_alike = tuple(shape[1:]) == (rows, columns)
    if not is_alike or np.abs(found - expected).max() > _FITS:
        raise SourceError(
            "the label map is not on the grid of the images: export it with their geometry "
            "(in Slicer: Segmentations, Export, Reference volume)"
        )
    return k


def in_planes(layers: np.ndarray, planes: Sequence[int]) -> np.ndarray:
    """Return label maps (layers, k, j, i) in the images' planes: (layers, images, j, i).

    Raises ``SourceError`` if there are labels in planes of which there is no image.
    """
    count = layers.shape[1]
    if any(layers[:, k].any() for k in {*range(count)}.difference(planes)):
        raise SourceError("the label map has labels in planes of which there is no image")
    found = np.zeros((len(layers), len(planes), *layers.shape[2:]), layers.dtype)
    for image, k in enumerate(planes):
        if 0 <= k < count:
            found[:, image] = layers[:, k]
    return found
