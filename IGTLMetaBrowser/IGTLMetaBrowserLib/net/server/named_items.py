"""The items of a list under the id that a client asks for: a million are looked at in turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

from ... import codec
from ..source import NotReadyError

_SECONDS_A_TURN = 0.005
# Looked at before somebody looks at the clock: 0.3 ms.
_ITEMS_AT_ONCE = 4096

ListedItem = TypeVar("ListedItem", codec.ImageMetaItem, codec.LabelMetaItem)


class NamedItems:
    """Looks for the items of one answer."""

    def __init__(self) -> None:
        self._items: Sequence[codec.ImageMetaItem] | Sequence[codec.LabelMetaItem] | None = None
        self._found: list[codec.ImageMetaItem | codec.LabelMetaItem] = []
        self._count = 0

    def find(self, items: Sequence[ListedItem], name: str) -> Sequence[ListedItem]:
        """Return the items with an id. Raises ``NotReadyError`` until all are looked at.

        What is no tuple may change meanwhile: it is looked at as a whole. So is a list that is
        another one in the next turn, as from a source that makes it anew each time.
        """
        if self._items is None and isinstance(items, tuple):
            self._items = items
        if items is not self._items:
            return [item for item in items if item.id == name]
        end = time.monotonic() + _SECONDS_A_TURN
        while self._count < len(items):
            some = items[self._count : self._count + _ITEMS_AT_ONCE]
            self._found += [item for item in some if item.id == name]
            self._count += len(some)
            if self._count < len(items) and time.monotonic() >= end:
                raise NotReadyError
        return self._found
