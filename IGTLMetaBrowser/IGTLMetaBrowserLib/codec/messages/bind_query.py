"""GET_BIND, STT_BIND and RTS_BIND: queries for BIND (OpenIGTLink ``bind.md``; ``igtl_bind.c``).

GET_BIND asks for one message, with the type and device name of each child; or with no content, for
all that there is:

========  =================  ===============================================================
type      field              meaning
========  =================  ===============================================================
u16       count              number of child messages
char[12]  type name          of a child, ``count`` times
u16       name table size    bytes, with the padding
char[]    device names       of each child, of up to 20 bytes, with a NUL at its end
u8        padding            0, if the names have an odd number of bytes
========  =================  ===============================================================

STT_BIND asks for a stream: resolution u64, the least time between two messages in ns; then as in
GET_BIND. RTS_BIND answers it, 1 byte: status u8, 0 success, 1 error. STP_BIND has no content.

The document has either the resolution or the children, and no status; this is what the library
packs. It leaves out the padding here, but refuses to read what is not padded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ..errors import EncodeError
from ..header import TYPE_NAME_SIZE
from ..wire import Buffer, Reader, decode_text, whole_number
from .base import register
from .bind import (
    COUNT_LAYOUT,
    LARGEST_CHILD_COUNT,
    encode_type_name,
    pack_names,
    read_names,
    require_list,
)
from .query import GetMessage, QueryWithFields, StartMessage, StatusReturnMessage

_RESOLUTION_LAYOUT = struct.Struct(">Q")


class ChildName(NamedTuple):
    """Which child is asked for."""

    type_name: str
    device_name: str


@register
@dataclass(eq=False)
class GetBindMessage(QueryWithFields, GetMessage):
    """Asks for a BIND.

    children
        Type and device name of each child; None asks for all that there is. (The C++ library
        cannot ask for all: without children it sends the empty list.)
    is_padded
        Whether the names are padded to an even number of bytes, as the document says.
    """

    wire_type: ClassVar[str] = "GET_BIND"
    data_type = "BIND"

    children: Sequence[ChildName] | None = None
    is_padded: bool = True

    def pack_content(self) -> list[Buffer]:
        """Return type and device names."""
        return [_pack_request(self.children, self.is_padded, self.wire_type)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> GetBindMessage:
        """Read what is asked for."""
        return cls(*_read_request(Reader(content, cls.wire_type)), **header_fields)


@register
@dataclass(eq=False)
class StartBindMessage(QueryWithFields, StartMessage):
    """Asks for a stream of BIND.

    ``resolution`` is the least time between two messages in ns, from 0 to 2⁶⁴−1. The other fields
    are those of ``GetBindMessage``.
    """

    wire_type: ClassVar[str] = "STT_BIND"
    data_type = "BIND"

    resolution: int = 0
    children: Sequence[ChildName] | None = None
    is_padded: bool = True

    def pack_content(self) -> list[Buffer]:
        """Return resolution, type and device names."""
        resolution = whole_number(self.resolution, 0, 0xFFFFFFFFFFFFFFFF, "resolution in ns")
        request = _pack_request(self.children, self.is_padded, self.wire_type)
        return [_RESOLUTION_LAYOUT.pack(resolution), request]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StartBindMessage:
        """Read what is asked for; no content at all is as fast as can be."""
        if not content:
            return cls(**header_fields)
        reader = Reader(content, cls.wire_type)
        (resolution,) = reader.unpack(_RESOLUTION_LAYOUT, "resolution")
        return cls(resolution, *_read_request(reader), **header_fields)


@register
class RTSBindMessage(StatusReturnMessage):
    """Answers STT_BIND and STP_BIND."""

    wire_type: ClassVar[str] = "RTS_BIND"
    data_type = "BIND"


def _pack_request(children: Sequence[ChildName] | None, is_padded: bool, what: str) -> bytes:
    if children is None:
        return b""
    try:
        names = [ChildName(*child) for child in require_list(children, "type and device names")]
    except TypeError as error:
        raise EncodeError(f"the children that {what} asks for are {children!r}: {error}") from None
    if len(names) > LARGEST_CHILD_COUNT:
        raise EncodeError(f"{len(names)} children of BIND; the limit is {LARGEST_CHILD_COUNT}")
    types = b"".join(encode_type_name(name.type_name) for name in names)
    return (
        COUNT_LAYOUT.pack(len(names))
        + types
        + pack_names((name.device_name for name in names), is_padded)
    )


def _read_request(reader: Reader) -> tuple[list[ChildName] | None, bool]:
    if not reader.remaining:
        return None, True
    (count,) = reader.unpack(COUNT_LAYOUT, "count")
    data = bytes(reader.take(count * TYPE_NAME_SIZE, "types"))
    starts = range(0, len(data), TYPE_NAME_SIZE)
    types = [decode_text(data[start : start + TYPE_NAME_SIZE]) for start in starts]
    names, is_padded = read_names(reader, count)
    reader.expect_end()
    return list(map(ChildName, types, names)), is_padded
