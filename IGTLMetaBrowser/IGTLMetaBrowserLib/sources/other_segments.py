"""The segments of a stored segmentation that stay when one of them is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..net.source import SourceError
from .dicom_decoding import stored_frames
from .dicom_fields import cut_name
from .label_planes import plane_of

if TYPE_CHECKING:
    from pydicom import Dataset

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
# highdicom takes segments that may overlap as one array, and makes copies of its planes only.
_MOST_BYTES = 2 << 30


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment: its number, its item of the Segment Sequence, and where in the images it is.

    ``mask`` is bool of the shape (images, j, i).
    """

    number: int
    item: Dataset
    mask: np.ndarray


def check_memory(count: int, voxels: int) -> None:
    """Raise ``SourceError`` if so many segments of so many voxels each need too much memory."""
    if count * voxels > _MOST_BYTES:
        raise SourceError(
            f"{count} segments that may overlap need {count * voxels / (1 << 30):.1f} GiB of "
            f"memory; store at most {_MOST_BYTES // voxels} of them in one document"
        )


def items_by_name(document: Dataset | None) -> dict[str, Dataset]:
    """Return the items of a document's Segment Sequence by their names, as LBMETA has these."""
    items = [] if document is None else document.get("SegmentSequence") or []
    return {cut_name(str(item.get("SegmentLabel", ""))): item for item in items}


def other_segments(
    document: Dataset,
    number: int,
    planes: Sequence[int],
    shape: Sequence[int],
    ijk_to_ras: np.ndarray,
) -> list[Segment]:
    """Return all segments of a document but the one with this number.

    ``planes`` are those of the images in a label map of this shape and matrix. Raises
    ``SourceError`` if there is no such segment, or if the others cannot be taken over as they are.
    """
    _check(document, number)
    check_memory(len(document.SegmentSequence), len(planes) * shape[1] * shape[2])
    masks = {
        int(item.SegmentNumber): np.zeros((len(planes), *shape[1:]), bool)
        for item in document.SegmentSequence
        if int(item.SegmentNumber) != number
    }
    images = {k: image for image, k in enumerate(planes)}
    for frame, pixels in zip(_frames(document), _pixels(document), strict=True):
        mask = masks.get(int(frame.ReferencedSegmentNumber))
        if mask is None or not pixels.any():
            continue
        image = images.get(_plane_of(frame, shape, ijk_to_ras))
        if image is None:
            raise _not_taken_over("has segments in planes of which there is no image")
        mask[image] |= pixels != 0
    return [
        Segment(int(item.SegmentNumber), item, masks[int(item.SegmentNumber)])
        for item in document.SegmentSequence
        if int(item.SegmentNumber) != number
    ]


def _check(document: Dataset, number: int) -> None:
    is_binary = document.get("SegmentationType") == "BINARY"
    if document.get("SOPClassUID") != _SEGMENTATION or not is_binary:
        raise _not_taken_over("is no binary segmentation")
    numbers = [int(item.SegmentNumber) for item in document.get("SegmentSequence") or []]
    if number not in numbers:
        raise SourceError(
            f"the document to be replaced has no segment {number}, but "
            f"{', '.join(map(str, sorted(numbers)))}; get the list of label maps again"
        )


def _not_taken_over(why: str) -> SourceError:
    return SourceError(
        f"the other segments of the document to be replaced cannot be taken over: it {why}; store "
        "this one as a new document, without --replaces"
    )


def _plane_of(frame: Dataset, shape: Sequence[int], ijk_to_ras: np.ndarray) -> int:
    try:
        return plane_of(frame, shape, ijk_to_ras)
    except SourceError as error:
        raise _not_taken_over("does not lie on the grid of the images") from error


def _frames(document: Dataset) -> list[Dataset]:
    """Return of each frame what ``plane_of`` looks at, and its segment."""
    from pydicom import Dataset

    (shared,) = document.SharedFunctionalGroupsSequence
    frames = []
    for groups in document.PerFrameFunctionalGroupsSequence:
        frame = Dataset()
        for sequence, keyword in (
            ("PlanePositionSequence", "ImagePositionPatient"),
            ("PlaneOrientationSequence", "ImageOrientationPatient"),
            ("PixelMeasuresSequence", "PixelSpacing"),
            ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
        ):
            (macro,) = groups.get(sequence) or shared[sequence].value
            setattr(frame, keyword, macro[keyword].value)
        frame.Rows, frame.Columns = document.Rows, document.Columns
        frames.append(frame)
    return frames


def _pixels(document: Dataset) -> Iterator[np.ndarray]:
    """Yield the pixels of each frame, of shape (j, i). Raises ``SourceError``."""
    try:
        yield from stored_frames(document, range(int(document.NumberOfFrames)))
    except Exception as error:  # of a broken codestream, anything
        raise _not_taken_over(f"has pixels that cannot be read ({error})") from error
