"""Series of an archive that are kept, on disk and in memory, and when they are fetched again."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import RLELossless

from helpers.ready_sources import fetch_only, ready
from helpers.scripted_archive import Answer, archive_of, listing, multipart, record
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.rows import ImageFile
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.series import disk_checks
from IGTLMetaBrowserLib.sources.archive.series import in_use as series_in_use
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.fields import image_id


def image_files() -> int:
    """Return of how many files there is a header in memory, of other tests, too."""
    gc.collect()
    return sum(isinstance(one, ImageFile) for one in gc.get_objects())


def test_of_images_that_were_fetched_long_ago_little_is_kept(
    serve, make_slice, open_source, monkeypatch
):
    """Of each slice its header would be: gigabytes, of a gateway that runs for weeks."""
    monkeypatch.setattr(series_in_use, "_MOST", 1)
    several = {
        uid: [make_slice((0, 0, 2 * k), k, SeriesInstanceUID=uid) for k in range(50)]
        for uid in ("1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4")
    }

    def script(path: str) -> Answer:
        uid = next((uid for uid in several if f"/{uid}" in path), "")
        return multipart(several[uid]) if uid else listing(*map(record, several.values()))

    before = image_files()
    source = open_source(serve(script))
    for item in source.images():
        ready(source.image, item.id)
        ready(source.label_maps)
    del item
    assert image_files() - before < 2 * 50


def test_a_patient_that_is_corrected_in_the_archive_is_corrected_here(
    serve, make_slice, open_source
):
    """Also if the series was fetched before, under the name of another patient."""
    there = [make_slice((0, 0, 0))]
    url = serve(lambda p: multipart(there) if "/studies/" in p else listing(record(there)))
    source = open_source(url)
    ready(source.image, ready(source.images)[0].id)
    there[0].PatientID, there[0].PatientName = "43", "Roe^Richard"
    (item,) = ready(source.images)
    image = ready(source.image, item.id)
    assert (item.patient_id, item.patient_name) == ("43", "Roe, Richard")
    assert (image.metadata["PatientID"], image.metadata["PatientName"]) == ("43", "Roe^Richard")


def test_a_series_of_which_the_disk_has_lost_a_file_is_fetched_again(
    serve, slices, open_source, tmp_path
):
    """Such as by who removes files that were not read for long."""
    url = serve(archive_of(multipart(slices), record(slices)))
    source = open_source(url)
    fetch_only(source)
    source.close()
    next((tmp_path / "cache").glob("*/files/000003.dcm")).unlink()
    assert len(fetch_only(open_source(url)).pixels) == 3


@pytest.mark.parametrize("number", [0, -1], ids=["first", "last"])
def test_a_series_of_which_a_file_on_disk_holds_nothing_is_fetched_again(
    serve, slices, open_source, tmp_path, number
):
    """Of the right size, as after a power cut: without it there would be one slice less."""
    url = serve(archive_of(multipart(slices), record(slices)))
    source = open_source(url)
    fetch_only(source)
    source.close()
    damaged = sorted((tmp_path / "cache").glob("*/files/*"))[number]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    assert fetch_only(open_source(url)).pixels.shape == (3, 5, 7)


@pytest.fixture
def kept(serve, slices, open_source, tmp_path) -> tuple[str, list[Path]]:
    """The address of an archive, and the files of its series, which was fetched once."""
    url = serve(archive_of(multipart(slices), record(slices)))
    source = open_source(url)
    fetch_only(source)
    source.close()
    return url, sorted((tmp_path / "cache").glob("*/files/*"))


def flip(path: Path, place: int, is_noticed_by_the_system: bool = True) -> None:
    """Change a bit of a file: by another process, or by the disk, of which no time tells."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    before = path.stat()
    with path.open("r+b") as file:
        file.write(content)
    if not is_noticed_by_the_system:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("number", [0, -1], ids=["first", "last"])
def test_a_series_of_which_one_bit_on_disk_is_another_is_fetched_again(
    kept, slices, open_source, caplog, number
):
    """Its size is the same, and it can be read: it would be another image, without a word."""
    url, files = kept
    flip(files[number], -4)
    np.testing.assert_array_equal(
        fetch_only(open_source(url)).pixels, [one.pixel_array for one in slices]
    )
    assert "a series on disk is damaged, and is fetched again" in caplog.text


def test_what_is_damaged_while_it_is_open_is_fetched_again(
    kept, slices, open_source, caplog, monkeypatch
):
    monkeypatch.setattr(disk_checks, "SECONDS_BELIEVED", 0.0)
    url, _ = kept
    source = open_source(url)
    pixels = fetch_only(source).pixels
    assert "damaged" not in caplog.text
    (damaged,) = (one for one in source._opened.values())
    flip(damaged.cached.files / "000002.dcm", -4, is_noticed_by_the_system=False)
    np.testing.assert_array_equal(fetch_only(source).pixels, pixels)
    assert "a series on disk is damaged, and is fetched again" in caplog.text


def test_whoever_opens_it_next_need_not_read_what_its_files_say(kept):
    """That takes as long as to compare all their bytes, and is what the fetch has read already."""
    _, files = kept
    folder = files[0].parent
    with DicomIndex(folder, folder.parent / "index.sqlite") as left, DicomIndex(folder) as made:
        assert left.update() == 0
        assert made.update() == len(files)
        assert [*left.rows()] == [*made.rows()]
        said = attrgetter("name", "version", "header")
        assert [*map(said, left.images())] == [*map(said, made.images())]


def test_several_gateways_have_it_open_at_once(kept, open_source, tmp_path):
    """Such as that of a window and a command: none waits for another, or fetches it again."""
    url, files = kept
    sources = [open_source(url) for _ in range(3)]
    assert [fetch_only(source).pixels.size > 0 for source in sources] == [True] * 3
    assert sorted((tmp_path / "cache").glob("*/files/*")) == files


def test_an_index_that_is_damaged_says_nothing_of_where_an_image_lies(kept, open_source, tmp_path):
    """It has the positions of all slices: with another it would be another place, or size."""
    url, _ = kept
    source = open_source(url)
    expected = fetch_only(source)
    source.close()
    (database,) = (tmp_path / "cache").glob("*/index.sqlite")
    content = database.read_bytes()
    place = content.rindex(b"4.0")  # of the last position
    database.write_bytes(content[:place] + b"5" + content[place + 1 :])
    again = fetch_only(open_source(url))
    np.testing.assert_array_equal(again.ijk_to_ras(), expected.ijk_to_ras())
    assert again.metadata == expected.metadata


def test_a_series_that_another_process_has_removed_is_fetched_again(
    serve, slices, open_source, tmp_path
):
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    first = fetch_only(source)
    deadline = time.monotonic() + 20
    (folder,) = (tmp_path / "cache").iterdir()
    while not (folder / "complete").exists() or (folder / "fetching").exists():
        assert time.monotonic() < deadline, "the series is not on disk"
        time.sleep(0.001)  # the image was there first
    shutil.rmtree(folder)
    again = fetch_only(source)
    assert (again.pixels == first.pixels).all()


def test_a_series_is_shown_before_it_is_on_disk_and_kept_then(serve, slices, open_source, tmp_path):
    answers = iter([multipart(slices), Answer(500)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    source = open_source(url)
    pixels = fetch_only(source).pixels
    source.close()
    (folder,) = (tmp_path / "cache").iterdir()
    there = {path.name for path in folder.iterdir()}
    assert there == {"complete", "files", "index.sqlite", "index.sum"}
    assert len([*(folder / "files").iterdir()]) == 3
    # The archive is asked for the list alone: the next process finds the series in the cache.
    assert (fetch_only(open_source(url)).pixels == pixels).all()


def test_a_disk_that_takes_nothing_does_not_keep_images_from_clients(
    serve, slices, open_source, tmp_path, caplog
):
    """It cannot write the second file: something else has its name."""

    def script(path: str) -> Answer:
        if "/studies/" not in path:
            return listing(record(slices))
        for folder in (tmp_path / "cache").iterdir():
            (folder / "files" / "000002.dcm").mkdir()
        return multipart(slices)

    source = open_source(serve(script))
    assert fetch_only(source).pixels.shape == (3, 5, 7)
    source.close()
    assert "cannot be written" in caplog.text
    assert [*(tmp_path / "cache").iterdir()] == []


def test_compressed_pixels_wait_for_the_disk(serve, slices, open_source):
    """They are decoded by other processes, which read the files."""
    for dataset in slices:
        dataset.compress(RLELossless, generate_instance_uid=False)
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    assert fetch_only(source).pixels.shape == (3, 5, 7)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("to have a disk that is full one must be allowed to mount one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("is_compressed", [True, False])
def test_a_disk_that_is_full_of_series_keeps_those_that_were_used_last(
    serve, make_slice, small_disk, is_compressed
):
    """The limit of the cache may be more: then no compressed image could be had any more."""
    pixels = np.random.default_rng(1).integers(0, 1 << 12, (200, 200), np.uint16)
    all_series = {f"1.2.3.{number}": [make_slice((0.0, 0.0, 0.0))] for number in range(6)}
    for uid, (dataset,) in all_series.items():
        dataset.SeriesInstanceUID = uid
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        if is_compressed:
            dataset.compress(RLELossless, generate_instance_uid=False)
    fetched: list[str] = []

    def script(path: str) -> Answer:
        if "/studies/" not in path:
            return listing(*map(record, all_series.values()))
        fetched.append(path.rpartition("/")[2])
        return multipart(all_series[fetched[-1]])

    url = serve(script)
    for uid in (*all_series, *all_series, "1.2.3.5"):
        fetched.clear()
        cache = SeriesCache(small_disk / "cache", 1 << 30)
        with closing(ArchiveSource(DicomWebArchive(url), cache)) as source:
            np.testing.assert_array_equal(ready(source.image, image_id(uid)).pixels[0], pixels)
    assert fetched == []
