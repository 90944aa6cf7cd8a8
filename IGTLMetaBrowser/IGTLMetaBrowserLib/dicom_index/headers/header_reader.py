"""Reads the header of one file once: the dictionary's fields, and what an image is read by.

pydicom reads the meta information, and finds out how other files are encoded. Four things make
the rest several times as fast as ``dcmread``: only the attributes that are needed are looked at;
reading stops behind the last attribute that a file of its kind can have, before the pixels; values
stay the texts that they are in the file; and items of sequences are no datasets
(``sequence_items``).
"""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO, NamedTuple

from ...system_errors import reason_of
from ..fields import (
    CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
    FIRST_TAG,
    FRAME_OF_REFERENCE_UID,
    MODALITY,
    REFERENCED_STRUCTURE_SET_SEQUENCE,
    ROI_CONTOUR_SEQUENCE,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
    STRUCTURE_SET_ROI_SEQUENCE,
    STUDY_INSTANCE_UID,
    TAGS,
    fields_by_lookup,
    text_of,
)
from . import limited_file
from .buffer_file import BufferFile
from .elements import READ_AT_ONCE, Elements
from .image_header import ImageHeader, needed_tags, pack_header, read_image_header
from .limited_file import ITEM_TAGS, ElementCount, LimitedFile, TooLargeError
from .pixel_place import PIXEL_TAGS, UNDEFINED_LENGTH, PixelPlace
from .sequence_items import RawElement
from .sequences import Sequences
from .uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    RT_STRUCTURE_SET,
)

# The kinds of files:
DICOM = "dicom"
DICOMDIR = "dicomdir"
OTHER = "other"  # no DICOM
UNREADABLE = "unreadable"  # broken
UNREAD = ""
REFUSED = "refused"  # the system does not let it be read, has no memory, or it has vanished

# DICOM PS3.10 7.1: any 128 bytes, then the prefix.
_PREAMBLE = 128
_PREFIX = b"DICM"
LENGTH_OF_START = _PREAMBLE + len(_PREFIX)
"""How many bytes of a file ``looks_like_dicom`` has to know."""
# A header is smaller; a deflated file could inflate to a thousand times its size. What comes behind
# the header is only counted.
_LONGEST_INFLATED = 4 << 20
_INFLATED_AT_ONCE = 1 << 20
_ROWS = 0x00280010

# Items and delimiters (PS3.5 7.5) at the top level: the end of a sequence was missed.
_ITEM_GROUP = 0xFFFE
# Of a DICOMDIR (PS3.3 F.3): it says of files what the files say themselves.
_DIRECTORY_GROUP = 0x0004

_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_TRANSFER_SYNTAX_UID = 0x00020010
_OF_RADIOTHERAPY = "1.2.840.10008.5.1.4.1.1.481."  # SOP classes (PS3.6, Annex A)
# Those of DICOM that are not in ``uids`` are explicit little endian (PS3.5 A.4).
_DICOMS_OWN = "1.2.840.10008.1.2."

# The sequence delimiter (PS3.5 A.4): compressed pixels are little endian.
_END_OF_PIXELS = b"\xfe\xff\xdd\xe0" + bytes(4)

# A file that does not say itself that it is DICOM must have one of these to be taken for it.
_SIGNS_OF_DICOM = (
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    MODALITY,
    STUDY_INSTANCE_UID,
    SERIES_INSTANCE_UID,
)


class FileContent(NamedTuple):
    """What is in a file: of which kind it is, with the fields or the reason why there are none.

    ``values`` are those of ``PATHS``, in its order; empty if the kind is not ``DICOM``.
    ``image`` is an image's header as ``image_header.pack_header`` gives it, or ``header`` is it as
    it is; both are None if it is no image.
    """

    kind: str
    reason: str = ""
    values: tuple[str, ...] = ()
    sop_class: str = ""
    image: tuple[str, str] | None = None
    header: ImageHeader | None = None

    def packed_image(self) -> tuple[str, str] | None:
        """Return an image's header packed; None if it is no image."""
        return self.image if self.header is None else pack_header(self.header)


class _CutOffError(Exception):
    """What there is to read ends before it should."""


class _TwiceError(Exception):
    """It has two values of an attribute, of which readers take the first or the last."""


class _DicomdirError(Exception):
    """The file is a DICOMDIR."""


def read_file(path: str | bytes) -> FileContent:
    """Return what is in a file. What is wrong with it becomes the reason, nothing is raised.

    pydicom may warn of oddities."""
    try:
        with LimitedFile(path) as file:
            size = os.fstat(file.fileno()).st_size
            return _read_checked(io.BufferedReader(file, READ_AT_ONCE), size)
    except (OSError, MemoryError) as error:
        return FileContent(REFUSED, f"cannot be read: {reason_of(error)}")


def read_content(content: bytes | memoryview) -> FileContent:
    """Return what is in a file with these bytes, as ``read_file`` does."""
    try:
        return _read_checked(io.BufferedReader(BufferFile(content), READ_AT_ONCE), len(content))
    except OSError as error:  # pydicom's, of a sequence that is cut off: here is no disk
        return FileContent(UNREADABLE, f"cannot be read as DICOM: {error}")


def _read_checked(file: BinaryIO, size: int) -> FileContent:
    try:
        return _read(file, size)
    except (OSError, MemoryError):
        raise
    except _DicomdirError:
        return FileContent(DICOMDIR)
    except (_CutOffError, _TwiceError, TooLargeError) as error:
        return FileContent(UNREADABLE, str(error))
    except Exception as error:  # a broken file raises anything: struct.error, RecursionError ...
        reason = f"cannot be read as DICOM: {error or type(error).__name__}"
        return FileContent(UNREADABLE, reason)


def looks_like_dicom(start: bytes) -> bool:
    """Whether a file that begins so may be DICOM.

    It has DICM after the preamble, or (files older than that) a first element of group 0002 or
    0008.
    """
    little, big = start[:2], start[1::-1]
    old_style = little in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00"
    old_style_big_endian = big in (b"\x02\x00", b"\x08\x00") and start[2:3] == b"\x00"
    return has_prefix(start) or old_style or old_style_big_endian


def has_prefix(start: bytes) -> bool:
    """Whether a file that begins so says itself that it is DICOM (PS3.10, 7.1)."""
    return start[_PREAMBLE : _PREAMBLE + len(_PREFIX)] == _PREFIX


def _read(file: BinaryIO, size: int) -> FileContent:
    start = file.read(LENGTH_OF_START)
    if not looks_like_dicom(start):
        return FileContent(OTHER)
    file.seek(0)
    header = _Header(file, size)
    lookup = header.read().get
    if not header.has_prefix and not any(text_of(lookup, tag) for tag in _SIGNS_OF_DICOM):
        return FileContent(OTHER)
    image = read_image_header(lookup, header.transfer_syntax, header.pixels, header.size)
    if image and not image.problem and not header.are_pixels_ended():
        image = replace(image, problem="it is cut off: its pixels have no end; get it again")
    values = tuple(fields_by_lookup(lookup).values())
    sop_class = text_of(lookup, SOP_CLASS_UID) or header.media_storage_sop_class
    return FileContent(DICOM, "", values, sop_class, pack_header(image) if image else None)


class _Header:
    """The attributes that are needed, read from a file of ``size`` bytes (when it is inflated)."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size  # of what can be read
        self.size = size
        self._elements = ElementCount()
        self._is_plain = False
        self._is_inflated = False
        self._found: dict[int, Any] = {}
        self.has_prefix = False
        self.transfer_syntax = ""
        self.media_storage_sop_class = ""
        self.pixels: PixelPlace | None = None

    def read(self) -> dict[int, Any]:
        """Return the elements by their tags. Raises whatever pydicom does of a broken file."""
        self.has_prefix = has_prefix(self._file.read(LENGTH_OF_START))
        encoding = self._encoding() if self.has_prefix else None
        self._is_plain = encoding is not None
        self._walk(*(encoding or self._guessed_encoding()))
        return self._found

    def are_pixels_ended(self) -> bool:
        """Whether compressed pixels, of which the length is not said, end with their delimiter."""
        if self.pixels is None or self.pixels.length != UNDEFINED_LENGTH or self._is_inflated:
            return True
        self._file.seek(max(0, self._size - len(_END_OF_PIXELS)))
        if self._file.read(len(_END_OF_PIXELS)) == _END_OF_PIXELS:  # of nearly all files
            return True
        sequences = Sequences(self._file, False, True, ElementCount())
        return sequences.end_of(self.pixels.offset, b"OB", is_counted=False) is not None

    def _guessed_encoding(self) -> tuple[bool, bool]:
        """Have pydicom find out how the file is encoded, and go to its first element."""
        from pydicom.filereader import read_partial

        self._file.seek(0)
        dataset = read_partial(self._file, lambda *_: True, force=True)
        _, is_little_endian = dataset.original_encoding
        is_implicit = self._is_implicit()
        self.transfer_syntax = self.transfer_syntax or _syntax_of(is_implicit, is_little_endian)
        return is_implicit, is_little_endian

    def _walk(self, is_implicit: bool, is_little_endian: bool) -> None:
        """Keep the elements that are needed."""
        needed, encoding = tags_read(), (is_implicit, is_little_endian)
        limit, longest = FRAME_OF_REFERENCE_UID, limited_file.LONGEST
        elements = Elements(self._file, *encoding)
        sequences = Sequences(self._file, *encoding, self._elements)
        for element in elements:
            self._elements.add()
            tag, vr, length, _, position = element
            is_odd = not FIRST_TAG <= tag <= limit or tag >> 16 == _DIRECTORY_GROUP
            is_long = length > longest or position + length > self._size
            if (is_odd or is_long) and self._stop(tag, length, position):
                return
            if _ROWS in self._found:
                limit = min(PIXEL_TAGS) - 1  # before them, nothing can end the reading
            if length == UNDEFINED_LENGTH:
                end = sequences.end_of(position, vr, is_counted=tag in needed)
                if end is None:
                    raise _CutOffError(f"has no end of {_name_of(tag)}")
                if tag in needed:
                    limited_file.check_length(end - position)
                    whole = element._replace(length=end - position)
                    self._keep(tag, _raw(vr, elements.value(whole), *encoding))
                elements.go_on_at(end)
            elif tag in needed:
                value = elements.value(element)
                if value[:4] in ITEM_TAGS:
                    sequences.count_elements(position, length)
                self._keep(tag, _raw(vr, value, *encoding))

    def _keep(self, tag: int, element: RawElement) -> None:
        if self._found.setdefault(tag, element) != element:
            raise _TwiceError(f"has {_name_of(tag)} twice, with different values")

    def _encoding(self) -> tuple[bool, bool] | None:
        """Read the file meta information; return whether what follows is implicit and little.

        None if the file does not say, or what it says is not so.
        """
        from pydicom.filereader import data_element_generator

        syntax = ""
        for element in data_element_generator(
            self._file, False, True, lambda tag, *_: tag >> 16 != 2, None, "ascii"
        ):
            if element.tag == _TRANSFER_SYNTAX_UID:
                syntax = _uid_in(element.value)
            elif element.tag == _MEDIA_STORAGE_SOP_CLASS_UID:
                self.media_storage_sop_class = _uid_in(element.value)
        self.transfer_syntax = syntax
        if not f"{syntax}.".startswith(_DICOMS_OWN):
            return None
        if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            self._inflate()
        is_implicit = self._is_implicit()
        if is_implicit != (syntax == IMPLICIT_VR_LITTLE_ENDIAN):
            return None
        return is_implicit, syntax != EXPLICIT_VR_BIG_ENDIAN

    def _is_implicit(self) -> bool:
        """Whether the element that comes next has no VR."""
        start = self._file.read(6)
        self._file.seek(-len(start), os.SEEK_CUR)
        return not (start[4:6].isalpha() and start[4:6].isupper())

    def _inflate(self) -> None:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflater.decompress(self._file.read(_LONGEST_INFLATED), _LONGEST_INFLATED)
        self.size = len(data) + _rest_of(inflater, self._file)
        self._file, self._size = io.BytesIO(data), len(data)
        self._is_inflated = True

    def _stop(self, tag: int, length: int, position: int) -> bool:
        """Whether nothing that is needed can follow an element whose value begins there."""
        if tag in PIXEL_TAGS:
            place = (0, UNDEFINED_LENGTH) if self._is_inflated else (position, length)
            self.pixels = PixelPlace(PIXEL_TAGS[tag], *place)
            return True
        if tag >> 16 == _ITEM_GROUP or tag < FIRST_TAG:
            return True
        if tag > FRAME_OF_REFERENCE_UID and tag > self._last_tag(tag):
            return True
        if tag >> 16 == _DIRECTORY_GROUP:
            raise _DicomdirError
        if length != UNDEFINED_LENGTH and position + length > self._size:
            raise _CutOffError(f"is cut off within {_name_of(tag)}")
        if length != UNDEFINED_LENGTH and tag in tags_read():
            limited_file.check_length(length)
        return False

    def _last_tag(self, tag: int) -> int:
        """The last tag that is needed before the pixels, as far as what was read can tell."""
        if not self._is_plain or tag <= _ROWS or _ROWS in self._found:
            return max(PIXEL_TAGS)
        modality, sop_class = (text_of(self._found.get, one) for one in (MODALITY, SOP_CLASS_UID))
        if modality == "RTSTRUCT" or sop_class == RT_STRUCTURE_SET:
            fields = fields_by_lookup(self._found.get)
            # The contours name their images too, but they are long.
            return STRUCTURE_SET_ROI_SEQUENCE if fields["reference_ct"] else ROI_CONTOUR_SEQUENCE
        if not modality or modality.startswith("RT") or sop_class.startswith(_OF_RADIOTHERAPY):
            return REFERENCED_STRUCTURE_SET_SEQUENCE
        return CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE


def _uid_in(value: bytes | None) -> str:
    """Return the UID that pydicom has read; of an element that is empty, with a wrong VR, None."""
    return (value or b"").decode("ascii").rstrip(" \0")


def _rest_of(inflater: Any, file: BinaryIO) -> int:
    """Return how many bytes more a file inflates to. Raises ``TooLargeError``."""
    count = 0
    data = inflater.unconsumed_tail
    while data and not inflater.eof:
        count += len(inflater.decompress(data, _INFLATED_AT_ONCE))
        if count > limited_file.LONGEST:
            raise TooLargeError(f"it inflates to more than {limited_file.LONGEST >> 20} MiB")
        data = inflater.unconsumed_tail or file.read(_INFLATED_AT_ONCE)
    return count


def _raw(vr: bytes | None, value: bytes, is_implicit: bool, is_little_endian: bool) -> RawElement:
    name = None if vr is None else vr.decode("ascii", "replace")
    return RawElement(name, value, is_implicit, is_little_endian)


def _name_of(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _syntax_of(is_implicit: bool, is_little_endian: bool) -> str:
    """Return the transfer syntax of a file that does not name it."""
    if is_implicit:
        return IMPLICIT_VR_LITTLE_ENDIAN
    return EXPLICIT_VR_LITTLE_ENDIAN if is_little_endian else EXPLICIT_VR_BIG_ENDIAN


@cache
def tags_read() -> frozenset[int]:
    """Return the tags of all elements whose values are read."""
    return frozenset({*TAGS, *needed_tags(), SOP_CLASS_UID, SPECIFIC_CHARACTER_SET})
