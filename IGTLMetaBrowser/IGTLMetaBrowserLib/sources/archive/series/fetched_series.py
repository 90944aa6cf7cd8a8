"""A series as it comes from an archive: its files are written, and checked to be its own."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .... import codec
from ....dicom_index.database import DicomIndexError
from ....dicom_index.headers.header_reader import FileContent
from ....dicom_index.headers.image_header import ImageHeader, unpack_header
from ....dicom_index.headers.similar_headers import SimilarHeaders
from ....dicom_index.index import DicomIndex
from ....file_version import FileVersion, version_of
from ....person_names import are_several_names
from ...dicom.folder import DicomFolderSource
from ...dicom.pixels.stored_pixels import stored_dtype
from ...dicom.plans import Plan
from ...dicom.volumes.places import are_several_issuers
from ..archive import ArchiveError, Series
from ..arriving.arriving_volume import ArrivingVolume
from ..arriving.file_in_volume import FileBytes, FileInVolume, FilesInMemory, RoomForFile
from .cache import CachedSeries

if TYPE_CHECKING:
    from concurrent.futures import Future

_logger = logging.getLogger(__name__)

# A disk that is slower than the archive shall not fill the memory: of larger series, so many files
# wait for it. Smaller ones are shown before it has them.
_MOST_WAITING_FILES = 8
_MOST_IN_MEMORY = 512 << 20
# To write takes the processor as much as to send does.
_SECONDS_BEFORE_WRITING = 0.5


@dataclass(frozen=True, eq=False)
class OpenedSeries:
    """A series that is fetched: where its files are, what makes images of them, and the entries.

    ``files`` are those that are still in memory; ``written`` says whether the disk has taken them.
    ``opened_at`` is when, in ``time.monotonic`` seconds.
    """

    cached: CachedSeries
    source: DicomFolderSource
    items: tuple[codec.ImageMetaItem, ...]
    plans: tuple[Plan, ...] = ()
    files: FetchedFiles | None = None
    written: Future[bool] | None = None
    opened_at: float = field(default_factory=time.monotonic)

    @property
    def is_in_memory(self) -> bool:
        """Whether its files are not read from the disk, which perhaps has not taken them."""
        return self.written is not None and not (self.written.done() and self.written.result())

    @property
    def is_lost(self) -> bool:
        """Whether its files were on disk, and another process has made room of them."""
        return not self.is_in_memory and not self.cached.is_there

    @property
    def is_refused(self) -> bool:
        """Whether the disk has not taken its files, so that they are in memory only."""
        return self.written is not None and self.written.done() and not self.written.result()

    def close(self) -> None:
        """Wait until its files are written, and let go of them."""
        if self.files is not None and self.written is not None:
            self.files.write_now()
            self.written.result()
        self.source.close()


class FetchedFiles:
    """Takes the files of a series as they come: reads their headers, writes them into a folder.

    They are numbered as they come, and written by a thread of their own: if they can be read from
    memory, a moment after the last has come, when clients have been sent the image. ``contents``
    are their bytes by their names until all are written; empty if these are too many to be kept in
    memory.
    """

    def __init__(self, folder: Path) -> None:
        from concurrent.futures import Future, ThreadPoolExecutor

        self._folder = folder
        self._headers: list[tuple[str, int, FileContent]] = []
        self._reader = SimilarHeaders()
        self._size = 0
        self._executor = ThreadPoolExecutor(1, "writer")
        self._is_time: Future[bool] = Future()
        self._waiting: deque[Future[None]] = deque()
        # Those that are written later; None if each is written as it comes.
        self._unwritten: list[tuple[str, FileBytes]] | None = []
        self.contents = FilesInMemory()
        # Of those that are written: what is on the disk then has to be the same.
        self.sums: dict[str, tuple[int, int]] = {}

    @property
    def count(self) -> int:
        """How many have come."""
        return len(self._headers)

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return self._size

    def find_room(self, memory: memoryview, arriving: ArrivingVolume) -> RoomForFile | None:
        """Return where the next file is received, if its pixels can be put into a volume."""
        size = len(memory)
        size_before = self._reader.start_size(size)
        is_large = size * (arriving.series.count or 0) > _MOST_IN_MEMORY
        if size_before is None or is_large or self._unwritten is None:
            return None

        def find_place(before: bytes) -> FileInVolume | None:
            header = self._reader.read_start(before, size)
            return None if header is None else arriving.find_place(before, size, header)

        return RoomForFile(memory, size_before, find_place)

    def add(self, content: FileBytes) -> tuple[str, FileContent]:
        """Take the next file; return its name, and what is in it.

        Raises ``OSError``, perhaps of one before.
        """
        name = f"{len(self._headers) + 1:06}.dcm"
        is_read = isinstance(content, FileInVolume)
        header = content.header if is_read else self._reader.read(content)
        size = len(content)
        self._headers.append((name, size, header))
        self._size += size
        if len(self._headers) == 1 and not _is_plain(header):
            self.write_now()
        if self._size <= _MOST_IN_MEMORY:
            self.contents[name] = content
        else:
            self.contents.clear()
            self.write_now()
        if self._unwritten is not None:
            self._unwritten.append((name, content))
        else:
            self._waiting.append(self._executor.submit(self._write, name, content))
        while self._size > _MOST_IN_MEMORY and len(self._waiting) > _MOST_WAITING_FILES:
            self._waiting.popleft().result()
        return name, header

    def read_header(self, content: bytes | memoryview) -> FileContent:
        """Return what is in a file that is like these, and is not added."""
        return self._reader.read(content)

    def _write(self, name: str, content: FileBytes) -> None:
        pieces = content.pieces() if isinstance(content, FileInVolume) else [content]
        crc = 0
        with (self._folder / name).open("wb") as file:
            for piece in pieces:
                file.write(piece)
                crc = codec.crc64(piece, crc)
        self.sums[name] = len(content), crc

    def index(self) -> DicomIndex:
        """Return an index of the files, in memory. Raises ``DicomIndexError``."""
        index = DicomIndex(self._folder)
        index.add((name, FileVersion(size), content) for name, size, content in self._headers)
        return index

    def leave_index(self, cached: CachedSeries) -> None:
        """Write what is in the files for whoever opens them next, when they are written.

        A disk that does not take it does no harm. To read 300 of them again takes 0.1 s.
        """
        try:
            with DicomIndex(self._folder, cached.database()) as index:
                index.add(
                    (name, version_of((self._folder / name).stat()), content)
                    for name, _, content in self._headers
                )
                index.update()
            cached.leave_database()
        except (DicomIndexError, OSError) as error:
            _logger.warning("the index of a series was not written: %s", error)

    def wait(self) -> None:
        """Wait for the last file; raises ``OSError``. Nothing can be added any more."""
        self.write_now()
        self._executor.shutdown()
        self.contents.clear()
        self.check_written()

    def abandon(self) -> None:
        """Write nothing more, and wait for what is being written."""
        self._unwritten = None
        _set(self._is_time)
        self._executor.shutdown(cancel_futures=True)
        self.contents.clear()

    def when_written(self, action: Callable[[], bool]) -> Future[bool]:
        """Have ``action`` called when all is written, or was tried to, by the thread that writes.

        Nothing can be added any more.
        """
        unwritten, self._unwritten = self._unwritten, None
        if unwritten:
            self._waiting.append(self._executor.submit(self._write_later, unwritten))
        done = self._executor.submit(action)
        self._executor.shutdown(wait=False)
        return done

    def write_now(self) -> None:
        """Wait no longer before the files are written."""
        _set(self._is_time)
        unwritten, self._unwritten = self._unwritten, None
        if unwritten:
            self._waiting.append(self._executor.submit(self._write_later, unwritten))

    def _write_later(self, files: Sequence[tuple[str, FileBytes]]) -> None:
        from concurrent.futures import wait

        wait([self._is_time], _SECONDS_BEFORE_WRITING)
        for name, content in files:
            self._write(name, content)

    def write_again(self) -> None:
        """Write what is in memory, when there is room for it. Raises ``OSError``."""
        for name, content in self.contents.data.items():
            self._write(name, content)

    def check_written(self) -> None:
        """Raise ``OSError`` if a file could not be written."""
        for future in self._waiting:
            future.result()


def _set(future: Future[bool]) -> None:
    if not future.done():
        future.set_result(True)


def can_be_read_from_memory(index: DicomIndex) -> bool:
    """Whether all files are images whose pixels are not compressed: all else is read from disk."""
    headers = [image.header for image in index.images()]
    return len(headers) == index.count("dicom") and all(map(_is_plain_image, headers))


def _is_plain(content: FileContent) -> bool:
    if content.image is None:
        return content.header is not None and _is_plain_image(content.header)
    shared, own = content.image
    return _is_plain_image(unpack_header(json.loads(shared), own))


def _is_plain_image(header: ImageHeader) -> bool:
    return stored_dtype(header) is not None and not header.get("SegmentationType")


def _check_name(listed: str, index: DicomIndex, archive: str) -> None:
    """Raise ``ArchiveError`` if images name another patient, and no ID tells whose they are."""
    names = {image.header.get("PatientName") for image in index.images()}
    if listed and are_several_names({listed, *names}):
        raise ArchiveError(
            f"{archive} has sent images of another patient, by the name, than was asked for; "
            "nothing of it is used"
        )


def _check_issuer(listed: str, index: DicomIndex, archive: str) -> None:
    """Raise ``ArchiveError`` if the images' patient has that ID in another hospital."""
    issuers = {image.header.get("IssuerOfPatientID") for image in index.images()}
    if are_several_issuers({listed, *issuers}):
        raise ArchiveError(
            f"{archive} has sent images of another issuer of the patient ID than was asked for "
            f"({', '.join(sorted(issuers - {listed}))!r} for {listed!r}); nothing of it is used"
        )


def check_fetched(series: Series, index: DicomIndex, archive: str) -> None:
    """Raise ``ArchiveError`` unless an index has the whole series, and nothing else.

    A wrong image is worse than none: whose files they are is read from the files.
    """
    rows = [*index.rows()]
    total = sum(index.count(kind) for kind in ("dicom", "unreadable", "other"))
    if not rows or len(rows) < total:
        raise ArchiveError(f"{archive} has sent what is no DICOM, or is cut off; fetch it again")
    expected = {
        "study": series["StudyInstanceUID"],
        "series": series.uid,
        "patient_ID": series["PatientID"],
    }
    for keyword, value in expected.items():
        others = {str(row[keyword]) for row in rows} - {value}
        if others:
            raise ArchiveError(
                f"{archive} has sent another {keyword.replace('_', ' ')} than was asked for "
                f"({min(others)!r} for {value!r}); nothing of it is used"
            )
    _check_issuer(series["IssuerOfPatientID"], index, archive)
    if not series["PatientID"]:
        _check_name(series["PatientName"], index, archive)
    distinct = {str(row["instance_uid"]) for row in rows}
    if series.count is not None and len(distinct) < series.count:
        raise ArchiveError(
            f"{archive} has sent {len(distinct)} of the {series.count} instances of the series; "
            "nothing of it is used. Fetch it again, or list again if they are deleted"
        )
