"""Archives that are scripted, and what opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom import Dataset

from helpers import scripted_archive
from helpers.scripted_archive import Script
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dicomweb.session import WebSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource


@pytest.fixture
def serve() -> Iterator[Callable[[Script], str]]:
    """A function that starts a peer, which answers by a script; it returns the peer's URL."""
    with ExitStack() as stack:
        yield (
            lambda script: (
                f"http://127.0.0.1:{stack.enter_context(scripted_archive.running(script))}/dicom-web"
            )
        )


@pytest.fixture
def open_source(tmp_path: Path) -> Iterator[Callable[..., ArchiveSource]]:
    sources: list[ArchiveSource] = []

    def start(url: str, timeout: float = 20.0) -> ArchiveSource:
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        web = DicomWebArchive(url, WebSettings(timeout=timeout))
        sources.append(ArchiveSource(web, cache))
        return sources[-1]

    yield start
    for source in sources:
        source.close()


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]
