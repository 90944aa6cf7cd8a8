"""What DICOM says of a series: a dataset in memory, or files that are found by its UID.

An image of a server is found by the SeriesInstanceUID that somebody else knows of it, the server's
own message for example. Answers are what its files agree in: the first file by InstanceNumber is
compared with one in the middle and the last, and what differs between them is left out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...dicom_index.fields import FIRST_TAG, SERIES_INSTANCE_UID
from ...dicom_index.headers.limited_file import open_limited
from ..bounded import BoundedCache
from ..modules import DICOM_RECORDS, GENERAL_SERIES, SERIES_FILES, read_module
from ..observable import ObservableProvider
from ..registry import NOTHING, MetadataProviders
from ..study_modules import SeriesFiles
from .dicom_values import DicomValues

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

MOST_HEADERS = 256
# After so many files of a series that cannot be read, the others are not tried.
_MOST_ATTEMPTS = 10
# In longer series, the first file is looked for among so many: each costs about 0.3 ms.
_MOST_FILES = 500
_INSTANCE_NUMBER = 0x00200013
_PIXELS = 0x7FE00008  # of which kind they may be (PS3.3 C.7.6.24)
# Longer values, such as pixels and lookup tables, stay in the file (pydicom's defer_size).
_DEFERRED_BYTES = 65536


SERIES_UID = "seriesInstanceUid"
"""The type of question that ``SeriesUids`` answers, with a text."""


class _SeriesValues:
    """The values in which files of a series agree."""

    def __init__(self, files: SeriesFiles, values: Sequence[DicomValues]) -> None:
        self.files = files
        self._first, *self._others = values

    def find(self, keyword: str) -> Any:
        """Return the value of a keyword; None if it is absent, or not the same in all files.

        Raises ``ValueError`` if pydicom cannot read it.
        """
        value = self._first.find(keyword)
        is_same = all(other.find(keyword) == value for other in self._others)
        return value if is_same else None


class SeriesUids(ObservableProvider):
    """Finds the SeriesInstanceUID of an image by its id, from all who know it.

    It is a provider itself, of ``SERIES_UID``, and adds itself to ``providers``. So the registry
    keeps what it found, and sees to it that it comes to an end: those who are asked for the series
    include those who ask.
    """

    name = "series"

    def __init__(self, providers: MetadataProviders) -> None:
        super().__init__()
        self._providers = providers
        providers.add_provider(self)

    def uid_of(self, image_id: str) -> str:
        """Return the UID, or an empty text."""
        return self._providers.get(SERIES_UID, image_id) or ""

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return the UID, or ``NOTHING``."""
        if type_ != SERIES_UID:
            return NOTHING
        for series in self._providers.answers(GENERAL_SERIES, image_id):
            if uid := getattr(series, "SeriesInstanceUID", ""):
                return uid
        return NOTHING


class DicomDatasetProvider(ObservableProvider):
    """Knows datasets in memory; asked with a SeriesInstanceUID, or an image's id.

    ``series_uids`` finds the UID of an id. At most ``MOST_HEADERS`` datasets are remembered, the
    newest.
    """

    name = "DICOM dataset"

    def __init__(self, series_uids: SeriesUids) -> None:
        super().__init__()
        self._series_uids = series_uids
        self._values: BoundedCache[str, DicomValues] = BoundedCache(MOST_HEADERS)

    def keep(self, dataset: Dataset) -> None:
        """Remember a dataset, in the place of the one that its series had.

        Raises ``ValueError`` if it has no SeriesInstanceUID.
        """
        uid = str(dataset.get("SeriesInstanceUID") or "")
        if not uid:
            raise ValueError("the dataset has no SeriesInstanceUID to find it by; give it one")
        self._values.keep(uid, DicomValues(dataset))
        # Whoever found no UID for an image may find one in this dataset.
        self.notify_changed()

    def forget(self, series_uid: str) -> None:
        """Forget the dataset of a series, if there is one."""
        if self._values.forget(series_uid):
            self.notify_changed()

    def __call__(self, type_: str, query: str) -> Any:
        """Return a module of the dataset of a series."""
        if type_ not in DICOM_RECORDS:
            return NOTHING
        values = self._values.get(query) or self._values.get(self._series_uids.uid_of(query))
        return read_module(type_, values.find) if values else NOTHING


class DicomSeriesProvider(ObservableProvider):
    """Knows DICOM files; asked with a SeriesInstanceUID, or an image's id.

    ``files_of_series`` returns the paths of a series' files, none if it does not know it;
    ``series_uids`` finds the UID of an id; without it, ids are not understood. Call
    ``files_changed`` when files come, change or go: until then what has been read of them is
    believed. Headers of at most ``most_headers`` series are remembered, without pixels.
    """

    name = "DICOM files"

    def __init__(
        self,
        files_of_series: Callable[[str], Sequence[str]],
        series_uids: SeriesUids | None = None,
        most_headers: int = MOST_HEADERS,
    ) -> None:
        super().__init__()
        self._files_of_series = files_of_series
        self._series_uids = series_uids
        self._series: BoundedCache[str, _SeriesValues | None] = BoundedCache(most_headers)

    def files_changed(self) -> None:
        """Note that there are other files than before."""
        self._series.clear()
        self.notify_changed()

    def __call__(self, type_: str, query: str) -> Any:
        """Return a module of a series: what the files agree in that can be read."""
        if type_ not in DICOM_RECORDS and type_ != SERIES_FILES:
            return NOTHING
        known = self._read(query) or self._read(_uid_of(query, self._series_uids))
        if known is None:
            return NOTHING
        return known.files if type_ == SERIES_FILES else read_module(type_, known.find)

    def _read(self, uid: str) -> _SeriesValues | None:
        if not uid:
            return None
        if uid not in self._series:
            self._series.keep(uid, _read_series(uid, self._files_of_series(uid)))
        return self._series.get(uid)


def _uid_of(image_id: str, series_uids: SeriesUids | None) -> str:
    return "" if series_uids is None else series_uids.uid_of(image_id)


def _read_series(uid: str, paths: Sequence[str]) -> _SeriesValues | None:
    """Return what the files of a series agree in, or None; log why files cannot be read."""
    ordered = _by_instance_number(uid, paths[:_MOST_FILES])
    chosen = dict.fromkeys([*ordered[:1], *ordered[len(ordered) // 2 :][:1], *ordered[-1:]])
    values = [DicomValues(_read_header(uid, path)) for path in chosen]
    return _SeriesValues(SeriesFiles(len(paths), str(ordered[0])), values) if values else None


def _by_instance_number(uid: str, paths: Sequence[str]) -> list[str]:
    """Return the files that can be read by InstanceNumber; those without one as they come."""
    numbers: dict[str, float] = {}
    failures = 0
    for path in paths:
        try:
            numbers[path] = _instance_number(uid, path)
        except Exception as error:  # a broken file raises anything: struct.error, EOFError ...
            _logger.warning("the DICOM file %s cannot be read: %s", path, error)
            failures += 1
            if failures == _MOST_ATTEMPTS:
                break
    return sorted(numbers, key=numbers.__getitem__)


def _instance_number(uid: str, path: str) -> float:
    from pydicom.filereader import read_partial

    tags = [SERIES_INSTANCE_UID, _INSTANCE_NUMBER]
    with open_limited(Path(path)) as file:
        dataset = read_partial(
            file,
            lambda tag, *_: not FIRST_TAG <= tag <= _INSTANCE_NUMBER,
            force=True,
            specific_tags=tags,
        )
    _check_series(uid, dataset)
    number = dataset.get("InstanceNumber")
    return math.inf if number is None else float(number)


def _read_header(uid: str, path: str) -> Dataset:
    from pydicom.filereader import read_partial

    with open_limited(Path(path)) as file:
        dataset = read_partial(
            file,
            lambda tag, *_: not FIRST_TAG <= tag < _PIXELS,
            defer_size=_DEFERRED_BYTES,
            force=True,
        )
    _check_series(uid, dataset)
    return dataset


def _check_series(uid: str, dataset: Dataset) -> None:
    if dataset.get("SeriesInstanceUID") != uid:
        raise ValueError("it has changed, and is not a file of the series any more")
