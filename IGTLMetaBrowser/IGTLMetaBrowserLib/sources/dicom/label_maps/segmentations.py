"""Segmentations (DICOM SEG) as label maps.

Frames of a binary segmentation show one segment each, and frames without any of it may be left out
(PS3.3 C.8.20); those of a label map segmentation (C.8.20.5) hold the segments' numbers. The label
map lies on the grid that all frames of the file span. Segments that may overlap each get a label
map of their own, so that none hides another. Fractional segmentations are volumes of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ....codec.geometry import flip_matrix_lps_ras
from ....dicom_index.headers.image_header import ImageHeader
from ....dicom_index.headers.uids import LABEL_MAP_SEGMENTATION
from ....dicom_index.rows import ImageFile
from ....net.source import SourceError
from ..fields import image_id, why_too_large
from ..files import Frame, frames_of
from ..pixels.decoding import Decoders, decode_labels
from ..pixels.stored_pixels import open_unchanged
from ..pixels.values import highest_fraction
from ..volumes.pixel_sizes import PixelSize
from ..volumes.places import Places, group_by_grid, has_position
from ..volumes.stacks import OFF_LINE, SAME_PLACE, STRAIGHT, VOLUME, Stack
from .colors import color_of_lab, default_color
from .label_map import MOST_LABELS, Structure
from .label_notices import empty_notices, shared_number_notice, unknown_number_notices

_FITS = 0.1  # how far a frame may be from a plane of the grid, as a part of their distance


@dataclass(frozen=True, eq=False)
class SegmentationLabelMap:
    """A label map of a file's frames; ``planes`` has the k of each, ``labels`` that of segments.

    ``notices`` are what there is to know of all label maps of the file.
    """

    id: str
    size: tuple[int, int, int]
    ijk_to_ras: np.ndarray
    structures: Sequence[Structure]
    frames: Sequence[Frame]
    planes: Sequence[int]
    labels: dict[int, int]
    notices: Sequence[str] = ()

    @property
    def segments(self) -> Sequence[int]:
        """The numbers of its segments."""
        return [*self.labels]

    def read(
        self, folder: Path, decoders: Decoders | None = None
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Return the labels, uint8 of shape (k, j, i), and what there is to know of them.

        ``decoders`` decode what is compressed. Raises ``SourceError``.
        """
        from pydicom.uid import UID

        columns, rows, count = self.size
        volume = np.zeros((count, rows, columns), np.uint8)
        if not self.frames:  # those without any of a segment may be left out
            return volume, [*self.notices, *empty_notices(self.structures, volume)]
        file = self.frames[0].file
        indices, unlabelled = [frame.index for frame in self.frames], set[int]()
        open_unchanged(folder, file).close()
        is_compressed = UID(file.header.get("TransferSyntaxUID")).is_encapsulated
        pixels = decode_labels(folder / file.name, indices, decoders if is_compressed else None)
        for frame, k, picture in zip(self.frames, self.planes, pixels, strict=True):
            if picture.shape != (rows, columns):
                raise SourceError(f"{file.name!r} holds frames of the shape {picture.shape}")
            labels, plane = self._labels_of(frame, picture), volume[k]
            if ((labels != plane) & (labels != 0) & (plane != 0)).any():
                raise SourceError(f"{file.name!r} has segments that overlap, and denies it")
            np.maximum(plane, labels, out=plane)
            if _is_numbered(file.header):
                unlabelled.update(np.unique(picture[(labels == 0) & (picture != 0)]).tolist())
        # Of a file written again, voxels would come with the place and the names of before.
        open_unchanged(folder, file).close()
        notices = [*self.notices, *unknown_number_notices(self._unknown(unlabelled))]
        return volume, [*notices, *empty_notices(self.structures, volume)]

    def _labels_of(self, frame: Frame, picture: np.ndarray) -> np.ndarray:
        """Return the labels of a frame: its pixels are those of one segment, or their numbers."""
        labels = np.zeros(picture.shape, np.uint8)
        if _is_numbered(frame.file.header):
            for number, label in self.labels.items():
                labels[picture == number] = label
        else:
            labels[picture != 0] = self.labels[_segment_of(frame)]
        return labels

    def _unknown(self, numbers: set[int]) -> set[int]:
        """Return which of these pixels are numbers, but no segment's, nor the background's."""
        if not numbers:
            return set()
        header = self.frames[0].file.header
        known = {number for number, _ in _described(header)}
        return numbers - known - {0, int(header.get("PixelPaddingValue") or 0)}


def read_segmentation(file: ImageFile) -> list[SegmentationLabelMap]:
    """Return the label maps of a file. Raises ``ValueError`` with the reason if there are none."""
    header = file.header
    segments, notices = _segments(header)
    if not 0 < len(segments) <= MOST_LABELS:
        raise ValueError(f"{len(segments)} segments; there can be 1 to {MOST_LABELS} labels")
    frames = _frames(file, segments)
    planes, ijk_to_ras, _ = _grid(frames)
    size = _size(frames, max(planes) + 1)
    return [
        SegmentationLabelMap(
            image_id(f"{header.get('SOPInstanceUID')}{words}"),
            size,
            ijk_to_ras,
            [structure for number, structure in segments.items() if number in numbers],
            [frame for frame in frames if _is_of(frame, numbers)],
            [k for k, frame in zip(planes, frames, strict=True) if _is_of(frame, numbers)],
            {number: segments[number].label for number in numbers},
            notices,
        )
        for numbers, words in _layers(frames, planes, segments)
    ]


def fractional_volumes(file: ImageFile) -> list[Stack]:
    """Return a volume for each segment of a fractional segmentation, with values from 0 to 1.

    Raises ``ValueError`` with the reason if there are none.
    """
    segments, notices = _segments(file.header)
    kind = file.header.get("SegmentationFractionalType").lower() or "fraction"
    frames = _frames(file, segments)
    highest_fraction(frames[0])
    planes, ijk_to_ras, size = _grid(frames)
    count = _size(frames, max(planes) + 1)[2]
    stacks = []
    for number, structure in segments.items():
        chosen = [n for n, frame in enumerate(frames) if _is_of(frame, [number])]
        if chosen:
            notice = f"fractional segmentation: {kind} of {structure.name}, from 0 to 1"
            label = f"{structure.name} ({kind})"
            own_frames = tuple(frames[n] for n in chosen)
            stack = Stack(own_frames, ijk_to_ras, VOLUME, size, label, notices=(notice, *notices))
            own_planes = tuple(planes[n] for n in chosen)
            if len({*own_planes}) < len(own_planes):
                raise ValueError(f"two frames of {structure.name!r} lie in one plane")
            stacks.append(replace(stack, planes=own_planes, plane_count=count))
    return stacks


def _size(frames: Sequence[Frame], count: int) -> tuple[int, int, int]:
    header = frames[0].file.header
    columns, rows = int(header.get("Columns")), int(header.get("Rows"))
    if why := why_too_large((columns, rows, count), len(frames), columns * rows):
        raise ValueError(why)
    return columns, rows, count


def _layers(
    frames: Sequence[Frame], planes: Sequence[int], segments: dict[int, Structure]
) -> list[tuple[list[int], str]]:
    """Return which segments share a label map, and what tells it from others of the file."""
    places = [
        (k, frame.get("ReferencedSegmentNumber")) for k, frame in zip(planes, frames, strict=True)
    ]
    is_numbered = _is_numbered(frames[0].file.header)
    is_told_apart = frames[0].get("SegmentsOverlap") == "NO"
    if is_numbered or is_told_apart or len({k for k, _ in places}) == len(places):
        return [([*segments], "")]
    return [([number], f" segment {number}") for number in segments]


def _is_of(frame: Frame, numbers: Sequence[int]) -> bool:
    return _is_numbered(frame.file.header) or _segment_of(frame) in numbers


def _frames(file: ImageFile, segments: dict[int, Structure]) -> list[Frame]:
    """Return the frames of a file, without those of segments that share a number.

    Raises ``ValueError`` if a frame is not of one of the segments: it would be left out.
    """
    frames = [*frames_of(file)]
    if _is_numbered(file.header):
        return frames
    described = {number for number, _ in _described(file.header)}
    for frame in frames:
        text = frame.get("ReferencedSegmentNumber")
        if not text.isdecimal() or int(text) not in described:
            segment = f"segment {text}, which is not described" if text else "no segment"
            raise ValueError(f"frame {frame.index + 1} is of {segment}")
    kept = [frame for frame in frames if _segment_of(frame) in segments]
    if not kept:
        raise ValueError("all frames are of segments that share a number with another")
    return kept


def _segment_of(frame: Frame) -> int:
    return int(frame.number("ReferencedSegmentNumber") or 0)


def _grid(frames: Sequence[Frame]) -> tuple[list[int], np.ndarray, PixelSize]:
    """Return the plane of each frame, from 0, the matrix of the grid, and its pixels' size."""
    if not all(map(has_position, frames)):
        raise ValueError("a segmentation whose frames have no position in space")
    groups = group_by_grid(frames)
    if len(groups) > 1:
        raise ValueError(f"a segmentation whose frames are of {len(groups)} orientations")
    ((_, places),) = groups
    depth = places.positions @ places.axes[2]
    depth -= depth.min()
    step = _distance(_different(depth, SAME_PLACE * places.size.smaller), frames[0])
    planes = np.round(depth / step)
    if not _are_multiples(depth, step):
        raise ValueError("a segmentation whose frames lie at uneven distances")
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, 0] = places.axes[0] * places.size.columns
    ijk_to_lps[:3, 1] = places.axes[1] * places.size.rows
    ijk_to_lps[:3, 2] = _step(places, planes, step)
    ijk_to_lps[:3, 3] = places.positions[int(np.argmin(depth))]
    return [int(k) for k in planes], flip_matrix_lps_ras(ijk_to_lps), places.size


def _different(depth: np.ndarray, near: float) -> np.ndarray:
    """Return the depths without those that are near to one before: two segments' of one plane."""
    found: list[float] = []
    for one in np.sort(depth).tolist():
        if not found or one - found[-1] > near:
            found.append(one)
    return np.array(found)


def _distance(depths: np.ndarray, frame: Frame) -> float:
    """Return how far planes are from each other, of which these are some; the first is at 0.

    All between two may have been left out, so that what the file says of it counts if it can be.
    """
    said = abs(frame.number("SpacingBetweenSlices") or 0.0)
    thickness = abs(frame.number("SliceThickness") or 0.0)
    if len(depths) < 2:
        return said or thickness or 1.0
    least = float(np.diff(depths).min())
    # Some write the gap between slices there, which is much less than these are thick.
    is_usable = thickness / 2 <= said < least and said > 0
    step = said if is_usable and _are_multiples(depths, said) else least
    # Both are rounded: over hundreds of planes, that adds up.
    return float(depths[-1]) / round(float(depths[-1]) / step)


def _are_multiples(depths: np.ndarray, step: float) -> bool:
    return bool(np.abs(depths - np.round(depths / step) * step).max() <= _FITS * step)


def _step(places: Places, planes: np.ndarray, step: float) -> np.ndarray:
    """Return what leads from plane to plane, LPS mm: along the normal, unless the gantry is tilted.

    Raises ``ValueError`` if the frames do not lie along one line.
    """
    normal = places.axes[2] * step
    first, last = int(np.argmin(planes)), int(np.argmax(planes))
    if planes[last] == planes[first]:
        found = normal
    else:
        found = (places.positions[last] - places.positions[first]) / planes[last]
        if np.linalg.norm(found - normal) * planes[last] <= STRAIGHT * places.size.smaller:
            found = normal
    beside = places.positions - places.positions[first] - np.outer(planes, found)
    if np.abs(beside @ places.axes[:2].T).max() > OFF_LINE * places.size.smaller:
        raise ValueError("a segmentation whose frames do not lie along one line")
    return found


def _is_numbered(header: ImageHeader) -> bool:
    """Whether the pixels are the numbers of segments."""
    return header.get("SOPClassUID") == LABEL_MAP_SEGMENTATION


def _segments(header: ImageHeader) -> tuple[dict[int, Structure], list[str]]:
    """Return the segments by their numbers, but for the background of a label map, and notices.

    What is in none of the others can be a segment there: by its number, the padding of pixels.
    Those that share a number are left out, of which a notice tells. Raises ``ValueError`` if no
    others are there.
    """
    found: dict[int, list[Structure]] = {}
    for label, (number, item) in enumerate(_described(header), start=1):
        name = item.get("SegmentLabel") or f"segment {number}"
        color = color_of_lab(item.get("RecommendedDisplayCIELabValue", ""))
        structure = Structure(name, label, color or default_color(label))
        found.setdefault(number, []).append(structure)
    segments = {number: these[0] for number, these in found.items() if len(these) == 1}
    left_out = {number: these for number, these in found.items() if len(these) > 1}
    if left_out and not segments:
        number, these = next(iter(left_out.items()))
        raise ValueError(f"{len(these)} segments have the number {number}")
    names = [one.name for these in left_out.values() for one in these]
    return segments, [shared_number_notice(names)] if names else []


def _described(header: ImageHeader) -> list[tuple[int, dict[str, str]]]:
    """Return the numbers of the segments that are described, and the attributes of each."""
    background = header.get("PixelPaddingValue") if _is_numbered(header) else ""
    items = json.loads(header.get("SegmentSequence") or "[]")
    described = [one for one in items if not background or one.get("SegmentNumber") != background]
    return [
        (int(item.get("SegmentNumber") or label), item)
        for label, item in enumerate(described, start=1)
    ]
