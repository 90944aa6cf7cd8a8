"""COMMAND and RTS_COMMAND: asks for something to be done (``command.md``; ``igtl_command.h``).

======  =========  ==========  ====================================================================
offset  type       field       meaning
======  =========  ==========  ====================================================================
0       u32        command id  chosen by who asks; the answer has the same
4       char[128]  name        which command; in an answer, the same, or what went wrong
132     u16        encoding    MIBenum of the character set: 3 US-ASCII, 106 UTF-8, see ``charset``
134     u32        length      bytes
138     u8[]       command     usually XML; no NUL at its end
======  =========  ==========  ====================================================================

Protocol 3. Slicer and PlusServer send it under header version 2. Parameters and results are
entries of the metadata there, and for older peers attributes of the XML as well. PlusServer's
answers have the entries ``Status`` (``SUCCESS`` or ``FAIL``), ``Error`` and ``Message``; it also
answers a GET_IMAGE that failed with RTS_COMMAND.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from .. import charset
from ..errors import EncodeError
from ..wire import Reader, decode_text, encode_text, whole_number
from .base import Message, register
from .query import QueryWithFields, ReturnMessage

_LAYOUT = struct.Struct(">I128sHI")
_LONGEST_NAME = 128
_LARGEST_SIZE = 0xFFFFFFFF
_CommandClass = TypeVar("_CommandClass", bound="_Command")


@dataclass(eq=False)
class _Command(Message):
    """What COMMAND and its answer have in common."""

    command_id: int = 0
    name: str = ""
    command: str = ""
    encoding: int | None = None
    # COMMAND came with protocol 3, whose messages have header version 2.
    header_version: int = field(default=2, kw_only=True)

    def __post_init__(self) -> None:
        if self.encoding is None:
            self.encoding = charset.encoding_of(self.command)

    def pack_content(self) -> list[bytes]:
        """Return the content."""
        name = encode_text(self.name, _LONGEST_NAME, "command name")
        encoding, data = charset.encode(self.command, "the command", self.encoding)
        command_id = whole_number(self.command_id, 0, 0xFFFFFFFF, "command id")
        if len(data) > _LARGEST_SIZE:
            raise EncodeError(f"the command needs {len(data)} bytes; the limit is {_LARGEST_SIZE}")
        return [_LAYOUT.pack(command_id, name, encoding, len(data)), data]

    @classmethod
    def unpack_content(
        cls: type[_CommandClass], content: memoryview, **header_fields: Any
    ) -> _CommandClass:
        """Read a command in any encoding."""
        reader = Reader(content, cls.wire_type)
        command_id, name, encoding, length = reader.unpack(_LAYOUT, "fields")
        data = bytes(reader.take(length, "command"))
        reader.expect_end()
        text = charset.decode(data, encoding)
        return cls(command_id, decode_text(name), text, encoding, **header_fields)


@register
@dataclass(eq=False)
class CommandMessage(_Command):
    """Asks for something to be done.

    command_id
        0 to 2³²−1, to find the answer by.
    name
        At most 128 bytes. The C++ library reads one of full length wrongly.
    command
        The text, up to 2³²−1 bytes; the C++ library sends up to 65,535. One whose bytes do not
        follow its encoding keeps them: ``charset.EncodedText``.
    encoding
        MIBenum of the encoding on the wire. Where none is given it is 3 (US-ASCII) if that is
        enough for the text, or else 106 (UTF-8).
    """

    wire_type: ClassVar[str] = "COMMAND"


@register
@dataclass(eq=False)
class RTSCommandMessage(_Command, QueryWithFields, ReturnMessage):
    """Answers a command. The fields are those of ``CommandMessage``.

    ``command_id`` is that of the question. ``name`` is the name of the command, or what went wrong
    (the C++ library's ``SetCommandErrorString``).
    """

    wire_type: ClassVar[str] = "RTS_COMMAND"
    data_type = "COMMAND"

    @property
    def status(self) -> str:
        """``SUCCESS`` or ``FAIL``, from PlusServer's metadata; empty if the peer sent none."""
        return self.metadata.get("Status", "")

    @property
    def error(self) -> str:
        """What went wrong, from PlusServer's metadata; empty if the peer sent none."""
        return self.metadata.get("Error", "")
