"""Texts that say how they are encoded: STRING, and the values of metadata.

OpenIGTLink names an encoding by its MIBenum, a number from the IANA registry of character sets
(``string.md``; https://www.iana.org/assignments/character-sets). The protocol's own are 3
(US-ASCII) and 106 (UTF-8); the table below has others that peers on Windows and in other
countries use. Names and ids have no such number; they are UTF-8, see ``wire``.

Nothing is lost. What is in an unknown encoding, or does not follow the one that it claims, is read
as UTF-8 with other bytes kept as lone surrogates; and every text that would not pack to the bytes
that it was read from keeps them: ``EncodedText``.
"""

from __future__ import annotations

import codecs
from typing import Any

from .errors import EncodeError
from .wire import byte_view, encode_string, require_text, whole_number

US_ASCII = 3
UTF_8 = 106
UTF_16 = 1015

# By MIBenum. Python's names.
_CODECS = {
    US_ASCII: "ascii",
    4: "iso8859-1",
    5: "iso8859-2",
    6: "iso8859-3",
    7: "iso8859-4",
    8: "iso8859-5",
    9: "iso8859-6",
    10: "iso8859-7",
    11: "iso8859-8",
    12: "iso8859-9",
    17: "shift_jis",
    18: "euc_jp",
    38: "euc_kr",
    39: "iso2022_jp",
    UTF_8: "utf-8",
    111: "iso8859-15",
    113: "gbk",
    114: "gb18030",
    1013: "utf-16-be",
    1014: "utf-16-le",
    UTF_16: "utf-16",
    2024: "cp932",
    2025: "gb2312",
    2026: "big5",
    2084: "koi8-r",
    2250: "cp1250",
    2251: "cp1251",
    2252: "cp1252",
    2253: "cp1253",
    2254: "cp1254",
    2255: "cp1255",
    2256: "cp1256",
    2257: "cp1257",
    2258: "cp1258",
}
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)


class EncodedText(str):
    """A text that was read from other bytes, or in another encoding, than would be chosen for it.

    ``encoding`` is the MIBenum, ``data`` the bytes. Packed, it gives them again. What is made of
    it by ``+``, ``upper()`` and the like is a plain text, which is encoded anew.
    """

    __slots__ = ("data", "encoding")

    encoding: int
    data: bytes

    def __new__(cls, text: str, encoding: int, data: bytes) -> EncodedText:
        self = super().__new__(cls, text)
        self.encoding = encoding
        self.data = data
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.encoding, self.data


def encoding_of(text: str) -> int:
    """Return the MIBenum that a text came with; of others, US-ASCII's or, if need be, UTF-8's."""
    if isinstance(text, EncodedText):
        return text.encoding
    return US_ASCII if str(text).isascii() else UTF_8


def decode(data: bytes, encoding: int) -> str:
    """Return the text in ``data``: an ``EncodedText`` where it would not pack to the same."""
    if encoding == US_ASCII and data.isascii():  # as nearly all are, in a tenth of the time
        return data.decode("ascii")
    text = _decode(data, encoding)
    if encode(text, "text") == (encoding, data):
        return text
    return EncodedText(text, encoding, data)


def encode(text: str, what: str, encoding: int | None = None) -> tuple[int, bytes]:
    """Return the MIBenum of an encoding, and ``text`` in it.

    Where no encoding is given it is that of ``encoding_of``. Raises ``EncodeError`` if the
    encoding given is not known, or does not have all characters of the text.
    """
    require_text(text, what)
    if encoding is None and type(text) is str and text.isascii():  # as nearly all are
        return US_ASCII, text.encode("ascii")
    encoding = whole_number(
        encoding_of(text) if encoding is None else encoding, 0, 0xFFFF, f"the encoding of {what}"
    )
    if isinstance(text, EncodedText) and text.encoding == encoding:
        return encoding, bytes(byte_view(text.data, what))
    if encoding == UTF_8:
        return encoding, encode_string(text, what)
    name = _CODECS.get(encoding)
    if name is None:
        raise EncodeError(
            f"{what} has the encoding {encoding}, which is not supported here; "
            f"{UTF_8} (UTF-8) holds any text"
        )
    try:
        return encoding, text.encode(name)
    except UnicodeError as error:
        raise EncodeError(
            f"{what} {text!r} cannot be written in the encoding {encoding} ({name}): {error}; "
            f"{UTF_8} (UTF-8) holds any text"
        ) from None


def _decode(data: bytes, encoding: int) -> str:
    name = _CODECS.get(encoding, "utf-8")
    if encoding == UTF_16 and data[:2] not in _BYTE_ORDER_MARKS:
        name = "utf-16-be"  # without a mark it is big-endian (``igtl_string.h``)
    try:
        return data.decode(name)
    except UnicodeError:
        return data.decode("utf-8", "surrogateescape")
