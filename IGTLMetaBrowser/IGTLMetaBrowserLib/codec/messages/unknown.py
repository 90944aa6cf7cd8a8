"""Messages of types that nobody registered: their content is handed over as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..wire import Buffer, byte_view, require_text
from .base import Message


@dataclass(eq=False)
class UnknownMessage(Message):
    """A message of a type that this codec does not know.

    ``data_type`` is its type name in the header, ``content`` the bytes between extended header
    and metadata.
    """

    data_type: str
    content: Buffer = b""

    @property
    def type_name(self) -> str:
        """The type name in the header."""
        require_text(self.data_type, "data type")
        return self.data_type

    def pack_content(self) -> list[Buffer]:
        """Return the content as it is."""
        return [byte_view(self.content, f"the content of {self.type_name}")]

    @classmethod
    def unpack_content(
        cls, content: memoryview, *, data_type: str = "", **header_fields: Any
    ) -> UnknownMessage:
        """Keep the content, without a copy."""
        return cls(data_type, content, **header_fields)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields for ``copy`` and ``pickle``, which know no ``memoryview``."""
        return {**vars(self), "content": bytes(self.content)}
