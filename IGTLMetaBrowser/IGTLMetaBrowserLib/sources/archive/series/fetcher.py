"""Gets a series from the cache or else the archive, and makes images of its files."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ....dicom_index.database import DicomIndexError
from ....dicom_index.headers.buffer_file import Contents
from ....dicom_index.headers.image_header import needed_tags
from ....dicom_index.index import DicomIndex
from ....net.source import SourceError
from ...dicom.folder import DicomFolderSource
from ...dicom.pixels.decoding import Decoders
from ...dicom.plans import read_plans
from ...dicom.volumes.stacks import Stack
from ..archive import (
    LARGEST_SERIES,
    NOT_IMAGES,
    Archive,
    ArchiveError,
    BrokenOffError,
    Series,
    most_files,
)
from ..arriving.arriving_volume import ASKED_FIRST, FEWEST_SLICES, MOST_SLICES, ArrivingVolume
from ..arriving.file_in_volume import FileBytes
from ..arriving.volume_memory import SpareMemory, bytes_of_volume
from .cache import CachedSeries, DiskFullError, SeriesCache
from .fetched_series import FetchedFiles, OpenedSeries, can_be_read_from_memory, check_fetched
from .threads import end_threads

if TYPE_CHECKING:
    from concurrent.futures import Future

_logger = logging.getLogger(__name__)

# Of several archives behind one address, one may have failed: the next attempt meets another.
_ATTEMPTS = 3
_SCOUTS = 2
# In so short a list, a user will choose: two small queries for each are asked before.
_MOST_LOOKED_AHEAD = 16
_MOST_ENDS = 64
# Asked for both at once, an archive looks for the series first, and for its first file after that.
_SECONDS_AHEAD = 0.002
# To make the images of files takes the processor as much as to send one does.
_SECONDS_BEFORE_OPENING = 0.3

Ends = tuple[Mapping[str, str], Mapping[str, str]]
"""What is known of the first and of the last instance of a series."""


class SeriesFetcher:
    """Fetches series for several threads at once.

    ``jobs``, ``seconds_a_turn`` and ``elsewhere`` are as in ``DicomFolderSource``.
    """

    def __init__(
        self,
        archive: Archive,
        cache: SeriesCache,
        elsewhere: Mapping[str, Stack],
        jobs: int,
        seconds_a_turn: float | None,
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._archive = archive
        self._cache = cache
        self._elsewhere = elsewhere
        self._seconds_a_turn = seconds_a_turn
        self._decoders = Decoders(jobs) if jobs > 1 or seconds_a_turn is not None else None
        # Files are opened one series at a time: it is Python's work, and starts the processes that
        # decode for all.
        self._executor = ThreadPoolExecutor(1, "series")
        self._loaded = self._executor.submit(_load_readers)
        # Asks where series lie, while their files come.
        self._scouts = ThreadPoolExecutor(_SCOUTS, "scout")
        self._spare = SpareMemory(self._scouts)
        self._arriving: dict[str, ArrivingVolume] = {}
        # Series of which slices were perhaps sent that are not of what came in the end.
        self._unconfirmed: set[str] = set()
        # Where the first and the last instance of a series lie, as asked for before it is fetched.
        self._ends: OrderedDict[str, tuple[Series, Future[Ends]]] = OrderedDict()
        # Of a series whose files have come: done when somebody waits for them to be opened.
        self._are_wanted: dict[str, Future[bool]] = {}
        self._is_closed = False

    def wait_until_ready(self) -> None:
        """Wait until the first fetch need not wait for what reads files."""
        self._loaded.result()

    def look_ahead(self, listed: Sequence[Series]) -> None:
        """Ask where these series lie, if they are few, and have memory for the largest of them.

        No slice waits for that then.
        """
        if len(listed) <= _MOST_LOOKED_AHEAD:
            for series in filter(_may_be_volume, listed):
                self._ends_of(series).add_done_callback(partial(self._prepare_memory, series))

    def stop(self) -> None:
        """Have fetches end after the next file."""
        self._is_closed = True
        self._want_all()

    def close(self) -> None:
        """End threads and processes, when no fetch runs any more."""
        end_threads(self._scouts, self._archive)
        self._executor.shutdown()
        if self._decoders is not None:
            self._decoders.close()

    def arriving(self, series: Series) -> ArrivingVolume | None:
        """Return the volume of a series that is being fetched, if it is known where it lies."""
        found = self._arriving.get(series.uid)
        return found if found is not None and found.series == series else None

    def finish_soon(self) -> bool:
        """Have a series opened at once of which the image was perhaps sent already.

        Return whether there is one.
        """
        is_any = any(arriving.is_confirmed for arriving in tuple(self._arriving.values()))
        if is_any:
            self._want_all()
        return is_any

    def _want_all(self) -> None:
        for wanted in tuple(self._are_wanted.values()):
            if not wanted.done():
                wanted.set_result(True)

    def is_confirmed(self, series: Series) -> bool:
        """Whether what was sent of a series before it was whole, if anything, was right."""
        return series.uid not in self._unconfirmed

    def fetch(self, series: Series) -> OpenedSeries:
        """Fetch a series from the cache or else the archive, in the thread of whoever calls this.

        Raises ``SourceError``.
        """
        cached = self._cache.find(self._archive.name, series)
        if cached is not None:
            with contextlib.suppress(SourceError):  # made room for by another process just now
                return self._executor.submit(self._open, series, cached).result()
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._fetch_once(series)
            except DiskFullError:
                if not self._cache.make_room():
                    raise
            except BrokenOffError as error:
                _logger.warning("attempt %d of %d: %s", attempt, _ATTEMPTS, error)
        return self._fetch_once(series)

    def _fetch_once(self, series: Series) -> OpenedSeries:
        cached = self._cache.begin(self._archive.name, series)
        files = FetchedFiles(cached.files)
        arriving = self._begin_arriving(series, files, cached)
        try:
            find_room = (
                partial(files.find_room, arriving=arriving) if arriving is not None else None
            )
            self._archive.fetch(
                series, partial(self._add, series, files, arriving), find_room=find_room
            )
            if arriving is not None:
                arriving.confirm()
                self._let_send(arriving)
            work = partial(self._open_fetched, series, cached, files, arriving)
            opened = self._executor.submit(work).result()
            if arriving is not None and not arriving.is_confirmed:
                self._give_up(series, arriving)
            return opened
        except BaseException as error:
            files.abandon()
            self._cache.drop(cached)
            self._give_up(series, arriving)
            if isinstance(error, OSError):
                raise self._cache.error(error) from error
            raise

    def _let_send(self, arriving: ArrivingVolume) -> None:
        """Leave the processor to those who send the image, for a moment, if it is whole."""
        from concurrent.futures import Future, wait

        if arriving.is_confirmed and not self._is_closed:
            wanted = self._are_wanted[arriving.series.uid] = Future()
            wait([wanted], _SECONDS_BEFORE_OPENING)
            del self._are_wanted[arriving.series.uid]

    def _give_up(self, series: Series, arriving: ArrivingVolume | None) -> None:
        if arriving is not None and arriving.give_up("its files are not as expected"):
            self._unconfirmed.add(series.uid)
        self.forget_arriving(series)

    def forget_arriving(self, series: Series) -> None:
        """Forget the volume of a series of which the files are there, or will not come."""
        self._arriving.pop(series.uid, None)

    def _add(
        self,
        series: Series,
        files: FetchedFiles,
        arriving: ArrivingVolume | None,
        content: FileBytes,
    ) -> None:
        if self._is_closed:
            raise ArchiveError("the server ends")
        if files.count >= most_files(series) or files.size > LARGEST_SERIES:
            raise ArchiveError(
                f"{self._archive.name} has sent {files.count} files of a series "
                f"({files.size >> 20} MiB), and goes on; nothing of it is used. Ask who runs the "
                "archive"
            )
        try:
            name, header = files.add(content)
        except OSError as error:  # else it would be taken for one of the connection
            raise self._cache.error(error) from error
        if arriving is not None:
            arriving.add(name, content, header)

    def _begin_arriving(
        self, series: Series, files: FetchedFiles, cached: CachedSeries
    ) -> ArrivingVolume | None:
        """Return what is filled while the files come, if the series may be a volume."""
        if not _may_be_volume(series):
            return None
        arriving = self._arriving[series.uid] = ArrivingVolume(series, cached.files)
        asked = self._ends_of(series)
        asked.add_done_callback(partial(self._on_ends, series, arriving, files))
        return arriving

    def _ends_of(self, series: Series) -> Future[Ends]:
        """Return where the first and last instance lie; they are asked for if that is not known."""
        listed, asked = self._ends.get(series.uid, (None, None))
        if asked is None or listed != series:
            asked = self._scouts.submit(self._ask_ends, series)
            self._ends[series.uid] = series, asked
            while len(self._ends) > _MOST_ENDS:
                self._ends.popitem(last=False)
        return asked

    def _ask_ends(self, series: Series) -> Ends:
        first, last = (self._archive.instance(series, n) for n in (1, series.count or 0))
        return first, last

    def _prepare_memory(self, series: Series, asked: Future[Ends]) -> None:
        if not self._is_closed and not asked.cancelled() and asked.exception() is None:
            first, _ = asked.result()
            self._spare.prepare(bytes_of_volume(first, series.count or 0))

    def _on_ends(
        self,
        series: Series,
        arriving: ArrivingVolume,
        files: FetchedFiles,
        asked: Future[Ends],
    ) -> None:
        """Have slices be placed; an archive that does not say where they lie does no harm."""
        self._ends.pop(series.uid, None)  # the next time it may say something else
        try:
            first, last = asked.result()
            memory = self._spare.take(bytes_of_volume(first, series.count or 0))
            arriving.set_ends(first, last, memory)
            # The first voxels are asked for first.
            is_soon = self._archive.is_instance_soon and arriving.is_empty
            if is_soon or not arriving.is_first_sent_first:
                self._scouts.submit(self._fetch_first, series, arriving, files)
            if is_soon:
                time.sleep(_SECONDS_AHEAD)
        except (SourceError, ValueError) as error:
            arriving.give_up(str(error))
        except Exception:
            _logger.exception("it was not found where the slices of a series lie")
            arriving.give_up("its ends are not known")

    def _fetch_first(self, series: Series, arriving: ArrivingVolume, files: FetchedFiles) -> None:
        def add(content: bytes | memoryview) -> None:
            arriving.add(ASKED_FIRST, content, files.read_header(content))

        try:
            self._archive.fetch(series, add, arriving.first_uid)
        except SourceError as error:
            if arriving.is_first_sent_first:  # it comes with the others then
                _logger.debug("the first slice did not come before the others: %s", error)
            else:
                arriving.give_up(str(error))
        except Exception:
            _logger.exception("the first slice of a series was not read")
            arriving.give_up("its first slice is not known")

    def _open_fetched(
        self,
        series: Series,
        cached: CachedSeries,
        files: FetchedFiles,
        arriving: ArrivingVolume | None,
    ) -> OpenedSeries:
        """Open what was fetched: before the disk has it, if that is enough."""
        try:
            index = files.index()
            check_fetched(series, index, self._archive.name)
            if files.contents and can_be_read_from_memory(index):
                opened = self._make_images(cached, index, files.contents)
                _keep_arrived(opened, arriving)
                written = files.when_written(partial(self._on_written, cached, files))
                return replace(opened, files=files, written=written)
            files.wait()
            self._cache.finish(cached, files.sums)
            opened = self._make_images(cached, index)
            _keep_arrived(opened, arriving)
            return opened
        except DicomIndexError as error:
            raise SourceError(str(error)) from error

    def _on_written(self, cached: CachedSeries, files: FetchedFiles) -> bool:
        """Have a series count as whole; return whether the disk has taken it."""
        for write in (files.check_written, files.write_again):
            try:
                write()
                files.leave_index(cached)
                self._cache.finish(cached, files.sums)
            except OSError as error:
                is_full = isinstance(self._cache.error(error), DiskFullError)
                if is_full and write == files.check_written and self._cache.make_room():
                    continue
                self._cache.drop(cached)
                return False
            break
        files.contents.clear()
        return True

    def _open(self, series: Series, cached: CachedSeries) -> OpenedSeries:
        """Open what lies in the cache, if it still is the whole series, and as it came."""
        try:
            # Not meanwhile: for each piece of it, a thread would wait for the interpreter.
            if not cached.is_unchanged(lambda: self._is_closed):
                raise ArchiveError("it is not as it came")
            index = _index_of(cached)
            try:
                check_fetched(series, index, self._archive.name)
            except BaseException:
                index.close()
                raise
            return self._make_images(cached, index)
        except ArchiveError:
            if cached.is_there:  # else another process has made room
                _logger.warning("a series on disk is damaged, and is fetched again")
            self._cache.drop(cached)
            raise
        except (DicomIndexError, OSError) as error:
            raise SourceError(str(error)) from error

    def _make_images(
        self, cached: CachedSeries, index: DicomIndex, contents: Contents | None = None
    ) -> OpenedSeries:
        source = DicomFolderSource(
            cached.files,
            (),
            index=index,
            decoders=self._decoders,
            seconds_a_turn=self._seconds_a_turn,
            elsewhere=self._elsewhere,
            contents=contents,
        )
        plans = {} if contents else read_plans(cached.files, index)
        if why := next((one.version.unread for one in plans.values() if one.version.unread), ""):
            source.close()
            raise SourceError(f"a plan cannot be read: {why}")  # the next who asks may have it
        return OpenedSeries(cached, source, tuple(source.images()), tuple(plans.values()))


def _index_of(cached: CachedSeries) -> DicomIndex:
    """Return the index that lies there, or one that only is in memory: the disk may be full.

    Raises ``DicomIndexError`` and ``OSError``.
    """
    try:
        with DicomIndex(cached.files, cached.database()) as left:
            if left.update():
                cached.leave_database()
            return left.in_memory()
    except (DicomIndexError, OSError) as error:
        _logger.warning("the index of a series is not kept: %s", error)
    with DicomIndex(cached.files) as index:
        index.update()
        return index.in_memory()


def _may_be_volume(series: Series) -> bool:
    is_volume = FEWEST_SLICES <= (series.count or 0) <= MOST_SLICES
    return is_volume and series["Modality"] not in NOT_IMAGES


def _keep_arrived(opened: OpenedSeries, arriving: ArrivingVolume | None) -> None:
    """Use the voxels that were read as the files came, if they are those of the image."""
    stacks = opened.source.stacks()
    reading = None if arriving is None else arriving.finish([*stacks.values()])
    if reading is not None:
        opened.source.keep_pixels(next(iter(stacks)), reading)


def _load_readers() -> None:
    """Import what reads files: the first fetch shall not wait for it."""
    import pydicom.filereader
    import pydicom.pixels  # noqa: F401

    needed_tags()
