"""The volume that a series of an archive probably is, while its files come.

Where its slices lie is known before they come if the archive says where its first and last instance
lie: then they are at even distances in between. Each file is checked when it comes, and the volume
when all have come: it counts only if the files, as a folder, make exactly the same. Until then its
last slice is withheld, so that nobody can have the whole of an image that is another.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path

import numpy as np

from .... import codec
from ....codec.geometry import flip_matrix_lps_ras
from ....codec.messages.image_part import ARRIVING, FROM_ABOVE, FROM_BELOW
from ....dicom_index.database import DicomIndexError
from ....dicom_index.fields import PATHS
from ....dicom_index.headers.header_reader import DICOM, FileContent
from ....dicom_index.headers.image_header import ImageHeader, unpack_header
from ....dicom_index.index import DicomIndex
from ....dicom_index.rows import ImageFile
from ....file_version import FileVersion
from ....net.server.arriving_images import ArrivingImage
from ....net.source import SourceError
from ...dicom import fields as dicom_fields
from ...dicom.files import Frame, number_of_frames
from ...dicom.pixels.pixels import VolumeReading
from ...dicom.pixels.stored_pixels import stored_dtype
from ...dicom.pixels.values import listed_dtype
from ...dicom.volumes.places import are_several_issuers
from ...dicom.volumes.stacks import VOLUME, Stack, stack_frames, volume_between
from ..archive import SIZE_KEYWORDS, Series
from .file_in_volume import FileBytes, FileInVolume, FilesInMemory
from .volume_memory import VolumeMemory

_logger = logging.getLogger(__name__)

FEWEST_SLICES = 8
"""Of fewer slices, none is worth being sent before the others."""
MOST_SLICES = 0xFFFF
"""Of an image of OpenIGTLink: an archive that lists more has no such volume."""

ASKED_FIRST = "first"
"""The name of the file of the first slice, if it is asked for before the others."""

# How far a slice may lie from where it was expected, in pixels along i, j, k.
_OFF_PLACE = 0.05
_uids_in = itemgetter(*map([*PATHS].index, ("study", "series", "patient_ID")))

_Errors = (
    ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError,
    SourceError, DicomIndexError,
)  # fmt: skip


class UnexpectedError(ValueError):
    """The series is not the one volume that it was taken for."""


class ArrivingVolume:
    """Filled by the threads that fetch; looked at by the one that serves.

    ``folder`` is where the files will lie. As soon as something is not as expected, none
    of its slices are given away: the image is there when its series is.
    """

    def __init__(self, series: Series, folder: Path) -> None:
        self.series = series
        self._count = series.count or 0
        self._uids = (series["StudyInstanceUID"], series.uid, series["PatientID"])
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: list[tuple[ImageFile, FileContent, FileBytes]] = []
        self._contents = FilesInMemory()  # of the file that is read just now
        self._received_k: int | None = None  # of the slice that is being received into its place
        # Of the first slice along k, as far as it is known.
        self.first_uid = ""
        # Most archives send instances by their numbers.
        self.is_first_sent_first = True
        self._ends: tuple[Mapping[str, str], Mapping[str, str]] | None = None
        self._files: dict[int, ImageFile] = {}  # by k
        self._first_content: FileBytes = b""
        self._withheld: int | None = None
        self._reading: VolumeReading | None = None
        self._memory: VolumeMemory | None = None
        self._to_ijk: list[list[float]] = []  # from LPS mm, three rows
        # Of the last file that came: most have the same.
        self._shared: Mapping[str, str] = {}
        self._shared_text = ""
        self._fields: dict[str, str | int] = {}  # of the first slice
        self._is_over = False
        # Whether all files have come, and make this volume.
        self.is_confirmed = False

    # While files come ----------------------------------------------------------------------------

    def set_ends(
        self,
        first: Mapping[str, str],
        last: Mapping[str, str],
        memory: VolumeMemory | None = None,
    ) -> None:
        """Have slices be placed between these instances, of which these are the attributes.

        ``memory`` is for the voxels, if it is as large as these. Raises ``ValueError`` if the
        attributes do not say where the instances lie.
        """
        number = _first_of((first, last))
        with self._lock:
            self.first_uid = (first, last)[number]["SOPInstanceUID"]
            self.is_first_sent_first = number == 0
            self._ends = _without_size(first), _without_size(last)
            self._memory = memory
            self._place_waiting()

    @property
    def is_empty(self) -> bool:
        """Whether no file has come yet."""
        return not self._waiting and not self._files

    def find_place(self, before: bytes, size: int, header: FileContent) -> FileInVolume | None:
        """Return where the pixels of a file of ``size`` bytes are received, given those before.

        None if they have no place, or it is not known yet.
        """
        with self._lock:
            reading = self._reading
            image = self._header_of(header)
            if reading is None or self._is_over or image is None:
                return None
            try:
                k = self._place_of(Frame(ImageFile("", FileVersion(size), image)))
            except _Errors:
                return None
            place = self._slice(reading, k)
            after = size - len(before) - place.nbytes
            if k in self._files or after < 0:
                return None
            self._received_k = k
            return FileInVolume(before, header, image, k, place, after)

    def add(self, name: str, content: FileBytes, header: FileContent) -> None:
        """Put the slice of a file into its place."""
        if self._is_over:
            return
        with self._lock:
            is_read = isinstance(content, FileInVolume)
            image = content.image if is_read else self._header_of(header)
            if header.kind != DICOM or image is None or not self._is_of_series(header, image):
                self._give_up("a file came that is no image of this series")
                return
            file = ImageFile(name, FileVersion(len(content)), image)
            self._waiting.append((file, header, content))
            if self._ends is not None:
                self._place_waiting()

    def _header_of(self, content: FileContent) -> ImageHeader | None:
        if content.image is None:
            return content.header
        shared, own = content.image
        if shared != self._shared_text:
            self._shared_text, self._shared = shared, json.loads(shared)
        return unpack_header(self._shared, own)

    def give_up(self, reason: str) -> bool:
        """Send no slices any more; return whether some may have been that are of another image."""
        with self._lock:
            self._give_up(reason)
            return 0 in self._files

    def confirm(self) -> None:
        """All files have come: give away the last slice, if they make this volume and no other."""
        with self._lock:
            reading = self._reading
            if reading is None or self._is_over or len(self._files) != self._count:
                self._give_up("not all of its slices have come")
                return
            frames = [Frame(file) for file in sorted(self._files.values(), key=_name_of)]
            stacks, _ = stack_frames(frames, lambda frame: frame.file.name.encode())
            if len(stacks) != 1 or not self._is_same(reading, stacks[0]):
                self._give_up("its slices make another volume")
                return
            self._withheld, self.is_confirmed = None, True

    def _is_of_series(self, header: FileContent, image: ImageHeader) -> bool:
        issuers = image.get("IssuerOfPatientID"), self.series["IssuerOfPatientID"]
        return _uids_in(header.values) == self._uids and not are_several_issuers(issuers)

    def _give_up(self, reason: object) -> None:
        if not self._is_over:
            _logger.debug("%s is sent when it is whole: %s", self.series.uid, reason)
        self._is_over, self.is_confirmed = True, False
        self._waiting.clear()

    def _place_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            for file, header, content in waiting:
                if self._reading is None:
                    self._begin(file)
                self._place(file, header, content)
        except _Errors as error:
            self._give_up(error)

    def _begin(self, file: ImageFile) -> None:
        """Make room for the volume: all that is known of its slices is taken from one of them."""
        header = file.header
        if header.problem or stored_dtype(header) is None or number_of_frames(header) > 1:
            raise UnexpectedError("its pixels are compressed, or of several frames in a file")
        assert self._ends is not None
        first, last = (
            Frame(replace(file, header=replace(header, own={**header.own, **end})))
            for end in self._ends
        )
        stack = volume_between(first, last, self._count)
        if stack.kind != VOLUME or stack.size[2] != self._count:
            raise UnexpectedError("it is no volume")
        self._to_ijk = np.linalg.inv(flip_matrix_lps_ras(stack.ijk_to_ras))[:3].tolist()
        memory = None if self._memory is None else self._memory.bytes
        self._reading = VolumeReading(stack, self._folder, None, self._contents, memory)
        if memory is not None and not np.may_share_memory(memory, self._reading.volume):
            self._memory = None  # the archive said something else than the files

    def _place(self, file: ImageFile, header: FileContent, content: FileBytes) -> None:
        assert self._reading is not None
        shared = self._reading.stack.frames[0].file.header.shared
        is_alike = file.header.shared is shared or file.header.shared == shared
        if file.header.frames or file.header.problem or not is_alike:
            raise UnexpectedError("its slices have not the same attributes")
        is_received = isinstance(content, FileInVolume)
        k = content.k if is_received else self._place_of(Frame(file))
        if k == self._received_k and not is_received:
            return  # the first, asked for before the others, is just coming with those
        if k in self._files:
            if k or _whole(content) != _whole(self._first_content):
                raise UnexpectedError("two slices lie in one place")
            # It was asked for before the others; its file is the one that came with those.
            if file.name != ASKED_FIRST:
                self._files[k] = file
            return
        if k == 0:
            self._first_content = content
            self._fields = self._fields_of(file, header)
        if len(self._files) + 1 == self._count:
            self._withheld = k
        self._read(k, file, content)
        self._files[k] = file

    def _read(self, k: int, file: ImageFile, content: FileBytes) -> None:
        assert self._reading is not None
        if isinstance(content, FileInVolume):
            self._received_k = None
            added = self._reading.read_in_place(k, Frame(file), content.place)
            if added is not None:
                content.on_rescaled(added)
                return
            content.leave()
        self._contents[file.name] = content
        self._slice(self._reading, k)
        self._reading.read_frame(k, Frame(file))
        del self._contents[file.name]

    def _slice(self, reading: VolumeReading, k: int) -> np.ndarray:
        """Return where the voxels of a slice belong; nobody else writes there any more."""
        place = reading.volume[k]
        if self._memory is not None:
            self._memory.use((k + 1) * place.nbytes)
        return place

    def _place_of(self, frame: Frame) -> int:
        """Return the k of a slice. Raises ``UnexpectedError`` if it lies elsewhere."""
        position = frame.numbers("ImagePositionPatient", 3)
        if position is None:
            raise UnexpectedError("a slice has no position")
        x, y, z = position
        place = [a * x + b * y + c * z + d for a, b, c, d in self._to_ijk]
        k = round(place[2])
        distance = max(abs(place[0]), abs(place[1]), abs(place[2] - k))
        if not 0 <= k < self._count or distance > _OFF_PLACE:
            raise UnexpectedError(f"a slice lies at {position}, where none was expected")
        return k

    def _fields_of(self, file: ImageFile, header: FileContent) -> dict[str, str | int]:
        """Return the dictionary's fields of a file as the index of all files will have them."""
        with DicomIndex(self._folder) as index:
            index.add([(file.name, file.version, header)])
            return {**index.row(file.name), "instances": self._count}

    # What is there -------------------------------------------------------------------------------

    def image_for(self, request: codec.GetImagePartMessage) -> ArrivingImage | None:
        """Return the image of which a part is asked for, if the slices of that part are there.

        Its metadata are those of ``DicomFolderSource.metadata``, and the order of the slices.
        """
        if self._reading is None or self._is_over:
            return None
        stack, volume = self._reading.stack, self._reading.volume
        start, size = request.box_in(stack.size)
        if not self._has(range(start[2], start[2] + size[2], request.stride[2])):
            return None
        image_id, order = (
            request.device_name,
            FROM_BELOW if self.is_first_sent_first else FROM_ABOVE,
        )
        tag = tag_of(image_id, self.series, stack, volume.dtype)
        return ArrivingImage(self._message(image_id, {ARRIVING: order}), tag)

    @property
    def may_grow(self) -> bool:
        """Whether its slices can be sent in their order while it comes, as far as is known."""
        return self.is_first_sent_first and not self._is_over

    def first_image(self, image_id: str) -> codec.ImageMessage | None:
        """Return the image when its first slice has come."""
        is_begun = self._reading is not None and not self._is_over and 0 in self._files
        return self._message(image_id, {}) if is_begun else None

    def still_fills(self, volume: np.ndarray) -> bool:
        """Whether the slices that come are put into this array."""
        return not self._is_over and self._reading is not None and self._reading.volume is volume

    def slices_from_first(self, start: int) -> int:
        """Return how many slices may be sent, of which ``start`` are known."""
        while start in self._files and start != self._withheld:
            start += 1
        return start

    def image(self, image_id: str) -> codec.ImageMessage | None:
        """Return the image, if all of it has come and is confirmed."""
        is_there = self.is_confirmed and not self._is_over
        return self._message(image_id, {}) if is_there else None

    @property
    def stack(self) -> Stack | None:
        """What it is, if it is confirmed."""
        return self._reading.stack if self._reading is not None and self.is_confirmed else None

    def _message(self, image_id: str, order: Mapping[str, str]) -> codec.ImageMessage:
        assert self._reading is not None
        stack, first = self._reading.stack, Frame(self._files[0])
        metadata = dicom_fields.metadata(replace(stack, frames=(first,)), self._fields)
        return codec.ImageMessage.from_ijk_to_ras(
            self._reading.volume,
            stack.ijk_to_ras,
            device_name=image_id,
            timestamp=dicom_fields.scan_time(first),
            metadata={**metadata, **order},
        )

    def _has(self, slices: range) -> bool:
        """Whether these slices (k) are there, and the first, by which the image is known."""
        files, withheld = self._files, self._withheld
        return 0 in files and all(k in files and k != withheld for k in slices)

    # When all have come --------------------------------------------------------------------------

    def finish(self, stacks: Sequence[Stack]) -> VolumeReading | None:
        """Return the volume, if the folder of all files has no other; ``stacks`` are what it has.

        It is confirmed then; what was confirmed before, by the files alone, otherwise no more.
        """
        with self._lock:
            reading = self._reading
            is_alone = reading is not None and not self._is_over and len(stacks) == 1
            if not is_alone or not self._is_same(reading, stacks[0]):
                self._give_up("the files make another volume")
                return None
            reading.stack = stacks[0]
            return reading

    def _is_same(self, reading: VolumeReading, found: Stack) -> bool:
        expected = reading.stack
        dtype = reading.volume.dtype
        return (
            [frame.file.name for frame in found.frames]
            == [self._files[k].name for k in sorted(self._files)]
            and found.size == expected.size
            and not found.planes
            and np.array_equal(found.ijk_to_ras, expected.ijk_to_ras)
            and _described(found) == _described(expected)
            and dtype == listed_dtype(found) == listed_dtype(expected)
        )


def _first_of(ends: Sequence[Mapping[str, str]]) -> int:
    """Return which of two instances is the first along k: 0 or 1. Raises ``ValueError``."""
    frames = [Frame(ImageFile("", FileVersion(0), ImageHeader({}, end))) for end in ends]
    orientation = frames[0].numbers("ImageOrientationPatient", 6)
    positions = [frame.numbers("ImagePositionPatient", 3) for frame in frames]
    if orientation is None or None in positions or not all(map(_uid_of, ends)):
        raise UnexpectedError("the archive does not say where its instances lie")
    normal = np.cross(orientation[:3], orientation[3:])
    return int(np.argmin(np.array(positions, float) @ normal))


def _without_size(instance: Mapping[str, str]) -> dict[str, str]:
    """Return what an archive says of an instance, but for its size: that is what its file says."""
    return {key: text for key, text in instance.items() if key not in SIZE_KEYWORDS}


def _whole(content: FileBytes) -> bytes | memoryview:
    return content.leave() if isinstance(content, FileInVolume) else content


def _name_of(file: ImageFile) -> str:
    return file.name


def _described(stack: Stack) -> tuple[object, ...]:
    return (
        stack.kind, stack.name, stack.position, stack.notices, stack.sequence, stack.pixel_size,
        *_ends_of(stack),
    )  # fmt: skip


def _ends_of(stack: Stack) -> list[str]:
    """Return the UIDs of the first and the last instance along k."""
    return [_uid_of(stack.frames[at]) for at in (0, -1)]


def _uid_of(instance: Frame | Mapping[str, str]) -> str:
    return instance.get("SOPInstanceUID") or ""


def tag_of(image_id: str, series: Series, stack: Stack, dtype: np.dtype) -> str:
    """Return what is another for another image, known before its slices have come.

    Instances do not change (PS3.3 C.12.1.1.1): they, their number and place tell an image.
    """
    place = np.asarray(stack.ijk_to_ras, "<f8").tolist()
    text = repr((image_id, series.uid, series.count, series["PatientID"], _ends_of(stack), place))
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12)
    return f"{digest.hexdigest()}-{dtype.str[1:]}"
