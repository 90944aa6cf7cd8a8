"""The segments of a stored segmentation that stay when some of them are replaced.

Others may have replaced it meanwhile. As long as they have left those segments alone that are
replaced now, what they have changed stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dicom_index.headers.uids import SEGMENTATION
from ...net.source import SourceError
from ...system_errors import reason_of
from ..dicom.fields import cut_name
from ..dicom.pixels.decoding import stored_frames
from .label_planes import plane_of

if TYPE_CHECKING:
    from pydicom import Dataset

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


@dataclass(frozen=True, eq=False)
class Grid:
    """Where segments are: the images' ``planes`` in a label map of this shape and matrix."""

    planes: Sequence[int]
    shape: Sequence[int]
    ijk_to_ras: np.ndarray


def other_segments(
    document: Dataset, replaced: Collection[int], grid: Grid, known: Dataset | None
) -> tuple[list[Segment], int]:
    """Return all segments of a document but those that are replaced, and how many come first.

    ``replaced`` are the numbers that those have in ``known``, an earlier version of the document,
    if that is given. Raises ``SourceError`` if there are no such segments, if they are others now
    than they were, or if those that stay cannot be taken over as they are.
    """
    try:
        numbers = _check(known or document, replaced)
        if known is None:
            others = _segments(document, numbers - {*replaced}, grid)
        else:
            segments = _segments(document, _check(document), grid)
            before = _segments(known, {*replaced}, grid)
            replaced = {_found_again(one, segments) for one in before}
            others = [one for one in segments if one.number not in replaced]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_taken_over(f"lacks what each has ({error})") from error
    return others, sum(one.number < min(replaced) for one in others)


def descriptions_of(segments: Iterable[Segment]) -> list[Any]:
    """Return what segments are, as highdicom has it. Raises ``SourceError``."""
    from highdicom.seg import SegmentDescription

    try:
        return [SegmentDescription.from_dataset(one.item) for one in segments]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_taken_over(f"lacks what each has ({error})") from error


def _found_again(segment: Segment, later: Sequence[Segment]) -> int:
    """Return the number of a segment among those of a later version of its document."""
    same = [one.number for one in later if _is_same(one, segment)]
    if len(same) != 1:
        raise SourceError(
            f"the segment {segment.number} was replaced meanwhile, by somebody else perhaps; get "
            "the list of label maps again, and change what there is now"
        )
    return same[0]


def _is_same(one: Segment, other: Segment) -> bool:
    items = [
        {element.tag: element for element in each.item if element.keyword != "SegmentNumber"}
        for each in (one, other)
    ]
    return items[0] == items[1] and np.array_equal(one.mask, other.mask)


def _segments(document: Dataset, numbers: Collection[int], grid: Grid) -> list[Segment]:
    """Return the segments with these numbers, in the order of the document."""
    check_memory(len(document.SegmentSequence), len(grid.planes) * grid.shape[1] * grid.shape[2])
    masks = {number: np.zeros((len(grid.planes), *grid.shape[1:]), bool) for number in numbers}
    images = {k: image for image, k in enumerate(grid.planes)}
    described = {int(item.SegmentNumber) for item in document.SegmentSequence}
    for frame, pixels in zip(_frames(document), _pixels(document), strict=True):
        if (number := int(frame.ReferencedSegmentNumber)) not in described:
            raise _not_taken_over(f"has frames of a segment {number}, which it does not describe")
        mask = masks.get(number)
        if mask is None or not pixels.any():
            continue
        image = images.get(_plane_of(frame, grid))
        if image is None:
            raise _not_taken_over("has segments in planes of which there is no image")
        mask[image] |= pixels != 0
    return [
        Segment(int(item.SegmentNumber), item, masks[int(item.SegmentNumber)])
        for item in document.SegmentSequence
        if int(item.SegmentNumber) in masks
    ]


def _check(document: Dataset, wanted: Collection[int] = ()) -> set[int]:
    """Return the numbers of all segments, if the wanted ones are among them."""
    is_binary = document.get("SegmentationType") == "BINARY"
    if document.get("SOPClassUID") != SEGMENTATION or not is_binary:
        raise _not_taken_over("is no binary segmentation")
    items = document.get("SegmentSequence") or []
    numbers = {int(item.SegmentNumber) for item in items}
    if len(numbers) < len(items):
        raise _not_taken_over("has segments that share a number")
    for number in wanted:
        if number not in numbers:
            raise SourceError(
                f"the document to be replaced has no segment {number}, but "
                f"{', '.join(map(str, sorted(numbers)))}; get the list of label maps again"
            )
    return numbers


def _not_taken_over(why: str) -> SourceError:
    return SourceError(
        f"the other segments of the document to be replaced cannot be taken over: it {why}; store "
        "this one as a new document, without --replaces"
    )


def _plane_of(frame: Dataset, grid: Grid) -> int:
    try:
        return plane_of(frame, grid.shape, grid.ijk_to_ras)
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
        raise _not_taken_over(f"has pixels that cannot be read ({reason_of(error)})") from error
