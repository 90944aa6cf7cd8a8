"""Goes from element to element of a DICOM file without looking into them (PS3.5 7.1).

pydicom's generator does the same, and takes three times as long: it makes objects of all elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, NamedTuple

from .pixel_place import UNDEFINED_LENGTH

# Headers of most files fit; what they skip beyond that is not read.
READ_AT_ONCE = 16 << 10

# An element begins with tag, VR and length; of some VRs, the length takes 4 bytes more (PS3.5 7.1).
_ELEMENT_HEADER = 8
LONGEST_ELEMENT_HEADER = 12
LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)


class Element(NamedTuple):
    """The tag, VR (None in implicit ones) and length of an element, where it and its value begin.

    Its value may be beyond the end of the file.
    """

    tag: int
    vr: bytes | None
    length: int
    begin: int
    position: int


class Elements:
    """Iterates over the elements of a file from its current position to its end.

    After one of undefined length, ``go_on_at`` has to say where the next one begins.
    """

    def __init__(self, file: BinaryIO, is_implicit: bool, is_little_endian: bool) -> None:
        self._file = file
        order = "<" if is_little_endian else ">"
        self._header = Struct(f"{order}HHI" if is_implicit else f"{order}HH2sH")
        self._length = Struct(f"{order}I")
        self._start = file.tell()
        self._window = file.read(READ_AT_ONCE)
        self._next = self._start

    def __iter__(self) -> Iterator[Element]:
        unpack, unpack_length = self._header.unpack_from, self._length.unpack_from
        while True:
            begin = self._next
            at = begin - self._start
            if at + LONGEST_ELEMENT_HEADER > len(self._window):
                self._move_window(begin)
                at = 0
                if len(self._window) < _ELEMENT_HEADER:
                    return
            group, number, *vr, length = unpack(self._window, at)
            position = begin + _ELEMENT_HEADER
            if vr and vr[0] in LONG_VRS:
                if len(self._window) < at + LONGEST_ELEMENT_HEADER:
                    return
                (length,) = unpack_length(self._window, at + _ELEMENT_HEADER)
                position += 4
            self._next = position + (0 if length == UNDEFINED_LENGTH else length)
            yield Element(group << 16 | number, vr[0] if vr else None, length, begin, position)

    def go_on_at(self, position: int) -> None:
        """Have the next element begin there."""
        self._next = position

    def value(self, element: Element) -> bytes:
        """Return the bytes of an element's value."""
        at = element.position - self._start
        value = self._window[at : at + element.length]
        if len(value) < element.length:
            self._file.seek(element.position)
            value = self._file.read(element.length)
        return value

    def _move_window(self, position: int) -> None:
        self._start = position
        self._file.seek(position)
        self._window = self._file.read(READ_AT_ONCE)
