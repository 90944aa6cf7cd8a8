"""BIND: messages that belong together, in one (OpenIGTLink ``bind.md``; ``igtl_bind.c``).

========  =================  ===============================================================
type      field              meaning
========  =================  ===============================================================
u16       count              number of child messages
char[12]  type name          of a child; this and the next field ``count`` times
u64       size               bytes of its content
u16       name table size    bytes, with the padding
char[]    device names       of each child, of up to 20 bytes, with a NUL at its end
u8        padding            0, if the names have an odd number of bytes
u8[]      content            of a child; this and the next field ``count`` times
u8        padding            0, if the content has an odd number of bytes
========  =================  ===============================================================

A child has no header of its own. The library reads it as header version 1, with the time stamp of
the BIND; so it has neither message id nor metadata. The queries for BIND are in ``bind_query``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import CodecError, DecodeError, EncodeError
from ..header import DEVICE_NAME_SIZE, TYPE_NAME_SIZE
from ..metadata import require_mapping
from ..timestamp import NOT_SET
from ..wire import Buffer, Reader, decode_text, encode_text, whole_number
from .base import Message, register, registered_class
from .dispatch import content_reader

COUNT_LAYOUT = struct.Struct(">H")
_CHILD_LAYOUT = struct.Struct(">12sQ")
_LARGEST_NAME_TABLE = 0xFFFF
LARGEST_CHILD_COUNT = 0xFFFF
# Each level is a recursion: bytes of a stranger must not end it with a RecursionError.
LARGEST_DEPTH = 8
# Fields of POLYDATA, CAPABILITY, GET_BIND and STT_BIND.
_PARTS = ("attributes", "types", "children")


@register
@dataclass(eq=False)
class BindMessage(Message):
    """Messages that belong together.

    ``children`` are messages of any type, with their device names. Their time stamps are not sent:
    those of children that were read are that of the BIND, and their header version is 1. Children
    with message ids or metadata are an ``EncodeError``. There can be BINDs among them, up to 8 one
    in the other; all together have up to 65535 children, attributes of POLYDATA among them, and
    names in CAPABILITY, GET_BIND and STT_BIND; the device names of one up to 65535 bytes, each
    with a NUL.
    """

    wire_type: ClassVar[str] = "BIND"

    children: Sequence[Message] = field(default_factory=list)

    def pack_content(self) -> list[Buffer]:
        """Return the content; the children's are not copied."""
        return self._pack(_Nesting(EncodeError))

    def _pack(self, nesting: _Nesting) -> list[Buffer]:
        children = require_list(self.children, "messages")
        nesting.enter(len(children))
        entries: list[bytes] = []
        contents: list[Buffer] = []
        for child in children:
            parts = _pack_child(child, nesting)
            size = sum(map(len, parts))
            entries.append(_CHILD_LAYOUT.pack(encode_type_name(child.type_name), size))
            contents += [*parts, bytes(size % 2)]
        nesting.leave()
        names = pack_names((child.device_name for child in children), is_padded=True)
        return [COUNT_LAYOUT.pack(len(children)), *entries, names, *contents]

    @classmethod
    def unpack_content(
        cls, content: memoryview, *, nesting: _Nesting | None = None, **header_fields: Any
    ) -> BindMessage:
        """Read the children. ``nesting`` counts the BINDs that this one is in."""
        nesting = nesting or _Nesting(DecodeError)
        reader = Reader(content, "BIND")
        (count,) = reader.unpack(COUNT_LAYOUT, "count")
        types_and_sizes = reader.take(count * _CHILD_LAYOUT.size, "types and sizes")
        nesting.enter(count)
        names, _ = read_names(reader, count)
        timestamp = header_fields.get("timestamp", NOT_SET)
        children: list[Message] = []
        for (type_name, size), name in zip(
            _CHILD_LAYOUT.iter_unpack(types_and_sizes), names, strict=True
        ):
            fields = {"device_name": name, "timestamp": timestamp}
            body = reader.take(size, f"child {len(children)}")
            reader.take(size % 2, "padding")
            children.append(_unpack_child(decode_text(type_name), body, fields, nesting))
        reader.expect_end()
        nesting.leave()
        return cls(children, **header_fields)


class _Nesting:
    """BINDs within BINDs, bounded: few bytes make many messages, or would go down for ever."""

    def __init__(self, error: type[CodecError]) -> None:
        self._error = error
        self._depth = 0
        self._child_count = 0

    def enter(self, child_count: int) -> None:
        self._depth += 1
        if self._depth > LARGEST_DEPTH:
            raise self._error(f"more than {LARGEST_DEPTH} nested BINDs")
        self.count(child_count)

    def count(self, child_count: int) -> None:
        self._child_count += child_count
        if self._child_count > LARGEST_CHILD_COUNT:
            raise self._error(
                f"BIND has {self._child_count} children and parts of them, or more; the limit is "
                f"{LARGEST_CHILD_COUNT}"
            )

    def leave(self) -> None:
        self._depth -= 1


def _pack_child(child: Message, nesting: _Nesting) -> Sequence[Buffer]:
    if not isinstance(child, Message):
        raise EncodeError(f"the children of BIND are messages, not {child!r}")
    require_mapping(child.metadata)
    if child.metadata or whole_number(child.message_id, 0, 0xFFFFFFFF, "message id"):
        raise EncodeError(
            f"{child.type_name} {child.device_name!r} has metadata or a message id, which a child "
            "of BIND cannot hold"
        )
    if isinstance(child, BindMessage):
        return child._pack(nesting)
    content = child.pack_content()
    nesting.count(_part_count(child))
    return content


def _unpack_child(
    type_name: str, content: memoryview, fields: dict[str, Any], nesting: _Nesting
) -> Message:
    message_class = registered_class(type_name)
    if message_class is not None and issubclass(message_class, BindMessage):
        fields["nesting"] = nesting
    child = content_reader(type_name)(content, **fields)
    nesting.count(_part_count(child))
    return child


def _part_count(child: Message) -> int:
    """Return how many objects of few bytes each are in a child; those of BINDs count themselves."""
    if isinstance(child, BindMessage):
        return 0
    parts = (getattr(child, name, None) for name in _PARTS)
    return sum(len(part) for part in parts if isinstance(part, Sequence))


def pack_names(names: Iterable[str], is_padded: bool) -> bytes:
    """Return the name table, and its size before it."""
    encoded = (encode_text(name, DEVICE_NAME_SIZE, "device name") for name in names)
    table = b"".join(name.rstrip(b"\0") + b"\0" for name in encoded)
    if is_padded:
        table += bytes(len(table) % 2)
    if len(table) > _LARGEST_NAME_TABLE:
        raise EncodeError(
            f"the device names in BIND need {len(table)} bytes; the limit is {_LARGEST_NAME_TABLE}"
        )
    return COUNT_LAYOUT.pack(len(table)) + table


def read_names(reader: Reader, count: int) -> tuple[list[str], bool]:
    """Return the names in the name table, and whether it has an even number of bytes."""
    (size,) = reader.unpack(COUNT_LAYOUT, "name table size")
    table = bytes(reader.take(size, "name table"))
    if not table:  # the library takes it for empty names
        return [""] * count, True
    *names, _padding = table.split(b"\0", count)
    if len(names) < count:
        raise DecodeError(f"the name table of BIND has {len(names)} names for {count} children")
    longest = max(map(len, names), default=0)
    if longest > DEVICE_NAME_SIZE:
        raise DecodeError(
            f"BIND has a device name of {longest} bytes; the limit is {DEVICE_NAME_SIZE}"
        )
    return list(map(decode_text, names)), size % 2 == 0


def encode_type_name(type_name: str) -> bytes:
    """Return the 12 bytes of a type name."""
    return encode_text(type_name, TYPE_NAME_SIZE, "type name")


def require_list(children: Any, what: str) -> Sequence[Any]:
    """Return ``children``; raises ``EncodeError`` if they are no list."""
    if not isinstance(children, Sequence) or isinstance(children, (str, bytes)):
        raise EncodeError(f"the children of BIND are a list of {what}, not {children!r}")
    return children
