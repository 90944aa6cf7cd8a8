"""What an archive says of the files that it is sent by STOW-RS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest
from pydicom import Dataset

from helpers import scripted_archive
from helpers.scripted_archive import Answer, Script, archive_of, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive


@pytest.fixture
def script(make_slice: Callable[..., Dataset]) -> Script:
    """An archive with one series."""
    slices = [make_slice((0.0, 0.0, 0.0), 1)]
    return archive_of(multipart(slices), record(slices))


def stored(*uids: str, failed: Sequence[int] = ()) -> bytes:
    """What STOW-RS answers (PS3.18 10.5.3.3)."""
    answer = Dataset()
    answer.ReferencedSOPSequence, answer.FailedSOPSequence = [], []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPInstanceUID = uid
        answer.ReferencedSOPSequence.append(item)
    for reason in failed:
        item = Dataset()
        item.FailureReason = reason
        answer.FailedSOPSequence.append(item)
    return answer.to_json().encode()


def in_xml(*uids: str, failed: str = "") -> bytes:
    """The same in the native DICOM model (PS3.19 A.1)."""
    sequences = {"00081199": uids, "00081198": [failed] if failed else []}
    texts = [
        f'<DicomAttribute tag="{tag}" vr="SQ">'
        + "".join(
            f'<Item><DicomAttribute tag="00081155" vr="UI"><Value>{uid}</Value></DicomAttribute>'
            "</Item>"
            for uid in items
        )
        + "</DicomAttribute>"
        for tag, items in sequences.items()
        if items
    ]
    return f"<NativeDicomModel>{''.join(texts)}</NativeDicomModel>".encode()


XML = {"Content-Type": "application/dicom+xml"}
JSON = {"Content-Type": "application/dicom+json; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, stored("1", "2"), JSON), ""),
        (Answer(200), ""),  # it has them all, and says nothing else
        (Answer(200, b"", JSON), ""),
        (Answer(200, in_xml("1", "2"), XML), ""),
        (Answer(202, in_xml("1", "2"), XML), ""),  # with warnings
        (Answer(202, in_xml("1"), XML), "does not say that it has stored"),
        (Answer(200, in_xml("1", failed="2"), XML), "does not say that it has stored"),
        (Answer(202, stored("1", failed=[0x0110]), JSON), "stored 1 of 2 files, for the .*0110H"),
        (Answer(409, stored(failed=[0xA700, 0x0110]), JSON), "stored 0 of 2 .* 0110H, A700H"),
        (Answer(409), "cannot store in .*HTTP 409"),
        (Answer(200, stored("1"), JSON), "has stored 1 of 2 files"),
        (Answer(200, b"[]", JSON), "it has sent an answer that is no data set"),
        (Answer(200, b"{", JSON), "cannot store in .*it has sent"),
        (Answer(413), "HTTP 413 .* that is too much for it at once"),
        (Answer(415), "HTTP 415 .*it has failed"),
        (Answer(200, b"<x/>", {"Content-Type": "application/dicom+xml"}), ""),
        (Answer(200, b"log in", {"Content-Type": "text/html"}), "does not say that it has stored"),
        (Answer(202), "does not say that it has stored"),  # some, by PS3.18 10.5.3.1
    ],
)
def test_what_an_archive_says_of_files_that_it_was_sent(script, answer, words):
    with scripted_archive.running(script, posted=lambda path, content: answer) as port:
        archive = DicomWebArchive(f"http://127.0.0.1:{port}/dicom-web")
        with pytest.raises(SourceError, match=words) if words else nullcontext():
            archive.store([b"one", b"two"])


def test_a_list_that_a_request_to_store_was_sent_on_to_is_no_answer(script):
    """As by what has one log in: 303 turns a POST into a GET (RFC 9110 15.4.4)."""
    sent_on = Answer(303, b"", {"Location": "/dicom-web/series"})
    with scripted_archive.running(script, posted=lambda path, content: sent_on) as port:
        archive = DicomWebArchive(f"http://127.0.0.1:{port}/dicom-web")
        with pytest.raises(SourceError, match="does not say that it has stored the files"):
            archive.store([b"one"])
