"""Messages of types that nobody registered: their content is handed over as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Message


@dataclass(eq=False)
class UnknownMessage(Message):
    """A message of a type that this codec does not know.

    ``data_type`` is its type name in the header, ``content`` the bytes between extended header
    and metadata.
    """

    data_type: str
    content: bytes | bytearray | memoryview = b""

    @property
    def type_name(self) -> str:
        """The type name in the header."""
        return self.data_type

    def pack_content(self) -> list[bytes | bytearray | memoryview]:
        """Return the content as it is."""
        return [self.content]

    @classmethod
    def unpack_content(
        cls, content: memoryview, *, data_type: str = "", **header_fields: Any
    ) -> UnknownMessage:
        """Keep the content, without a copy."""
        return cls(data_type, content, **header_fields)
