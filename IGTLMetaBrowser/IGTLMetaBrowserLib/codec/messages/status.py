"""STATUS: how the sender is doing (OpenIGTLink ``status.md``; ``igtl_status.h``).

======  ========  ==========  ========================================================
offset  type      field       meaning
======  ========  ==========  ========================================================
0       u16       code        see ``StatusCode``
2       i64       subcode     the device's own
10      char[20]  error name  the device's own
30      char[]    message     words for a person, up to the end of the content
======  ========  ==========  ========================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from ..errors import EncodeError
from ..wire import Reader, decode_text, encode_string, encode_text, whole_number
from .base import Message, member_or_number, register

_LAYOUT = struct.Struct(">Hq20s")


class StatusCode(IntEnum):
    """Codes of ``status.md``. 0 is not used."""

    INVALID = 0
    OK = 1
    UNKNOWN_ERROR = 2
    PANIC = 3
    NOT_FOUND = 4
    ACCESS_DENIED = 5
    BUSY = 6
    TIME_OUT = 7
    OVERFLOW = 8
    CHECKSUM_ERROR = 9
    CONFIGURATION_ERROR = 10
    RESOURCE_ERROR = 11
    UNKNOWN_INSTRUCTION = 12
    NOT_READY = 13
    MANUAL_MODE = 14
    DISABLED = 15
    NOT_PRESENT = 16
    UNKNOWN_VERSION = 17
    HARDWARE_FAILURE = 18
    SHUT_DOWN = 19


_status_code = member_or_number(StatusCode)


@register
@dataclass(eq=False)
class StatusMessage(Message):
    """A status. ``code`` is a ``StatusCode``, or the plain number if a peer sent another."""

    wire_type: ClassVar[str] = "STATUS"

    code: StatusCode | int = StatusCode.OK
    subcode: int = 0
    error_name: str = ""
    message: str = ""

    @property
    def is_error(self) -> bool:
        """Whether something went wrong.

        The code INVALID is 0: nobody has set it, as in the greeting of some peers
        (openigtlink/SlicerOpenIGTLink#64).
        """
        return self.code not in (StatusCode.OK, StatusCode.INVALID)

    def pack_content(self) -> list[bytes]:
        """Return the content; the message text ends with a NUL as the C++ library writes it."""
        fields = _LAYOUT.pack(
            whole_number(self.code, 0, 0xFFFF, "status code"),
            whole_number(self.subcode, -(1 << 63), (1 << 63) - 1, "status subcode"),
            encode_text(self.error_name, 20, "error name"),
        )
        message = encode_string(self.message, "status message")
        if b"\0" in message:
            raise EncodeError(f"the status message {self.message!r} has a NUL, which would end it")
        return [fields, message + b"\0"]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StatusMessage:
        """Read a status, with or without the NUL at its end."""
        reader = Reader(content, "STATUS")
        code, subcode, error_name = reader.unpack(_LAYOUT, "fields")
        return cls(
            _status_code(code),
            subcode,
            decode_text(error_name),
            decode_text(bytes(reader.rest())),
            **header_fields,
        )
