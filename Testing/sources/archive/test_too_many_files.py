"""A series whose files never end: the disk is not filled with them."""

from __future__ import annotations

from contextlib import closing

import pytest

from helpers import scripted_archive
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, archive_of, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive import archive as archives
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.series import fetcher as series_fetcher
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource


@pytest.mark.parametrize(
    ("limit", "listed", "words"),
    [
        ("files", 3, r"has sent 6 files of a series \(0 MiB\), and goes on"),
        ("files", 10**11, r"has sent 200 files of a series"),
        ("bytes", 3, r"has sent 1 files of a series"),
    ],
)
def test_an_archive_that_sends_much_more_than_it_lists_or_than_can_be(
    make_slice, tmp_path, monkeypatch, limit, listed, words
):
    """Empty files, of which a short answer has many, or large ones. Nothing is kept."""
    monkeypatch.setattr(archives, "_FEWEST_FILES", 0)
    monkeypatch.setattr(archives, "_MOST_FILES", 100)
    if limit == "bytes":
        monkeypatch.setattr(series_fetcher, "LARGEST_SERIES", 100)
    slices = [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]
    good = multipart(slices)
    many = b"--b\r\nContent-Length: 0\r\n\r\n\r\n" * 1000 if limit == "files" else b""
    script = archive_of(Answer(200, many + good.body, good.headers), record(slices, listed))
    with scripted_archive.running(script) as port:
        archive = DicomWebArchive(f"http://127.0.0.1:{port}/dicom-web")
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(ArchiveSource(archive, cache)) as source:
            (item,) = source.images()
            with pytest.raises(SourceError, match=words):
                ready(source.image, item.id)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_series_that_has_grown_since_it_was_listed(make_slice, tmp_path):
    """As one does that is still being acquired: the list has its first slice."""
    slices = [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(12)]
    script = archive_of(multipart(slices), record(slices[:1]))
    with scripted_archive.running(script) as port:
        archive = DicomWebArchive(f"http://127.0.0.1:{port}/dicom-web")
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(ArchiveSource(archive, cache)) as source:
            (item,) = source.images()
            assert len(ready(source.image, item.id).pixels) == 12
