"""Whole messages: ``pack`` and ``unpack``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .crc64 import crc64
from .errors import ChecksumError, DecodeError, EncodeError, HeaderVersionError
from .header import (
    EXTENDED_HEADER_LAYOUT,
    EXTENDED_HEADER_SIZE,
    HEADER_SIZE,
    KNOWN_VERSIONS,
    Body,
    Header,
)
from .messages.base import Message, registered_class
from .messages.query import query_class
from .messages.unknown import UnknownMessage
from .metadata import pack_metadata, unpack_metadata
from .wire import Buffer, printable


def pack(message: Message) -> bytes:
    """Return the bytes of a message. Raises ``EncodeError`` where a field does not fit."""
    return b"".join(pack_parts(message))


def pack_parts(message: Message) -> list[Buffer]:
    """Return the bytes of a message in pieces, so that an image is sent without a copy."""
    body = _pack_body(message)
    crc = 0
    size = 0
    for part in body:
        crc = crc64(part, crc)
        size += len(part)
    header = Header(
        message.header_version, message.type_name, message.device_name, message.timestamp, size, crc
    )
    return [header.pack(), *body]


def unpack(data: Buffer, check_crc: bool = True) -> Message:
    """Read one whole message, nothing before or after it.

    Arrays in the message are read-only views of ``data`` where they need no change. Any failure
    is a ``DecodeError``.
    """
    view = memoryview(data).cast("B").toreadonly()
    header = Header.unpack(view)
    if len(view) != HEADER_SIZE + header.body_size:
        raise DecodeError(
            f"{describe(header)} has {HEADER_SIZE + header.body_size} bytes; {len(view)} were given"
        )
    check_version(header)
    body = view[HEADER_SIZE:]
    if check_crc:
        check_checksum(header, crc64(body))
    return unpack_body(header, body)


def check_version(header: Header) -> None:
    """Raise ``HeaderVersionError`` where the header's version is not known."""
    if header.version not in KNOWN_VERSIONS:
        raise HeaderVersionError(
            f"{describe(header)} has the header version {header.version}; 1 and 2 are known"
        )


def check_checksum(header: Header, crc: int) -> None:
    """Raise ``ChecksumError`` where the header gives another CRC than ``crc``, the body's."""
    if header.crc != crc:
        raise ChecksumError(
            f"{describe(header)} arrived damaged: its checksum is {crc:016x}, "
            f"the sender's was {header.crc:016x}"
        )


def unpack_body(header: Header, body: memoryview, **options: Any) -> Message:
    """Read a body whose size, version and checksum are known to be good.

    ``options`` are those of the message class's ``unpack_content``.
    """
    fields: dict[str, Any] = {
        **options,
        "device_name": header.device_name,
        "timestamp": header.timestamp,
        "header_version": header.version,
    }
    content = body
    if header.version == 2:
        parts = Body.unpack(body)
        content = parts.content
        fields["message_id"] = parts.message_id
        fields["metadata"] = unpack_metadata(parts.metadata_header, parts.metadata)
    return _unpack_content(header.type_name, content, fields)


def describe(header: Header) -> str:
    """Name a message for an error: its type and device name."""
    type_name = printable(header.type_name) or "without a type"
    return f"the message {type_name} {printable(header.device_name)!r}"


def _unpack_content(type_name: str, content: memoryview, fields: dict[str, Any]) -> Message:
    message_class = registered_class(type_name)
    if message_class is not None:
        return message_class.unpack_content(content, **fields)
    query = query_class(type_name)
    if query is not None:
        return query.unpack_content(content, data_type=type_name[len(query.prefix) :], **fields)
    return UnknownMessage.unpack_content(content, data_type=type_name, **fields)


def _pack_body(message: Message) -> Sequence[Buffer]:
    content = message.pack_content()
    if message.header_version == 1:
        if message.metadata or message.message_id:
            raise EncodeError(
                f"{message.type_name} {message.device_name!r} has metadata or a message id, which "
                "header version 1 cannot hold; set header_version=2"
            )
        return content
    if message.header_version != 2:
        raise EncodeError(f"header version {message.header_version} is neither 1 nor 2")
    if not 0 <= message.message_id <= 0xFFFFFFFF:
        raise EncodeError(f"message id {message.message_id} is no number from 0 to 2**32 - 1")
    metadata_header, metadata = pack_metadata(message.metadata)
    extended_header = EXTENDED_HEADER_LAYOUT.pack(
        EXTENDED_HEADER_SIZE, len(metadata_header), len(metadata), message.message_id
    )
    return [extended_header, *content, metadata_header, metadata]
