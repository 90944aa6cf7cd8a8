"""What pyigtl, a second implementation of OpenIGTLink, makes of bytes."""

from __future__ import annotations

from typing import Any

from IGTLMetaBrowserLib import codec


def unpack_with_pyigtl(data: bytes) -> Any:
    """Return what pyigtl makes of a whole message."""
    from pyigtl.messages import MessageBase

    header = MessageBase.parse_header(data[: codec.HEADER_SIZE])
    message = MessageBase.create_message(header["message_type"])
    message.unpack(header, data[codec.HEADER_SIZE :])
    return message
