"""LBMETA: what label maps a server offers (OpenIGTLink ``labelmeta.md``; ``igtl_lbmeta.h``).

An item, 116 bytes, is one structure in a label map. Several can be in the same image:

======  ========  ========  ===============================================================
offset  type      field     meaning
======  ========  ========  ===============================================================
0       char[64]  name      name or description of the structure
64      char[20]  id        the device name with which to ask for the IMAGE
84      u8        label     value of its voxels; 0 if unused
85      u8        reserved
86      u8×4      RGBA      color and opacity; 0 0 0 0 if none is defined
90      u16×3     size      voxels along i, j, k. (The document: of the image, and of the
                            structures' bounding box; the library: "in each direction".)
96      char[20]  owner     id of the image that was segmented; can be empty
======  ========  ========  ===============================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .base import register
from .items import ItemListMessage


@dataclass(slots=True)
class LabelMetaItem:
    """One structure in a listing.

    ``label`` and the four numbers of ``rgba`` are from 0 to 255, ``size`` is in voxels along
    i, j, k, each 0 to 65535.
    """

    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S64"),
            ("id", "S20"),
            ("label", "u1"),
            ("reserved", "u1"),
            ("rgba", "u1", 4),
            ("size", ">u2", 3),
            ("owner", "S20"),
        ]
    )
    converters: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    name: str = ""
    id: str = ""
    label: int = 0
    rgba: tuple[int, int, int, int] = (0, 0, 0, 0)
    size: tuple[int, int, int] = (0, 0, 0)
    owner: str = ""


@register
@dataclass(eq=False)
class LabelMetaMessage(ItemListMessage[LabelMetaItem]):
    """The list of label maps. ``items`` is a sequence of ``LabelMetaItem``."""

    wire_type: ClassVar[str] = "LBMETA"
    item_class = LabelMetaItem
