"""CAPABILITY: what messages a peer can read (``capability.md``; ``igtl_capability.h``).

Type names of 12 bytes each, up to the end of the content:

======  ========  =========  =============================================
offset  type      field      meaning
======  ========  =========  =============================================
0       char[12]  type name  for example ``IMAGE`` or ``GET_IMAGE``
12      char[12]  type name  and so on
======  ========  =========  =============================================

It answers GET_CAPABIL, whose name does not fit the header's 12 characters: ``GET_CAPABILI`` is
seen, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import DecodeError, EncodeError
from ..header import TYPE_NAME_SIZE
from ..wire import decode_text, encode_text
from .base import Message, register

# Each becomes a text, several times as large as the 12 bytes that it has on the wire.
_MOST_TYPES = 0xFFFF


@register
@dataclass(eq=False)
class CapabilityMessage(Message):
    """The type names, of up to 12 bytes each, that the sender can read."""

    wire_type: ClassVar[str] = "CAPABILITY"

    types: Sequence[str] = field(default_factory=list)

    def pack_content(self) -> list[bytes]:
        """Return the type names, each padded to 12 bytes."""
        # A text is a sequence of texts, its letters.
        if not isinstance(self.types, Sequence) or isinstance(self.types, str):
            raise EncodeError(f"CAPABILITY has a list of type names, not {self.types!r}")
        if len(self.types) > _MOST_TYPES:
            raise EncodeError(f"{len(self.types)} type names; a CAPABILITY can hold {_MOST_TYPES}")
        return [encode_text(name, TYPE_NAME_SIZE, "type name") for name in self.types]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> CapabilityMessage:
        """Read a content that must be a whole number of type names."""
        if len(content) > _MOST_TYPES * TYPE_NAME_SIZE:
            raise DecodeError(
                f"CAPABILITY has {len(content)} bytes; {_MOST_TYPES} names of {TYPE_NAME_SIZE} "
                "bytes can be read"
            )
        if len(content) % TYPE_NAME_SIZE:
            raise DecodeError(
                f"CAPABILITY has names of {TYPE_NAME_SIZE} bytes; "
                f"{len(content)} bytes are not a multiple of that"
            )
        data = bytes(content)
        starts = range(0, len(data), TYPE_NAME_SIZE)
        names = [decode_text(data[start : start + TYPE_NAME_SIZE]) for start in starts]
        return cls(names, **header_fields)
