"""IMGMETA: what images a server offers (OpenIGTLink ``imagemeta.md``; ``igtl_imgmeta.h``).

An item, 260 bytes:

======  ========  ============  ===========================================================
offset  type      field         meaning
======  ========  ============  ===========================================================
0       char[64]  name          name or description of the image
64      char[20]  id            the device name with which to ask for IMAGE and COLORT
84      char[32]  modality      for example ``CT``
116     char[64]  patient name
180     char[64]  patient id
244     u64       scan time     see ``timestamp``; 0 is "not set"
252     u16×3     size          voxels along i, j, k
258     u8        scalar type   as in IMAGE
259     u8        reserved
======  ========  ============  ===========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..scalar import ScalarType
from ..timestamp import NOT_SET, Timestamp, timestamp_from_wire
from .base import member_or_number, register
from .items import ItemListMessage


@dataclass(slots=True)
class ImageMetaItem:
    """One image in a listing.

    ``size`` is in voxels along i, j, k, each 0 to 65535. ``scalar_type`` is a ``ScalarType``, or
    the plain number if a peer sent one that OpenIGTLink does not define.
    """

    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S64"),
            ("id", "S20"),
            ("modality", "S32"),
            ("patient_name", "S64"),
            ("patient_id", "S64"),
            ("scan_time", ">u8"),
            ("size", ">u2", 3),
            ("scalar_type", "u1"),
            ("reserved", "u1"),
        ]
    )

    converters: ClassVar[Mapping[str, Callable[[int], Any]]] = {
        "scan_time": timestamp_from_wire,
        "scalar_type": member_or_number(ScalarType),
    }

    name: str = ""
    id: str = ""
    modality: str = ""
    patient_name: str = ""
    patient_id: str = ""
    scan_time: Timestamp = NOT_SET
    size: tuple[int, int, int] = (0, 0, 0)
    scalar_type: ScalarType | int = ScalarType.UINT8


@register
@dataclass(eq=False)
class ImageMetaMessage(ItemListMessage[ImageMetaItem]):
    """The list of images. ``items`` is a sequence of ``ImageMetaItem``."""

    wire_type: ClassVar[str] = "IMGMETA"
    item_class = ImageMetaItem
