"""GET_, STT_, STP_ and RTS_: queries and their acknowledgements (OpenIGTLink ``query.md``).

================  =========================================================================
GET_<type>        asks for one message of that type, under the device name in the header
STT_<type>        asks for a stream of them
STP_<type>        ends the stream
RTS_<type>        answers the two above; or says that what was asked for cannot be had
================  =========================================================================

A type name has 12 characters on the wire, so that a long name is cut: ``GET_TRANSFOR``. Some
peers cut more than they must: ``GET_TRANS``, ``GET_CAPABIL``. Old servers read no query's body:
ask with header version 1 and an empty one.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..header import TYPE_NAME_SIZE
from ..wire import Buffer, Reader, byte_view, require_text, whole_number
from .base import Message, registered_types

_STATUS_LAYOUT = struct.Struct(">B")
# Of TRANS, the shortest beginning of a type that is seen. TRA could be another type, too.
_SHORTEST_BEGINNING = 5
# Names that are no beginning: VIDEOMETA is asked for as GET_VMETA.
_OTHER_NAMES = {"VMETA": "VIDEOMETA"}


@dataclass(eq=False)
class QueryMessage(Message):
    """Base of the four. ``data_type`` is the type without its prefix, for example ``IMAGE``.

    In a query that was read it is as the peer cut it; see ``full_data_type``.
    """

    prefix: ClassVar[str]

    data_type: str
    content: bytes = b""

    @property
    def type_name(self) -> str:
        """Prefix and type, cut to the 12 characters of the wire."""
        require_text(self.data_type, "data type")
        return (self.prefix + self.data_type)[:TYPE_NAME_SIZE]

    @property
    def full_data_type(self) -> str:
        """The type that is meant: ``TRANSFORM`` of ``TRANSFOR`` and ``TRANS``, ``VIDEOMETA`` of
        ``VMETA``.

        ``data_type`` itself if no registered type begins with it, or more than one.
        """
        if self.data_type in _OTHER_NAMES:
            return _OTHER_NAMES[self.data_type]
        types = registered_types()
        if self.data_type in types or len(self.data_type) < _SHORTEST_BEGINNING:
            return self.data_type
        # GET_CAPABIL and GET_TRANS are both seen, cut to 12 characters and to less.
        meant = [name for name in types if name.startswith(self.data_type)]
        return meant[0] if len(meant) == 1 else self.data_type

    def pack_content(self) -> Sequence[Buffer]:
        """Return the content as it is; most queries have none."""
        return [byte_view(self.content, f"the content of {self.type_name}")]

    @classmethod
    def unpack_content(
        cls, content: memoryview, *, data_type: str = "", **header_fields: Any
    ) -> QueryMessage:
        """Keep the content as bytes."""
        return cls(data_type, bytes(content), **header_fields)


class GetMessage(QueryMessage):
    """Asks for one message: ``GetMessage("IMAGE", device_name="IMAGE_0")``."""

    prefix = "GET_"


class StartMessage(QueryMessage):
    """Asks for a stream of messages."""

    prefix = "STT_"


class StopMessage(QueryMessage):
    """Ends a stream of messages."""

    prefix = "STP_"


class ReturnMessage(QueryMessage):
    """Acknowledges a query. The content of most is one byte: 0 success, 1 error."""

    prefix = "RTS_"


# dataclass leaves a default in the class: as a property, it is made anew whenever it is read.
_MADE_OF_FIELDS: Any = property(lambda query: b"".join(query.pack_content()))


@dataclass(eq=False)
class QueryWithFields(QueryMessage):
    """Base of queries whose content is made of fields of their own.

    Their constructors take neither ``data_type``, which their class has, nor ``content``, which is
    read-only. Reading it raises ``EncodeError`` if a field does not fit.
    """

    data_type: str = field(init=False, repr=False, compare=False)
    content: bytes = field(init=False, repr=False, compare=False, default=_MADE_OF_FIELDS)

    @abstractmethod
    def pack_content(self) -> Sequence[Buffer]:
        """Return the content, made of the fields."""


@dataclass(eq=False)
class StatusReturnMessage(QueryWithFields, ReturnMessage):
    """Base of those that say whether it worked, in one byte.

    ``status`` is 0 for success, 1 for an error.
    """

    status: int = 0

    def pack_content(self) -> list[Buffer]:
        """Return 1 byte."""
        return [_STATUS_LAYOUT.pack(whole_number(self.status, 0, 0xFF, f"{self.wire_type} status"))]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StatusReturnMessage:
        """Read 1 byte, or none, which is success."""
        if not content:
            return cls(**header_fields)
        reader = Reader(content, cls.wire_type)
        (status,) = reader.unpack(_STATUS_LAYOUT, "status")
        reader.expect_end()
        return cls(status, **header_fields)


def query_class(type_name: str) -> type[QueryMessage] | None:
    """Return the class for a type name with a prefix, or None if it has none."""
    return _CLASSES.get(type_name[:4])


_CLASSES = {
    message_class.prefix: message_class
    for message_class in (GetMessage, StartMessage, StopMessage, ReturnMessage)
}
