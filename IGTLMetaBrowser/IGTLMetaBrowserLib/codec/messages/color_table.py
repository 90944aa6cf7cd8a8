"""COLORT: the colors of an image's values (OpenIGTLink ``colortable.md``; ``igtl_colortable.h``).

======  ====  ==========  =============================================================
offset  type  field       meaning
======  ====  ==========  =============================================================
0       u8    index type  3: 256 entries, for uint8 images; 5: 65536, for uint16
1       u8    map type    what an entry is. 3: u8 gray value; 5: u16 gray value;
                          19: u8×3 red, green, blue
2             table       the entries
======  ====  ==========  =============================================================

The library named the type COLORTABLE until 2013: messages of that name are read, too, and keep it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arrays import read_array, write_array
from ..errors import DecodeError, EncodeError
from ..wire import Buffer, Reader
from .base import Message, register

# By index type, the number of entries.
_ENTRY_COUNTS = {3: 256, 5: 65536}
# By map type, the numbers of an entry.
_UINT8 = np.dtype(np.uint8)
_UINT16 = np.dtype(np.uint16)
_ENTRIES: dict[int, tuple[np.dtype, int]] = {3: (_UINT8, 1), 5: (_UINT16, 1), 19: (_UINT8, 3)}
_INDEX_TYPES = {count: index_type for index_type, count in _ENTRY_COUNTS.items()}
_MAP_TYPES = {entry: map_type for map_type, entry in _ENTRIES.items()}


@register
@dataclass(eq=False)
class ColorTableMessage(Message):
    """A color table.

    ``colors`` is an array of shape (entries, components) in native byte order. Entry n is the
    color of the value n; there are 256 or 65536. Components are 3 (red, green, blue; uint8) or 1
    (gray; uint8 or uint16).
    """

    wire_type: ClassVar[str] = "COLORT"

    colors: np.ndarray

    def pack_content(self) -> list[Buffer]:
        """Return types and table; the table is not copied if it needs no change."""
        colors = self.colors
        if not isinstance(colors, np.ndarray) or colors.ndim != 2:
            raise EncodeError(
                f"the colors of COLORT are an array of two dimensions, not {colors!r}"
            )
        dtype = colors.dtype.newbyteorder("=")
        index_type = _INDEX_TYPES.get(colors.shape[0])
        map_type = _MAP_TYPES.get((dtype, colors.shape[1]))
        if index_type is None or map_type is None:
            raise EncodeError(
                "COLORT has 256 or 65536 colors of 1 component (uint8 or uint16) or 3 (uint8), "
                f"not an array of {dtype}, shape {colors.shape}"
            )
        return [bytes((index_type, map_type)), write_array(colors)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> ColorTableMessage:
        """Read a table; it is a view of ``content`` if it needs no change."""
        reader = Reader(content, cls.wire_type)
        index_type, map_type = reader.take(2, "index and map type")
        if index_type not in _ENTRY_COUNTS or map_type not in _ENTRIES:
            raise DecodeError(
                f"{cls.wire_type} has the index type {index_type} and the map type {map_type}; "
                f"{list(_ENTRY_COUNTS)} and {list(_ENTRIES)} exist"
            )
        dtype, components = _ENTRIES[map_type]
        entry_count = _ENTRY_COUNTS[index_type]
        table = reader.take(entry_count * components * dtype.itemsize, "table")
        reader.expect_end()
        return cls(read_array(table, dtype).reshape(entry_count, components), **header_fields)


@register
class LongNamedColorTableMessage(ColorTableMessage):
    """A color table that calls itself COLORTABLE."""

    wire_type: ClassVar[str] = "COLORTABLE"
