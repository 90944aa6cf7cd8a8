"""STRING: a text (OpenIGTLink ``string.md``; ``igtl_string.h``).

======  ======  ========  ==============================================================
offset  type    field     meaning
======  ======  ========  ==============================================================
0       u16     encoding  MIBenum of the character set: 3 US-ASCII, 106 UTF-8, see
                          ``charset``
2       u16     length    bytes
4       u8[]    string    no NUL at its end
======  ======  ========  ==============================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import charset
from ..errors import EncodeError
from ..wire import Reader
from .base import Message, register

_LAYOUT = struct.Struct(">HH")
_LARGEST_SIZE = 0xFFFF


@register
@dataclass(eq=False)
class StringMessage(Message):
    """A text of up to 65535 bytes.

    string
        The text. One whose bytes do not follow its encoding keeps them: ``charset.EncodedText``.
    encoding
        MIBenum of the encoding on the wire. Where none is given it is 3 (US-ASCII) if that is
        enough for the text, or else 106 (UTF-8).
    """

    wire_type: ClassVar[str] = "STRING"

    string: str = ""
    encoding: int | None = None

    def __post_init__(self) -> None:
        if self.encoding is None:
            self.encoding = charset.encoding_of(self.string)

    def pack_content(self) -> list[bytes]:
        """Return the content."""
        encoding, data = charset.encode(self.string, "the text of STRING", self.encoding)
        if len(data) > _LARGEST_SIZE:
            raise EncodeError(
                f"the text of STRING needs {len(data)} bytes; the limit is {_LARGEST_SIZE}"
            )
        return [_LAYOUT.pack(encoding, len(data)), data]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StringMessage:
        """Read a text in any encoding."""
        reader = Reader(content, "STRING")
        encoding, length = reader.unpack(_LAYOUT, "encoding and length")
        data = bytes(reader.take(length, "text"))
        reader.expect_end()
        return cls(charset.decode(data, encoding), encoding, **header_fields)
