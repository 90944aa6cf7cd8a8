"""The items of a sequence, and the elements in them, without looking into these (PS3.5 7.5).

pydicom makes a dataset of each item, which takes 40 µs: for half a million of them 20 s, and a
gigabyte. Here it is a tenth of both, and who needs only the first item does not read the others.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, KeysView
from struct import Struct
from typing import NamedTuple

from .elements import LONG_VRS
from .pixel_place import UNDEFINED_LENGTH

ITEM, END_OF_ITEM, END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
HEADER_SIZE = 8  # bytes, of an item, a delimiter, or an element of most VRs
_LONG_HEADER = 12


class RawElement(NamedTuple):
    """An element as it is in the file, with the names that pydicom's ``RawDataElement`` has.

    ``VR`` is None if the file does not say it. The value of a sequence has all its items, and the
    delimiter if its length is not said.
    """

    VR: str | None
    value: bytes
    is_implicit_VR: bool  # noqa: N815
    is_little_endian: bool


class SequenceItem:
    """The elements of an item by their tags; ``keys`` and ``get_item`` are those of a Dataset."""

    __slots__ = ("_elements",)

    def __init__(self, elements: dict[int, RawElement]) -> None:
        self._elements = elements

    def keys(self) -> KeysView[int]:
        """Return the tags, as they come in the file."""
        return self._elements.keys()

    def get_item(self, tag: int) -> RawElement | None:
        """Return an element; None if there is none."""
        return self._elements.get(tag)


def items_in(sequence: RawElement) -> Iterator[SequenceItem]:
    """Yield the items of a sequence. Raises ``ValueError`` when its bytes make no sense."""
    value = sequence.value
    encoding = sequence.is_implicit_VR, sequence.is_little_endian  # pydicom's has them, too
    data, position = _Bytes(value, *encoding), 0
    try:
        while position < len(value):
            length, position = data.item(position)
            if length is None:
                return
            end = None if length == UNDEFINED_LENGTH else position + length
            elements = {}
            for tag, vr, start, position in data.elements(position, end):  # noqa: B020
                element = RawElement(vr, value[start:position], *encoding)
                if elements.setdefault(tag, element) != element:  # readers take the first or last
                    raise ValueError("an element that is there twice")
            position = position + HEADER_SIZE if end is None else end
            yield SequenceItem(elements)
    except (struct.error, RecursionError) as error:
        raise ValueError(f"a sequence that cannot be read: {error}") from None


class _Bytes:
    """Finds items and elements in the value of a sequence.

    Single elements without a VR are taken for implicit ones, as pydicom takes them: some writers
    change over within sequences.
    """

    def __init__(self, data: bytes, is_implicit: bool, is_little_endian: bool) -> None:
        order = "<" if is_little_endian else ">"
        self._data = data
        self._is_implicit = is_implicit
        self._header = Struct(f"{order}HHI").unpack_from
        self._short, self._long = (Struct(order + code).unpack_from for code in "HI")

    def item(self, position: int) -> tuple[int | None, int]:
        """Return the length of an item and where it begins; None: there is a delimiter instead."""
        group, number, length = self._header(self._data, position)
        tag = group << 16 | number
        if tag not in (ITEM, END_OF_SEQUENCE):
            raise ValueError("something else than an item")
        return length if tag == ITEM else None, position + HEADER_SIZE

    def elements(
        self, position: int, end: int | None
    ) -> Iterator[tuple[int, str | None, int, int]]:
        """Yield the tag and VR of each element of an item, and where its value begins and ends."""
        data = self._data
        last = len(data) if end is None else end
        while end is None or position < end:
            group, number, length = self._header(data, position)
            if group == ITEM >> 16:
                if end is None and number == END_OF_ITEM & 0xFFFF:
                    return
                raise ValueError("a delimiter in an item")
            vr, start = None, position + HEADER_SIZE
            code = data[position + 4 : position + 6]
            if not self._is_implicit and b"AA" <= code <= b"ZZ":
                vr = code.decode("ascii", "replace")
                if code in LONG_VRS:
                    (length,) = self._long(data, position + HEADER_SIZE)
                    start = position + _LONG_HEADER
                else:
                    (length,) = self._short(data, position + 6)
            is_undefined = length == UNDEFINED_LENGTH
            position = self._end_of_sequence(start) if is_undefined else start + length
            if position > last:
                raise ValueError("a value that ends beyond its item")
            yield group << 16 | number, vr, start, position

    def _end_of_item(self, position: int) -> int:
        """Return where an item ends that begins there, with its delimiter."""
        for element in self.elements(position, None):
            position = element[-1]
        return position + HEADER_SIZE

    def _end_of_sequence(self, position: int) -> int:
        """Return where a sequence ends, or fragments that are items, too, with the delimiter."""
        while True:
            length, position = self.item(position)
            if length is None:
                return position
            is_undefined = length == UNDEFINED_LENGTH
            position = self._end_of_item(position) if is_undefined else position + length
