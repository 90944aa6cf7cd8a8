"""A folder of DICOM files as a source: each series one volume, or several, or slice by slice.

What becomes of a series:

- Frames of one orientation, at even distances along a line, become one volume, whether they come
  from single-frame files, from one multi-frame file, or from a mosaic. If several frames lie at
  each place (echoes, time points, b-values), each set becomes a volume, named by what differs.
- Parts with even distances become volumes if slices are missing in between. What is still no
  volume is offered slice by slice, as "... slice 3 of 7".
- A multi-frame file whose frames have no place, or one place and follow each other in time (a
  film), is one image with its frames along k.
- Segmentations and structure sets are label maps (LBMETA), see ``segmentations`` and
  ``structure_sets``.
- What is no image (reports, plans, DICOMDIR ...) is not offered.

``DicomFolderSource.refused`` says what is not offered, or not as one upright volume, and why.

Voxels are what the file means: rescale slope and intercept are applied, colors are RGB. What a user
has to know of an image travels in its message's metadata: under "Position" if its place is not in
the file's ImagePositionPatient, and under "Notice" for all else.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from ... import codec
from ...dicom_index.database import DicomIndexError
from ...dicom_index.headers.buffer_file import Contents
from ...dicom_index.index import DicomIndex
from ...net.list_metadata.image_sequences import ImageSequence
from ...net.server.arriving_images import ArrivingImage
from ...net.source import NotReadyError, SourceError
from ...optional_packages import is_usable, pip_command
from ..background import RETRY_SECONDS, Background
from ..folder_scans import FolderScans
from ..trajectory_file import read_trajectories
from ..turn_clock import TurnClock
from . import fields as dicom_fields
from .file_versions import FileVersions
from .files import IndexedFile, Refusal
from .kept_thumbnails import KeptThumbnails
from .label_maps.folder_label_maps import FolderLabelMaps, LabelMapReader
from .offers import TRAJECTORY_FILE, FolderOffers
from .pixels.decoding import Decoders
from .pixels.pixels import VolumeReading
from .pixels.volume_readings import VolumeReadings
from .plans import Plan, images_of_series, notices_of, read_plans, valid_plans
from .replaced_documents import DocumentVersion
from .series_offers import Offer
from .volumes.stacks import Stack
from .volumes.upright import resample

_logger = logging.getLogger(__name__)

Result = TypeVar("Result")
_Found = tuple[FolderOffers, list[Plan], list[codec.TrajectoryItem]]


class DicomFolderSource:
    """Offers the images in the DICOM files below ``folder``, whatever the files are called.

    ``index`` is the folder's index, brought up to date; without it, one is made in memory. Pixels
    are read when an image is asked for; if they are compressed, ``jobs`` processes decode them, or
    those of ``decoders``, which several sources can share.
    Files that come, change or go are noticed when the list is asked for again. ``seconds_a_turn``,
    for a server that must not keep others waiting, is after how many ``image`` asks for another
    turn; what cannot be done in turns, as a scan of the folder, is then done in a thread. While
    that scans, and has the index, all is as it was listed before: of files that are no longer so,
    no image is made. With ``is_upright``, tilted volumes are resampled, see ``upright``.

    ``trajectories`` are offered as they are; without them, those of the file ``trajectories.json``
    in the folder (see ``trajectory_file``), if it can be read, and of its plans (``plans``).
    Their owner may be a SeriesInstanceUID, and is then replaced by the id that this source gives
    that series.

    ``elsewhere`` are images of other sources by their ids, which segmentations and structure sets
    may belong to, too. ``contents`` are the bytes of files that are in memory, by their names: they
    are not read from the folder, where they perhaps are not yet. See ``VolumeReading``.

    ``refused`` lists what is not offered, or not as it is: path or series, and the reason.

    Raises ``SourceError`` if the folder is missing, or pydicom is not installed.
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
        elsewhere: Mapping[str, Stack] | None = None,
        contents: Contents | None = None,
    ) -> None:
        _require_pydicom()
        self.folder = Path(folder)
        self._seconds_a_turn = seconds_a_turn
        self._is_upright = is_upright
        self._elsewhere: Mapping[str, Stack] = {} if elsewhere is None else elsewhere
        self.contents = contents
        clock = TurnClock()
        self._versions = FileVersions(seconds_a_turn, clock)
        self._label_maps_read: FolderLabelMaps | None = None
        # Of files that need not be read again while they are the same.
        self._label_maps_known: dict[Hashable, Any] = {}
        self._plans_known: dict[IndexedFile, Plan] = {}
        self._given = None if trajectories is None else [*trajectories]
        is_in_turns = seconds_a_turn is not None
        is_decoding = decoders is None and (jobs > 1 or is_in_turns)
        self._own_decoders = Decoders(jobs) if is_decoding else None
        self._decoders = decoders or self._own_decoders
        self._readings = VolumeReadings(self.folder, self._decoders, seconds_a_turn, clock)
        self._background = Background(clock) if is_in_turns else None
        self._open(index)
        self._scans = FolderScans(is_in_turns)
        if self._decoders is not None and self._offers.are_decoded:
            self._decoders.start()

    def _open(self, index: DicomIndex | None) -> None:
        """Find what the folder offers, of an index that is up to date, or of its own.

        Raises ``SourceError``.
        """
        with _index_errors():
            self._index = index or DicomIndex(self.folder)
            self._thumbnails = KeptThumbnails(self._index)
            if index is None:
                self._index.update()
            self._offers = FolderOffers(
                self._index, self.folder, self._is_upright, self.contents, self._decoders
            )
            self._plans = self._read_plans(self._offers)
            self._trajectories = self._read_trajectories(self._offers)
            self._index.forget_thumbnails(self._offers.images)

    @property
    def refused(self) -> list[Refusal]:
        """What is not offered, or not as it is: path or series, and the reason."""
        return self._offers.refused

    def close(self) -> None:
        """Close the index, and end threads and processes. Nothing can be asked for any more."""
        if self._own_decoders is not None:
            self._own_decoders.close()
        self._scans.close()
        if self._background is not None:
            self._background.close()
        self._index.close()

    @property
    def index(self) -> DicomIndex:
        """The index, as of the list. Raises ``NotReadyError`` while a scan has it."""
        if not self._scans.have_ended():
            raise NotReadyError(RETRY_SECONDS)
        return self._index

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing, in the order of the files' paths.

        Raises ``NotReadyError`` for a second at most: a scan that takes longer is for the next who
        asks.
        """
        try:
            found = self._scans.new(self._scan)
        except SourceError as error:  # a full disk, a share that is away: the rest is served
            _logger.warning("the list is as it was before: %s", error)
        else:
            self._keep_scanned(found)
        return self._offers.listing

    def _scan(self) -> _Found | None:
        """Return what the folder offers now; None if nothing is new."""
        with _index_errors():
            self._index.update()
            # Not those before this scan: the last one may have failed when the index was written.
            if self._index.changes == self._offers.changes and not self._is_any_unread():
                return None
            offers = FolderOffers(
                self._index, self.folder, self._is_upright, None, self._decoders, self._offers
            )
            return offers, self._read_plans(offers), self._read_trajectories(offers)

    def _is_any_unread(self) -> bool:
        """Whether a document could not be read that perhaps can be now: it may replace others."""
        versions = [plan.version for plan in self._plans_known.values()]
        if (label_maps := self._label_maps_read) is not None:
            versions += label_maps.versions.values()
        return any(version.may_be_read_later for version in versions)

    def _keep_scanned(self, found: _Found | None) -> None:
        if found is not None:
            self._offers, self._plans, self._trajectories = found
            self._label_maps_read = None

    def _in_background(
        self, key: Hashable, work: Callable[[], Result], is_large: bool = False
    ) -> Result:
        """Return what ``work`` returns; in a server, raise ``NotReadyError`` until it is done."""
        if self._background is None:
            return work()
        if not self._background.is_begun(key):
            if is_large:
                self._background.wait_for_room()
            self._background.begin(key, work, is_large)
        return cast("Result", self._background.take(key))

    def image(self, image_id: str) -> codec.ImageMessage:
        """Read an image.

        Raises ``SourceError`` for an unknown id and for what cannot be decoded, ``NotReadyError``
        if another turn is needed.
        """
        if image_id not in self._offers.images and image_id in self._label_maps().by_id:
            return self._label_map_image(image_id)
        offer = self._offer(image_id)
        pixels, ijk_to_ras = self._pixels(image_id, offer)
        return self._message(image_id, offer, pixels, ijk_to_ras)

    def keep_pixels(self, image_id: str, reading: VolumeReading) -> None:
        """Keep the voxels of an image that were read as its files came, for who asks next."""
        self._readings.keep_whole(image_id, reading)

    def forget_pixels(self) -> None:
        """Forget the voxels of images that are read, and that nobody has asked for."""
        self._readings.forget_whole()

    def _message(
        self, image_id: str, offer: Offer, pixels: np.ndarray, ijk_to_ras: np.ndarray
    ) -> codec.ImageMessage:
        return codec.ImageMessage.from_ijk_to_ras(
            pixels,
            ijk_to_ras,
            device_name=image_id,
            timestamp=offer.item.scan_time,
            metadata=self.metadata(image_id),
        )

    def _label_map_image(self, image_id: str) -> codec.ImageMessage:
        found = self._label_maps()
        label_map = found.by_id[image_id]
        metadata = found.metadata(image_id, self._offers.fields)
        read = partial(found.read, image_id, self.folder, self._decoders)
        labels, notices = self._in_background(label_map, read, is_large=True)
        if notices := [*filter(None, [*notices, found.conflict_of(image_id)])]:
            metadata["Notice"] = "; ".join(notices)
        return codec.ImageMessage.from_ijk_to_ras(
            labels, label_map.ijk_to_ras, device_name=image_id, metadata=metadata
        )

    def _pixels(self, image_id: str, offer: Offer) -> tuple[np.ndarray, np.ndarray]:
        """Return an image's pixels and their place, or go on reading them."""
        grid, background = offer.grid, self._background
        if grid is None:
            return self._readings.read(image_id, offer.stack, self.contents), offer.stack.ijk_to_ras
        if background is None:
            return resample(
                self._readings.read(image_id, offer.stack, self.contents), grid
            ), grid.ijk_to_ras
        if not background.is_begun(grid):
            background.wait_for_room()  # before it is read, which would be for nothing
            pixels = self._readings.read(image_id, offer.stack, self.contents)
            background.begin(grid, partial(resample, pixels, grid), is_large=True)
        return background.take(grid), grid.ijk_to_ras

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage | None:
        """Return an image that is being decoded, when the slices of a part are there.

        None if it is read as a whole, or is whole. Raises as ``image`` does.
        """
        image_id = request.device_name
        offer = self._offers.images.get(image_id)
        if self._seconds_a_turn is None or offer is None or not self._is_sent_in_slices(offer):
            return None
        start, size = request.box_in(offer.stack.size)
        slices = range(start[2], start[2] + size[2], request.stride[2])
        version = self.image_version(image_id)
        reading = self._readings.read_slices(image_id, offer.stack, slices, version)
        if reading.is_whole:
            return None
        message = self._message(image_id, offer, reading.volume, offer.stack.ijk_to_ras)
        return ArrivingImage(message, self.image_tag(image_id, message))

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        """Return what is another when a file of the image is written again.

        The type is a part of it: it may turn out to be a larger one when the last slice comes.
        Empty for images that are not sent in slices. Raises as ``image_version`` does.
        """
        offer = self._offers.images.get(image_id)
        if offer is None or not self._is_sent_in_slices(offer):
            return ""
        text = repr((image_id, offer.stack.ijk_to_ras.tolist(), self.image_version(image_id)))
        digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12)
        return f"{digest.hexdigest()}-{message.pixels.dtype.str[1:]}"

    def _is_sent_in_slices(self, offer: Offer) -> bool:
        return offer.grid is None and offer.is_decoded

    def image_version(self, image_id: str) -> Hashable:
        """The versions of the image's files; of a label map, how often the folder has changed.

        Raises ``SourceError``, and ``NotReadyError`` if another turn is needed.
        """
        if image_id not in self._offers.images and image_id in self._label_maps().by_id:
            return (self._offers.changes,)
        stack = self._offer(image_id).stack
        names = dict.fromkeys(frame.file.name for frame in stack.frames)
        return self._versions.of(stack, [self.folder / name for name in names])

    def metadata(self, image_id: str) -> dict[str, str]:
        """What is known of an image: the DICOM metadata dictionary's fields, those that are
        attributes by their keywords too; raises ``SourceError`` for an unknown id.

        Of an image of several files they are those of the first, as it was listed.
        """
        stack = self._offer(image_id).stack
        return dicom_fields.metadata(stack, self._offers.fields.of(stack.frames[0].file.name))

    def kept_thumbnail(self, image_id: str) -> codec.ThumbnailMessage | None:
        """Return the thumbnail of an image as its files are now, if the index has it.

        And if it can be asked: one is made anew before a scan of minutes ends.
        """
        version = self._thumbnail_version(image_id)
        return self._thumbnails.find(image_id, version) if self._scans.have_ended() else None

    def keep_thumbnail(self, image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
        """Keep a thumbnail in the index, if that is a file: the server has it in memory anyway."""
        if self._thumbnails.are_kept:
            version = self._thumbnail_version(image_id)
            if self._scans.have_ended():
                self._thumbnails.keep(image_id, version, thumbnail)

    def _thumbnail_version(self, image_id: str) -> bytes:
        text = repr((self._is_upright, self.image_version(image_id)))
        return hashlib.sha256(text.encode()).digest()

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures of segmentations and structure sets.

        The owner is the image that they were drawn in, if that is offered as one volume. Those of a
        segmentation that another one in the folder has replaced are not valid any more.
        """
        return self._label_maps().items()

    def version_of_document(self, image_id: str) -> DocumentVersion:
        """Return what the file that a label map is in says of those that it has replaced."""
        return self._label_maps().version_of(image_id)

    @property
    def versions_of_documents(self) -> list[DocumentVersion]:
        """What the segmentations in the folder say of those that they have replaced."""
        return [*self._label_maps().versions.values()]

    def _label_maps(self) -> FolderLabelMaps:
        """Return the label maps. They are read when they are first asked for."""
        if self._label_maps_read is None:
            reader = LabelMapReader(
                self.folder, self._offers, self._elsewhere, self._label_maps_known
            )
            self._label_maps_read = self._in_background(self._offers, reader.read)
        return self._label_maps_read

    def sequences(self) -> Sequence[ImageSequence]:
        """Return which images are volumes of one series that show the same place (4D)."""
        return self._offers.sequences

    def issuers(self) -> Mapping[str, str]:
        """Return who has given the IDs of patients, by the ids of images; see ``places``."""
        return self._offers.issuers

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Those given; or those of the folder's file, and of the plans (SR) for its images."""
        plans = (item for plan in self._plans for item in plan.trajectories)
        return [*self._trajectories, *plans]

    def documents_of_trajectories(self) -> Sequence[str]:
        """Return the SOPInstanceUIDs of the plans that the trajectories are of, if they are."""
        uids = [plan.uid for plan in self._plans for _ in plan.trajectories]
        return ["" for _ in self._trajectories] + uids if uids else ()

    def notices_of_documents(self) -> Mapping[str, str]:
        """Return what is to be known of plans that are valid, by their SOPInstanceUIDs."""
        return notices_of(self._plans)

    def _read_plans(self, offers: FolderOffers) -> list[Plan]:
        """Return the plans that are valid, in the space of an image of their patient."""
        if self._given is None:
            self._plans_known = read_plans(self.folder, self._index, self._plans_known)
        if not self._plans_known:
            return []
        return valid_plans(self._plans_known.values(), offers.stacks())

    def stacks(self) -> dict[str, Stack]:
        """Return the frames of each image, by its id."""
        return self._offers.stacks()

    def ids_of_files(self) -> dict[str, list[str]]:
        """Return the ids of the images that each file is part of, by its path in the folder."""
        ids: dict[str, dict[str, None]] = {}
        for image_id, offer in self._offers.images.items():
            for frame in offer.stack.frames:
                ids.setdefault(frame.file.name, {})[image_id] = None
        return {name: [*found] for name, found in ids.items()}

    def _offer(self, image_id: str) -> Offer:
        if image_id not in self._offers.images:
            raise SourceError(
                f"There is no image with the ID {image_id!r}; refresh the list of images."
            )
        return self._offers.images[image_id]

    def _read_trajectories(self, offers: FolderOffers) -> list[codec.TrajectoryItem]:
        """Return those given, or those of the folder's file: a damaged one is refused."""
        path, items = self.folder / TRAJECTORY_FILE, self._given or []
        try:
            if self._given is None and path.is_file():
                items = read_trajectories(path)
        except SourceError as error:
            _logger.warning("%s is not offered: %s", TRAJECTORY_FILE, error)
            offers.refused.append((TRAJECTORY_FILE, str(error)))
        return _with_ids_as_owners(items, offers.stacks())


@contextmanager
def _index_errors() -> Iterator[None]:
    """Have what is wrong with the index, as on a disk that is damaged, be said as of a source."""
    try:
        yield
    except DicomIndexError as error:
        raise SourceError(str(error)) from error


def _with_ids_as_owners(
    items: Sequence[codec.TrajectoryItem], images: Mapping[str, Stack]
) -> list[codec.TrajectoryItem]:
    """Return trajectories with ids in place of SeriesInstanceUIDs: of several images, the first."""
    uids = {one.owner for one in items if "." in one.owner and one.owner.replace(".", "").isdigit()}
    of_series = images_of_series(images, uids)
    ids = {uid: next(iter(of_series.get(uid, ())), dicom_fields.image_id(uid)) for uid in uids}
    return [replace(item, owner=ids.get(item.owner, item.owner)) for item in items]


def _require_pydicom() -> None:
    if not is_usable("pydicom"):
        raise SourceError(
            "DICOM files need pydicom, which is not installed, or too old. "
            f"Install it: {pip_command('pydicom')}"
        )
