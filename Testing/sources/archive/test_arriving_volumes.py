"""A series is sent in slices while it comes from an archive, and is whole only if it is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers.paced_archive import PacedArchive, content_of
from helpers.peers import PATIENCE, ServerInThread
from helpers.ready_sources import ready
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec.messages.image_part import ARRIVING, FROM_ABOVE, FROM_BELOW
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.net.client.query import Query as Asked
from IGTLMetaBrowserLib.net.server.arriving_images import ArrivingImage
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

COUNT = 12


@pytest.fixture
def make_archive(make_slice: Callable[..., Dataset]) -> Callable[..., PacedArchive]:
    """Makes one with slices at these z, in the order in which they are sent."""

    def make(depths: Sequence[float]) -> PacedArchive:
        return PacedArchive(
            [
                make_slice((0.0, 0.0, z), 100 + 3 * number, InstanceNumber=number)
                for number, z in enumerate(depths, start=1)
            ]
        )

    return make


@pytest.fixture
def open_source(tmp_path: Path) -> Iterator[Callable[[PacedArchive], ArchiveSource]]:
    opened: list[tuple[ArchiveSource, PacedArchive]] = []

    def start(archive: PacedArchive) -> ArchiveSource:
        cache = SeriesCache(tmp_path / f"cache-{len(opened)}", 1 << 30)
        opened.append((ArchiveSource(archive, cache, seconds_a_turn=0.01), archive))
        return opened[-1][0]

    yield start
    for source, archive in opened:
        archive.let(100)
        source.close()


def in_folder(archive: PacedArchive, folder: Path) -> DicomFolderSource:
    """The same files in a folder."""
    folder.mkdir()
    for number, one in enumerate(archive.slices):
        (folder / f"{number:03}.dcm").write_bytes(content_of(one))
    return DicomFolderSource(folder)


def arrived(source: ArchiveSource, first: int, count: int) -> ArrivingImage:
    """Wait until these slices can be sent, as a server does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (found := arrived_now(source, first, count)) is not None:
            return found
        time.sleep(0.002)
    raise AssertionError("the slices do not come")


def arrived_now(source: ArchiveSource, first: int, count: int) -> ArrivingImage | None:
    (item,) = source.images()
    request = codec.GetImagePartMessage(
        device_name=item.id, start=(0, 0, first), size=(0, 0, count)
    )
    try:
        return source.arriving_image(request)
    except NotReadyError:
        return None


def whole(source: ArchiveSource) -> codec.ImageMessage:
    (item,) = source.images()
    return ready(source.image, item.id)


def test_slices_are_sent_while_the_others_come(make_archive, open_source, tmp_path):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    source = open_source(archive)
    expected = in_folder(archive, tmp_path / "files")
    (item,) = expected.images()
    archive.let(5)
    found = arrived(source, 0, 5)
    image = expected.image(item.id)
    assert np.array_equal(found.message.pixels[:5], image.pixels[:5])
    assert found.message.pixels.shape == image.pixels.shape
    assert np.array_equal(found.message.ijk_to_ras(), image.ijk_to_ras())
    assert arrived_now(source, 5, 1) is None
    archive.let(COUNT - 5)
    got = whole(source)
    assert np.array_equal(got.pixels, image.pixels)
    # Voxels that were sent before belong to the image that is whole now.
    assert source.image_tag(item.id, got) == found.tag
    told = dict(found.message.metadata)
    assert told.pop(ARRIVING) == FROM_BELOW
    assert told == got.metadata


@pytest.mark.parametrize(
    "rows", ["5", "4", "65535", "many"], ids=["as it is", "another", "too many", "no number"]
)
def test_an_archive_says_how_large_its_slices_are_and_sends_the_first_before(
    make_archive, open_source, tmp_path, rows
):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    archive.is_instance_soon = True
    columns = str(archive.slices[0].Columns)
    archive.told_size = {"Rows": rows, "Columns": columns, "BitsAllocated": "16"}
    source = open_source(archive)
    expected = in_folder(archive, tmp_path / "files")
    (item,) = expected.images()
    image = expected.image(item.id)
    found = arrived(source, 0, 1)  # none of the series has come
    assert found.message.pixels.shape == image.pixels.shape
    assert np.array_equal(found.message.pixels[0], image.pixels[0])
    archive.let(COUNT)
    got = whole(source)
    assert np.array_equal(got.pixels, image.pixels)
    assert source.image_tag(item.id, got) == found.tag


def test_the_cache_has_the_files_as_they_came(make_archive, open_source, tmp_path):
    """The pixels of most were received into the volume, and rescaled there."""
    archive = make_archive([2.5 * k for k in (0, 2, 1, *range(3, COUNT))])
    for number, one in enumerate(archive.slices):
        one.RescaleSlope, one.RescaleIntercept = 1, -1024
        one.ImageComments = f"{number:04}"  # nobody reads it
    archive.slices[5].RescaleSlope = 2
    archive.let(COUNT)
    source = open_source(archive)
    whole(source)
    source.close()
    cached = sorted((tmp_path / "cache-0").rglob("0*.dcm"))
    assert [file.read_bytes() for file in cached] == [*map(content_of, archive.slices)]


def test_who_has_all_slices_has_a_series_that_was_checked(make_archive, open_source):
    """The last file is another one than the archive had said: nobody has the whole before."""
    archive = make_archive([2.5 * k for k in range(COUNT)])
    source = open_source(archive)
    archive.let(COUNT - 1)
    found = arrived(source, 0, COUNT - 1)
    archive.slices[-1].PatientID = "another"
    archive.let(1)
    with pytest.raises(SourceError, match=r"another patient.*nothing of it is used"):
        whole(source)
    assert found.message.pixels.shape[0] == COUNT


def test_a_client_fetches_it_in_parts_and_has_the_same_as_from_a_folder(
    make_archive, open_source, tmp_path
):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    folder = in_folder(archive, tmp_path / "files")
    archive.let(COUNT)
    with ServerInThread(open_source(archive)) as server, server.client() as client:
        (item,) = client.list_images()
        client.find_capability()
        image = get_image_in_parts(client, item.id)
        again = client.get_image(item.id)
    expected = folder.image(item.id)
    assert np.array_equal(image.pixels, expected.pixels)
    assert np.array_equal(image.ijk_to_ras(), again.ijk_to_ras())
    assert image.metadata == again.metadata
    assert ARRIVING not in image.metadata


def enlarge(archive: PacedArchive) -> None:
    """Make slices so large that a client sees what has come."""
    for one in archive.slices:
        one.Rows, one.Columns, one.PixelData = 200, 200, bytes(range(100)) * 800


def begun(client: net.Client, image_id: str) -> Asked:
    """Ask for an image; return when voxels of it have come."""
    query = client.ask("IMAGE", image_id)
    while not query.is_done and client.progress(query) is None:
        client.wait_for_socket(PATIENCE)
        client.step()
    return query


def finished(client: net.Client, query: Asked) -> Asked:
    while not query.is_done:
        client.wait_for_socket(PATIENCE)
        client.step()
    return query


@pytest.mark.parametrize("breaks_off_at", [0, 7], ids=["at once", "after an attempt"])
def test_the_whole_image_is_sent_while_the_slices_come(
    make_archive, open_source, tmp_path, breaks_off_at
):
    """Its checksum is in its header; it is made to fit at the end."""
    archive = make_archive([2.5 * k for k in range(COUNT)])
    enlarge(archive)
    archive.breaks_off_at = breaks_off_at
    expected = in_folder(archive, tmp_path / "files")
    with ServerInThread(open_source(archive)) as server, server.client() as client:
        (item,) = client.list_images()
        archive.let(3)
        query = begun(client, item.id)
        assert not query.is_done
        archive.let(2 * COUNT)
        image = finished(client, query).answer
        again = client.get_image(item.id)
    (item,) = expected.images()
    assert np.array_equal(image.pixels, expected.image(item.id).pixels)
    assert np.array_equal(image.ijk_to_ras(), again.ijk_to_ras())
    assert image.metadata == again.metadata


def test_an_image_that_turns_out_to_be_another_one_is_never_whole(make_archive, open_source):
    """In the middle of it nothing can be said: the connection is closed, and then there are words.

    They come for the next who asks: what was another image once is sent when it is checked.
    """
    archive = make_archive([2.5 * k for k in range(COUNT)])
    enlarge(archive)
    archive.slices[-1].PatientID = "another"
    with ServerInThread(open_source(archive)) as server, server.client() as client:
        (item,) = client.list_images()
        archive.let(3)
        query = begun(client, item.id)
        archive.let(3 * COUNT)
        assert finished(client, query).answer is None
        with pytest.raises(net.RefusedError, match="another patient"):
            client.get_image(item.id)


def test_slices_that_come_from_the_other_end(make_archive, open_source, tmp_path):
    """The first along k is then fetched for itself, and clients are told where to go on."""
    archive = make_archive([-2.5 * k for k in range(COUNT)])
    source = open_source(archive)
    expected = in_folder(archive, tmp_path / "files")
    (item,) = expected.images()
    archive.let(6)
    arrived(source, COUNT - 6, 6)
    found = arrived(source, 0, 1)
    assert np.array_equal(found.message.pixels[0], expected.image(item.id).pixels[0])
    assert found.message.metadata[ARRIVING] == FROM_ABOVE
    archive.let(COUNT - 6)
    got = whole(source)
    assert np.array_equal(got.pixels, expected.image(item.id).pixels)
    assert source.image_tag(item.id, got) == found.tag


@pytest.mark.parametrize(
    "change",
    [
        lambda one: setattr(one, "ImagePositionPatient", [0, 0, 19.0]),
        lambda one: setattr(one, "ImageOrientationPatient", [0, 1, 0, 1, 0, 0]),
        lambda one: setattr(one, "PixelSpacing", [0.5, 0.5]),
        lambda one: setattr(one, "RescaleIntercept", -1024),
    ],
    ids=["elsewhere", "turned", "other pixels", "other type"],
)
def test_a_series_that_is_not_the_volume_it_seemed_to_be(
    make_archive, open_source, tmp_path, change
):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    change(archive.slices[7])
    source = open_source(archive)
    archive.let(7)
    found = arrived(source, 0, 7)
    (entry,) = source.images()
    archive.let(COUNT - 7)
    ids = {item.id for item in in_folder(archive, tmp_path / "files").images()}
    folder = DicomFolderSource(tmp_path / "files")
    with suppress(SourceError):  # these are several images now
        ready(source.image, entry.id)
    assert {item.id for item in ready(source.images)} == ids
    for image_id in ids:
        got = ready(source.image, image_id)
        assert np.array_equal(got.pixels, folder.image(image_id).pixels)
        assert source.image_tag(image_id, got) != found.tag


def test_what_was_sent_before_it_broke_off_is_not_mixed_with_what_comes_then(
    make_archive, open_source, tmp_path
):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    archive.breaks_off_at = 8
    source = open_source(archive)
    expected = in_folder(archive, tmp_path / "files")
    (item,) = expected.images()
    archive.let(7)
    found = arrived(source, 0, 7)
    archive.let(COUNT + 1)
    got = whole(source)
    assert np.array_equal(got.pixels, expected.image(item.id).pixels)
    assert source.image_tag(item.id, got) != found.tag


@pytest.mark.parametrize(("count", "rows"), [(10**9, 5), (60_000, 65_535)])
def test_no_memory_is_taken_for_a_count_that_is_a_lie(make_archive, open_source, count, rows):
    """Neither for slices that the archive lists, nor for rows that the first file has."""
    archive = make_archive([2.5 * k for k in range(COUNT)])
    archive.slices[0].Rows = rows
    archive.listed_count = count
    archive.let(3 * COUNT)
    source = open_source(archive)
    (item,) = ready(source.images)
    with pytest.raises(SourceError, match=f"has sent {COUNT} of the {count} instances"):
        ready(source.image, item.id)


def test_an_archive_that_does_not_say_where_its_slices_lie(make_archive, open_source, tmp_path):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    archive.says_where = False
    archive.let(COUNT)
    with ServerInThread(open_source(archive)) as server, server.client() as client:
        (item,) = client.list_images()
        client.find_capability()
        image = get_image_in_parts(client, item.id)
    assert np.array_equal(image.pixels, in_folder(archive, tmp_path / "f").image(item.id).pixels)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [("PatientID", "another patient"), ("IssuerOfPatientID", "another issuer of the patient ID")],
)
def test_a_slice_of_another_patient_is_not_sent(make_archive, open_source, keyword, words):
    archive = make_archive([2.5 * k for k in range(COUNT)])
    archive.slices[0].IssuerOfPatientID = "North"
    setattr(archive.slices[3], keyword, "another")
    archive.let(3 * COUNT)  # clients begin anew
    with ServerInThread(open_source(archive)) as server, server.client() as client:
        (item,) = client.list_images()
        client.find_capability()
        with pytest.raises(net.RefusedError, match=words):
            get_image_in_parts(client, item.id)


def test_a_slice_with_a_slope_of_its_own_is_never_sent_as_zeros(
    make_archive, open_source, tmp_path
):
    """Of the first slice, whole numbers are to be expected; another one has halves."""
    archive = make_archive([2.0 * k for k in range(COUNT)])
    archive.slices[3].RescaleSlope = 0.5
    expected = in_folder(archive, tmp_path / "folder")
    (item,) = expected.images()
    source = open_source(archive)
    (listed,) = source.images()
    archive.let(6)
    found = arrived(source, 3, 1)
    np.testing.assert_array_equal(found.message.pixels[3], expected.image(item.id).pixels[3])
    assert found.message.pixels[3].any()
    archive.let(COUNT)
    image = ready(source.image, listed.id)
    np.testing.assert_array_equal(image.pixels, expected.image(item.id).pixels)
