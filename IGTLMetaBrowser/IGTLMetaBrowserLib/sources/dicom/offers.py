"""What becomes of a folder's DICOM files: the images that are offered, and what is not and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ...dicom_index.headers.buffer_file import Contents
from ...dicom_index.headers.uids import RT_STRUCTURE_SET
from ...dicom_index.index import DicomIndex
from ...dicom_index.rows import ImageFile
from ...net.list_metadata.image_sequences import ImageSequence
from .file_fields import FileFields
from .files import Frame, IndexedFile, documents, find_images, is_fractional, is_segmentation
from .pixels.decoding import Decoders
from .pixels.pixels import PixelDigests
from .series_offers import Offer, SeriesOffers, SeriesReader
from .volumes.places import issuers_apart
from .volumes.stacks import Stack

TRAJECTORY_FILE = "trajectories.json"


class FolderOffers:
    """The images in the files of ``index`` as it is now; nothing of it changes later.

    ``images`` are by id, in the order of the files' paths, ``listing`` is what is listed of them;
    ``segmentations`` are the files that are label maps. ``refused`` lists what is not offered, or
    not as it is; ``sequences`` are the images of one series that show one place (4D); ``issuers``
    those of patients' IDs, by the ids of images, where one ID is of several. ``contents``
    are the bytes of files that are in memory; ``decoders`` decode the pixels that are compared;
    ``changes`` are those of the index until then.

    What is as it was ``before`` is taken from there: to read a series takes longer than to list all
    the others. Raises ``DicomIndexError``.
    """

    def __init__(
        self,
        index: DicomIndex,
        folder: Path,
        is_upright: bool,
        contents: Contents | None = None,
        decoders: Decoders | None = None,
        before: FolderOffers | None = None,
    ) -> None:
        self.changes = index.changes
        digests = PixelDigests(folder, contents, decoders)
        self._found = find_images(index, digests.of_file, before and before._found)
        self.refused = [one for one in self._found.refused if one[0] != TRAJECTORY_FILE]
        self.images: dict[str, Offer] = {}
        self.segmentations: list[ImageFile] = []
        self._series: dict[str, SeriesOffers] = {}  # by the paths of their first files
        self._offer_all(SeriesReader(digests, is_upright), before)
        self.structure_sets = documents(index, RT_STRUCTURE_SET)
        self.listing = tuple(offer.item for offer in self.images.values())
        self.fields = FileFields(index, self._documents(), before and before.fields)
        self.sequences = _sequences(self.images)
        self.issuers = issuers_apart(
            {image_id: _patient(offer.stack.frames[0]) for image_id, offer in self.images.items()}
        )

    @property
    def are_decoded(self) -> bool:
        """Whether pixels of any image have to be decoded."""
        return any(offer.is_decoded for offer in self.images.values())

    def stacks(self) -> dict[str, Stack]:
        """Return the frames of each image, by its id."""
        return {image_id: offer.stack for image_id, offer in self.images.items()}

    def _offer_all(self, reader: SeriesReader, before: FolderOffers | None) -> None:
        images = self._found.images
        for files in _by_series(file for file in images if not is_segmentation(file)):
            missing = self._found.missing[files[0].header.get("SeriesInstanceUID")]
            self._offer(files, missing, reader, before)
        for file in filter(is_segmentation, images):
            if is_fractional(file) or reader.why_not_decodable(file):
                self._offer([file], 0, reader, before)
            else:
                self.segmentations.append(file)

    def _offer(
        self,
        files: list[ImageFile],
        missing: int,
        reader: SeriesReader,
        before: FolderOffers | None,
    ) -> None:
        """List what the files of one series make; what is wrong with them goes to ``refused``."""
        made = None if before is None else before._series.get(files[0].name)
        if made is None or not made.is_of(files, missing):
            made = reader.read(files, missing)
            if before is not None:
                made = made.with_stacks_of(before.images)
        self._series[files[0].name] = made
        self.refused += made.refused
        self.images |= {offer.item.id: offer for offer in made.offers}

    def _documents(self) -> Iterator[IndexedFile]:
        """Yield the files whose fields are asked for: of an image of several, the first."""
        firsts = (offer.stack.frames[0].file for offer in self.images.values())
        for file in (*firsts, *self.segmentations, *self.structure_sets):
            yield IndexedFile(file.name, file.version)


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


def _patient(frame: Frame) -> tuple[str, str]:
    return frame.get("PatientID"), frame.get("IssuerOfPatientID")
