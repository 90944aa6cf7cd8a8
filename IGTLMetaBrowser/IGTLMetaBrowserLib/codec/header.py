"""The frame around every message (OpenIGTLink ``header.md``; ``igtl_header.h``).

Header, 58 bytes:

======  ========  ===============  ============================================================
offset  type      field            meaning
======  ========  ===============  ============================================================
0       u16       version          1 (protocol 1 and 2) or 2 (protocol 3)
2       char[12]  type             what the content is, for example ``IMAGE`` or ``GET_IMAGE``
14      char[20]  device name      who sends it, or in a query what is asked for
34      u64       timestamp        see ``timestamp``
42      u64       body size        bytes that follow the header
50      u64       CRC              CRC-64 of the body, see ``crc64``
======  ========  ===============  ============================================================

The body of version 1 is the content. The body of version 2 is extended header, content,
metadata header, metadata. The extended header:

======  ====  ====================  ===========================================================
offset  type  field                 meaning
======  ====  ====================  ===========================================================
0       u16   extended header size  12, or more: bytes beyond those known here are passed over
2       u16   metadata header size  bytes
4       u32   metadata size         bytes
8       u32   message id            chosen by the sender
======  ====  ====================  ===========================================================
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from .errors import DecodeError
from .timestamp import Timestamp, timestamp_from_wire
from .wire import Buffer, Reader, decode_text, encode_text, whole_number

HEADER_LAYOUT = struct.Struct(">H12s20sQQQ")
HEADER_SIZE = HEADER_LAYOUT.size
EXTENDED_HEADER_LAYOUT = struct.Struct(">HHII")
EXTENDED_HEADER_SIZE = EXTENDED_HEADER_LAYOUT.size
TYPE_NAME_SIZE = 12
DEVICE_NAME_SIZE = 20
MADE_ID_SIZE = DEVICE_NAME_SIZE - 1
"""Of an id that is made here: the C++ library reads a field without a NUL at its end as empty."""
# Header version 1 is protocol 1 and 2, header version 2 is protocol 3 (``header.md``).
KNOWN_VERSIONS = (1, 2)


# The same few names come with every message of a stream.
_decode_name = lru_cache(maxsize=256)(decode_text)


class Header(NamedTuple):
    """The first 58 bytes of a message."""

    version: int
    type_name: str
    device_name: str
    timestamp: Timestamp
    body_size: int
    crc: int

    @classmethod
    def unpack(cls, data: Buffer, start: int = 0) -> Header:
        """Read a header from the 58 bytes of ``data`` that begin at ``start``."""
        try:
            numbers = HEADER_LAYOUT.unpack_from(data, start)
        except struct.error:
            there = max(0, len(data) - start)
            raise DecodeError(f"a header has {HEADER_SIZE} bytes; {there} are there") from None
        version, type_name, device_name, timestamp, body_size, crc = numbers
        fields = (
            version,
            _decode_name(type_name),
            _decode_name(device_name),
            timestamp_from_wire(timestamp),
            body_size,
            crc,
        )
        # As cls(…) does, in half the time: this is done for every small message of a stream.
        return tuple.__new__(cls, fields)

    def pack(self) -> bytes:
        """Return the 58 bytes."""
        return HEADER_LAYOUT.pack(
            self.version,
            encode_text(self.type_name, TYPE_NAME_SIZE, "type name"),
            encode_text(self.device_name, DEVICE_NAME_SIZE, "device name"),
            whole_number(self.timestamp, 0, 0xFFFFFFFFFFFFFFFF, "timestamp"),
            self.body_size,
            self.crc,
        )


class Body(NamedTuple):
    """The parts of a version-2 body. Views of the message's bytes, not copies."""

    content: memoryview
    metadata_header: memoryview
    metadata: memoryview
    message_id: int

    @classmethod
    def unpack(cls, body: memoryview) -> Body:
        """Split a version-2 body by its extended header; nothing at all is a body of no parts."""
        if not body:  # so do some peers send queries
            return cls(body, body, body, 0)
        reader = Reader(body, "version-2 body")
        extended_size, metadata_header_size, metadata_size, message_id = reader.unpack(
            EXTENDED_HEADER_LAYOUT, "extended header"
        )
        # Later versions of the protocol may append fields: more is passed over, less cannot be.
        if extended_size < EXTENDED_HEADER_SIZE:
            raise DecodeError(
                f"the extended header gives its own size as {extended_size} bytes; "
                f"the least is {EXTENDED_HEADER_SIZE}"
            )
        reader.take(extended_size - EXTENDED_HEADER_SIZE, "extended header")
        content_size = reader.remaining - metadata_header_size - metadata_size
        if content_size < 0:
            raise DecodeError(
                f"the extended header claims {metadata_header_size} + {metadata_size} bytes of "
                f"metadata; {reader.remaining} bytes are there for content and metadata"
            )
        return cls(
            reader.take(content_size, "content"),
            reader.take(metadata_header_size, "metadata header"),
            reader.take(metadata_size, "metadata"),
            message_id,
        )
