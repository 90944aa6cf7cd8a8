"""Structure sets (RTSTRUCT) as label maps on the grid of the image that they were drawn in.

Each structure has a label map of its own, since structures overlap (the body has all others in it).
A voxel belongs to a structure if its center is inside a contour; a contour within another cuts a
hole (PS3.3 C.8.8.6.3).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....codec.geometry import flip_matrix_lps_ras
from ....dicom_index.fields import without_padding
from ....dicom_index.headers.limited_file import open_limited
from ....dicom_index.headers.whole_dataset import read_whole
from ....lengths import LONGEST
from ....net.source import SourceError
from ....system_errors import reason_of
from ..fields import image_id
from ..file_versions import version_at
from ..files import IndexedFile
from ..pixels.decoding import Decoders
from ..volumes.places import check_patient
from ..volumes.stacks import Stack
from .colors import default_color
from .label_map import Structure
from .label_notices import CUT, empty_notices, other_space_notice, shared_number_notice

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

# Other types are points and open lines, which enclose nothing (PS3.3 C.8.8.6).
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_CONTOUR_DATA = 0x30060050
_MOST_NUMBERS = 3_000_000
_EDGES_AT_ONCE = 1024
# How far a contour may be from the plane of a slice, in slices.
_FITS = 0.25


@dataclass(frozen=True, eq=False)
class StructureLabelMap:
    """One structure of a structure set, ``number`` its ROINumber, on the grid of an image.

    ``notices`` are what there is to know of all structures of the file.
    """

    id: str
    size: tuple[int, int, int]
    ijk_to_ras: np.ndarray
    structures: Sequence[Structure]
    file: IndexedFile
    number: int
    segments: Sequence[int] = ()
    notices: Sequence[str] = ()

    def read(
        self, folder: Path, _decoders: Decoders | None = None
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Return the labels, uint8 of shape (k, j, i), and what there is to know of them.

        Raises ``SourceError``.
        """
        columns, rows, count = self.size
        volume = np.zeros((count, rows, columns), bool)
        dataset = _read(folder, self.file)
        lps_to_ijk = np.linalg.inv(flip_matrix_lps_ras(self.ijk_to_ras))
        is_cut = False
        for points in self._points(dataset):
            ijk = (lps_to_ijk @ points.T)[:3].T
            planes = np.unique(np.round(ijk[:, 2]))
            if len(planes) > 1 or np.abs(ijk[:, 2] - planes[0]).max() > _FITS:
                name = self.structures[0].name
                raise SourceError(
                    f"{self.file.name}: the contours of {name!r} do not lie in the slices of their "
                    "image"
                )
            is_in_slices = 0 <= planes[0] < count
            if is_in_slices:
                volume[int(planes[0])] ^= fill(ijk[:, :2], rows, columns)
            is_cut |= not is_in_slices or _is_beside(ijk[:, :2], rows, columns)
        labels = volume.astype(np.uint8)
        notices = empty_notices(self.structures, labels)
        return labels, [*self.notices, *notices, *([CUT] if is_cut else [])]

    def _points(self, dataset: Dataset) -> Iterator[np.ndarray]:
        try:
            yield from _contours(dataset, self.number)
        except (AttributeError, TypeError, ValueError) as error:
            name = self.structures[0].name
            raise SourceError(
                f"{self.file.name}: the contours of {name!r} are damaged: {error}"
            ) from None


def read_structures(folder: Path, file: IndexedFile, image: Stack) -> list[StructureLabelMap]:
    """Return the label maps of a structure set's file, on the grid of ``image``.

    Structures without closed contours have none, nor have those in another frame of reference: a
    file can have structures of two images that are not aligned (PS3.3 C.8.8.5). Raises
    ``SourceError`` if the file is unreadable, or another than the index has read.
    """
    dataset = _read(folder, file)
    patient_id, name, issuer = (
        without_padding(str(dataset.get(keyword) or ""))
        for keyword in ("PatientID", "PatientName", "IssuerOfPatientID")
    )
    check_patient(image.frames[0], patient_id, name, issuer)
    uid = str(dataset.get("SOPInstanceUID") or file.name)
    names, notices = _names(dataset, image)
    label_maps = []
    for place, roi in enumerate(dataset.get("ROIContourSequence") or [], start=1):
        number = _number(roi)
        if number not in names or not any(_closed(roi)):
            continue
        color = tuple(int(part) for part in roi.get("ROIDisplayColor") or ())
        is_color = len(color) == 3 and all(0 <= part <= 255 for part in color)
        rgba = (*color, 255) if is_color else default_color(place)
        label_maps.append(
            StructureLabelMap(
                image_id(f"{uid} {number}"),
                image.size,
                image.ijk_to_ras,
                [Structure(names[number], 1, rgba)],
                file,
                number,
                notices=notices,
            )
        )
    return label_maps


def _names(dataset: Dataset, image: Stack) -> tuple[dict[int, str], list[str]]:
    """Return what the structures in the space of an image are called, by their numbers.

    And notices of those that are left out. Raises ``ValueError`` if no others are there.
    """
    items = dataset.get("StructureSetROISequence") or []
    rois = dataset.get("ROIContourSequence") or []
    doubled = _doubled([int(item.ROINumber) for item in items]) | _doubled(map(_number, rois))
    names, shared, elsewhere = {}, [], []
    for item in items:
        number = int(item.ROINumber)
        name = str(item.get("ROIName") or f"ROI {number}")
        if number in doubled:
            shared.append(name)
        elif _is_in_space_of(item, image):
            names[number] = name
        else:
            elsewhere.append(name)
    notices = [shared_number_notice(shared)] if shared else []
    if elsewhere:
        notices.append(other_space_notice(elsewhere))
    if notices and not names:
        raise ValueError(f"structures {'; '.join(notices)}")
    for notice in notices:
        _logger.warning("structures %s", notice)
    return names, notices


def _doubled(numbers: Iterable[int]) -> set[int]:
    """Return the numbers that several structures have: nobody knows whose contours are whose."""
    return {number for number, count in Counter(numbers).items() if count > 1}


def _is_in_space_of(structure: Dataset, image: Stack) -> bool:
    """Whether nothing says that a structure's coordinates are others than the image's."""
    own = str(structure.get("ReferencedFrameOfReferenceUID") or "")
    frame = image.frames[0].get("FrameOfReferenceUID")
    return not (own and frame) or own == frame


def fill(polygon: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return which pixels have their center in a polygon, bool of shape (rows, columns).

    ``polygon`` has shape (points, 2): along i and j, in pixels; a pixel's center is at a whole
    number. Each edge switches between outside and inside for all pixels to its right.
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    switches = np.zeros(rows * (columns + 1), np.int64)
    for first in range(0, len(polygon), _EDGES_AT_ONCE):
        chosen = slice(first, first + _EDGES_AT_ONCE)
        crossed, across = _crossings(start[chosen], end[chosen], rows)
        at = np.clip(np.ceil(across), 0, columns).astype(int)
        switches += np.bincount(crossed * (columns + 1) + at, minlength=len(switches))
    inside = np.cumsum(switches.reshape(rows, columns + 1)[:, :columns], axis=1) % 2
    return inside.astype(bool)


def _crossings(start: np.ndarray, end: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows of pixels edges cross, and where along the row; for each edge and row."""
    (x0, y0), (x1, y1) = start.T, end.T
    low = np.clip(np.ceil(np.minimum(y0, y1)), 0, rows).astype(int)
    counts = np.clip(np.ceil(np.maximum(y0, y1)), 0, rows).astype(int) - low
    edge = np.repeat(np.arange(len(counts)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)  # crossings of the edges before
    crossed = low[edge] + np.arange(len(edge)) - before
    across = x0[edge] + (crossed - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    return crossed, across


def _is_beside(polygon: np.ndarray, rows: int, columns: int) -> bool:
    """Whether a polygon goes beyond the pixels, each of which goes half a pixel to all sides."""
    return bool((polygon < -0.5).any() or (polygon > np.array([columns, rows]) - 0.5).any())


def _closed(roi: Dataset) -> Iterator[Dataset]:
    for contour in roi.get("ContourSequence") or []:
        if str(contour.get("ContourGeometricType")) in _CLOSED:
            yield contour


def _contours(dataset: Dataset, number: int) -> Iterator[np.ndarray]:
    """Yield the closed contours of a structure: LPS positions (points, 4), the last number 1.

    Raises ``ValueError`` if one is none.
    """
    for roi in dataset.get("ROIContourSequence") or []:
        if _number(roi) == number:
            seen: set[bytes] = set()
            for contour in _closed(roi):
                points = _numbers(contour).reshape(-1, 3)
                if contour.ContourGeometricType == "CLOSED_PLANAR":
                    if (outline := _outline(points)) in seen:
                        continue  # one that is there twice is no hole in itself
                    seen.add(outline)
                yield np.column_stack([points, np.ones(len(points))])


def _outline(points: np.ndarray) -> bytes:
    """Return what is the same of contours that go along the same edges.

    They may begin anywhere, go around either way, and have their first point again at the end.
    """
    following = np.roll(points, -1, axis=0)
    is_edge = (points != following).any(axis=1)
    there, back = (points, following), (following, points)
    edges = np.vstack([np.hstack(way)[is_edge] for way in (there, back)]) + 0.0  # of -0.0, 0.0
    return edges[np.lexsort(edges.T)].tobytes()


def _number(roi: Dataset) -> int:
    return int(roi.get("ReferencedROINumber") or 0)


def _numbers(contour: Dataset) -> np.ndarray:
    """Return the numbers of a contour. Raises ``ValueError``.

    Of each, pydicom would make an object of 300 bytes: a file of 12 MB took gigabytes.
    """
    element = contour.get_item(_CONTOUR_DATA)
    text = b"" if element is None else bytes(element.value or b"").strip(b" \0")
    count = text.count(b"\\") + 1
    if count > _MOST_NUMBERS:
        raise ValueError(f"one of them has more than {_MOST_NUMBERS // 3} points")
    try:
        numbers = np.array([float(part) for part in text.split(b"\\")])
    except ValueError:
        raise ValueError("one of them is not made of numbers") from None
    if b"_" in text:  # Python reads 1_0 as 10
        raise ValueError("one of them is not made of numbers")
    if len(numbers) % 3 or not (np.abs(numbers) <= LONGEST).all():
        raise ValueError("one of them is not made of points")
    return numbers


def _read(folder: Path, file: IndexedFile) -> Dataset:
    path = folder / file.name
    try:
        with open_limited(path) as opened:
            dataset = read_whole(opened)
    except Exception as error:  # a broken file raises anything
        raise SourceError(f"{file.name!r} cannot be read: {reason_of(error)}") from error
    if not version_at(path).may_be(file.version):
        raise SourceError(f"{file.name!r} has changed since it was listed; refresh the list")
    return dataset
