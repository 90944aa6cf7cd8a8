"""The parts of a multipart message, in whatever pieces it arrives."""

from __future__ import annotations

from io import BytesIO
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from IGTLMetaBrowserLib.sources.archive.dicomweb import multipart
from IGTLMetaBrowserLib.sources.archive.dicomweb.multipart import (
    MultipartError,
    UnfinishedError,
    boundary_of,
    parts,
)

CONTENTS = [b"first", b"", b"\r\n--b\r\n\r\n: of another boundary", bytes(9000)]


def message(contents: list[bytes], says_length: bool, boundary: bytes = b"BOUNDARY") -> bytes:
    body = b"a preamble, to be ignored\r\n"
    for content in contents:
        length = b"Content-Length: %d\r\n" % len(content) if says_length else b""
        body += b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n" + length + b"\r\n"
        body += content + b"\r\n"
    return body + b"--" + boundary + b"--\r\n"


def read(body: bytes, size: int) -> list[bytes]:
    """Read a message that comes in chunks of this size; of 0, that is received into memory."""
    if not size:
        return [bytes(part) for part in parts(BytesIO(body), b"BOUNDARY")]
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return [bytes(part) for part in parts(chunks, b"BOUNDARY")]


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("size", [0, 1, 2, 7, 100, 100_000])
def test_pieces_of_any_size(says_length, size):
    assert read(message(CONTENTS, says_length), size) == CONTENTS


@given(st.lists(st.binary(max_size=60)), st.booleans(), st.integers(0, 80))
def test_any_contents(contents, says_length, size):
    assert read(message(contents, says_length), size) == contents


@pytest.mark.parametrize("says_length", [True, False])
def test_one_that_is_cut_anywhere_is_unfinished(says_length):
    body = message([b"first", b"second"], says_length).removesuffix(b"--\r\n")
    for end in range(len(body)):
        for size in (0, 10):
            with pytest.raises(UnfinishedError):
                read(body[:end], size)


def test_a_part_that_is_longer_or_shorter_than_it_says():
    body = message([b"first", b"second"], True)
    for wrong in (b"Content-Length: 4", b"Content-Length: 6"):
        with pytest.raises(MultipartError, match="not as long as it says"):
            read(body.replace(b"Content-Length: 5", wrong), 100)


def test_a_part_that_says_it_is_larger_than_any_memory():
    body = message([b"first"], True).replace(b"Length: 5", b"Length: 99999999999999")
    with pytest.raises(MultipartError, match="a part of 99999999999999 bytes"):
        read(body, 100)


def test_a_header_without_an_end():
    body = b"--BOUNDARY\r\n" + bytes(200_000)
    with pytest.raises(MultipartError, match="without an end"):
        read(body, 1000)


def test_a_part_without_a_length_that_never_ends(monkeypatch):
    monkeypatch.setattr(multipart, "LARGEST_FILE", 1 << 20)
    begin = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    with pytest.raises(MultipartError, match="without an end"):
        list(parts(chain([begin], repeat(bytes(1 << 16))), b"b"))


def test_the_boundary():
    kind = 'multipart/related; type="application/dicom"; boundary="a b"'
    assert boundary_of(kind) == b"a b"
    for other in ("", "text/html", "multipart/related", "application/dicom; boundary=x"):
        with pytest.raises(MultipartError, match="an answer of the type"):
            boundary_of(other)
