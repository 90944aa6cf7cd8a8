"""What becomes of the files of one series: the images that are offered, and what is not and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ... import codec
from ...dicom_index.rows import ImageFile
from . import fields as dicom_fields
from .files import Frame, Refusal, frames_of, is_segmentation
from .label_maps.segmentations import fractional_volumes
from .pixels.decoding import why_not_decodable
from .pixels.pixels import PixelDigests
from .pixels.stored_pixels import stored_dtype
from .pixels.values import is_color, listed_dtype
from .volumes.stacks import SLICE, Stack, stack_frames
from .volumes.upright import Upright, upright_grid

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


@dataclass(frozen=True, slots=True)
class SeriesOffers:
    """What becomes of ``files`` of a series, of which so many others are ``missing``.

    ``is_final`` is False if pixels had to be compared that could not be read: next time they may.
    """

    files: Sequence[ImageFile]
    missing: int
    offers: Sequence[Offer]
    refused: Sequence[Refusal]
    is_final: bool

    def is_of(self, files: Sequence[ImageFile], missing: int) -> bool:
        """Whether the same would become of these files."""
        return self.is_final and (self.files, self.missing) == (files, missing)

    def with_stacks_of(self, before: Mapping[str, Offer]) -> SeriesOffers:
        """Return these with those stacks of ``before`` that are the same: what is begun goes on.

        Else an image that takes long to read would never be, while other files come.
        """
        offers = []
        for offer in self.offers:
            known = before.get(offer.item.id)
            if known is not None and known.stack.is_same(offer.stack):
                offer = replace(offer, stack=known.stack, grid=known.grid)
            offers.append(offer)
        return replace(self, offers=offers)


class SeriesReader:
    """Makes offers of series; ``digests`` tell apart frames that lie in one place."""

    def __init__(self, digests: PixelDigests, is_upright: bool) -> None:
        self._digests = digests
        self._is_upright = is_upright
        self._problems: dict[tuple[str, ...], str] = {}  # of transfer syntaxes and bits
        # Of the series that is being read.
        self._offers: list[Offer] = []
        self._refused: list[Refusal] = []
        self._is_final = True

    def read(self, files: Sequence[ImageFile], missing: int) -> SeriesOffers:
        """Return what becomes of the files of one series, or of one segmentation as volumes.

        ``missing`` is how many others of the series cannot be used.
        """
        self._offers, self._refused, self._is_final = [], [], True
        if is_segmentation(files[0]):
            self._read_segmentation(files[0])
        else:
            self._read_series(files, missing)
        return SeriesOffers(files, missing, self._offers, self._refused, self._is_final)

    def why_not_decodable(self, file: ImageFile) -> str:
        """Return why the pixels of a file cannot be read; empty if they can."""
        keywords = ("TransferSyntaxUID", "BitsAllocated", "BitsStored")
        kind = tuple(map(file.header.get, keywords))
        if kind not in self._problems:
            self._problems[kind] = why_not_decodable(*kind)
        return self._problems[kind]

    def _read_series(self, files: Sequence[ImageFile], missing: int) -> None:
        first = Frame(files[0])
        name = dicom_fields.series_name(first)
        title = f"{name} ({first.get('SeriesInstanceUID') or files[0].name})"
        decodable = [file for file in files if not self.why_not_decodable(file)]
        if len(decodable) < len(files):
            unreadable = next(file for file in files if self.why_not_decodable(file))
            self._refused.append((title, self.why_not_decodable(unreadable)))
        if not decodable:
            return
        frames = [frame for file in decodable for frame in frames_of(file)]
        missing += len(files) - len(decodable)
        notice = f"{missing} of its files cannot be used" if missing else ""
        self._offer_stacks(name, title, lambda: stack_frames(frames, self._pixel_digest), notice)

    def _read_segmentation(self, file: ImageFile) -> None:
        if why := self.why_not_decodable(file):
            self._refused.append((file.name, why))
            return
        name = dicom_fields.series_name(Frame(file))
        self._offer_stacks(name, file.name, lambda: (fractional_volumes(file), []))

    def _pixel_digest(self, frame: Frame) -> bytes:
        """Return what frames of the same pixels share; what cannot be read is like no other."""
        digest = self._digests.of_frame(frame)
        self._is_final &= bool(digest)
        return digest or f"{frame.file.name} {frame.index}".encode("utf-8", "surrogateescape")

    def _offer_stacks(
        self,
        name: str,
        title: str,
        make_stacks: Callable[[], tuple[list[Stack], list[str]]],
        notice: str = "",
    ) -> None:
        """Offer the images of a series; ``make_stacks`` also returns what is wrong with them.

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
            self._refused.append((title, f"its headers make no sense: {error}"))
            return
        self._refused += [(title, reason) for reason in reasons]
        for offer in offers:
            columns, rows, _ = offer.stack.size
            count = len(offer.stack.frames)
            if why := dicom_fields.why_too_large(offer.item.size, count, columns * rows):
                self._refused.append((title, why))
            else:
                self._offers.append(offer)

    def _make_offer(self, stack: Stack, name: str, number: int, stacks: list[Stack]) -> Offer:
        """``number`` (from 1) is the place of ``stack`` among the ``stacks`` of its series."""
        first = stack.frames[0]
        series_uid = first.get("SeriesInstanceUID")
        is_series = not first.get("SegmentationType")  # else there may be others in the series
        if len(stacks) == 1 and series_uid and is_series:
            item_id, words = dicom_fields.image_id(series_uid), ""
        else:
            instance = first.get("SOPInstanceUID") or first.file.name
            item_id = dicom_fields.volume_id(series_uid, instance, first.index)
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
