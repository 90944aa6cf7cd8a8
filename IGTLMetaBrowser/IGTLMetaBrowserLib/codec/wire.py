"""Bounds-checked reading and writing of the wire's fields.

All integers and floats are big-endian. Character fields have a fixed size and are padded with
NUL; a text of full length has no terminator. (OpenIGTLink ``header.md``, "Byte Order".)

Text is UTF-8, of which the specification's ASCII is a part. Bytes that are not UTF-8 are kept as
lone surrogates (``surrogateescape``), so that an id goes back to its owner byte for byte.
``readable`` reads them as the code page of Western Windows, ``printable`` makes the text fit for a
screen as well.
"""

from __future__ import annotations

import codecs
import re
import struct
import unicodedata
from collections.abc import Iterable
from operator import index
from typing import Any

from .errors import DecodeError, EncodeError

Buffer = bytes | bytearray | memoryview


def decode_text(field: bytes) -> str:
    """Return the text in a NUL-padded character field."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def encode_text(text: str, size: int, what: str) -> bytes:
    """Return ``text`` as a character field of ``size`` bytes, padded with NUL.

    Raises ``EncodeError`` if the text is too long, holds a NUL or is none: it is never cut.
    """
    encoded = encode_string(text, what)
    if len(encoded) > size:
        raise EncodeError(f"{what} {text!r} needs {len(encoded)} bytes; the limit is {size}")
    if b"\0" in encoded:
        raise EncodeError(f"{what} {text!r} holds a NUL character, which would end it on the wire")
    return encoded.ljust(size, b"\0")


def encode_string(text: str, what: str) -> bytes:
    """Return ``text`` as UTF-8 of any length; undecodable bytes that were read come back as is."""
    require_text(text, what)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise EncodeError(f"{what} {text!r} cannot be written as UTF-8: {error.reason}") from error


def require_text(text: str, what: str) -> None:
    """Raise ``EncodeError`` if ``text`` is none, but ``None``, a number or bytes."""
    if not isinstance(text, str):
        raise EncodeError(f"{what} is a text, not {text!r}")


def cut_text(text: str, size: int) -> str:
    """Return the longest beginning of ``text`` that fits ``size`` bytes, in whole characters.

    For texts that may be shortened (a description). Ids and names that somebody asks for must not.
    """
    encoded = encode_string(text, "text").replace(b"\0", b" ")
    whole = encoded.decode("utf-8", "surrogateescape")
    beginning = encoded[:size].decode("utf-8", "surrogateescape")
    # The bytes of a character that was cut through, three at most, are others than in the text.
    while not whole.startswith(beginning):
        beginning = beginning[:-1]
    return beginning


def readable(text: str) -> str:
    """Return ``text`` with its undecodable bytes as the characters that they most likely are.

    Programs that write the code page of a Western Windows (cp1252, Latin-1 where that has no
    character) are known; a text with other characters beyond ASCII is UTF-8 that was cut or
    damaged, and stays as it is. For names; an id has to be the bytes that came.
    """
    if text.isascii():
        return text
    if not _ASCII_OR_UNDECODABLE.fullmatch(text):
        return text
    return codecs.charmap_decode(text.encode("ascii", "surrogateescape"), "strict", _WESTERN)[0]


def _western(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


_ASCII_OR_UNDECODABLE = re.compile("[\x00-\x7f\udc80-\udcff]*")
_WESTERN = "".join(map(_western, range(256)))


def printable(text: str) -> str:
    """Return ``text`` as a screen can show it: ``readable``, other characters become U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        character if _can_be_seen(character) else "\N{REPLACEMENT CHARACTER}"
        for character in readable(text)
    )


LONGEST_WORDS = 1000
"""Characters of a peer's text that are shown; longer ones are cut."""


def brief(text: str) -> str:
    """Return the beginning of a text of any length as a screen can show it."""
    if len(text) <= LONGEST_WORDS:
        return printable(text)
    return printable(text[:LONGEST_WORDS]) + "\N{HORIZONTAL ELLIPSIS}"


def _can_be_seen(character: str) -> bool:
    # str.isprintable refuses all spaces but the plain one, such as those of Japanese names.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def whole_number(value: int, least: int, most: int, what: str) -> int:
    """Return ``value``; raises ``EncodeError`` if it is no whole number in these limits."""
    try:
        number = index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise EncodeError(f"{what} {value!r} is not a whole number from {least} to {most}")
    return number


def numbers_of(values: Iterable[Any], count: int, what: str) -> list[Any]:
    """Return ``values`` as a list; raises ``EncodeError`` if they are not ``count``."""
    try:
        numbers = list(values)
    except TypeError:
        numbers = None
    if numbers is None or len(numbers) != count:
        raise EncodeError(f"{what} has {count} numbers; not so {values!r}")
    return numbers


def byte_view(data: Buffer, what: str) -> Buffer:
    """Return ``data`` as bytes that follow each other; views of other items become bytes, too.

    Raises ``EncodeError`` if it is neither ``bytes`` nor ``bytearray`` nor ``memoryview``.
    """
    if isinstance(data, bytes | bytearray):
        return data
    if not isinstance(data, memoryview):
        raise EncodeError(f"{what} is bytes, not {data!r}")
    if data.c_contiguous and data.nbytes:
        return data.cast("B")
    return data.tobytes()


class Reader:
    """A cursor over one message's content that never leaves it.

    ``what`` names the content in errors, for example ``"STATUS"``.
    """

    def __init__(self, content: Buffer, what: str) -> None:
        self._content = memoryview(content)
        self._size = len(self._content)
        self._what = what
        self._position = 0

    @property
    def remaining(self) -> int:
        """Number of bytes not read yet."""
        return self._size - self._position

    def take(self, size: int, field: str) -> memoryview:
        """Return the next ``size`` bytes without a copy."""
        start = self._position
        end = start + size
        if end > self._size:
            raise DecodeError(
                f"{self._what} ends within its {field}: {size} bytes are needed at offset "
                f"{start}, {self.remaining} are there"
            )
        self._position = end
        return self._content[start:end]

    def unpack(self, layout: struct.Struct, field: str) -> tuple[Any, ...]:
        """Return the next fields, laid out as in ``layout``."""
        return layout.unpack(self.take(layout.size, field))

    def rest(self) -> memoryview:
        """Return all bytes that are left, without a copy."""
        return self.take(self.remaining, "rest")

    def expect_end(self) -> None:
        """Raise ``DecodeError`` if bytes are left over."""
        if self.remaining:
            raise DecodeError(f"{self._what} has {self.remaining} bytes more than its fields take")
