"""Reads the headers of the slices of a series, most of which are like the one before.

Two slices of a volume differ in a few values: their UID, number, position and time. If all other
bytes of a header are those of one that was read, at the same places, all else is as in that one,
and need not be read again: it takes a tenth of the time. Other headers are read as any file's.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from io import BytesIO
from typing import NamedTuple

from ...lengths import LONGEST
from ..fields import PATHS, SOP_INSTANCE_UID, without_padding
from .elements import Elements
from .header_reader import DICOM, FileContent, read_content, tags_read
from .image_header import TRANSFER_SYNTAX_UID, ImageHeader, unpack_header
from .limited_file import ElementCount, TooLargeError
from .pixel_place import PIXEL_TAGS, UNDEFINED_LENGTH
from .plausible_numbers import floats
from .sequences import Sequences
from .uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

# Of each of them, the index keeps the text as it is (``image_header.OWN_KEYWORDS``), and nothing
# else depends on it.
_VARYING = {
    0x00080018: "SOPInstanceUID",
    0x00080023: "ContentDate",
    0x00080032: "AcquisitionTime",
    0x00080033: "ContentTime",
    0x00200013: "InstanceNumber",
    0x00200032: "ImagePositionPatient",
}
_NUMBERS = {"InstanceNumber": 1, "ImagePositionPatient": 3}
# PS3.10 7.1: behind preamble and prefix, an element says how long the meta information is.
_META = 132
_META_LENGTH = struct.Struct("<HH2sHI")


class _Pattern(NamedTuple):
    """A header that was read: what of its bytes is the same in all that are like it."""

    file_size: int
    same: list[tuple[int, int, bytes]]
    varying: dict[str, tuple[int, int]]
    content: FileContent
    header: ImageHeader

    @property
    def start_size(self) -> int:
        """How many bytes come before the pixels."""
        return self.same[-1][1]


class SimilarHeaders:
    """Reads the headers of files one after the other, as ``read_content`` does.

    Several threads may have some read.
    """

    def __init__(self) -> None:
        self._pattern: _Pattern | None = None

    def read(self, content: bytes | memoryview) -> FileContent:
        """Return what is in a file with these bytes."""
        found = self.read_start(content, len(content))
        if found is not None:
            return found
        found = read_content(content)
        self._pattern = _pattern_of(content, found)
        return found

    def start_size(self, size: int) -> int | None:
        """Return how much of a file of ``size`` bytes ``read_start`` needs; None: all is needed."""
        pattern = self._pattern
        return None if pattern is None or size != pattern.file_size else pattern.start_size

    def read_start(self, start: bytes | memoryview, size: int) -> FileContent | None:
        """Return what is in a file of ``size`` bytes that begins so; None if all is needed."""
        pattern = self._pattern  # another thread may set another one
        if pattern is None or size != pattern.file_size or len(start) < pattern.start_size:
            return None
        return _read_like(pattern, bytes(start[: pattern.start_size]))


def _read_like(pattern: _Pattern, start: bytes) -> FileContent | None:
    """Return what is in a file if its header is like the pattern; None if it is not."""
    for begin, end, same in pattern.same:
        if start[begin:end] != same:
            return None
    texts = _texts(start, pattern.varying)
    if not all(texts.values()):
        return None
    content, like = pattern.content, pattern.header
    header = ImageHeader(like.shared, {**like.own, **texts}, {}, like.pixels)
    values = list(content.values)
    values[_instance_uid()] = texts["SOPInstanceUID"]
    return FileContent(DICOM, "", tuple(values), content.sop_class, None, header)


def _texts(start: bytes, places: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    return {keyword: _text(start[begin:end], keyword) for keyword, (begin, end) in places.items()}


def _text(value: bytes, keyword: str) -> str:
    """Return a value as the index keeps it; nothing if it takes more to read it."""
    if not value.isascii() or b"\x1b" in value:
        return ""
    text = without_padding(value.decode("ascii"))
    count = _NUMBERS.get(keyword)
    if count is not None:
        numbers = floats(text)
        if len(numbers) != count or not all(abs(number) <= LONGEST for number in numbers):
            return ""
    return text


def _pattern_of(content: bytes | memoryview, found: FileContent) -> _Pattern | None:
    """Return what headers like this one have in common; None if it has what takes more to read."""
    if found.kind != DICOM or found.image is None:
        return None
    header = unpack_header(json.loads(found.image[0]), found.image[1])
    is_simple = header.pixels is not None and not header.frames and not header.problem
    if not is_simple or header.pixels is None or not header.pixels.offset:
        return None
    end = header.pixels.offset
    start = bytes(content[:end])
    try:
        free = list(_free_places(start, header.get(TRANSFER_SYNTAX_UID)))
    except (ValueError, TooLargeError):
        return None
    varying = {_VARYING[tag]: (begin, end) for tag, begin, end in free if tag in _VARYING}
    texts = _texts(start, varying)
    is_as_read = all(text and header.own.get(keyword) == text for keyword, text in texts.items())
    is_twice = len(varying) < sum(tag in _VARYING for tag, *_ in free)
    if "SOPInstanceUID" not in varying or not is_as_read or is_twice:
        return None
    same, position = [], 0
    for _, begin, stop in [*free, (0, end, end)]:
        same.append((position, begin, start[position:begin]))
        position = stop
    return _Pattern(len(content), same, varying, found, header)


def _free_places(start: bytes, syntax: str) -> Iterator[tuple[int, int, int]]:
    """Yield tag, begin and end of each value that may be another in a header like this one.

    That are those that nobody reads, and those that vary. ``start`` ends where the pixels begin.
    Raises ``ValueError`` if the header has what cannot be passed over.
    """
    if (
        syntax not in (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)
        or len(start) < _META + 12
    ):
        raise ValueError("another encoding")
    *_, length = _META_LENGTH.unpack_from(start, _META)
    # The meta information counts as a whole, but for the UID: it is checked where it is read.
    yield from _free_in(start, _META, _META + 12 + length, is_implicit=False)
    begin = _META + 12 + length
    yield from _free_in(start, begin, len(start), is_implicit=syntax == IMPLICIT_VR_LITTLE_ENDIAN)


def _free_in(
    start: bytes, begin: int, end: int, *, is_implicit: bool
) -> Iterator[tuple[int, int, int]]:
    file = BytesIO(start[:end])
    file.seek(begin)
    needed = tags_read()
    elements = Elements(file, is_implicit, True)
    sequences = Sequences(file, is_implicit, True, ElementCount())
    for tag, vr, length, _, position in elements:
        if tag in PIXEL_TAGS:
            return
        if length == UNDEFINED_LENGTH:
            behind = sequences.end_of(position, vr, is_counted=False)
            if behind is None:
                raise ValueError("a sequence without an end")
            elements.go_on_at(behind)
            continue
        if position + length > end:
            raise ValueError("an element that ends beyond the header")
        is_meta = tag >> 16 == 2
        is_free = tag == 0x00020003 if is_meta else tag not in needed or tag in _VARYING
        if is_free and length:
            yield tag, position, position + length


@cache
def _instance_uid() -> int:
    """Return which of a file's fields is its SOPInstanceUID; no other varies."""
    assert not any(
        tag in _VARYING and tag != SOP_INSTANCE_UID
        for paths in PATHS.values()
        for (tag, *_) in paths
    )
    return [*PATHS].index("instance_uid")
