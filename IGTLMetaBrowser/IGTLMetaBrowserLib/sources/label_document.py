"""A label map as a DICOM Segmentation (PS3.3 A.51) of the images that it was drawn in.

The document is highdicom's. Its planes are those of the images: a label map on another grid is not
resampled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codec.geometry import flip_matrix_lps_ras
from ..net.source import SourceError
from .dicom_segmentations import Structure, lab_of_color
from .label_file import Labels
from .plan_document import check_images, with_required
from .predecessor import name_as_replaced

if TYPE_CHECKING:
    from pydicom import Dataset

_SERIES_NUMBER = 9001
_MAKER = "IGTLMetaBrowser"
_MOST_CHARACTERS = 64  # of SegmentLabel, which is LO (PS3.5 6.2)
# How far a plane of the label map may be from that of its image, in voxels.
_FITS = 0.05


def write_segmentation(
    labels: Labels, images: Sequence[Dataset], predecessor: Dataset | None = None
) -> Dataset:
    """Return the document of a label map, which has 0 for the background.

    Structures that the map does not name are called by their labels. ``images`` are single-frame
    instances of one series. ``predecessor`` is the segmentation that it replaces. Raises
    ``SourceError`` if the planes are not the images', or the predecessor is of something else.
    """
    check_images(images)
    voxels = labels.labels
    if voxels.ndim not in (3, 4) or voxels.dtype.kind not in "iu":
        raise SourceError("a label map has one whole number in each voxel, and this has not")
    layers = voxels if voxels.ndim == 4 else voxels[np.newaxis]
    # Of all voxels it would take ten times as long: they are sorted.
    numbers = [int(number) for number in np.unique(layers[layers > 0])]
    if not numbers:
        raise SourceError("the label map is empty: no voxel has a label")
    thickness = float(np.linalg.norm(labels.ijk_to_ras[:3, 2]))
    try:
        planes = _planes(layers, labels.ijk_to_ras, images)
        document = _made(
            [_with_thickness(with_required(image), thickness) for image in images],
            _segments(layers[:, planes], numbers),
            _descriptions(numbers, labels.structures, predecessor),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # highdicom's
        raise SourceError(f"of these images no segmentation can be made: {error}") from error
    if predecessor is not None:
        name_as_replaced(document, predecessor)
    return document


def _made(images: Sequence[Dataset], segments: np.ndarray, descriptions: list[Any]) -> Dataset:
    from highdicom import UID
    from highdicom.seg import Segmentation, SegmentationTypeValues

    document = Segmentation(
        images,
        segments,
        SegmentationTypeValues.BINARY,
        descriptions,
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
    document.SpecificCharacterSet = "ISO_IR 192"  # names of structures may be in any alphabet
    return document


def _with_thickness(image: Dataset, thickness: float) -> Dataset:
    """Return an image that says how thick it is, as highdicom wants; many files do not."""
    if not image.get("SliceThickness"):
        image.SliceThickness = round(thickness, 6)
    return image


def _planes(layers: np.ndarray, ijk_to_ras: np.ndarray, images: Sequence[Dataset]) -> list[int]:
    """Return in which plane of the label map each image lies. Raises ``SourceError``."""
    planes = [_plane_of(image, layers.shape[1:], ijk_to_ras) for image in images]
    if len(set(planes)) < len(planes):
        raise SourceError("several images lie in one plane of the label map")
    if np.delete(layers, planes, axis=1).any():
        raise SourceError("the label map has labels in planes of which there is no image")
    return planes


def _segments(layers: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    """Return the segments as highdicom takes them, numbered from 1 without gaps (C.8.20.2).

    Those of one layer as a label map (k, j, i), those that overlap as masks: (k, j, i, segments).
    """
    if len(layers) == 1:
        return np.searchsorted([0, *numbers], layers[0]).astype(np.uint16)
    return np.stack([(layers == number).any(axis=0) for number in numbers], axis=-1)


def _descriptions(
    numbers: Sequence[int], structures: Sequence[Structure], predecessor: Dataset | None
) -> list[Any]:
    """Return what each segment is: its name and color, and by what it is known (tracking UID)."""
    known = {structure.label: structure for structure in structures}
    tracked = {
        str(item.get("TrackingID")): str(item.TrackingUID)
        for item in (predecessor or {}).get("SegmentSequence") or []
        if item.get("TrackingUID")
    }
    return [
        _description(number, label, known.get(label), tracked)
        for number, label in enumerate(numbers, start=1)
    ]


def _description(
    number: int, label: int, structure: Structure | None, tracked: dict[str, str]
) -> Any:
    from highdicom import UID
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    given = "" if structure is None else " ".join(structure.name.replace("\\", "/").split())
    name = given[:_MOST_CHARACTERS] or f"Label {label}"
    # What it is a segment of, a label map does not say.
    return SegmentDescription(
        number,
        name,
        codes.SCT.Tissue,
        codes.SCT.Tissue,
        SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=tracked.get(name) or UID(),
        tracking_id=name,
        display_color=None if structure is None else CIELabColor(*lab_of_color(structure.rgba)),
    )


def _plane_of(image: Dataset, shape: tuple[int, ...], ijk_to_ras: np.ndarray) -> int:
    """Return in which plane of the label map an image lies. Raises ``SourceError``."""
    if int(image.get("NumberOfFrames") or 1) > 1:
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
    is_alike = shape[1:] == (rows, columns) and 0 <= k < shape[0]
    if not is_alike or np.abs(found - expected).max() > _FITS:
        raise SourceError(
            "the label map is not on the grid of the images: export it with their geometry "
            "(in Slicer: Segmentations, Export, Reference volume)"
        )
    return k
