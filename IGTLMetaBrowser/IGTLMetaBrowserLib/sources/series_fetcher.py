"""Gets a series from the cache or else the archive, and makes images of its files."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from ..dicom_index.buffer_file import Contents
from ..dicom_index.database import DicomIndexError
from ..dicom_index.image_header import needed_tags
from ..dicom_index.index import DicomIndex
from ..net.source import SourceError
from .archive import Archive, ArchiveError, BrokenOffError, Series
from .dicom_decoding import Decoders
from .dicom_folder import DicomFolderSource
from .dicom_volumes import Stack
from .fetched_series import (
    FetchedFiles,
    OpenedSeries,
    can_be_read_from_memory,
    check_fetched,
)
from .plan_document import read_plans
from .series_cache import CachedSeries, SeriesCache

_logger = logging.getLogger(__name__)

# Of several archives behind one address, one may have failed: the next attempt meets another.
_ATTEMPTS = 3


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
        self._is_closed = False

    def wait_until_ready(self) -> None:
        """Wait until the first fetch need not wait for what reads files."""
        self._loaded.result()

    def stop(self) -> None:
        """Have fetches end after the next file."""
        self._is_closed = True

    def close(self) -> None:
        """End thread and processes, when no fetch runs any more."""
        self._executor.shutdown()
        if self._decoders is not None:
            self._decoders.close()

    def fetch(self, series: Series) -> OpenedSeries:
        """Fetch a series from the cache or else the archive, in the thread of whoever calls this.

        Raises ``SourceError``.
        """
        cached = self._cache.find(self._archive.name, series)
        if cached is not None:
            with contextlib.suppress(SourceError):  # made room for by another process just now
                return self._executor.submit(self._open, cached).result()
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._fetch_once(series)
            except BrokenOffError as error:
                _logger.warning("attempt %d of %d: %s", attempt, _ATTEMPTS, error)
        return self._fetch_once(series)

    def _fetch_once(self, series: Series) -> OpenedSeries:
        cached = self._cache.begin(self._archive.name, series)
        files = FetchedFiles(cached.files)
        try:
            self._archive.fetch(series, partial(self._add, files))
            return self._executor.submit(self._open_fetched, series, cached, files).result()
        except BaseException as error:
            with contextlib.suppress(OSError):
                files.wait()
            self._cache.drop(cached)
            if isinstance(error, OSError):
                raise self._cache.error(error) from error
            raise

    def _add(self, files: FetchedFiles, content: bytes | memoryview) -> None:
        if self._is_closed:
            raise ArchiveError("the server ends")
        try:
            files.add(content)
        except OSError as error:  # else it would be taken for one of the connection
            raise self._cache.error(error) from error

    def _open_fetched(
        self, series: Series, cached: CachedSeries, files: FetchedFiles
    ) -> OpenedSeries:
        """Open what was fetched: before the disk has it, if that is enough."""
        try:
            index = files.index()
            check_fetched(series, index, self._archive.name)
            if files.contents and can_be_read_from_memory(index):
                opened = self._make_images(cached, index, files.contents)
                written = files.when_written(partial(self._on_written, cached, files))
                return replace(opened, written=written)
            files.wait()
            self._cache.finish(cached)
            return self._make_images(cached, index)
        except DicomIndexError as error:
            raise SourceError(str(error)) from error

    def _on_written(self, cached: CachedSeries, files: FetchedFiles) -> bool:
        """Have a series count as whole; return whether the disk has taken it."""
        try:
            files.check_written()
            self._cache.finish(cached)
        except OSError as error:
            self._cache.error(error)
            self._cache.drop(cached)
            return False
        files.contents.clear()
        return True

    def _open(self, cached: CachedSeries) -> OpenedSeries:
        """Open what lies in the cache."""
        try:
            index = DicomIndex(cached.files, cached.database)
            index.update()
            return self._make_images(cached, index)
        except DicomIndexError as error:
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
        plans = () if contents else read_plans(cached.files, index)
        return OpenedSeries(cached, source, tuple(source.images()), plans)


def _load_readers() -> None:
    """Import what reads files: the first series shall not wait for it."""
    import pydicom.filereader
    import pydicom.pixels  # noqa: F401

    needed_tags()
