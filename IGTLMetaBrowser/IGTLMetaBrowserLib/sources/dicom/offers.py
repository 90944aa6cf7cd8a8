"""What becomes of a folder's DICOM files: the images that are offered, and what is not and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ... import codec
from ...dicom_index.buffer_file import Contents
from ...dicom_index.index import DicomIndex
from ...dicom_index.uids import RT_STRUCTURE_SET
from ...net.image_sequences import ImageSequence
from . import fields as dicom_fields
from .file_fields import FileFields
from .files import (
    Frame,
    ImageFile,
    Refusal,
    documents,
    find_images,
    frames_of,
    is_fractional,
    is_segmentation,
)
from .label_maps.segmentations import fractional_volumes
from .pixels.decoding import Decoders, why_not_decodable
from .pixels.pixels import PixelDigests
from .pixels.stored_pixels import stored_dtype
from .pixels.values import is_color, listed_dtype
from .volumes.places import issuers_apart
from .volumes.stacks import SLICE, Stack, stack_frames
from .volumes.upright import Upright, upright_grid

TRAJECTORY_FILE = "trajectories.json"
RESAMPLED = "resampled to an upright volume: its slices are moved by linear interpolation"


@dataclass(frozen=True, slots=True)
class Offer:
    """A stack of frames with its line in the listing; its upright grid if it is resampled."""

    item: codec.ImageMetaItem
    stack: Stack
    grid: Upright | None = None

    @property
    def is_decoded(self) -> bool:
        """Whether its pixels have to be decoded."""
        return stored_dtype(self.stack.frames[0].file.header) is None


class FolderOffers:
    """The images in the files of ``index`` as it is now; nothing of it changes later.

    ``images`` are by id, in the order of the files' paths, ``listing`` is what is listed of them;
    ``segmentations`` are the files that are label maps. ``refused`` lists what is not offered, or
    not as it is; ``sequences`` are the images of one series that show one place (4D); ``issuers``
    those of patients' IDs, by the ids of images, where one ID is of several. ``contents``
    are the bytes of files that are in memory; ``decoders`` decode the pixels that are compared;
    ``changes`` are those of the index until then. Raises ``DicomIndexError``.
    """

    def __init__(
        self,
        index: DicomIndex,
        folder: Path,
        is_upright: bool,
        contents: Contents | None = None,
        decoders: Decoders | None = None,
    ) -> None:
        digests = PixelDigests(folder, contents, decoders)
        self._pixel_digest = digests.of_frame
        self._is_upright = is_upright
        self.changes = index.changes
        self._problems: dict[tuple[str, ...], str] = {}  # of transfer syntaxes and bits
        files, refused, self._missing = find_images(index, digests.of_file)
        self.segmentations: list[ImageFile] = []
        self.refused: list[Refusal] = [entry for entry in refused if entry[0] != TRAJECTORY_FILE]
        self.images: dict[str, Offer] = {}
        for series in _by_series([file for file in files if not is_segmentation(file)]):
            self._offer_series(series)
        for file in filter(is_segmentation, files):
            self._offer_segmentation(file)
        self.structure_sets = documents(index, RT_STRUCTURE_SET)
        self.listing = tuple(offer.item for offer in self.images.values())
        self.fields = FileFields(index, self._names())
        self.sequences = _sequences(self.images)
        self.issuers = issuers_apart(
            {image_id: _patient(offer.stack.frames[0]) for image_id, offer in self.images.items()}
        )

    def take_over(self, before: FolderOffers) -> None:
        """Keep the stacks of ``before`` that are the same: what is begun of them goes on.

        Else an image that takes long to read would never be, while other files come.
        """
        for image_id, offer in self.images.items():
            known = before.images.get(image_id)
            if known is not None and known.stack.is_same(offer.stack):
                self.images[image_id] = replace(offer, stack=known.stack, grid=known.grid)

    def _names(self) -> Iterator[str]:
        """Yield the files whose fields are asked for: of an image of several, the first."""
        for offer in self.images.values():
            yield offer.stack.frames[0].file.name
        for file in (*self.segmentations, *self.structure_sets):
            yield file.name

    @property
    def are_decoded(self) -> bool:
        """Whether pixels of any image have to be decoded."""
        return any(offer.is_decoded for offer in self.images.values())

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
        missing = self._missing[first.get("SeriesInstanceUID")] + len(files) - len(decodable)
        notice = f"{missing} of its files cannot be used" if missing else ""
        self._offer_stacks(name, title, lambda: stack_frames(frames, self._pixel_digest), notice)

    def _offer_segmentation(self, file: ImageFile) -> None:
        if why := self._why_not_decodable(file):
            self.refused.append((file.name, why))
        elif is_fractional(file):
            name = dicom_fields.series_name(Frame(file))
            self._offer_stacks(name, file.name, lambda: (fractional_volumes(file), []))
        else:
            self.segmentations.append(file)

    def _offer_stacks(
        self,
        name: str,
        title: str,
        make_stacks: Callable[[], tuple[list[Stack], list[str]]],
        notice: str = "",
    ) -> None:
        """List the images of a series; ``make_stacks`` also returns what is wrong with them.

        ``notice`` is what else a user has to know of them.
        """
        try:
            stacks, reasons = make_stacks()
            if notice:
                stacks = [replace(one, notices=(notice, *one.notices)) for one in stacks]
            offers = [
                self._make_offer(stack, name, number, stacks)
                for number, stack in enumerate(stacks, start=1)
            ]
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            self.refused.append((title, f"its headers make no sense: {error}"))
            return
        self.refused += [(title, reason) for reason in reasons]
        for offer in offers:
            columns, rows, _ = offer.stack.size
            count = len(offer.stack.frames)
            if why := dicom_fields.why_too_large(offer.item.size, count, columns * rows):
                self.refused.append((title, why))
            else:
                self.images[offer.item.id] = offer

    def _why_not_decodable(self, file: ImageFile) -> str:
        keywords = ("TransferSyntaxUID", "BitsAllocated", "BitsStored")
        kind = tuple(map(file.header.get, keywords))
        if kind not in self._problems:
            self._problems[kind] = why_not_decodable(*kind)
        return self._problems[kind]

    def _make_offer(self, stack: Stack, name: str, number: int, stacks: list[Stack]) -> Offer:
        """``number`` (from 1) is the place of ``stack`` among the ``stacks`` of its series."""
        first = stack.frames[0]
        series_uid = first.get("SeriesInstanceUID")
        is_series = not first.get("SegmentationType")  # else there may be others in the series
        if len(stacks) == 1 and series_uid and is_series:
            item_id, words = dicom_fields.image_id(series_uid), ""
        else:
            instance = first.get("SOPInstanceUID") or first.file.name
            item_id = dicom_fields.image_id(f"{series_uid} {instance} {first.index}")
            words = _words(stack, number, stacks)
        mark = f" ({stack.pixel_size.mark})" if stack.pixel_size.mark else ""
        is_gray = not is_color(stack)
        grid = upright_grid(stack) if self._is_upright and is_gray else None
        if grid is not None:
            stack = replace(stack, notices=(*stack.notices, RESAMPLED))
        item = dicom_fields.listing_item(
            first,
            f"{name} {words}{mark}" if words else f"{name}{mark}",
            item_id,
            stack.size if grid is None else grid.size,
            codec.ScalarType.of(listed_dtype(stack)),
        )
        return Offer(item, stack, grid)


def _by_series(files: Iterable[ImageFile]) -> list[list[ImageFile]]:
    """Files of one SeriesInstanceUID together; a file without one is a series of its own."""
    series: dict[str, list[ImageFile]] = {}
    for file in files:
        series.setdefault(file.header.get("SeriesInstanceUID") or file.name, []).append(file)
    return list(series.values())


def _sequences(images: Mapping[str, Offer]) -> list[ImageSequence]:
    """Return the sequences of which all images are offered."""
    found: dict[str, list[str]] = {}
    for image_id, offer in images.items():
        if offer.stack.sequence is not None:
            found.setdefault(offer.stack.sequence.key, []).append(image_id)
    sequences = []
    for ids in found.values():
        place = images[ids[0]].stack.sequence
        if place is not None and len(ids) == len(place.index.values):
            sequences.append(ImageSequence(tuple(ids), *place.index))
    return sequences


def _words(stack: Stack, number: int, stacks: list[Stack]) -> str:
    """Return what tells one of several stacks of a series from the others."""
    if len(stacks) == 1:
        return stack.name
    is_named = stack.name and sum(stack.name == other.name for other in stacks) == 1
    if is_named:
        return stack.name
    is_frame = stack.kind == SLICE and stack.position
    words = f"{'frame' if is_frame else stack.kind} {number} of {len(stacks)}"
    return f"{stack.name} {words}".strip()


def _patient(frame: Frame) -> tuple[str, str]:
    return frame.get("PatientID"), frame.get("IssuerOfPatientID")
