"""A label map as a DICOM Segmentation (PS3.3 A.51) of the images that it was drawn in.

The document is highdicom's. Its planes are those of the images: a label map on another grid is not
resampled here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...lengths import is_length
from ...net.source import SourceError
from ..dicom.fields import cut_name
from ..dicom.label_maps.colors import lab_of_color
from ..dicom.label_maps.label_map import MOST_LABELS, Structure
from .label_file import LabelMapToStore
from .label_planes import in_planes, plane_numbers
from .other_segments import (
    Grid,
    Segment,
    check_memory,
    descriptions_of,
    items_by_name,
    other_segments,
)
from .patient_and_study import CHARACTER_SET, with_required
from .plan_document import check_images
from .predecessor import name_as_replaced

if TYPE_CHECKING:
    from pydicom import Dataset

_SERIES_NUMBER = 9001
_MAKER = "IGTLMetaBrowser"
_MOST_CHARACTERS = 64  # of SegmentLabel, which is LO (PS3.5 6.2)


def write_segmentation(
    labels: LabelMapToStore, images: Sequence[Dataset], predecessor: Dataset | None = None
) -> Dataset:
    """Return the document of a label map, which has 0 for the background.

    Structures that the map does not name are called by their labels. ``images`` are single-frame
    instances of one series. ``predecessor`` is the segmentation that it replaces. Raises
    ``SourceError`` if the planes are not the images', or the predecessor is of something else.
    """
    document, _ = _written(labels, images, predecessor)
    return document


def replace_segments(
    labels: LabelMapToStore,
    images: Sequence[Dataset],
    predecessor: Dataset,
    segments: Collection[int],
    known: Dataset | None = None,
) -> tuple[Dataset, list[int]]:
    """Return the document in which a label map takes the place of some segments of another.

    The others of the ``predecessor`` are in it, too. ``segments`` are the numbers of those that are
    replaced: in ``known``, if that has been replaced by the predecessor since, or else in the
    predecessor. Second is which numbers the label map's segments have. Raises ``SourceError`` as
    ``write_segmentation`` does, and if those segments were replaced by others meanwhile.
    """
    return _written(labels, images, predecessor, segments, known)


def _written(
    labels: LabelMapToStore,
    images: Sequence[Dataset],
    predecessor: Dataset | None,
    segments: Collection[int] = (),
    known: Dataset | None = None,
) -> tuple[Dataset, list[int]]:
    check_images(images)
    layers = _layers(labels.labels)
    numbers = _numbers(layers)
    try:
        planes = plane_numbers(images, layers.shape[1:], labels.ijk_to_ras)
        others, place = list[Segment](), 0
        if predecessor is not None and segments:
            grid = Grid(planes, layers.shape[1:], labels.ijk_to_ras)
            others, place = other_segments(predecessor, segments, grid, known)
        document = _made(
            [_prepared(image, labels.ijk_to_ras) for image in images],
            _segments(in_planes(layers, planes), numbers, others, place),
            _descriptions(numbers, labels.structures, items_by_name(predecessor), others, place),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # highdicom's
        raise SourceError(f"of these images no segmentation can be made: {error}") from error
    if predecessor is not None:
        name_as_replaced(document, predecessor)
    return document, [*range(place + 1, place + 1 + len(numbers))]


def _layers(labels: np.ndarray) -> np.ndarray:
    """Return label maps of the shape (layers, k, j, i). Raises ``SourceError``."""
    if labels.ndim not in (3, 4) or labels.dtype.kind not in "iu":
        raise SourceError(
            f"a label map has one whole number in each voxel, and this has {labels.dtype} of the "
            f"shape {labels.shape}; save it with whole numbers, such as uint8"
        )
    return labels if labels.ndim == 4 else labels[np.newaxis]


def _numbers(layers: np.ndarray) -> list[int]:
    """Return which labels there are, in their order. Raises ``SourceError`` if they are too many.

    Each becomes a segment, with frames of its own: of tens of thousands the archive would get more
    than anybody can read. It is known plane by plane, before any work begins.
    """
    numbers: set[int] = set()
    for plane in layers.reshape(-1, *layers.shape[2:]):
        # Of all voxels it would take ten times as long: they are sorted.
        numbers.update(np.unique(plane[plane > 0]).tolist())
        if len(numbers) > MOST_LABELS:
            raise SourceError(
                f"the label map has more than {MOST_LABELS} labels, and each would be a segment; "
                "merge those that belong together, or store a label map for each group of them. "
                "What numbers parts instead of naming them, such as connected components, is kept "
                "in a file (NRRD)"
            )
    if not numbers:
        raise SourceError("the label map is empty: no voxel has a label")
    return sorted(numbers)


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
    )
    document.SpecificCharacterSet = CHARACTER_SET
    return document


def _prepared(image: Dataset, ijk_to_ras: np.ndarray) -> Dataset:
    """Return an image as highdicom wants it: one that says how thick it is, as many files do not.

    How far slices are from each other it finds out itself: some files have the gap between them.
    """
    prepared = with_required(image)
    prepared.pop("SpacingBetweenSlices", None)
    if not _has_thickness(prepared):
        thickness = float(np.linalg.norm(ijk_to_ras[:3, 2]))
        prepared.add_new("SliceThickness", "DS", round(thickness, 6))
    return prepared


def _has_thickness(image: Dataset) -> bool:
    try:
        return is_length(float(image.get("SliceThickness") or 0))
    except (TypeError, ValueError):  # such as 1,5
        return False


def _segments(
    layers: np.ndarray, numbers: Sequence[int], others: Sequence[Segment], place: int
) -> np.ndarray:
    """Return the segments as highdicom takes them, numbered from 1 without gaps (C.8.20.2).

    Those of one layer as a label map (k, j, i), those that may overlap as masks: (k, j, i,
    segments). ``place`` is how many of the others come first. Raises ``SourceError``.
    """
    if len(layers) == 1 and not others:
        return _label_map(layers[0], numbers)
    count = len(numbers) + len(others)
    if count > MOST_LABELS:
        raise SourceError(f"the document would have {count} segments; at most {MOST_LABELS} can be")
    check_memory(count, layers[0].size)
    masks = np.zeros((count, *layers[0].shape), bool)
    for number, label in enumerate(numbers, start=place):
        for layer in layers:
            masks[number] |= layer == label
    kept = [*range(place), *range(place + len(numbers), count)]
    for number, other in zip(kept, others, strict=True):
        masks[number] = other.mask
    return np.moveaxis(masks, 0, -1)


def _label_map(labels: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    segments = np.zeros(labels.shape, np.uint8)
    for k, plane in enumerate(labels):
        is_labeled = plane > 0
        segments[k][is_labeled] = np.searchsorted(numbers, plane[is_labeled]) + 1
    return segments


def _descriptions(
    numbers: Sequence[int],
    structures: Sequence[Structure],
    known: Mapping[str, Dataset],
    others: Sequence[Segment],
    place: int,
) -> list[Any]:
    """Return what each segment is, ``known`` are those of the predecessor by their names."""
    named = {structure.label: structure for structure in structures}
    new = [_description(label, named.get(label), known) for label in numbers]
    kept = descriptions_of(others)
    descriptions = [*kept[:place], *new, *kept[place:]]
    for number, description in enumerate(descriptions, start=1):
        description.SegmentNumber = number
    return descriptions


def _description(label: int, structure: Structure | None, known: Mapping[str, Dataset]) -> Any:
    """Return what a segment is: its name and color, and by what it is known (tracking UID).

    What it is a segment of, a label map does not say; the segment of this name in the predecessor
    does, if there is one.
    """
    from highdicom import UID
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription

    given = "" if structure is None else " ".join(structure.name.replace("\\", "/").split())
    name = given[:_MOST_CHARACTERS] or f"Label {label}"
    before = known.get(cut_name(name))
    category, kind = _codes(before)
    is_tracked = before is not None and before.get("TrackingUID") and before.get("TrackingID")
    return SegmentDescription(
        1,
        name,
        category,
        kind,
        SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=before.TrackingUID if is_tracked else UID(),
        tracking_id=before.TrackingID if is_tracked else name,
        display_color=None if structure is None else CIELabColor(*lab_of_color(structure.rgba)),
    )


def _codes(before: Dataset | None) -> tuple[Any, Any]:
    """Return category and type (C.8.20.4) of a segment in the predecessor, or of any tissue."""
    from highdicom.sr import CodedConcept
    from pydicom.sr.codedict import codes

    keywords = ("SegmentedPropertyCategoryCodeSequence", "SegmentedPropertyTypeCodeSequence")
    if before is None or not all(before.get(keyword) for keyword in keywords):
        return codes.SCT.Tissue, codes.SCT.Tissue
    category, kind = (CodedConcept.from_dataset(before[keyword].value[0]) for keyword in keywords)
    return category, kind
