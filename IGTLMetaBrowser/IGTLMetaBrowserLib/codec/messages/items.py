"""Messages whose content is a list of items of one size (IMGMETA, TRAJ, …).

Their number is the content's size divided by the item's size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

import numpy as np

from ..errors import DecodeError, EncodeError
from ..wire import Buffer
from .base import Message


class Item(Protocol):
    """One item: a dataclass that knows its place on the wire.

    ``layout`` packs a flat tuple of all fields, reserved bytes included; ``columns`` is the same
    layout as numpy names it.
    """

    layout: ClassVar[struct.Struct]
    columns: ClassVar[np.dtype]

    @classmethod
    def from_record(cls, *record: Any) -> Item: ...

    def to_record(self) -> tuple[Any, ...]: ...


ItemClass = TypeVar("ItemClass", bound=Item)


class ItemTable(Sequence[ItemClass], Generic[ItemClass]):
    """The items of a received message, made one by one when somebody looks at them."""

    def __init__(self, item_class: type[ItemClass], content: memoryview) -> None:
        self._item_class = item_class
        self.content = content

    @property
    def records(self) -> np.ndarray:
        """The content as a structured array of shape (number of items,), in the wire's byte order.

        A list of 100,000 images can be filtered by column without making an object of each.
        """
        return np.frombuffer(self.content, self._item_class.columns)

    def __len__(self) -> int:
        return len(self.content) // self._item_class.layout.size

    @overload
    def __getitem__(self, index: int) -> ItemClass: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemClass]: ...
    def __getitem__(self, index: int | slice) -> ItemClass | list[ItemClass]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        layout = self._item_class.layout
        record = layout.unpack_from(self.content, position * layout.size)
        return self._item_class.from_record(*record)

    def __iter__(self) -> Iterator[ItemClass]:
        return starmap(
            self._item_class.from_record, self._item_class.layout.iter_unpack(self.content)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


@dataclass
class ItemListMessage(Message, Generic[ItemClass]):
    """Base of the messages that are a list of items."""

    item_class: ClassVar[type]

    items: Sequence[ItemClass] = field(default_factory=list)

    def pack_content(self) -> list[Buffer]:
        """Return the items' bytes."""
        if isinstance(self.items, ItemTable):
            return [self.items.content]
        return [self._pack_item(item) for item in self.items]

    def _pack_item(self, item: ItemClass) -> bytes:
        record = item.to_record()
        try:
            return item.layout.pack(*record)
        except (struct.error, OverflowError) as error:
            raise EncodeError(f"{item} does not fit {self.wire_type}: {error}") from None

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> ItemListMessage:
        """Read a content that must be a whole number of items."""
        size = cls.item_class.layout.size
        if len(content) % size:
            raise DecodeError(
                f"{cls.wire_type} has items of {size} bytes; "
                f"{len(content)} bytes are no whole number of them"
            )
        return cls(items=ItemTable(cls.item_class, content), **header_fields)
