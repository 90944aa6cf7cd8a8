"""Archives that are down, slow, busy or wrong: words, and nothing partial.

The peers are scripted: no real archive is so bad.
"""

from __future__ import annotations

import gc
import gzip
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom import Dataset

from helpers import scripted_archive
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, Script, archive_of, listing, multipart, record
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources.archive import dicomweb, web_answers
from IGTLMetaBrowserLib.sources.archive import source as archive_source
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError
from IGTLMetaBrowserLib.sources.archive.dicomweb import DicomWebArchive, WebSettings
from IGTLMetaBrowserLib.sources.archive.series_cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.files import ImageFile

POSITIONS = [(0.0, 0.0, 0.0), (0.0, 0.0, 2.0), (0.0, 0.0, 4.0)]


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
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice(position, number) for number, position in enumerate(POSITIONS)]


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


def fetch(source: ArchiveSource) -> Any:
    """Fetch the only image that is listed, as a server does."""
    (item,) = source.images()
    return ready(source.image, item.id)


def test_a_peer_that_does_all_well(serve, slices, open_source):
    """So that what the tests below see is the fault of what they change."""
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    assert fetch(source).pixels.shape == (3, 5, 7)


def test_nothing_is_fetched_for_a_thumbnail_alone(serve, slices, open_source):
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    (item,) = source.images()
    with pytest.raises(SourceError, match=r"not been fetched .* load the image first"):
        source.kept_thumbnail(item.id)
    ready(lambda: source.image(item.id))
    assert source.kept_thumbnail(item.id) is None  # so it is made


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(204), "has no files of this series; list it again"),
        (Answer(401), "HTTP 401 .* user name and password"),
        (Answer(403), "HTTP 403 .* does not let this user"),
        (Answer(404), "HTTP 404 .* whether the series still is in the archive"),
        (Answer(413), "HTTP 413 .* too much for it"),
        (Answer(500), "HTTP 500 .* it has failed; ask who runs the archive"),
        (Answer(503, b"", {"Retry-After": "0"}), "HTTP 503 .* try again in 0 s"),
        (
            Answer(200, b"<html>", {"Content-Type": "text/html"}),
            "an answer of the type 'text/html'",
        ),
        (Answer(200, b"--b--", {"Content-Type": "multipart/related; boundary=b"}), "no DICOM"),
        (Answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), "has sent the files as 'gzip'"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
def test_a_fetch_that_is_refused(serve, slices, open_source, tmp_path, answer, words):
    source = open_source(serve(archive_of(answer, record(slices))))
    with pytest.raises(SourceError, match=words):
        fetch(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_busy_archive_is_asked_again(serve, slices, open_source):
    answers = iter([Answer(503, b"", {"Retry-After": "0"}), multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch(open_source(url)).pixels.shape == (3, 5, 7)


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_whose_archive_has_just_failed_is_asked_again(serve, slices, open_source, status):
    answers = iter([Answer(status), multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch(open_source(url)).pixels.shape == (3, 5, 7)


def test_a_fetch_that_breaks_off_is_repeated(serve, slices, open_source, tmp_path, caplog):
    """Of several archives behind one address, one has failed; nothing of its half is used."""
    half = multipart(slices)
    half.is_cut = True
    answers = iter([half, multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch(open_source(url)).pixels.shape == (3, 5, 7)
    assert "attempt 1 of 3: cannot fetch from" in caplog.text
    assert len([*(tmp_path / "cache").iterdir()]) == 1


def test_a_list_that_breaks_off_is_asked_for_again(serve, slices, open_source):
    half = listing(record(slices))
    half.is_cut = True
    answers = iter([half, listing(record(slices))])
    assert len(open_source(serve(lambda path: next(answers))).images()) == 1


@pytest.mark.parametrize("is_closed", [True, False], ids=["the connection", "the message"])
def test_half_of_an_answer(serve, slices, open_source, tmp_path, is_closed):
    answer = multipart(slices, is_closed)
    answer.is_cut = is_closed
    source = open_source(serve(archive_of(answer, record(slices))))
    with pytest.raises(SourceError, match=r"cannot fetch from http://127\.0\.0\.1"):
        fetch(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_half_a_series(serve, slices, open_source, tmp_path):
    source = open_source(serve(archive_of(multipart(slices[:2]), record(slices))))
    with pytest.raises(SourceError, match=r"sent 2 of the 3 instances .*; nothing of it is used"):
        fetch(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_the_same_instance_twice_does_not_stand_for_another(serve, slices, open_source):
    source = open_source(serve(archive_of(multipart([*slices[:2], slices[1]]), record(slices))))
    with pytest.raises(SourceError, match="sent 2 of the 3 instances"):
        fetch(source)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("SeriesInstanceUID", "another series than was asked for"),
        ("StudyInstanceUID", "another study than was asked for"),
        ("PatientID", "another patient ID than was asked for"),
    ],
)
def test_another_image_than_was_asked_for(serve, slices, open_source, tmp_path, keyword, words):
    """A wrong image is worse than none: not even the right slices beside it are used."""
    listed = record(slices)
    setattr(slices[-1], keyword, "9.9.9")
    source = open_source(serve(archive_of(multipart(slices), listed)))
    with pytest.raises(SourceError, match=words):
        fetch(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_slow_archive(serve, slices, open_source):
    is_over = threading.Event()

    def script(path: str) -> Answer:
        if "/studies/" in path:
            is_over.wait(20)
        return listing(record(slices))

    # On a busy machine not even the list comes in time.
    with pytest.raises((SourceError, ArchiveError), match=r"has said nothing for 0\.2 s"):
        fetch(open_source(serve(script), timeout=0.2))
    is_over.set()


@pytest.fixture
def drips() -> Iterator[threading.Event]:
    """Of answers that drip: set when the test is over, so that the peer ends."""
    is_over = threading.Event()
    yield is_over
    is_over.set()


def test_a_list_that_drips(serve, slices, open_source, drips, monkeypatch):
    """Each silence is short: it would come for ever."""
    monkeypatch.setattr(web_answers, "SECONDS", -19.8)
    answer = replace(listing(record(slices)), drips_until=drips)
    with pytest.raises(SourceError, match=r"cannot search .* has sent only \d+ bytes; try again"):
        open_source(serve(lambda path: answer))


def test_files_that_drip(serve, slices, open_source, drips, monkeypatch, tmp_path):
    answer = replace(multipart(slices), drips_until=drips)
    url = serve(archive_of(answer, record(slices)))
    source = open_source(url)
    monkeypatch.setattr(web_answers, "SECONDS", -19.8)
    with pytest.raises(SourceError, match=r"cannot fetch from .* has sent only \d+ bytes"):
        fetch(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_source_is_closed_while_files_drip(serve, slices, drips, tmp_path):
    answer = replace(multipart(slices), drips_until=drips)
    url = serve(archive_of(answer, record(slices)))
    source = ArchiveSource(DicomWebArchive(url), SeriesCache(tmp_path / "cache", 1 << 30))
    (item,) = source.images()
    with pytest.raises(NotReadyError):
        source.image(item.id)
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("archive")]
    assert [*(tmp_path / "cache").iterdir()] == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401), "cannot search .*HTTP 401 .*user name and password"),
        (Answer(413), "cannot search .*HTTP 413 .*search for less"),
        (Answer(500), "cannot search .*HTTP 500"),
        (Answer(503, b"", {"Retry-After": "0"}), "cannot search .*HTTP 503 .*try again in 0 s"),
        (Answer(200, b"<html>welcome</html>"), "cannot search .*check the URL"),
        (Answer(200, b'[{"00080060": {"vr": "CS"}}]'), "a series without its UIDs"),
        (Answer(200, b"[[1], null]"), "a list of something else than data sets"),
        (Answer(200, b"[" * 100_000 + b"]" * 100_000), "nested too deep"),
    ],
    ids=["401", "413", "500", "503", "a page", "no UIDs", "no data sets", "deep"],
)
def test_a_list_that_is_none(serve, open_source, answer, words):
    with pytest.raises(SourceError, match=words):
        open_source(serve(lambda path: answer))


@pytest.mark.parametrize(
    "name", [7, {"vr": "PN", "Value": [{"Alphabetic": None}]}, {"vr": "PN", "Value": "Doe"}]
)
def test_series_that_make_no_sense_do_not_keep_the_others_from_clients(
    serve, slices, open_source, name
):
    nameless = record(slices) | {"00100010": name}
    nameless["0020000E"] = {"vr": "UI", "Value": ["1.2.3.99"]}
    records = [5, {"00080060": None}, nameless, record(slices)]
    source = open_source(serve(lambda path: listing(*records)))
    assert [item.patient_name for item in source.images()] == ["", "Doe, Jane"]


def test_no_list_at_all(serve, open_source):
    assert open_source(serve(lambda path: Answer(204))).images() == ()


def test_an_archive_that_gives_less_at_a_time_than_it_is_asked_for(serve, slices, open_source):
    """Without a word of it, 100 of 250 series; further ones must be asked for."""
    records = [record(slices) for _ in range(250)]
    for number, one in enumerate(records):
        one["0020000E"]["Value"] = [f"1.2.3.{number}"]

    def script(path: str) -> Answer:
        offset = int(parse_qs(urlsplit(path).query).get("offset", ["0"])[0])
        return listing(*records[offset : offset + 100])

    assert len(open_source(serve(script)).images()) == 250


def test_an_archive_that_knows_no_offset(serve, slices, open_source):
    records = [record(slices) for _ in range(100)]
    for number, one in enumerate(records):
        one["0020000E"]["Value"] = [f"1.2.3.{number}"]
    assert len(open_source(serve(lambda path: listing(*records))).images()) == 100


def test_a_source_that_is_closed_ends_its_fetches(serve, slices, tmp_path):
    url = serve(archive_of(multipart(slices), record(slices)))
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    source = ArchiveSource(DicomWebArchive(url), cache)
    (item,) = source.images()
    with pytest.raises(NotReadyError):
        source.image(item.id)
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("archive")]


@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_list_that_is_larger_than_any(serve, open_source, monkeypatch, is_compressed):
    """64 KB of it, compressed, were 64 MB of memory."""
    monkeypatch.setattr(dicomweb, "_LARGEST_ANSWER", 1 << 20)
    body = b"[" + b" " * (8 << 20) + b"]"
    headers = {"Content-Type": "application/dicom+json"}
    if is_compressed:
        body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
    with pytest.raises(SourceError, match="an answer of more than 1 MiB"):
        open_source(serve(lambda _path: Answer(200, body, headers)))


def test_a_series_that_is_listed_twice_is_one(serve, slices, open_source):
    url = serve(archive_of(multipart(slices), record(slices), record(slices)))
    assert len(open_source(url).images()) == 1


def test_two_patients_under_one_id_are_told(serve, make_slice, open_source, caplog):
    doe = [make_slice((0, 0, 0))]
    roe = [make_slice((0, 0, 0), PatientName="Roe^Jim", SeriesInstanceUID="1.2.3.9")]
    source = open_source(serve(archive_of(multipart(doe), record(doe), record(roe))))
    assert "2 patients' names under the ID 42" in caplog.text
    for item in source.images():
        assert "2 patients' names under the ID 42" in source.metadata(item.id)["Notice"]
    image = ready(source.image, source.images()[0].id)
    assert "2 patients' names under the ID 42" in image.metadata["Notice"]
    with pytest.raises(SourceError, match="at most 512 characters"):
        source.search({"PatientName": "R*" * 500})
    # Somebody searches for one of them, which does not make them one.
    assert len(ready(lambda: source.search({"PatientName": "Roe*"}))[0]) == 1
    assert "2 patients' names under the ID 42" in source.metadata(image.device_name)["Notice"]


def test_of_images_that_were_fetched_long_ago_little_is_kept(
    serve, make_slice, open_source, monkeypatch
):
    """Of each slice its header would be: gigabytes, of a gateway that runs for weeks."""
    monkeypatch.setattr(archive_source, "_MOST_OPENED", 1)
    several = {
        uid: [make_slice((0, 0, 2 * k), k, SeriesInstanceUID=uid) for k in range(50)]
        for uid in ("1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4")
    }

    def script(path: str) -> Answer:
        uid = next((uid for uid in several if f"/{uid}" in path), "")
        return multipart(several[uid]) if uid else listing(*map(record, several.values()))

    source = open_source(serve(script))
    for item in source.images():
        ready(source.image, item.id)
        ready(source.label_maps)
    del item
    gc.collect()
    kept = sum(isinstance(one, ImageFile) for one in gc.get_objects())
    assert kept < 2 * 50


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
    fetch(source)
    source.close()
    next((tmp_path / "cache").glob("*/files/000003.dcm")).unlink()
    assert len(fetch(open_source(url)).pixels) == 3


@pytest.mark.parametrize("number", [0, -1], ids=["first", "last"])
def test_a_series_of_which_a_file_on_disk_holds_nothing_is_fetched_again(
    serve, slices, open_source, tmp_path, number
):
    """Of the right size, as after a power cut: without it there would be one slice less."""
    url = serve(archive_of(multipart(slices), record(slices)))
    source = open_source(url)
    fetch(source)
    source.close()
    damaged = sorted((tmp_path / "cache").glob("*/files/*"))[number]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    assert fetch(open_source(url)).pixels.shape == (3, 5, 7)


def test_without_an_id_the_name_tells_patients_apart(serve, make_slice, open_source):
    listed = [make_slice(place, PatientID="") for place in POSITIONS]
    others = [make_slice(place, PatientID="", PatientName="Roe^Jack") for place in POSITIONS]
    source = open_source(serve(archive_of(multipart(others), record(listed))))
    with pytest.raises(SourceError, match="images of another patient, by the name"):
        fetch(source)


def test_a_series_that_another_process_has_removed_is_fetched_again(
    serve, slices, open_source, tmp_path
):
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    first = fetch(source)
    deadline = time.monotonic() + 20
    while not (folders := [path.parent for path in (tmp_path / "cache").glob("*/complete")]):
        assert time.monotonic() < deadline, "the series is not on disk"
        time.sleep(0.001)  # the image was there first
    shutil.rmtree(folders[0])
    again = fetch(source)
    assert (again.pixels == first.pixels).all()


def test_a_series_is_shown_before_it_is_on_disk_and_kept_then(serve, slices, open_source, tmp_path):
    answers = iter([multipart(slices), Answer(500)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    source = open_source(url)
    pixels = fetch(source).pixels
    source.close()
    (folder,) = (tmp_path / "cache").iterdir()
    assert {path.name for path in folder.iterdir()} == {"complete", "files"}
    assert len([*(folder / "files").iterdir()]) == 3
    # The archive is asked for the list alone: the next process finds the series in the cache.
    assert (fetch(open_source(url)).pixels == pixels).all()


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
    assert fetch(source).pixels.shape == (3, 5, 7)
    source.close()
    assert "cannot be written" in caplog.text
    assert [*(tmp_path / "cache").iterdir()] == []


def test_compressed_pixels_wait_for_the_disk(serve, slices, open_source):
    """They are decoded by other processes, which read the files."""
    from pydicom.uid import RLELossless

    for dataset in slices:
        dataset.compress(RLELossless, generate_instance_uid=False)
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    assert fetch(source).pixels.shape == (3, 5, 7)


def test_the_accession_of_a_study_is_told(serve, make_slice, open_source):
    """As the archive lists it, before an image is fetched and after."""
    slices = [make_slice((0, 0, 0), AccessionNumber="A-4711")]
    listed = record(slices)
    listed["00080050"] = {"vr": "SH", "Value": ["A-4711"]}
    source = open_source(serve(archive_of(multipart(slices), listed)))
    (item,) = source.images()
    assert source.metadata(item.id)["AccessionNumber"] == "A-4711"
    assert fetch(source).metadata["AccessionNumber"] == "A-4711"
