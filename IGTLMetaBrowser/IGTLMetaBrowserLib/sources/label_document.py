"""A label map as a DICOM Segmentation (PS3.3 A.51) of the images that it was drawn in.

The document is highdicom's. Its planes are those of the images: a label map on another grid is not
resampled here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codec.geometry import flip_matrix_lps_ras
from ..net.source import SourceError
from .plan_document import with_required

if TYPE_CHECKING:
    from pydicom import Dataset

_SERIES_NUMBER = 9001
_MAKER = "IGTLMetaBrowser"
# How far a plane of the label map may be from that of its image, in voxels.
_FITS = 0.05


def write_segmentation(
    labels: np.ndarray,
    ijk_to_ras: np.ndarray,
    images: Sequence[Dataset],
    names: Mapping[int, str] | None = None,
) -> Dataset:
    """Return the document of a label map, integers of shape (k, j, i), 0 for the background.

    ``ijk_to_ras`` (4, 4) takes its voxels to RAS mm; ``images`` are single-frame instances of one
    series; ``names`` are those of labels. Raises ``SourceError`` if the planes are not the images'.
    """
    from highdicom import UID
    from highdicom.seg import Segmentation, SegmentationTypeValues

    if labels.ndim != 3 or labels.dtype.kind not in "iu":
        raise SourceError("a label map has one whole number in each voxel, and this has not")
    numbers = [int(number) for number in np.unique(labels) if number > 0]
    if not numbers:
        raise SourceError("the label map is empty: no voxel has a label")
    planes = [_plane_of(image, labels.shape, ijk_to_ras) for image in images]
    if len(set(planes)) < len(planes):
        raise SourceError("several images lie in one plane of the label map")
    outside = np.delete(labels, planes, axis=0)
    if outside.any():
        raise SourceError("the label map has labels in planes of which there is no image")
    # Segments are numbered from 1 without gaps (PS3.3 C.8.20.2).
    numbered = np.searchsorted([0, *numbers], labels[planes]).astype(np.uint16)
    return Segmentation(
        [*map(with_required, images)],
        numbered,
        SegmentationTypeValues.BINARY,
        [_description(n, (names or {}).get(label, "")) for n, label in enumerate(numbers, start=1)],
        series_instance_uid=UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=_MAKER,
        manufacturer_model_name=_MAKER,
        software_versions="1",
        device_serial_number="1",
        content_label="SEGMENTATION",
        content_creator_name="",  # type 2: who has drawn it, nobody has said
        series_description="Segmentation",
        omit_empty_frames=False,
    )


def _description(number: int, name: str) -> Any:
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    # What it is a segment of, a label map does not say.
    return SegmentDescription(
        number,
        name or f"Label {number}",
        codes.SCT.Tissue,
        codes.SCT.Tissue,
        SegmentAlgorithmTypeValues.MANUAL,
    )


def _plane_of(image: Dataset, shape: tuple[int, ...], ijk_to_ras: np.ndarray) -> int:
    """Return in which plane of the label map an image lies. Raises ``SourceError``."""
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
    is_alike = shape[1:] == (rows, columns) and 0 <= k < shape[0]
    if not is_alike or np.abs(found - expected).max() > _FITS:
        raise SourceError(
            "the label map is not on the grid of the images: export it with their geometry "
            "(in Slicer: Segmentations, Export, Reference volume)"
        )
    return k
