"""Whole messages: ``pack`` and ``unpack``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .crc64 import crc64
from .errors import (
    ChecksumError,
    DecodeError,
    EmptyContentError,
    EncodeError,
    HeaderVersionError,
    MissingChecksumError,
)
from .header import (
    EXTENDED_HEADER_LAYOUT,
    EXTENDED_HEADER_SIZE,
    HEADER_SIZE,
    KNOWN_VERSIONS,
    Body,
    Header,
)
from .messages.base import Message
from .messages.dispatch import content_reader
from .metadata import pack_metadata, require_mapping, unpack_metadata
from .wire import Buffer, printable, whole_number


def pack(message: Message) -> bytes:
    """Return the bytes of a message. Raises ``EncodeError`` if a field does not fit."""
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

    Arrays in the message are read-only views of ``data`` if they need no change. Any failure
    is a ``DecodeError``.
    """
    view = memoryview(data).cast("B").toreadonly()
    header = Header.unpack(view)
    if len(view) != HEADER_SIZE + header.body_size:
        raise DecodeError(
            f"{describe(header)} has {HEADER_SIZE + header.body_size} bytes; {len(view)} were given"
        )
    if header.version not in KNOWN_VERSIONS:
        raise unknown_version(header)
    body = view[HEADER_SIZE:]
    if check_crc and (crc := crc64(body)) != header.crc:
        raise wrong_checksum(header, crc)
    return unpack_body(header, body)


def unknown_version(header: Header) -> HeaderVersionError:
    """Return the error for a header of a version that is not known."""
    return HeaderVersionError(
        f"{describe(header)} has the header version {header.version}; 1 and 2 are known"
    )


def wrong_checksum(header: Header, crc: int) -> ChecksumError:
    """Return the error for a header that gives another CRC than ``crc``, the body's."""
    if header.crc == 0:
        # Of a body that is not empty, one in 2**64 has this checksum by chance.
        return MissingChecksumError(
            f"{describe(header)} came without a checksum, so that damage on the way cannot be seen"
        )
    return ChecksumError(
        f"{describe(header)} arrived damaged: its checksum is {crc:016x}, "
        f"the sender's was {header.crc:016x}"
    )


def unpack_body(header: Header, body: memoryview, **options: Any) -> Message:
    """Read a body whose size, version and checksum are known to be good.

    ``options`` are those of the message class's ``unpack_content``.
    """
    content = body
    if header.version == 2:
        parts = Body.unpack(body)
        content = parts.content
        options["message_id"] = parts.message_id
        options["metadata"] = unpack_metadata(parts.metadata_header, parts.metadata)
    try:
        return content_reader(header.type_name)(
            content,
            device_name=header.device_name,
            timestamp=header.timestamp,
            header_version=header.version,
            **options,
        )
    except DecodeError as error:
        # A header alone is how servers say that they have no data (``query.md``): no damage.
        if content:
            raise
        raise EmptyContentError(str(error)) from error


def describe(header: Header) -> str:
    """Name a message for an error: its type and device name."""
    type_name = printable(header.type_name) or "without a type"
    return f"the message {type_name} {printable(header.device_name)!r}"


def _pack_body(message: Message) -> Sequence[Buffer]:
    content = message.pack_content()
    before, after = pack_around(
        message.type_name,
        message.device_name,
        message.header_version,
        message.message_id,
        message.metadata,
    )
    return [*before, *content, *after]


def pack_around(
    type_name: str, device_name: str, header_version: int, message_id: int, metadata: Any
) -> tuple[list[Buffer], list[Buffer]]:
    """Return what a body has before and after its content: nothing in version 1.

    Raises ``EncodeError``; the names are for its words.
    """
    version = whole_number(header_version, *KNOWN_VERSIONS, "header version")
    message_id = whole_number(message_id, 0, 0xFFFFFFFF, "message id")
    require_mapping(metadata)
    if version == 1:
        if metadata or message_id:
            raise EncodeError(
                f"{type_name} {device_name!r} has metadata or a message id, which "
                "header version 1 cannot hold; set header_version=2"
            )
        return [], []
    metadata_header, metadata_body = pack_metadata(metadata)
    extended_header = EXTENDED_HEADER_LAYOUT.pack(
        EXTENDED_HEADER_SIZE, len(metadata_header), len(metadata_body), message_id
    )
    return [extended_header], [metadata_header, metadata_body]
