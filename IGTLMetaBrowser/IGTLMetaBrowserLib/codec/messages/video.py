"""VIDEO: one coded frame of a video (OpenIGTLink ``video.md``; ``igtl_video.h``).

======  =======  ==============  =================================================================
offset  type     field           meaning
======  =======  ==============  =================================================================
0       u16      header version  1
2       u8       endian          of the pixels that were coded: 1 big, 2 little
3       char[4]  codec           FourCC: ``VP90``, ``H264``, ``X265``, ``O265``, ``AV10``, ``I420``
7       u16      frame type      see ``VideoMessage``
9       u8       coordinates     1 RAS, 2 LPS (The document gives it three bytes.)
10      u16×3    size            pixels along i, j, k (The document gives it two bytes.)
16      f32×12   matrix          i, j and k axis times pixel size (mm), then the position (mm)
64      u16×3    offset          first pixel of the part that is sent
70      u16×3    part            its pixels along i, j, k
76      u8[]     frame           as the codec made it, up to the end of the content
======  =======  ==============  =================================================================

STT_VIDEO asks for a stream of them, 9 bytes:

======  =======  =============  ==================================================================
offset  type     field          meaning
======  =======  =============  ==================================================================
0       char[4]  codec          the one to send
4       u32      time interval  least time between two frames, ms; 0: as fast as can be
8       u8       reserved       (The document does not have it; the C++ library sends it.)
======  =======  =============  ==================================================================

STP_VIDEO has no content. The list of what can be asked for is VIDEOMETA.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..arrays import float32_array
from ..errors import DecodeError, EncodeError
from ..wire import Buffer, Reader, byte_view, decode_text, encode_text, whole_number
from .base import Message, member_or_number, register
from .image import LITTLE_ENDIAN, Coordinates, Size, checked_size, unit_matrix
from .query import QueryWithFields, StartMessage

_FORMAT_VERSION = 1
_LAYOUT = struct.Struct(">HB4sHB3H12f3H3H")
_START_LAYOUT = struct.Struct(">4sI")
_coordinates = member_or_number(Coordinates)


@register
@dataclass(eq=False)
class VideoMessage(Message):
    """One coded frame, of which the codec here knows only the header.

    frame
        The bytes that the codec made; None of their fields is read.
    codec
        FourCC, up to 4 bytes.
    size
        Pixels of the whole image along i, j, k.
    frame_type
        0 to 65535: 1 key frame, 2 intra and 3 inter prediction, 4 skipped, 0 invalid, 5 unknown;
        some encoders of the C++ library send the numbers of their own libraries. Times 256
        where the frame is gray.
    matrix
        Array of shape (3, 4), mm: columns 0 to 2 are the i, j and k axis times pixel size, column 3
        is the position, in ``coordinates``; of the image's center, as in IMAGE and VIDEOMETA.
    coordinates
        ``Coordinates``, or the plain number if a peer sent another.
    endian
        Byte order of the pixels that were coded: 1 big, 2 little.
    offset, part
        First pixel and size of what ``frame`` shows, if that is a part of the image; ``part``
        is None if it is the whole.
    """

    wire_type: ClassVar[str] = "VIDEO"

    frame: Buffer = b""
    codec: str = "VP90"
    size: Size = (0, 0, 1)
    frame_type: int = 1
    matrix: np.ndarray = field(default_factory=unit_matrix)
    coordinates: Coordinates | int = Coordinates.RAS
    endian: int = LITTLE_ENDIAN
    offset: Size = (0, 0, 0)
    part: Size | None = None

    def pack_content(self) -> list[Buffer]:
        """Return header and frame; the frame is not copied."""
        matrix = float32_array(self.matrix, "numbers of the matrix")
        if matrix.shape != (3, 4):
            raise EncodeError(f"the matrix of VIDEO has the shape (3, 4), not {matrix.shape}")
        frame = byte_view(self.frame, "the frame of VIDEO")
        return [self._pack_header(matrix.T.ravel().tolist()), frame]

    def _pack_header(self, matrix: list[float]) -> bytes:
        size = checked_size(self.size, "the size of VIDEO")
        return _LAYOUT.pack(
            _FORMAT_VERSION,
            whole_number(self.endian, 0, 0xFF, "the endian of VIDEO"),
            encode_text(self.codec, 4, "codec"),
            whole_number(self.frame_type, 0, 0xFFFF, "the frame type of VIDEO"),
            whole_number(self.coordinates, 0, 0xFF, "the coordinates of VIDEO"),
            *size,
            *matrix,
            *checked_size(self.offset, "the offset of VIDEO"),
            *(size if self.part is None else checked_size(self.part, "the part of VIDEO")),
        )

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> VideoMessage:
        """Read a frame of format version 1."""
        reader = Reader(content, "VIDEO")
        version, endian, codec, frame_type, coordinates, *numbers = reader.unpack(_LAYOUT, "header")
        if version != _FORMAT_VERSION:
            raise DecodeError(f"VIDEO has the format version {version}; {_FORMAT_VERSION} is known")
        size, matrix, offset, part = numbers[:3], numbers[3:15], numbers[15:18], numbers[18:]
        return cls(
            frame=bytes(reader.rest()),
            codec=decode_text(codec),
            size=tuple(size),
            frame_type=frame_type,
            matrix=np.array(matrix).reshape(4, 3).T,
            coordinates=_coordinates(coordinates),
            endian=endian,
            offset=tuple(offset),
            part=None if part == size else tuple(part),
            **header_fields,
        )


@register
@dataclass(eq=False)
class StartVideoMessage(QueryWithFields, StartMessage):
    """Asks for a stream of VIDEO.

    ``codec`` is a FourCC, ``time_interval`` the least time between two frames in ms, 0 to 2³²−1.
    """

    wire_type: ClassVar[str] = "STT_VIDEO"
    data_type = "VIDEO"

    codec: str = "VP90"
    time_interval: int = 50

    def pack_content(self) -> list[Buffer]:
        """Return 9 bytes."""
        codec = encode_text(self.codec, 4, "codec")
        time_interval = whole_number(self.time_interval, 0, 0xFFFFFFFF, "time interval in ms")
        return [_START_LAYOUT.pack(codec, time_interval), b"\0"]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StartVideoMessage:
        """Read 9 bytes, or 8 as the document has it, or none, which is VP90 every 50 ms."""
        if not content:
            return cls(**header_fields)
        reader = Reader(content, cls.wire_type)
        codec, time_interval = reader.unpack(_START_LAYOUT, "fields")
        if reader.remaining:
            reader.take(1, "reserved byte")
        reader.expect_end()
        return cls(decode_text(codec), time_interval, **header_fields)
