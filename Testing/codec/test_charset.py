"""Texts that say how they are encoded."""

from __future__ import annotations

import copy
import pickle

import pytest

from IGTLMetaBrowserLib.codec import EncodedText, EncodeError, charset


class TestEncodedText:
    TEXT = EncodedText("Größe", 4, b"Gr\xf6\xdfe")

    def test_is_a_text_like_any_other(self):
        assert self.TEXT == "Größe"
        assert {self.TEXT: 1}["Größe"] == 1
        assert f"{self.TEXT}: 182" == "Größe: 182"

    def test_gives_its_own_bytes(self):
        assert charset.encode(self.TEXT, "text") == (4, b"Gr\xf6\xdfe")

    def test_what_is_made_of_it_is_encoded_anew(self):
        assert charset.encode(self.TEXT.upper(), "text") == (106, "GRÖSSE".encode())

    def test_in_another_encoding_it_is_encoded_anew(self):
        assert charset.encode(self.TEXT, "text", 106) == (106, "Größe".encode())

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
    def test_a_copy_has_the_same_bytes(self, duplicate):
        assert charset.encode(duplicate(self.TEXT), "text") == (4, b"Gr\xf6\xdfe")

    def test_can_be_pickled(self):
        text = pickle.loads(pickle.dumps(self.TEXT))
        assert (text, text.encoding, text.data) == ("Größe", 4, b"Gr\xf6\xdfe")


@pytest.mark.parametrize(("text", "encoding"), [("plain", 3), ("", 3), ("Größe", 106)])
def test_what_would_be_written_the_same_way_is_a_plain_text(text: str, encoding: int):
    assert type(charset.decode(text.encode(), encoding)) is str


def test_every_encoding_of_the_table_reads_and_writes():
    for encoding in charset._CODECS:
        _, data = charset.encode("CT 5 mm", "text", encoding)
        assert charset.decode(data, encoding) == "CT 5 mm"


def test_any_bytes_in_any_encoding_come_back():
    samples = [bytes([byte]) for byte in range(256)] + [bytes(range(256)), b"\xff\xfe\0", b"\x1b$B"]
    for encoding in [*charset._CODECS, 0, 107, 65535]:
        for data in samples:
            text = charset.decode(data, encoding)
            assert charset.encode(text, "text") == (encoding, data)


@pytest.mark.parametrize(
    ("encoding", "data", "why"),
    [
        (70_000, b"text", "the encoding of the value 70000 is not a whole number from 0 to 65535"),
        (-1, b"text", "the encoding of the value -1"),
        (None, b"text", "the encoding of the value None"),
        (4, "text", "the value is bytes, not 'text'"),
    ],
)
def test_a_text_with_bytes_or_an_encoding_that_the_wire_cannot_hold_is_refused(
    encoding: object, data: object, why: str
):
    with pytest.raises(EncodeError, match=why):
        charset.encode(charset.EncodedText("text", encoding, data), "the value")


def test_none_is_refused():
    with pytest.raises(EncodeError, match="the value is a text, not None"):
        charset.encode(None, "the value")
