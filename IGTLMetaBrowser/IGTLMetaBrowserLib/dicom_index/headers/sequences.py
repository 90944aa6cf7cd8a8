"""Finds where sequences end, and counts what is in them, before anything is made of it (PS3.5 7.5).

pydicom finds the end of a sequence of undefined length by making objects of all that it holds: of a
file of 100 MB, a million in a second, and gigabytes of them. Here they are only counted.
"""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO

from .elements import LONG_VRS, LONGEST_ELEMENT_HEADER, READ_AT_ONCE
from .limited_file import ElementCount, TooLargeError
from .pixel_place import UNDEFINED_LENGTH
from .sequence_items import END_OF_ITEM, END_OF_SEQUENCE, HEADER_SIZE, ITEM

_NONE = -1  # no tag
# A structured report has ten; Python's own limit is a thousand calls, of which pydicom needs three.
_DEEPEST = 64


class Sequences:
    """The sequences of a file; ``count`` is that of all its elements.

    ``is_implicit`` says how elements are encoded. Single ones without a VR are taken for implicit
    ones, as pydicom takes them: some writers change over within sequences.
    """

    def __init__(
        self, file: BinaryIO, is_implicit: bool, is_little_endian: bool, count: ElementCount
    ) -> None:
        order = "<" if is_little_endian else ">"
        self._item = Struct(f"{order}HHI")
        self._lengths = Struct(f"{order}H"), Struct(f"{order}I")
        self._is_implicit = is_implicit
        self._file = file
        self._count = count
        self._window, self._start = b"", 0

    def end_of(self, position: int, vr: bytes | None, is_counted: bool) -> int | None:
        """Return where a value of undefined length that begins there ends, with its delimiter.

        None if it is not made of items, or the file ends before. If it ``is_counted``, so are
        elements in what says how long it is. Raises ``TooLargeError``.
        """
        if _has_fragments(vr):
            return self._end_of_fragments(position)
        return self._walk(position, None, is_counted)

    def count_elements(self, position: int, length: int) -> None:
        """Count those in a sequence that says how long it is. Raises ``TooLargeError``."""
        self._walk(position, position + length, True)

    def _walk(self, position: int, end: int | None, is_deep: bool) -> int | None:
        # Of the sequence, its item, a sequence in that …; None stands for a delimiter.
        ends: list[int | None] = [end]
        while ends:
            last = ends[-1]
            if last is not None and position >= last:
                ends.pop()
                continue
            tag, vr, length, position = self._element(position)
            is_in_sequence = len(ends) % 2 == 1
            if tag == (END_OF_SEQUENCE if is_in_sequence else END_OF_ITEM) and last is None:
                ends.pop()
                continue
            if tag == _NONE or is_in_sequence != (tag == ITEM):
                return None
            self._count.add()
            if is_deep and is_in_sequence:
                self._count_item(position, length)
            if length == UNDEFINED_LENGTH and _has_fragments(vr):
                after = self._end_of_fragments(position)
                if after is None:
                    return None
                position = after
            elif length == UNDEFINED_LENGTH:
                ends.append(None)
            elif is_deep and (is_in_sequence or self._is_sequence(vr, position, length)):
                ends.append(position + length)
            else:
                position += length
            if len(ends) > 2 * _DEEPEST:
                raise TooLargeError(f"it has more than {_DEEPEST} sequences within each other")
        return position

    def _count_item(self, position: int, length: int) -> None:
        """Count an item, of which pydicom makes an object. Raises ``TooLargeError``."""
        has_no_length = length == UNDEFINED_LENGTH
        is_empty = self._element(position)[0] == END_OF_ITEM if has_no_length else not length
        self._count.add_item(is_empty)

    def _end_of_fragments(self, position: int) -> int | None:
        """Return where encapsulated pixels end (PS3.5 A.4), such as those of an icon."""
        while True:
            tag, _, length, position = self._element(position)
            if tag == END_OF_SEQUENCE:
                return position
            if tag != ITEM or length == UNDEFINED_LENGTH:
                return None
            self._count.add()
            position += length

    def _is_sequence(self, vr: bytes | None, position: int, length: int) -> bool:
        if vr not in (None, b"UN"):
            return vr == b"SQ"
        return length >= HEADER_SIZE and self._element(position)[0] == ITEM

    def _element(self, position: int) -> tuple[int, bytes | None, int, int]:
        """Return the tag, VR (None in items and implicit elements) and length of an element, and
        where its value begins; ``_NONE`` at the end of the file.
        """
        at = position - self._start
        if not 0 <= at <= len(self._window) - LONGEST_ELEMENT_HEADER:
            self._file.seek(position)
            self._window, self._start, at = self._file.read(READ_AT_ONCE), position, 0
            if len(self._window) < HEADER_SIZE:
                return _NONE, None, 0, position
        group, number, length = self._item.unpack_from(self._window, at)
        vr = self._window[at + 4 : at + 6]
        if self._is_implicit or group == ITEM >> 16 or not b"AA" <= vr <= b"ZZ":
            return group << 16 | number, None, length, position + HEADER_SIZE
        short, long = self._lengths
        if vr not in LONG_VRS:
            return group << 16 | number, vr, *short.unpack_from(self._window, at + 6), position + 8
        if len(self._window) < at + LONGEST_ELEMENT_HEADER:
            return _NONE, None, 0, position
        return group << 16 | number, vr, *long.unpack_from(self._window, at + 8), position + 12


def _has_fragments(vr: bytes | None) -> bool:
    return vr not in (None, b"SQ", b"UN")
