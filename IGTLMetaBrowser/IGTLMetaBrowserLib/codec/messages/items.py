"""Messages whose content is a list of items of one size (IMGMETA, TRAJ, …).

Their number is the content's size divided by the item's size. An item's layout is written once, as
a numpy dtype; items are read column by column, which for long lists is faster than one by one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

import numpy as np

from ..errors import DecodeError, EncodeError
from ..text_rows import TextRows
from ..wire import Buffer, decode_text, encode_text, numbers_of
from .base import Message

# Whoever looks at the first rows of a long list does not wait for objects of all the others.
_ITEMS_AT_A_TIME = 4096
_BYTES_AT_A_TIME = 1 << 18
_STRUCT_CODES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "u8": "Q", "f4": "f", "f8": "d"}


class Item(Protocol):
    """One item: a dataclass (with slots, as there are many) whose fields are the layout's columns.

    columns
        The layout: big-endian numbers, ``S`` for texts; what begins with ``reserved`` is no field.
    converters
        What makes a field of the number that was read, where that is not the number itself.
    """

    columns: ClassVar[np.dtype]
    converters: ClassVar[Mapping[str, Callable[[Any], Any]]]


ItemClass = TypeVar("ItemClass", bound=Item)


class ItemTable(Sequence[ItemClass], Generic[ItemClass]):
    """The items of a received message, made when somebody looks at them."""

    def __init__(self, item_class: type[ItemClass], content: Buffer) -> None:
        self.item_class = item_class
        self.content = content

    @property
    def records(self) -> np.ndarray:
        """The content as a structured array of shape (number of items,), in the wire's byte order.

        A list of 100,000 images can be filtered by column without making an object of each.
        """
        return np.frombuffer(self.content, self.item_class.columns)

    @cached_property
    def ids(self) -> TextRows:
        """The column ``id``, for lists of what has one, and where each id stands in it."""
        return TextRows(self.records["id"])

    def __len__(self) -> int:
        return len(self.content) // self.item_class.columns.itemsize

    @overload
    def __getitem__(self, index: int) -> ItemClass: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemClass]: ...
    def __getitem__(self, index: int | slice) -> ItemClass | list[ItemClass]:
        if isinstance(index, slice):
            return list(_read_items(self.item_class, self.records[index]))
        position = range(len(self))[index]
        return self[position : position + 1][0]

    def __iter__(self) -> Iterator[ItemClass]:
        for start in range(0, len(self), _ITEMS_AT_A_TIME):
            some = self.records[start : start + _ITEMS_AT_A_TIME]
            yield from _read_items(self.item_class, some)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def has_bytes_of(self, other: Sequence[ItemClass]) -> bool:
        """Whether another table has the same bytes: of a million items in 45 ms."""
        if not isinstance(other, ItemTable):
            return self == other
        # Python would compare two memoryviews byte by byte, which takes six times as long.
        some, others = (np.frombuffer(one.content, np.uint8) for one in (self, other))
        return len(some) == len(others) and all(
            np.array_equal(some[at : at + _BYTES_AT_A_TIME], others[at : at + _BYTES_AT_A_TIME])
            for at in range(0, len(some), _BYTES_AT_A_TIME)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how ``copy`` and ``pickle`` make an equal one; they know no ``memoryview``."""
        return ItemTable, (self.item_class, bytes(self.content))

    def __repr__(self) -> str:
        return repr(list(self))


@dataclass(eq=False)
class ItemListMessage(Message, Generic[ItemClass]):
    """Base of the messages that are a list of items."""

    item_class: ClassVar[type[Any]]  # of ItemClass, but a ClassVar takes no type variable

    items: Sequence[ItemClass] = field(default_factory=list)

    def pack_content(self) -> list[Buffer]:
        """Return the items' bytes."""
        if isinstance(self.items, ItemTable) and self.items.item_class is self.item_class:
            return [self.items.content]
        if not isinstance(self.items, Sequence):
            raise EncodeError(f"the items of {self.wire_type} are a list, not {self.items!r}")
        packed = (_pack_item(item, self.item_class, self.wire_type) for item in self.items)
        return [b"".join(packed)]

    @classmethod
    def unpack_content(
        cls, content: memoryview, **header_fields: Any
    ) -> ItemListMessage[ItemClass]:
        """Read a content that must be a whole number of items."""
        size = cls.item_class.columns.itemsize
        if len(content) % size:
            raise DecodeError(
                f"{cls.wire_type} has items of {size} bytes; "
                f"{len(content)} bytes are not a multiple of that"
            )
        return cls(items=ItemTable(cls.item_class, content), **header_fields)


def _field_names(columns: np.dtype) -> list[str]:
    return [name for name in columns.names or () if not name.startswith("reserved")]


def _read_items(item_class: type[ItemClass], records: np.ndarray) -> Iterator[ItemClass]:
    names = _field_names(item_class.columns)
    return map(item_class, *(_read_column(records[name], item_class, name) for name in names))


def _read_column(column: np.ndarray, item_class: type[Item], name: str) -> list[Any]:
    if column.ndim == 2:
        return list(zip(*column.T.tolist(), strict=True))
    values = column.tolist()
    if column.dtype.kind == "S":
        return _read_texts(values)
    converter = item_class.converters.get(name)
    return values if converter is None else list(map(converter, values))


def _read_texts(fields: list[bytes]) -> list[str]:
    """Do what ``decode_text`` does, at once for all fields that are plain UTF-8 up to their end."""
    try:
        texts = list(map(bytes.decode, fields))
    except UnicodeDecodeError:
        return list(map(decode_text, fields))
    if "\0" in "".join(texts):
        return list(map(decode_text, fields))
    return texts


def _pack_item(item: Item, item_class: type[Item], wire_type: str) -> bytes:
    if not isinstance(item, item_class):
        raise EncodeError(f"the items of {wire_type} are {item_class.__name__}s, not {item!r}")
    try:
        return _struct_of(item.columns).pack(*_record(item, wire_type))
    except (EncodeError, struct.error, OverflowError, TypeError) as error:
        raise EncodeError(f"{item} does not fit {wire_type}: {error}") from None


def _record(item: Item, wire_type: str) -> Iterator[Any]:
    """Yield the values of one item as ``struct`` packs them."""
    for name in item.columns.names or ():
        column = item.columns[name]
        if name.startswith("reserved"):
            yield from (0,) * column.itemsize
        elif column.kind == "S":
            what = f"{wire_type} {name.replace('_', ' ')}"
            yield encode_text(getattr(item, name), column.itemsize, what)
        elif column.shape:
            yield from numbers_of(getattr(item, name), column.shape[0], f"{wire_type} {name}")
        else:
            yield getattr(item, name)


@cache
def _struct_of(columns: np.dtype) -> struct.Struct:
    """Return the same layout for ``struct``, which refuses numbers that do not fit."""
    codes = []
    for name in columns.names or ():
        column = columns[name]
        if column.kind == "S":
            codes.append(f"{column.itemsize}s")
        else:
            count = column.itemsize // column.base.itemsize
            codes.append(f"{count}{_STRUCT_CODES[column.base.str[1:]]}")
    return struct.Struct(">" + "".join(codes))
