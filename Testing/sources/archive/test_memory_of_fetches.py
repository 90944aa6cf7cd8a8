"""What fetches hold in memory: nothing of those for which nobody comes any more, or a little."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from helpers.paced_archive import PacedArchive
from helpers.peers import PATIENCE
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Query, QueryResult, Series
from IGTLMetaBrowserLib.sources.archive.arriving.volume_memory import SpareMemory
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.pixels.pixels import VolumeReading

SERIES, SLICES = 12, 10
# Four are fetched at a time, and two that have come are kept.
MOST_IN_MEMORY = 4 + 2


class Several(PacedArchive):
    """Has several series, and sends each at once; or fails at its end."""

    is_failing = False

    def __init__(self, series: Sequence[Sequence[Dataset]]) -> None:
        super().__init__(series[0])
        self._archives = {one[0].SeriesInstanceUID: PacedArchive(one) for one in series}

    def find(self, query: Query, most: int) -> QueryResult:
        return QueryResult(
            one for archive in self._archives.values() for one in archive.find(query, most)
        )

    def instance(self, series: Series, number: int) -> Any:
        return self._archives[series.uid].instance(series, number)

    def fetch(self, series: Series, *arguments: Any, **named: Any) -> None:
        self._archives[series.uid].let(SLICES)
        self._archives[series.uid].fetch(series, *arguments, **named)
        if self.is_failing:
            raise ArchiveError("it has failed")


@pytest.fixture
def archive(make_slice: Callable[..., Dataset]) -> Several:
    uids = [generate_uid() for _ in range(SERIES)]
    return Several(
        [
            [
                make_slice((0.0, 0.0, float(k)), k, InstanceNumber=k + 1, SeriesInstanceUID=uid)
                for k in range(SLICES)
            ]
            for uid in uids
        ]
    )


@pytest.fixture
def source(archive: Several, tmp_path: Path) -> Iterator[ArchiveSource]:
    opened = ArchiveSource(archive, SeriesCache(tmp_path, 1 << 30), seconds_a_turn=0.01)
    yield opened
    opened.close()


def ask_and_leave(source: ArchiveSource, is_one_after_the_other: bool) -> None:
    """Ask for each image, and do not come again; return when all have come, or failed."""
    for item in source.images():
        with suppress(NotReadyError):
            source.image(item.id)
        if is_one_after_the_other:
            wait([fetch for _, fetch in source._fetches.values()], PATIENCE)
    assert not wait([fetch for _, fetch in source._fetches.values()], PATIENCE).not_done


def volumes_in_memory(folder: Path) -> int:
    gc.collect()
    readings = [one for one in gc.get_objects() if isinstance(one, VolumeReading)]
    return sum(folder in reading._folder.parents for reading in readings)


@pytest.mark.parametrize("is_one_after_the_other", [True, False])
def test_of_images_that_nobody_comes_for_a_few_are_in_memory(
    source: ArchiveSource, tmp_path: Path, is_one_after_the_other: bool
):
    """As of who leaves, or is sent each image as it comes: that costs no further question."""
    ask_and_leave(source, is_one_after_the_other)
    assert volumes_in_memory(tmp_path) <= MOST_IN_MEMORY


def test_of_a_fetch_that_failed_nothing_is_in_memory(
    archive: Several, source: ArchiveSource, tmp_path: Path
):
    archive.is_failing = True
    ask_and_leave(source, is_one_after_the_other=False)
    assert volumes_in_memory(tmp_path) == 0


def test_no_memory_is_for_two_images():
    """Two threads take it at the same time: one in the middle of what the other does."""
    taken = []

    class Interrupted(np.ndarray):
        def __len__(self) -> int:
            if not taken:
                taken.append(None)
                taken[0] = spare.take(8)
            return super().__len__()

    with ThreadPoolExecutor(1) as executor:
        spare = SpareMemory(executor)
        spare.prepare(8)
        memory = spare._spare[0]
        memory.bytes = memory.bytes.view(Interrupted)
        assert spare.take(8) is not taken[0]
