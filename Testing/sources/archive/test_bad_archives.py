"""Archives that are down, slow, busy or wrong: words, and nothing partial.

The peers are scripted: no real archive is so bad.
"""

from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
import requests

from helpers.peers import ServerInThread
from helpers.ready_sources import fetch_only, ready
from helpers.scripted_archive import Answer, archive_of, listing, multipart, record
from IGTLMetaBrowserLib.net import RefusedError
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError
from IGTLMetaBrowserLib.sources.archive.dicomweb import answers as web_answers
from IGTLMetaBrowserLib.sources.archive.dicomweb import session as web_session
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dicomweb.session import WebSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.fields import image_id

POSITIONS = [(0.0, 0.0, 0.0), (0.0, 0.0, 2.0), (0.0, 0.0, 4.0)]


def test_a_peer_that_does_all_well(serve, slices, open_source):
    """So that what the tests below see is the fault of what they change."""
    source = open_source(serve(archive_of(multipart(slices), record(slices))))
    assert fetch_only(source).pixels.shape == (3, 5, 7)


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
            Answer(503, b"", {"Retry-After": formatdate(time.time() - 9, usegmt=True)}),
            "HTTP 503 .* try again in 0 s",
        ),
        (
            Answer(503, b"", {"Retry-After": "Mon, 99 Foo 2026"}),
            "HTTP 503 .* busy; try again later",
        ),
        (Answer(503, b"", {"Retry-After": "soon"}), "HTTP 503 .* busy; try again later"),
        (Answer(503, b"", {"Retry-After": "9" * 5000}), "HTTP 503 .* busy; try again later"),
        (
            Answer(200, b"<html>", {"Content-Type": "text/html"}),
            "an answer of the type 'text/html'",
        ),
        (Answer(200, b"--b--", {"Content-Type": "multipart/related; boundary=b"}), "no DICOM"),
        (Answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), "has sent the files as 'gzip'"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "words",
)
def test_a_fetch_that_is_refused(serve, slices, open_source, tmp_path, answer, words):
    source = open_source(serve(archive_of(answer, record(slices))))
    with pytest.raises(SourceError, match=words):
        fetch_only(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_busy_archive_is_asked_again(serve, slices, open_source):
    answers = iter([Answer(503, b"", {"Retry-After": "0"}), multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch_only(open_source(url)).pixels.shape == (3, 5, 7)


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_whose_archive_has_just_failed_is_asked_again(serve, slices, open_source, status):
    answers = iter([Answer(status), multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch_only(open_source(url)).pixels.shape == (3, 5, 7)


def test_a_fetch_that_breaks_off_is_repeated(serve, slices, open_source, tmp_path, caplog):
    """Of several archives behind one address, one has failed; nothing of its half is used."""
    half = multipart(slices)
    half.is_cut = True
    answers = iter([half, multipart(slices)])
    url = serve(lambda path: next(answers) if "/studies/" in path else listing(record(slices)))
    assert fetch_only(open_source(url)).pixels.shape == (3, 5, 7)
    assert "attempt 1 of 3: cannot fetch from" in caplog.text
    assert len([*(tmp_path / "cache").iterdir()]) == 1


def test_a_list_that_breaks_off_is_asked_for_again(serve, slices, open_source):
    half = listing(record(slices))
    half.is_cut = True
    answers = iter([half, listing(record(slices)), listing(), listing()])
    assert len(open_source(serve(lambda path: next(answers))).images()) == 1


@pytest.mark.parametrize("is_closed", [True, False], ids=["the connection", "the message"])
def test_half_of_an_answer(serve, slices, open_source, tmp_path, is_closed):
    answer = multipart(slices, is_closed)
    answer.is_cut = is_closed
    source = open_source(serve(archive_of(answer, record(slices))))
    with pytest.raises(SourceError, match=r"cannot fetch from http://127\.0\.0\.1"):
        fetch_only(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_half_a_series(serve, slices, open_source, tmp_path):
    source = open_source(serve(archive_of(multipart(slices[:2]), record(slices))))
    with pytest.raises(SourceError, match=r"sent 2 of the 3 instances .*; nothing of it is used"):
        fetch_only(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_the_same_instance_twice_does_not_stand_for_another(serve, slices, open_source):
    source = open_source(serve(archive_of(multipart([*slices[:2], slices[1]]), record(slices))))
    with pytest.raises(SourceError, match="sent 2 of the 3 instances"):
        fetch_only(source)


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
        fetch_only(source)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_slow_archive(serve, slices, open_source):
    is_over = threading.Event()

    def script(path: str) -> Answer:
        if "/studies/" in path:
            is_over.wait(20)
        return listing(record(slices))

    # On a busy machine not even the list comes in time.
    with pytest.raises((SourceError, ArchiveError), match=r"has said nothing for 0\.2 s"):
        fetch_only(open_source(serve(script), timeout=0.2))
    is_over.set()


def test_no_request_waits_longer_whoever_makes_it(serve):
    """As dicomweb-client makes them before its version 0.61, without a time-out."""
    is_over = threading.Event()

    def script(_path: str) -> Answer:
        is_over.wait(20)
        return Answer(200, b"")

    archive = DicomWebArchive(serve(script), WebSettings(timeout=0.2))
    with pytest.raises(requests.ConnectionError, match="Read timed out"):
        archive._session.get(archive.name)
    is_over.set()


@pytest.fixture
def drips() -> Iterator[threading.Event]:
    """Of answers that drip: set when the test is over, so that the peer ends."""
    is_over = threading.Event()
    yield is_over
    is_over.set()


def test_a_list_that_drips(serve, slices, open_source, drips, monkeypatch):
    """Each silence is short: it would come for ever."""
    monkeypatch.setattr(web_answers, "SECONDS_TO_LOOK", -19.8)
    answer = replace(listing(record(slices)), drips_until=drips)
    with pytest.raises(SourceError, match=r"cannot search .* has sent only \d+ bytes; try again"):
        open_source(serve(lambda path: answer))


def test_files_that_drip(serve, slices, open_source, drips, monkeypatch, tmp_path):
    answer = replace(multipart(slices), drips_until=drips)
    url = serve(archive_of(answer, record(slices)))
    source = open_source(url)
    monkeypatch.setattr(web_answers, "SECONDS_TO_LOOK", -19.8)
    with pytest.raises(SourceError, match=r"cannot fetch from .* has sent only \d+ bytes"):
        fetch_only(source)
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
        (
            Answer(200, b"<html>log in</html>"),
            "no JSON; check the URL, and whether one has to log in",
        ),
        (Answer(200, b'[{"0008'), "it has sent what is no JSON"),
        (Answer(200, b"[{}, {}]", is_cut=True), "cannot search .*: its answer ends before its end"),
        (Answer(200, b'[{"00080060": {"vr": "CS"}}]'), "a series without its UIDs"),
        (Answer(200, b"[[1], null]"), "a list of something else than data sets"),
        (Answer(200, b"[" * 100_000 + b"]" * 100_000), "nested too deep"),
        (Answer(200, b"[]", {"Content-Encoding": "gzip"}), ": its answer is not compressed as it"),
        (Answer(302, b"", {"Location": "/\xe9"}), ": its answer makes no sense; check the URL"),
        (Answer(200, b"null"), ": its answer makes no sense; check the URL"),
    ],
    ids=[
        "401", "413", "500", "503", "a page", "half", "cut", "no UIDs", "no data sets", "deep",
        "not compressed", "no address", "null",
    ],
)  # fmt: skip
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
    monkeypatch.setattr(web_session, "_LARGEST_ANSWER", 1 << 20)
    body = b"[" + b" " * (8 << 20) + b"]"
    headers = {"Content-Type": "application/dicom+json"}
    if is_compressed:
        body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
    with pytest.raises(SourceError, match="an answer of more than 1 MiB"):
        open_source(serve(lambda _path: Answer(200, body, headers)))


def test_a_list_with_the_padding_of_files_is_of_the_same_patient(serve, slices, open_source):
    """Which have an even number of bytes (PS3.5 6.2)."""
    padded = record(slices)
    padded["00100020"]["Value"] = [f"{slices[0].PatientID} "]
    padded["0020000E"]["Value"] = [f"{slices[0].SeriesInstanceUID}\0"]
    source = open_source(serve(archive_of(multipart(slices), padded)))
    assert fetch_only(source).metadata["PatientID"] == "42"


def test_what_comes_with_a_redirection_is_not_read(serve, slices, open_source):
    """100 KB of it, compressed, were 100 MB of memory."""
    headers = {"Location": "/studies/2", "Content-Encoding": "gzip"}
    moved = Answer(302, gzip.compress(bytes(100 << 20)), headers)
    script, files = archive_of(moved, record(slices)), multipart(slices)
    source = open_source(serve(lambda path: files if path == "/studies/2" else script(path)))
    tracemalloc.start()
    try:
        assert fetch_only(source).pixels.shape == (3, 5, 7)
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def test_an_answer_that_is_announced_for_ever_is_not_waited_for(serve, slices, open_source):
    answer = replace(multipart(slices), announced=60_000)
    source = open_source(serve(archive_of(answer, record(slices))))
    with pytest.raises(SourceError, match="has sent 1 MiB, and goes on; ask who runs"):
        fetch_only(source)


def test_more_than_there_is_memory_for(serve, slices):
    def write(_content: object) -> None:
        raise MemoryError

    archive = DicomWebArchive(serve(archive_of(multipart(slices), record(slices))))
    (series,) = archive.find({}, 2)
    with pytest.raises(ArchiveError, match="there is not the memory for what it has sent"):
        archive.fetch(series, write)


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


def test_what_a_search_tells_of_patients_is_known_when_all_are_listed_again(
    serve, make_slice, open_source
):
    """Of days, say: the list without a search does not have what it has found."""
    doe = record([make_slice((0, 0, 0))])
    roe = record([make_slice((0, 0, 0), PatientName="Roe^Jim", SeriesInstanceUID="1.2.3.9")])
    source = open_source(serve(lambda path: listing(roe if "PatientName=" in path else doe)))
    items = source.images()
    assert len(ready(source.search, {"PatientName": "Roe*"})[0]) == 1
    for _ in range(2):
        assert ready(source.images) is items  # nothing is made anew, nor packed
        assert "2 patients' names under the ID 42" in source.metadata(items[0].id)["Notice"]


def test_without_an_id_the_name_tells_patients_apart(serve, make_slice, open_source):
    listed = [make_slice(place, PatientID="") for place in POSITIONS]
    others = [make_slice(place, PatientID="", PatientName="Roe^Jack") for place in POSITIONS]
    source = open_source(serve(archive_of(multipart(others), record(listed))))
    with pytest.raises(SourceError, match="images of another patient, by the name"):
        fetch_only(source)


def test_the_accession_of_a_study_is_told(serve, make_slice, open_source):
    """As the archive lists it, before an image is fetched and after."""
    slices = [make_slice((0, 0, 0), AccessionNumber="A-4711")]
    listed = record(slices)
    listed["00080050"] = {"vr": "SH", "Value": ["A-4711"]}
    source = open_source(serve(archive_of(multipart(slices), listed)))
    (item,) = source.images()
    assert source.metadata(item.id)["AccessionNumber"] == "A-4711"
    assert fetch_only(source).metadata["AccessionNumber"] == "A-4711"


def test_an_image_that_came_into_the_archive_since_it_was_listed_is_found(
    serve, slices, open_source
):
    """As by a gateway that takes the place of another, which had listed it."""
    there: list[dict[str, Any]] = []
    files = multipart(slices)
    source = open_source(serve(lambda path: files if "/studies/" in path else listing(*there)))
    there.append(record(slices))
    with ServerInThread(source) as server, server.client() as client:
        image = client.get_image(image_id(slices[0].SeriesInstanceUID))
        assert image.pixels.shape == (3, 5, 7)
        with pytest.raises(RefusedError, match="No image has the id 'X'; list the images"):
            client.get_image("X")
