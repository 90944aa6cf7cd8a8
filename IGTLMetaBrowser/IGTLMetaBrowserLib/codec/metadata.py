"""Metadata of version-2 messages: keys and values (OpenIGTLink ``header.md``, "Metadata Fields").

Metadata header:

========  ================  ===================================================
type      field             meaning
========  ================  ===================================================
u16       count             number of entries
u16       key size          bytes; this and the next two fields ``count`` times
u16       value encoding    MIBenum: 3 US-ASCII, 106 UTF-8
u32       value size        bytes
========  ================  ===================================================

The metadata follows the content: key, value, key, value … without separators.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from .errors import DecodeError, EncodeError
from .wire import Buffer, Reader, encode_string

US_ASCII = 3
UTF_8 = 106

# Other character sets of the IANA registry that peers on Windows and in East Asia use.
_CODECS = {
    US_ASCII: "ascii",
    4: "iso8859-1",
    17: "shift_jis",
    18: "euc_jp",
    38: "euc_kr",
    UTF_8: "utf-8",
    113: "gbk",
    1013: "utf-16-be",
    1014: "utf-16-le",
    1015: "utf-16",
    2025: "gb2312",
    2026: "big5",
    2252: "cp1252",
}

_COUNT = struct.Struct(">H")
_ENTRY = struct.Struct(">HHI")
_LARGEST_COUNT = 0xFFFF
_LARGEST_HEADER = 0xFFFF
_LARGEST_KEY = 0xFFFF
# Both the header's size field (u16) and the count bound the number of entries.
LARGEST_ENTRY_COUNT = min(_LARGEST_COUNT, (_LARGEST_HEADER - _COUNT.size) // _ENTRY.size)


def unpack_metadata(header: Buffer, data: Buffer) -> dict[str, str]:
    """Return the metadata in the order of the wire; of a key that occurs twice, the last value.

    Values are decoded by their encoding; what is in an unknown encoding, or does not follow its
    encoding, is read as UTF-8 with other bytes kept as lone surrogates (see ``wire``).
    """
    if not header:
        if data:
            raise DecodeError(f"{len(data)} bytes of metadata have no metadata header")
        return {}
    headers = Reader(header, "metadata header")
    (count,) = headers.unpack(_COUNT, "count")
    if headers.remaining != count * _ENTRY.size:
        raise DecodeError(
            f"a metadata header of {count} entries has {_COUNT.size + count * _ENTRY.size} bytes; "
            f"{len(header)} are there"
        )
    values = Reader(data, "metadata")
    metadata = {}
    for _ in range(count):
        key_size, encoding, value_size = headers.unpack(_ENTRY, "entry")
        key = bytes(values.take(key_size, "key"))
        metadata[key.decode("utf-8", "surrogateescape")] = _decode_value(
            bytes(values.take(value_size, "value")), encoding
        )
    values.expect_end()
    return metadata


def pack_metadata(metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return metadata header and metadata. Values are US-ASCII where they can be, else UTF-8."""
    if len(metadata) > LARGEST_ENTRY_COUNT:
        raise EncodeError(
            f"{len(metadata)} metadata entries; a message can hold {LARGEST_ENTRY_COUNT}"
        )
    header = [_COUNT.pack(len(metadata))]
    data = []
    for key, value in metadata.items():
        encoded_key = encode_string(key, "metadata key")
        if len(encoded_key) > _LARGEST_KEY:
            raise EncodeError(f"a metadata key needs {len(encoded_key)} bytes; the limit is 65535")
        encoded_value = encode_string(value, f"metadata value of {key!r}")
        encoding = US_ASCII if value.isascii() else UTF_8
        header.append(_ENTRY.pack(len(encoded_key), encoding, len(encoded_value)))
        data += [encoded_key, encoded_value]
    return b"".join(header), b"".join(data)


def _decode_value(value: bytes, encoding: int) -> str:
    try:
        return value.decode(_CODECS.get(encoding, "utf-8"))
    except UnicodeDecodeError:
        return value.decode("utf-8", "surrogateescape")
