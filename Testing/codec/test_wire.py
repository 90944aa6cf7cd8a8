"""Texts, and the cursor that reads fields."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec import DecodeError, EncodeError, cut_text, printable, readable
from IGTLMetaBrowserLib.codec.wire import Reader, decode_text, encode_text, numbers_of, whole_number


class TestText:
    def test_is_padded_with_nul(self):
        assert encode_text("CT", 4, "modality") == b"CT\0\0"
        assert decode_text(b"CT\0\0") == "CT"

    def test_of_full_length_has_no_terminator(self):
        assert encode_text("IMAGE", 5, "id") == b"IMAGE"
        assert decode_text(b"IMAGE") == "IMAGE"

    def test_ends_at_the_first_nul_whatever_follows(self):
        assert decode_text(b"CT\0garbage") == "CT"

    def test_is_utf_8(self):
        assert encode_text("Größe", 8, "name") == b"Gr\xc3\xb6\xc3\x9fe\0"
        assert decode_text(b"Gr\xc3\xb6\xc3\x9fe\0") == "Größe"

    def test_bytes_that_are_not_utf_8_come_back_as_the_same_bytes(self):
        latin_1 = b"Gr\xf6\xdfe\0\0\0"
        text = decode_text(latin_1)
        assert text == "Gr\udcf6\udcdfe"
        assert encode_text(text, 8, "name") == latin_1

    def test_every_byte_comes_back(self):
        field = bytes(range(1, 256))
        assert encode_text(decode_text(field), 255, "name") == field

    def test_too_long_says_the_limit(self):
        with pytest.raises(EncodeError, match=r"image id 'IMAGE_12345' needs 11 bytes.* is 10"):
            encode_text("IMAGE_12345", 10, "image id")

    def test_the_limit_is_in_bytes_not_characters(self):
        with pytest.raises(EncodeError, match="needs 4 bytes; the limit is 3"):
            encode_text("öö", 3, "name")

    def test_a_nul_inside_is_refused(self):
        with pytest.raises(EncodeError, match="NUL"):
            encode_text("a\0b", 5, "name")

    @pytest.mark.parametrize("value", [None, 5, 2.5, b"bytes", ["text"]])
    def test_what_is_none_is_refused(self, value: object):
        with pytest.raises(EncodeError, match=r"patient name is a text, not"):
            encode_text(value, 20, "patient name")

    def test_half_a_surrogate_pair_is_refused(self):
        with pytest.raises(EncodeError, match="cannot be written as UTF-8"):
            encode_text("\ud83d", 20, "name")


class TestNumbers:
    @pytest.mark.parametrize("value", [0, 255, True, np.uint8(7), np.array(7)])
    def test_a_whole_number_may_be_of_any_type(self, value: int):
        assert whole_number(value, 0, 255, "status") == int(value)

    @pytest.mark.parametrize("value", [-1, 256, 1.0, None, "1", b"1", np.zeros(1, int), math.nan])
    def test_what_is_no_whole_number_or_too_large_says_the_limits(self, value: object):
        with pytest.raises(EncodeError, match=r"status .* is not a whole number from 0 to 255"):
            whole_number(value, 0, 255, "status")

    @pytest.mark.parametrize("values", [(1, 2, 3), [1, 2, 3], range(1, 4), np.array([1, 2, 3])])
    def test_several_may_be_in_any_row(self, values: object):
        assert numbers_of(values, 3, "size") == [1, 2, 3]

    @pytest.mark.parametrize("values", [(1, 2), (1, 2, 3, 4), 5, None, np.array(5)])
    def test_another_number_of_them_is_refused(self, values: object):
        with pytest.raises(EncodeError, match="size has 3 numbers; not so"):
            numbers_of(values, 3, "size")


class TestCutText:
    def test_what_fits_stays(self):
        assert cut_text("CT", 2) == "CT"

    def test_cuts_to_the_size(self):
        assert cut_text("CT of the head", 5) == "CT of"

    @pytest.mark.parametrize(("size", "expected"), [(3, "aö"), (2, "a"), (1, "a"), (0, "")])
    def test_cuts_between_characters(self, size: int, expected: str):
        assert cut_text("aöb", size) == expected

    def test_cuts_before_a_character_of_four_bytes(self):
        assert cut_text("abc\N{GRINNING FACE}", 6) == "abc"

    def test_undecodable_bytes_stay_what_they_are(self):
        assert cut_text("a\udcf6bc", 2) == "a\udcf6"

    def test_undecodable_bytes_are_no_parts_of_a_character(self):
        assert cut_text("\udc80" * 30, 20) == "\udc80" * 20
        assert cut_text("a\udce9\udc80b", 2) == "a\udce9"

    @pytest.mark.parametrize("size", range(30))
    def test_fits_and_is_a_beginning_and_cannot_be_longer(self, size: int):
        text = "aö頭\N{GRINNING FACE}\udcf6\udc80é\N{COMBINING ACUTE ACCENT}xyz"
        cut = cut_text(text, size)
        assert text.startswith(cut)
        assert len(cut.encode("utf-8", "surrogateescape")) <= size
        longer = text[: len(cut) + 1]
        assert longer == text or len(longer.encode("utf-8", "surrogateescape")) > size

    @pytest.mark.parametrize("value", [None, 5, b"bytes", "\ud83d"])
    def test_what_is_no_text_is_refused(self, value: object):
        with pytest.raises(EncodeError):
            cut_text(value, 20)

    def test_the_result_can_be_encoded(self):
        assert encode_text(cut_text("a\0b", 8), 8, "name") == b"a b\0\0\0\0\0"


class TestReadable:
    """Names that are not UTF-8 are read as Western Windows writes them."""

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ("Weiß, Jörg".encode("cp1252"), "Weiß, Jörg"),
            ("5 €".encode("cp1252"), "5 €"),
            (b"caf\xe9 \x81", "café \x81"),  # cp1252 has no character 81
            ("Łukasz".encode(), "Łukasz"),
            (b"plain", "plain"),
        ],
    )
    def test_the_code_page_is_that_of_windows(self, data: bytes, text: str):
        assert readable(decode_text(data)) == text

    def test_utf_8_that_was_cut_stays_as_it_is(self):
        cut = decode_text("Łukasz Żółw".encode()[:-2])
        assert readable(cut) == cut

    def test_what_cannot_be_encoded_stays_as_it_is(self):
        assert readable("a\ud800") == "a\ud800"


class TestPrintable:
    def test_leaves_letters_of_all_languages(self):
        assert printable("Größe 頭部 CT") == "Größe 頭部 CT"

    @pytest.mark.parametrize("text", ["\x1b", "\n", "\0", "\x7f", "\ud800", "\u202e"])
    def test_replaces_what_would_harm_a_screen_or_a_file(self, text: str):
        assert printable(f"a{text}b") == "a\N{REPLACEMENT CHARACTER}b"


class TestReader:
    def test_reads_field_after_field(self):
        reader = Reader(b"\x01\x00\x02rest", "STATUS")
        assert reader.unpack(struct.Struct(">BH"), "code") == (1, 2)
        assert reader.take(2, "name") == b"re"
        assert reader.remaining == 2
        assert reader.rest() == b"st"
        reader.expect_end()

    def test_never_reads_beyond_the_end(self):
        reader = Reader(b"\x01\x00\x02", "STATUS")
        reader.take(1, "code")
        with pytest.raises(
            DecodeError, match="STATUS ends within its name: 3 bytes are needed at offset 1, 2 are"
        ):
            reader.take(3, "name")
        assert reader.remaining == 2  # nothing was consumed

    def test_complains_of_what_is_left_over(self):
        with pytest.raises(DecodeError, match="STATUS has 4 bytes more than its fields take"):
            Reader(b"more", "STATUS").expect_end()
