"""Metadata of version-2 messages: keys and values (OpenIGTLink ``header.md``, "Metadata Fields").

Metadata header:

========  ================  ===================================================
type      field             meaning
========  ================  ===================================================
u16       count             number of entries
u16       key size          bytes; this and the next two fields ``count`` times
u16       value encoding    MIBenum: 3 US-ASCII, 106 UTF-8, see ``charset``
u32       value size        bytes
========  ================  ===================================================

The metadata follows the content: key, value, key, value … without separators. Keys are UTF-8, see
``wire``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from . import charset
from .errors import DecodeError, EncodeError
from .wire import Buffer, Reader, encode_string

_COUNT = struct.Struct(">H")
_ENTRY = struct.Struct(">HHI")
_LARGEST_COUNT = 0xFFFF
_LARGEST_HEADER = 0xFFFF
_LARGEST_KEY = 0xFFFF
# All of it is decoded when a message is read: at this size that takes 40 ms. The wire could hold
# 4 GiB; the C++ library fails for more than 65,535 bytes.
_LARGEST_SIZE = 1 << 20
# Both the header's size field (u16) and the count bound the number of entries.
LARGEST_ENTRY_COUNT = min(_LARGEST_COUNT, (_LARGEST_HEADER - _COUNT.size) // _ENTRY.size)


def unpack_metadata(header: Buffer, data: Buffer) -> dict[str, str]:
    """Return the metadata in the order of the wire; of a key that occurs twice, the last value.

    Values are decoded by their encoding. Those that would be packed in another way than they came
    in are ``charset.EncodedText``, which packs to the same bytes again.
    """
    if not header:
        if data:
            raise DecodeError(f"{len(data)} bytes of metadata have no metadata header")
        return {}
    if len(data) > _LARGEST_SIZE:
        raise DecodeError(f"{len(data)} bytes of metadata; the limit is {_LARGEST_SIZE}")
    headers = Reader(header, "metadata header")
    (count,) = headers.unpack(_COUNT, "count")
    if headers.remaining != count * _ENTRY.size:
        raise DecodeError(
            f"a metadata header of {count} entries has {_COUNT.size + count * _ENTRY.size} bytes; "
            f"{len(header)} are there"
        )
    values = Reader(data, "metadata")
    metadata = {}
    for key_size, encoding, value_size in _ENTRY.iter_unpack(headers.rest()):
        key = bytes(values.take(key_size, "key"))
        metadata[key.decode("utf-8", "surrogateescape")] = charset.decode(
            bytes(values.take(value_size, "value")), encoding
        )
    values.expect_end()
    return metadata


def require_mapping(metadata: Mapping[str, str]) -> None:
    """Raise ``EncodeError`` if ``metadata`` is no mapping."""
    if not isinstance(metadata, Mapping):
        raise EncodeError(f"metadata maps texts to texts; {type(metadata).__name__} does not")


def pack_metadata(metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return metadata header and metadata.

    Values are encoded as they came, others as US-ASCII where they can be, else as UTF-8.
    """
    require_mapping(metadata)
    if len(metadata) > LARGEST_ENTRY_COUNT:
        raise EncodeError(
            f"{len(metadata)} metadata entries; a message can hold {LARGEST_ENTRY_COUNT}"
        )
    entries = []
    data = []
    for key, value in metadata.items():
        encoded_key = encode_string(key, "metadata key")
        if len(encoded_key) > _LARGEST_KEY:
            raise EncodeError(
                f"a metadata key needs {len(encoded_key)} bytes; the limit is {_LARGEST_KEY}"
            )
        encoding, encoded_value = charset.encode(value, f"metadata value of {key!r}")
        data += [encoded_key, encoded_value]
        entries.append((len(encoded_key), encoding, len(encoded_value)))
    size = sum(map(len, data))
    if size > _LARGEST_SIZE:
        raise EncodeError(f"the metadata need {size} bytes; the limit is {_LARGEST_SIZE}")
    header = _COUNT.pack(len(entries)) + b"".join(_ENTRY.pack(*entry) for entry in entries)
    return header, b"".join(data)
