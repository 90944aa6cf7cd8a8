"""Lists packed in turns, once for all who ask for them: 100,000 images take a second."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ... import codec
from ...codec.messages.items import ItemListMessage, ItemTable
from ...codec.wire import Buffer
from ..list_metadata.size import first_of
from ..list_metadata.whole_texts import cut_texts
from ..source import NotReadyError

# A few ms of work: between two pieces, a server serves its other clients.
_ITEMS_AT_ONCE = 500


class PackedList:
    """The items of ``message``, cut to their fields, as bytes with a checksum.

    ``whole_texts`` are the first of those that were cut, once ``step`` has returned.
    """

    def __init__(self, message: ItemListMessage) -> None:
        self.items = message.items
        self.whole_texts: dict[str, str] = {}
        self._class = type(message)
        # Who makes a list that is no tuple may change it meanwhile.
        is_table = isinstance(self.items, ItemTable)
        self._unpacked = () if is_table else tuple(self.items)
        self._parts: list[Buffer] = [self.items.content] if is_table else []
        self._count = 0
        self._packed: codec.PackedContent | None = None

    def step(self, seconds: float) -> codec.PackedContent:
        """Go on for about ``seconds``. Raises ``NotReadyError`` until all is done."""
        end = time.monotonic() + seconds
        while not self._pack_some():
            if time.monotonic() >= end:
                raise NotReadyError
        assert self._packed is not None
        return self._packed

    def _pack_some(self) -> bool:
        if self._count < len(self._unpacked):
            self._pack_items()
        elif self._packed is None:
            self._unpacked = ()
            self._packed = codec.PackedContent(self._class(), self._parts)
        return self._packed is not None and self._packed.sum_some()

    def _pack_items(self) -> None:
        items = self._unpacked[self._count : self._count + _ITEMS_AT_ONCE]
        if self._class is codec.ImageMetaMessage:
            items, whole_texts = cut_texts(items)
            self.whole_texts = first_of(self.whole_texts | whole_texts)
        self._parts += self._class(items=items).pack_content()
        self._count += len(items)


@dataclass(frozen=True, eq=False)
class ListInWork:
    """A list that one client has asked for; others may have asked for ``packed`` as well."""

    message: ItemListMessage
    packed: PackedList


class PackedLists:
    """Packs the lists of one source. The last one is kept, if it is a tuple: it cannot change."""

    def __init__(self) -> None:
        self._last: PackedList | None = None

    def begin(self, message: ItemListMessage) -> ListInWork:
        """Begin to pack a list, or find that it was packed already, or is being packed."""
        if self._last is not None and self._last.items is message.items:
            return ListInWork(message, self._last)
        packed = PackedList(message)
        if isinstance(message, codec.ImageMetaMessage) and isinstance(message.items, tuple):
            self._last = packed
        return ListInWork(message, packed)
