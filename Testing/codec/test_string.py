"""STRING."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec


def content(encoding: int, data: bytes) -> bytes:
    return struct.pack(">HH", encoding, len(data)) + data


def packed(*fields: object) -> bytes:
    return codec.pack(codec.StringMessage(*fields))[58:]


class TestEncodingIsChosen:
    def test_us_ascii_where_that_is_enough(self):
        assert packed("Needle at target") == content(3, b"Needle at target")

    def test_utf_8_otherwise(self):
        assert packed("Größe 頭部") == content(106, "Größe 頭部".encode())

    def test_the_one_that_is_asked_for(self):
        assert packed("Größe", 4) == content(4, b"Gr\xf6\xdfe")  # ISO-8859-1
        assert packed("plain", 106) == content(106, b"plain")

    @pytest.mark.parametrize(
        ("encoding", "why"),
        [
            (3, r"STRING 'Größe' cannot be written in the encoding 3 \(ascii\)"),
            (17, r"cannot be written in the encoding 17 \(shift_jis\)"),
            (60000, "has the encoding 60000, which is not supported here"),
            ("utf-8", "the encoding of the text of STRING 'utf-8' is not a whole number"),
        ],
    )
    def test_one_that_cannot_hold_the_text_is_refused(self, encoding: object, why: str):
        with pytest.raises(codec.EncodeError, match=why):
            packed("Größe", encoding)


class TestAnyEncodingIsRead:
    @pytest.mark.parametrize(
        ("encoding", "data", "expected"),
        [
            (3, b"plain", "plain"),
            (106, "Größe".encode(), "Größe"),
            (106, b"plain", "plain"),
            (4, b"Gr\xf6\xdfe", "Größe"),
            (17, "頭部".encode("shift_jis"), "頭部"),
            (39, "頭部".encode("iso2022_jp"), "頭部"),
            (1013, "頭部".encode("utf-16-be"), "頭部"),
            (1015, "頭部".encode("utf-16-be"), "頭部"),  # no byte order mark: big-endian
            (1015, b"\xfe\xff" + "頭部".encode("utf-16-be"), "頭部"),
            (1015, b"\xff\xfe" + "頭部".encode("utf-16-le"), "頭部"),
            (2251, "Печень".encode("cp1251"), "Печень"),
            # The library's default is 3, whatever the text.
            (3, "Größe".encode(), "Größe"),
            # Nobody knows what these are.
            (60000, "Größe".encode(), "Größe"),
            (60000, b"Gr\xf6\xdfe", "Gr\udcf6\udcdfe"),
            (106, b"Gr\xf6\xdfe", "Gr\udcf6\udcdfe"),
            (1014, b"odd", "odd"),
            (0, b"", ""),
            (3, b"a\0b", "a\0b"),
        ],
    )
    def test_and_packs_to_the_same_bytes(self, encoding: int, data: bytes, expected: str):
        message = codec.unpack(frame("STRING", content(encoding, data)))
        assert (message.string, message.encoding) == (expected, encoding)
        assert codec.pack(message)[58:] == content(encoding, data)
        assert codec.pack(replace(message))[58:] == content(encoding, data)

    def test_another_text_in_its_place_is_written_in_the_same_encoding(self):
        message = codec.unpack(frame("STRING", content(4, b"Gr\xf6\xdfe")))
        message.string += ": ü"
        assert codec.pack(message)[58:] == content(4, b"Gr\xf6\xdfe: \xfc")

    def test_what_the_encoding_lacks_is_refused_rather_than_lost(self):
        message = codec.unpack(frame("STRING", content(4, b"Gr\xf6\xdfe")))
        message.string += ": 頭部"
        with pytest.raises(codec.EncodeError, match="cannot be written in the encoding 4"):
            codec.pack(message)


class TestLimits:
    def test_65535_bytes(self):
        message = codec.StringMessage("x" * 65535)
        assert codec.unpack(codec.pack(message)) == message

    def test_one_more_is_refused(self):
        with pytest.raises(codec.EncodeError, match="needs 65536 bytes; the limit is 65535"):
            packed("ö" * 32768)

    @pytest.mark.parametrize("text", [None, 5, b"bytes", ["text"]])
    def test_what_is_no_text_is_refused(self, text: object):
        with pytest.raises(codec.EncodeError, match="the text of STRING is a text, not"):
            packed(text)

    def test_half_a_surrogate_pair_is_refused(self):
        with pytest.raises(codec.EncodeError, match="cannot be written as UTF-8"):
            packed("\ud83d")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\3\0", "ends within its encoding and length"),
        (content(3, b"text")[:-1], "ends within its text: 4 bytes are needed at offset 4, 3 are"),
        (content(3, b"text") + b"\0", "1 bytes more than its fields"),
    ],
)
def test_a_length_that_is_not_that_of_the_text_is_an_error(data: bytes, why: str):
    with pytest.raises(codec.DecodeError, match=why):
        codec.unpack(frame("STRING", data))
