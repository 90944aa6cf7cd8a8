"""A folder of DICOM files as a source: each series one volume, or several, or slice by slice.

What becomes of a series:

- Frames of one orientation, at even distances along a line, become one volume, whether they come
  from single-frame files, from one multi-frame file, or from a mosaic. If several frames lie at
  each place (echoes, time points, b-values), each set becomes a volume, named by what differs.
- Parts with even distances become volumes if slices are missing in between. What is still no
  volume is offered slice by slice, as "... slice 3 of 7".
- A multi-frame file whose frames have no place, or one place and follow each other in time (a
  film), is one image with its frames along k.
- Segmentations and structure sets are label maps (LBMETA), see ``dicom_segmentations`` and
  ``dicom_structures``.
- What is no image (reports, plans, DICOMDIR ...) is not offered.

``DicomFolderSource.refused`` says what is not offered, or not as one upright volume, and why.

Voxels are what the file means: rescale slope and intercept are applied, colors are RGB. What a user
has to know of an image travels in its message's metadata: under "Position" if its place is not in
the file's ImagePositionPatient, and under "Notice" for all else.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from .. import codec
from ..dicom_index.database import DicomIndexError
from ..dicom_index.index import DicomIndex
from ..net.source import NotReadyError, SourceError
from . import dicom_fields, dicom_pixels
from .dicom_decoding import Decoders, why_not_decodable
from .dicom_files import (
    Frame,
    ImageFile,
    Refusal,
    find_images,
    frames_of,
    is_segmentation,
    structure_sets,
)
from .dicom_pixels import VolumeReading
from .dicom_segmentations import LabelMap, read_segmentation
from .dicom_structures import read_structures
from .dicom_upright import Upright, resample, upright_grid
from .dicom_volumes import SLICE, Stack, stack_frames
from .trajectory_file import read_trajectories

_logger = logging.getLogger(__name__)

TRAJECTORY_FILE = "trajectories.json"
RESAMPLED = "resampled to an upright volume: its slices are moved by linear interpolation"

# How many images are read at the same time, in turns.
_MOST_READINGS = 4
# How long a list of the folder's files is believed when clients ask for the list of images.
_SECONDS_BETWEEN_SCANS = 2.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A stack of frames with its line in the listing; its upright grid if it is resampled."""

    item: codec.ImageMetaItem
    stack: Stack
    grid: Upright | None = None


class DicomFolderSource:
    """Offers the images in the DICOM files below ``folder``, whatever the files are called.

    ``index`` is the folder's index, brought up to date; without it, one is made in memory. Pixels
    are read when an image is asked for; if they are compressed, ``jobs`` processes decode them, or
    those of ``decoders``, which several sources can share.
    Files that come, change or go are noticed when the list is asked for again. ``seconds_a_turn``,
    for a server that must not keep others waiting, is after how many ``image`` asks for another
    turn. With ``is_upright``, tilted volumes are resampled, see ``dicom_upright``.

    ``trajectories`` are offered as they are; without them, those of the file ``trajectories.json``
    in the folder (see ``trajectory_file``), if there is one. Their owner may be a
    SeriesInstanceUID, and is then replaced by the id that this source gives that series.

    ``refused`` lists what is not offered, or not as it is: path or series, and the reason.

    Raises ``SourceError`` if the folder is missing, the trajectories cannot be read, or pydicom is
    not installed.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        trajectories: Iterable[codec.TrajectoryItem] | None = None,
        *,
        index: DicomIndex | None = None,
        jobs: int = 1,
        decoders: Decoders | None = None,
        seconds_a_turn: float | None = None,
        is_upright: bool = False,
    ) -> None:
        _require_pydicom()
        self.folder = Path(folder)
        self._offers: dict[str, Offer] = {}
        self.refused: list[Refusal] = []
        self._problems: dict[str, str] = {}  # of transfer syntaxes
        self._seconds_a_turn = seconds_a_turn
        self._is_upright = is_upright
        self._readings: dict[str, tuple[VolumeReading, Iterator[int]]] = {}
        self._own_decoders = Decoders(jobs) if jobs > 1 and decoders is None else None
        self._decoders = decoders or self._own_decoders
        try:
            self._index = index or DicomIndex(self.folder)
            if index is None:
                self._index.update()
            self._offer_images()
        except DicomIndexError as error:
            raise SourceError(str(error)) from error
        self._scanned = time.monotonic()
        if self._decoders is not None and any(map(_is_decoded, self._offers.values())):
            self._decoders.start()
        if trajectories is None:
            path = self.folder / TRAJECTORY_FILE
            trajectories = read_trajectories(path) if path.is_file() else []
        self._trajectories = [self._with_id_as_owner(item) for item in trajectories]

    def close(self) -> None:
        """Close the index, and end the processes. Nothing can be asked for any more."""
        self._index.close()
        if self._own_decoders is not None:
            self._own_decoders.close()

    @property
    def index(self) -> DicomIndex:
        """The index of the folder, as of when the list was made."""
        return self._index

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing, in the order of the files' paths."""
        if time.monotonic() - self._scanned > _SECONDS_BETWEEN_SCANS:
            try:
                self.refresh()
            except SourceError as error:  # a full disk, a share that is away: the rest is served
                _logger.warning("the list is as it was before: %s", error)
        return self._listing

    def refresh(self) -> bool:
        """Read what is new or changed in the folder; return whether anything is."""
        try:
            before = self._index.changes
            self._index.update()
            is_changed = self._index.changes != before
            if is_changed:
                self._offer_images()
        except DicomIndexError as error:
            raise SourceError(str(error)) from error
        finally:
            self._scanned = time.monotonic()
        return is_changed

    def image(self, image_id: str) -> codec.ImageMessage:
        """Read an image.

        Raises ``SourceError`` for an unknown id and for what cannot be decoded, ``NotReadyError``
        if another turn is needed.
        """
        if image_id not in self._offers and image_id in self._label_maps():
            label_map = self._label_maps()[image_id]
            return codec.ImageMessage.from_ijk_to_ras(
                label_map.read(self.folder), label_map.ijk_to_ras, device_name=image_id
            )
        offer = self._offer(image_id)
        pixels, ijk_to_ras = self._read(image_id, offer.stack), offer.stack.ijk_to_ras
        if offer.grid is not None:
            pixels, ijk_to_ras = resample(pixels, offer.grid), offer.grid.ijk_to_ras
        return codec.ImageMessage.from_ijk_to_ras(
            pixels,
            ijk_to_ras,
            device_name=image_id,
            timestamp=offer.item.scan_time,
            metadata=self.metadata(image_id),
        )

    def _read(self, image_id: str, stack: Stack) -> np.ndarray:
        """Return an image's pixels, or go on reading them."""
        reading, steps = self._readings.pop(image_id, (None, None))
        if reading is None or steps is None or reading.stack is not stack:
            reading = VolumeReading(stack, self.folder, self._decoders)
            steps = reading.steps()
        end = None
        if self._seconds_a_turn is not None:
            end = time.monotonic() + self._seconds_a_turn
        for _ in steps:
            if end is not None and time.monotonic() > end:
                # Clients may leave while an image is read for them: it is not kept for long.
                while len(self._readings) >= _MOST_READINGS:
                    self._readings.pop(next(iter(self._readings)))
                self._readings[image_id] = (reading, steps)
                raise NotReadyError
        return reading.volume

    def image_version(self, image_id: str) -> tuple[int, ...]:
        """When the image's files were last written; of a label map, how often the folder changed.

        Raises ``SourceError``.
        """
        if image_id not in self._offers and image_id in self._label_maps():
            return (self._index.changes,)
        names = dict.fromkeys(frame.file.name for frame in self._offer(image_id).stack.frames)
        return tuple(_time_written(self.folder / name) for name in names)

    def metadata(self, image_id: str) -> dict[str, str]:
        """What is known of an image: the DICOM metadata dictionary's fields, those that are
        attributes by their keywords too; raises ``SourceError`` for an unknown id.

        Of an image of several files they are those of the first; paths are in the folder.
        """
        stack = self._offer(image_id).stack
        fields = self._index.row(stack.frames[0].file.name)
        return dicom_fields.metadata(stack, fields)

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures of segmentations and structure sets.

        The owner is the image that they were drawn in, if that is offered as one volume.
        """
        return [
            codec.LabelMetaItem(
                name=dicom_fields.cut_name(structure.name),
                id=image_id,
                label=structure.label,
                rgba=structure.rgba,
                size=label_map.size,
                owner=self._owners[image_id],
            )
            for image_id, label_map in self._label_maps().items()
            for structure in label_map.structures
        ]

    def _label_maps(self) -> dict[str, LabelMap]:
        """Return the label maps by id. Structure sets are read when they are first asked for."""
        if self._known_label_maps is None:
            self._known_label_maps, self._owners = {}, {}
            for file in self._segmentations:
                self._add_label_maps(file.name, partial(read_segmentation, file))
            for name in structure_sets(self._index):
                self._add_label_maps(name, partial(self._structures, name))
        return self._known_label_maps

    def _add_label_maps(self, name: str, read: Callable[[], Sequence[LabelMap]]) -> None:
        assert self._known_label_maps is not None
        row = self._index.row(name)
        owner = dicom_fields.image_id(str(row.get("reference_ct_series", "")))
        try:
            for label_map in read():
                self._known_label_maps[label_map.id] = label_map
                self._owners[label_map.id] = owner if owner in self._offers else ""
        except (SourceError, ArithmeticError, AttributeError, TypeError, ValueError) as error:
            _logger.warning("%s is not offered: %s", name, error)
            self.refused.append((name, str(error)))

    def _structures(self, name: str) -> Sequence[LabelMap]:
        series = str(self._index.row(name).get("reference_ct_series", ""))
        owner = self._offers.get(dicom_fields.image_id(series))
        if owner is None:
            raise ValueError(
                "structures of an image that is not in the folder, or not offered as one volume"
            )
        return read_structures(self.folder, name, owner.stack)

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Those given, or read from the folder's file."""
        return list(self._trajectories)

    def ids_of_files(self) -> dict[str, list[str]]:
        """Return the ids of the images that each file is part of, by its path in the folder."""
        ids: dict[str, dict[str, None]] = {}
        for image_id, offer in self._offers.items():
            for frame in offer.stack.frames:
                ids.setdefault(frame.file.name, {})[image_id] = None
        return {name: [*found] for name, found in ids.items()}

    def _offer(self, image_id: str) -> Offer:
        if image_id not in self._offers:
            raise SourceError(
                f"No image has the id {image_id!r}; the list of images names those there are."
            )
        return self._offers[image_id]

    def _offer_images(self) -> None:
        """List what the folder's files make."""
        files, refused = find_images(self._index)
        self._segmentations = [file for file in files if is_segmentation(file)]
        self._known_label_maps: dict[str, LabelMap] | None = None
        self._owners: dict[str, str] = {}
        files = [file for file in files if not is_segmentation(file)]
        self._offers = {}
        self.refused = [entry for entry in refused if entry[0] != TRAJECTORY_FILE]
        for series in _by_series(files):
            self._offer_series(series)
        self._listing = tuple(offer.item for offer in self._offers.values())

    def _offer_series(self, files: list[ImageFile]) -> None:
        """List what the files of one series make; what is wrong with them goes to ``refused``."""
        first = Frame(files[0])
        name = dicom_fields.series_name(first)
        title = f"{name} ({first.get('SeriesInstanceUID') or files[0].name})"
        decodable = [file for file in files if not self._why_not_decodable(file)]
        if len(decodable) < len(files):
            unreadable = next(file for file in files if self._why_not_decodable(file))
            self.refused.append((title, self._why_not_decodable(unreadable)))
        if not decodable:
            return
        frames = [frame for file in decodable for frame in frames_of(file)]
        try:
            digest = partial(dicom_pixels.pixel_digest, folder=self.folder)
            stacks, reasons = stack_frames(frames, digest)
            offers = [
                self._make_offer(stack, name, number, stacks)
                for number, stack in enumerate(stacks, start=1)
            ]
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            self.refused.append((title, f"its headers make no sense: {error}"))
            return
        self.refused += [(title, reason) for reason in reasons]
        for offer in offers:
            if max(offer.item.size) > dicom_fields.LARGEST_SIZE:
                self.refused.append((title, f"too large for OpenIGTLink: {offer.item.size} voxels"))
            else:
                self._offers[offer.item.id] = offer

    def _why_not_decodable(self, file: ImageFile) -> str:
        syntax = file.header.get("TransferSyntaxUID")
        if syntax not in self._problems:
            self._problems[syntax] = why_not_decodable(syntax)
        return self._problems[syntax]

    def _make_offer(self, stack: Stack, name: str, number: int, stacks: list[Stack]) -> Offer:
        """``number`` (from 1) is the place of ``stack`` among the ``stacks`` of its series."""
        first = stack.frames[0]
        series_uid = first.get("SeriesInstanceUID")
        if len(stacks) == 1 and series_uid:
            item_id, words = dicom_fields.image_id(series_uid), ""
        else:
            instance = first.get("SOPInstanceUID") or first.file.name
            item_id = dicom_fields.image_id(f"{series_uid} {instance} {first.index}")
            words = _words(stack, number, stacks)
        mark = f" ({stack.pixel_size.mark})" if stack.pixel_size.mark else ""
        is_gray = not dicom_pixels.is_color(stack)
        grid = upright_grid(stack) if self._is_upright and is_gray else None
        if grid is not None:
            stack = replace(stack, notices=(*stack.notices, RESAMPLED))
        item = dicom_fields.listing_item(
            first,
            dicom_fields.cut_name(name, f" {words}{mark}" if words else mark),
            item_id,
            stack.size if grid is None else grid.size,
            codec.ScalarType.of(dicom_pixels.listed_dtype(stack)),
        )
        return Offer(item, stack, grid)

    def _with_id_as_owner(self, item: codec.TrajectoryItem) -> codec.TrajectoryItem:
        is_uid = "." in item.owner and item.owner.replace(".", "").isdigit()
        if not is_uid or item.owner in self._offers:
            return item
        return replace(item, owner=dicom_fields.image_id(item.owner))


def _by_series(files: Iterable[ImageFile]) -> list[list[ImageFile]]:
    """Files of one SeriesInstanceUID together; a file without one is a series of its own."""
    series: dict[str, list[ImageFile]] = {}
    for file in files:
        series.setdefault(file.header.get("SeriesInstanceUID") or file.name, []).append(file)
    return list(series.values())


def _is_decoded(offer: Offer) -> bool:
    return dicom_pixels.stored_dtype(offer.stack.frames[0].file.header) is None


def _words(stack: Stack, number: int, stacks: list[Stack]) -> str:
    """Return what tells one of several stacks of a series from the others."""
    if len(stacks) == 1:
        return ""
    is_labeled = stack.label and sum(stack.label == other.label for other in stacks) == 1
    if is_labeled:
        return stack.label
    is_frame = stack.kind == SLICE and stack.position
    words = f"{'frame' if is_frame else stack.kind} {number} of {len(stacks)}"
    return f"{stack.label} {words}".strip()


def _require_pydicom() -> None:
    try:
        import pydicom  # noqa: F401
    except ImportError as error:
        raise SourceError(
            "Serving DICOM files needs pydicom, which this Python does not have. "
            'Install it: pip install "igtlmetabrowser[server]"'
        ) from error


def _time_written(path: Path) -> int:
    """Return when a file was last written, in ns; 0 if it is gone, which reading it will tell."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
