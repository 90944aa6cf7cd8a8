"""A folder of DICOM files as a source: each series a volume, or else slice by slice.

Needs highdicom (``pip install pydicom highdicom``), which Slicer does not have.

What becomes of a series:

- Frames of one orientation, evenly spaced along their normal, become one volume, whether they come
  from single-frame files or from one multi-frame file. Where several frames lie at each place
  (echoes, time points), each set becomes a volume.
- What is no regular volume (slices missing, tilted gantry, several orientations, no position in
  space) is offered slice by slice, as "... slice 3 of 7". ``DicomFolderSource.refused`` says why.
- What is no image (reports, structure sets, dose, segmentations, DICOMDIR ...) is not offered;
  ``refused`` names it.

Voxels are what the file means: rescale slope and intercept are applied, colours are RGB. An image
whose file says nothing of its place lies axially at the origin; its message's metadata say so under
"Position".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import codec
from ..dicom_index.database import DicomIndexError
from ..dicom_index.index import DicomIndex
from ..dicom_index.rows import Row
from ..net.source import SourceError
from . import dicom_fields, dicom_pixels
from .dicom_files import Frame, Refusal, find_frames
from .dicom_volumes import Stack, stack_frames
from .trajectory_file import read_trajectories

TRAJECTORY_FILE = "trajectories.json"
NO_POSITION = "not in the file: lies axially with its first voxel in the origin"
LARGEST_SIZE = 65535  # voxels along an axis in IMGMETA and IMAGE


@dataclass(frozen=True)
class Offer:
    """A stack of frames with its line in the listing."""

    item: codec.ImageMetaItem
    stack: Stack
    fields: Row = field(default_factory=dict)  # the dictionary's, of the first frame's file


class DicomFolderSource:
    """Offers the images in the DICOM files below ``folder``, whatever the files are called.

    The folder is indexed here, in memory, and the images' headers are read; pixels when an image is
    asked for. ``trajectories`` are offered as they are; without them, those of the file
    ``trajectories.json`` in the folder (see ``trajectory_file``), if there is one. Their owner may
    be a SeriesInstanceUID, and is then replaced by the id that this source gives that series.

    ``refused`` lists what is not offered, or not as a volume: path or series, and the reason.

    Raises ``SourceError`` where the folder is missing, the trajectories cannot be read, or
    highdicom is not installed.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        trajectories: Iterable[codec.TrajectoryItem] | None = None,
    ) -> None:
        _require_highdicom()
        self.folder = Path(folder)
        self._offers: dict[str, Offer] = {}
        self.refused: list[Refusal] = []
        try:
            with DicomIndex(self.folder) as index:
                index.update()
                self._offer_images(index)
        except DicomIndexError as error:
            raise SourceError(str(error)) from error
        if trajectories is None:
            path = self.folder / TRAJECTORY_FILE
            trajectories = read_trajectories(path) if path.is_file() else []
        self._trajectories = [self._with_id_as_owner(item) for item in trajectories]

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """The listing, in the order of the files' paths."""
        return [offer.item for offer in self._offers.values()]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Read an image; raises ``SourceError`` for an unknown id and for what cannot be
        decoded."""
        offer = self._offer(image_id)
        return codec.ImageMessage.from_ijk_to_ras(
            dicom_pixels.read_pixels(offer.stack),
            offer.stack.ijk_to_ras,
            device_name=image_id,
            timestamp=offer.item.scan_time,
            metadata=self.metadata(image_id),
        )

    def image_version(self, image_id: str) -> tuple[int, ...]:
        """When the image's files were last written; raises ``SourceError``."""
        paths = dict.fromkeys(frame.path for frame in self._offer(image_id).stack.frames)
        try:
            return tuple(path.stat().st_mtime_ns for path in paths)
        except OSError as error:
            raise SourceError(
                f"a file of the image {image_id!r} is gone ({error.strerror}); start the server "
                "again to index the folder anew"
            ) from None

    def metadata(self, image_id: str) -> dict[str, str]:
        """What is known of an image: the DICOM metadata dictionary's fields, those that are
        attributes by their keywords too; raises ``SourceError`` for an unknown id.

        Of an image of several files they are those of the first; paths are in the folder.
        """
        offer = self._offer(image_id)
        metadata = dicom_fields.metadata(offer.stack.frames[0], offer.fields)
        if not offer.stack.has_position:
            metadata["Position"] = NO_POSITION
        return metadata

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Those given, or read from the folder's file."""
        return list(self._trajectories)

    def _offer(self, image_id: str) -> Offer:
        if image_id not in self._offers:
            raise SourceError(
                f"No image has the id {image_id!r}; the list of images names those there are."
            )
        return self._offers[image_id]

    def _offer_images(self, index: DicomIndex) -> None:
        """List what the folder's files make, with what the index knows of them."""
        frames, refused = find_frames(index)
        self.refused += [entry for entry in refused if entry[0] != TRAJECTORY_FILE]
        for series in _by_series(frames):
            self._offer_series(series)
        ids: dict[Path, list[str]] = {}
        for image_id, offer in self._offers.items():
            ids.setdefault(offer.stack.frames[0].path, []).append(image_id)
        for row in index.rows():
            for image_id in ids.get(self.folder / str(row["file_path"]), ()):
                self._offers[image_id] = replace(self._offers[image_id], fields=row)

    def _offer_series(self, frames: list[Frame]) -> None:
        """List what the frames of one series make; what is wrong with them goes to ``refused``."""
        name = dicom_fields.series_name(frames[0])
        title = f"{name} ({frames[0].get('SeriesInstanceUID') or frames[0].path.name})"
        try:
            stacks, reasons = stack_frames(frames)
            offers = [
                self._make_offer(stack, name, number, stacks)
                for number, stack in enumerate(stacks, start=1)
            ]
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            self.refused.append((title, f"its headers make no sense: {error}"))
            return
        self.refused += [(title, reason) for reason in reasons]
        for offer in offers:
            if max(offer.item.size) > LARGEST_SIZE:
                self.refused.append((title, f"too large for OpenIGTLink: {offer.item.size} voxels"))
            else:
                self._offers[offer.item.id] = offer

    def _make_offer(self, stack: Stack, name: str, number: int, stacks: list[Stack]) -> Offer:
        """``number`` (from 1) is the place of ``stack`` among the ``stacks`` of its series."""
        first = stack.frames[0]
        series_uid = first.get("SeriesInstanceUID")
        if len(stacks) == 1 and series_uid:
            item_id = dicom_fields.image_id(str(series_uid))
            suffix = ""
        else:
            instance = first.get("SOPInstanceUID") or first.path.relative_to(self.folder).as_posix()
            item_id = dicom_fields.image_id(f"{series_uid} {instance} {first.index}")
            suffix = f" {_kind(stack)} {number} of {len(stacks)}" if len(stacks) > 1 else ""
        item = dicom_fields.listing_item(
            first,
            dicom_fields.cut_name(name, suffix),
            item_id,
            stack.size,
            codec.ScalarType.of(dicom_pixels.listed_dtype(stack)),
        )
        return Offer(item, stack)

    def _with_id_as_owner(self, item: codec.TrajectoryItem) -> codec.TrajectoryItem:
        is_uid = "." in item.owner and item.owner.replace(".", "").isdigit()
        if not is_uid or item.owner in self._offers:
            return item
        return replace(item, owner=dicom_fields.image_id(item.owner))


def _by_series(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Frames of one SeriesInstanceUID together; a file without one is a series of its own."""
    series: dict[str, list[Frame]] = {}
    for frame in frames:
        key = str(frame.get("SeriesInstanceUID") or frame.path)
        series.setdefault(key, []).append(frame)
    return list(series.values())


def _kind(stack: Stack) -> str:
    """What to call one of several stacks of a series."""
    if len(stack.frames) > 1:
        return "volume"
    if stack.has_position:
        return "slice"
    return "frame" if int(stack.frames[0].get("NumberOfFrames") or 1) > 1 else "image"


def _require_highdicom() -> None:
    try:
        import highdicom  # noqa: F401
    except ImportError as error:
        raise SourceError(
            "Serving DICOM files needs highdicom, which this Python does not have. "
            "Install it: pip install pydicom highdicom"
        ) from error
