"""Metadata of header version 2."""

from __future__ import annotations

import struct

import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.metadata import LARGEST_ENTRY_COUNT, pack_metadata, unpack_metadata


def encoded(*entries: tuple[bytes, int, bytes]) -> tuple[bytes, bytes]:
    """Return metadata header and metadata of entries (key, encoding, value)."""
    header = struct.pack(">H", len(entries))
    for key, encoding, value in entries:
        header += struct.pack(">HHI", len(key), encoding, len(value))
    return header, b"".join(key + value for key, _, value in entries)


def test_layout():
    assert pack_metadata({"Modality": "CT", "Größe": "groß"}) == encoded(
        (b"Modality", 3, b"CT"), (b"Gr\xc3\xb6\xc3\x9fe", 106, b"gro\xc3\x9f")
    )


def test_travels_with_any_message():
    metadata = {"SeriesInstanceUID": "1.2.3", "empty": "", "": "empty key", "Größe": "groß 頭"}
    for message in (codec.StatusMessage(), codec.GetMessage("IMAGE"), codec.ImageMetaMessage()):
        message.header_version = 2
        message.metadata = metadata
        assert codec.unpack(codec.pack(message)) == message


def test_keeps_its_order():
    metadata = {"b": "1", "a": "2", "c": "3"}
    assert list(unpack_metadata(*pack_metadata(metadata))) == ["b", "a", "c"]


def test_of_a_key_that_occurs_twice_the_last_value_counts():
    assert unpack_metadata(*encoded((b"key", 3, b"first"), (b"key", 3, b"last"))) == {"key": "last"}


def test_none_at_all():
    assert unpack_metadata(b"", b"") == {}
    assert unpack_metadata(*encoded()) == {}


def test_a_value_larger_than_65535_bytes():
    metadata = {"overlay": "x" * 200_000}
    message = codec.StatusMessage(header_version=2, metadata=metadata)
    assert codec.unpack(codec.pack(message)).metadata == metadata


class TestEncodings:
    @pytest.mark.parametrize(
        ("mib_enum", "value", "expected"),
        [
            (3, b"plain", "plain"),
            (106, "groß".encode(), "groß"),
            (4, b"gro\xdf", "groß"),  # ISO-8859-1
            (17, "頭部".encode("shift_jis"), "頭部"),
            (2252, b"\x80 5", "€ 5"),  # windows-1252
            (1013, "頭".encode("utf-16-be"), "頭"),
        ],
    )
    def test_the_value_is_read_by_its_encoding(self, mib_enum: int, value: bytes, expected: str):
        assert unpack_metadata(*encoded((b"key", mib_enum, value))) == {"key": expected}

    def test_utf_8_that_is_marked_as_ascii(self):
        assert unpack_metadata(*encoded((b"key", 3, "groß".encode()))) == {"key": "groß"}

    @pytest.mark.parametrize("mib_enum", [0, 106, 60_000])
    def test_bytes_that_follow_no_known_encoding_are_kept(self, mib_enum: int):
        metadata = unpack_metadata(*encoded((b"k\xff", mib_enum, b"gro\xdf")))
        assert metadata == {"k\udcff": "gro\udcdf"}

    @pytest.mark.parametrize("mib_enum", [0, 3, 4, 17, 106, 1013, 1015, 60_000])
    @pytest.mark.parametrize("value", [b"", b"plain", "groß".encode(), b"gro\xdf", b"\xff\xfea\0"])
    def test_what_was_read_packs_to_the_same_bytes(self, mib_enum: int, value: bytes):
        entries = encoded((b"k\xff", mib_enum, value), (b"other", 3, b"x"))
        assert pack_metadata(unpack_metadata(*entries)) == entries
        assert pack_metadata(dict(unpack_metadata(*entries))) == entries

    def test_a_value_that_is_changed_is_encoded_anew(self):
        metadata = unpack_metadata(*encoded((b"key", 4, b"gro\xdf")))
        metadata["key"] += "!"
        assert pack_metadata(metadata) == encoded((b"key", 106, "groß!".encode()))


class TestLimits:
    def test_as_many_entries_as_the_header_can_count(self):
        # Its size is a u16: 2 bytes and 8 for each entry.
        assert LARGEST_ENTRY_COUNT == 8191
        metadata = {str(number): "" for number in range(LARGEST_ENTRY_COUNT)}
        assert unpack_metadata(*pack_metadata(metadata)) == metadata

    def test_one_more_is_refused(self):
        with pytest.raises(codec.EncodeError, match=r"8192 metadata entries; .* can hold 8191"):
            pack_metadata({str(number): "" for number in range(LARGEST_ENTRY_COUNT + 1)})

    def test_a_key_has_at_most_65535_bytes(self):
        assert unpack_metadata(*pack_metadata({"k" * 65535: "v"})) == {"k" * 65535: "v"}
        with pytest.raises(codec.EncodeError, match="needs 65536 bytes; the limit is 65535"):
            pack_metadata({"k" * 65536: "v"})

    def test_all_together_have_less_than_4_gib(self, monkeypatch: pytest.MonkeyPatch):
        # The size is a u32. So much memory is not to be had in a test.
        monkeypatch.setattr("IGTLMetaBrowserLib.codec.metadata._LARGEST_SIZE", 9)
        assert pack_metadata({"key": "value", "k": ""})[1] == b"keyvaluek"
        with pytest.raises(codec.EncodeError, match="metadata need 10 bytes; the limit is 9"):
            pack_metadata({"key": "value", "k": "v"})


class TestWrongTypes:
    @pytest.mark.parametrize("metadata", [None, [("key", "value")], "text"])
    def test_metadata_that_is_no_mapping_is_refused(self, metadata: object):
        with pytest.raises(codec.EncodeError, match="metadata maps texts to texts"):
            codec.pack(codec.StatusMessage(header_version=2, metadata=metadata))

    @pytest.mark.parametrize("value", [None, 5, b"bytes"])
    def test_keys_and_values_that_are_no_texts_are_refused(self, value: object):
        with pytest.raises(codec.EncodeError, match="metadata key is a text, not"):
            pack_metadata({value: "value"})
        with pytest.raises(codec.EncodeError, match="metadata value of 'key' is a text, not"):
            pack_metadata({"key": value})


class TestDamaged:
    """Each case says why it is none."""

    @pytest.mark.parametrize(
        ("header", "metadata", "why"),
        [
            (b"\0", b"", "ends within its count"),
            (b"\0\1", b"", "of 1 entries has 10 bytes; 2 are there"),
            (b"\0\0\0", b"", "of 0 entries has 2 bytes; 3 are there"),
            (struct.pack(">HHHI", 1, 4, 3, 0), b"key", "ends within its key"),
            (struct.pack(">HHHI", 1, 3, 3, 9), b"key12345678", "ends within its value"),
            (struct.pack(">HHHI", 1, 3, 3, 0xFFFFFFFF), b"key", "ends within its value"),
            (struct.pack(">HHHI", 1, 3, 3, 1), b"key12", "1 bytes more than its fields"),
            (b"", b"key", "3 bytes of metadata have no metadata header"),
        ],
    )
    def test_is_an_error(self, header: bytes, metadata: bytes, why: str):
        body = version_2_body(b"", metadata_header=header, metadata=metadata)
        with pytest.raises(codec.DecodeError, match=why):
            codec.unpack(frame("GET_IMAGE", body, version=2))
