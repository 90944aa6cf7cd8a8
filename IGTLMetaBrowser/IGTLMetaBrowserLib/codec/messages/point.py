"""POINT: fiducials and other points (OpenIGTLink ``point.md``; ``igtl_point.h``).

An item, 136 bytes:

======  ========  ========  ===============================================================
offset  type      field     meaning
======  ========  ========  ===============================================================
0       char[64]  name      name or description
64      char[32]  group     for example ``Fiducial``, ``Landmark``, ``Labeled Point``
96      u8×4      RGBA      color and opacity
100     f32×3     position  mm
112     f32       diameter  mm, can be 0. (The document's word; the library says radius.)
116     char[20]  owner     id of the image the point belongs to
======  ========  ========  ===============================================================

The message has no field for its coordinate system; OpenIGTLink's is RAS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .base import register
from .items import ItemListMessage


@dataclass(slots=True)
class PointItem:
    """One point. ``position`` is RAS mm, ``rgba`` has four numbers from 0 to 255."""

    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S64"),
            ("group", "S32"),
            ("rgba", "u1", 4),
            ("position", ">f4", 3),
            ("diameter", ">f4"),
            ("owner", "S20"),
        ]
    )
    converters: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    name: str = ""
    group: str = ""
    rgba: tuple[int, int, int, int] = (255, 255, 0, 255)
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    diameter: float = 0.0
    owner: str = ""


@register
@dataclass(eq=False)
class PointMessage(ItemListMessage[PointItem]):
    """A list of points. ``items`` is a sequence of ``PointItem``."""

    wire_type: ClassVar[str] = "POINT"
    item_class = PointItem
