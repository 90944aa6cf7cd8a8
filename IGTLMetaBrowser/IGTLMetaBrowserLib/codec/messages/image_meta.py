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

import struct
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..scalar import ScalarType
from ..timestamp import NOT_SET, Timestamp
from ..wire import decode_text, encode_text
from .base import register
from .items import ItemListMessage


@dataclass
class ImageMetaItem:
    """One image in a listing.

    ``size`` is in voxels along i, j, k, each 0 to 65535. ``scalar_type`` is a ``ScalarType``, or
    the plain number where a peer sent one that OpenIGTLink does not define.
    """

    layout: ClassVar[struct.Struct] = struct.Struct(">64s20s32s64s64sQ3HBB")
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

    name: str = ""
    id: str = ""
    modality: str = ""
    patient_name: str = ""
    patient_id: str = ""
    scan_time: Timestamp = NOT_SET
    size: tuple[int, int, int] = (0, 0, 0)
    scalar_type: ScalarType | int = ScalarType.UINT8

    @classmethod
    def from_record(
        cls,
        name: bytes,
        image_id: bytes,
        modality: bytes,
        patient_name: bytes,
        patient_id: bytes,
        scan_time: int,
        i: int,
        j: int,
        k: int,
        scalar_type: int,
        _reserved: int,
    ) -> ImageMetaItem:
        """Make an item from the fields of its ``layout``."""
        return cls(
            decode_text(name),
            decode_text(image_id),
            decode_text(modality),
            decode_text(patient_name),
            decode_text(patient_id),
            Timestamp(scan_time),
            (i, j, k),
            _SCALAR_TYPES.get(scalar_type, scalar_type),
        )

    def to_record(self) -> tuple[Any, ...]:
        """Return the fields of ``layout``; raises ``EncodeError`` for a text that does not fit."""
        return (
            encode_text(self.name, 64, "image name"),
            encode_text(self.id, 20, "image id"),
            encode_text(self.modality, 32, "modality"),
            encode_text(self.patient_name, 64, "patient name"),
            encode_text(self.patient_id, 64, "patient id"),
            self.scan_time,
            *self.size,
            self.scalar_type,
            0,
        )


_SCALAR_TYPES = {int(member): member for member in ScalarType}


@register
@dataclass
class ImageMetaMessage(ItemListMessage[ImageMetaItem]):
    """The list of images. ``items`` is a sequence of ``ImageMetaItem``."""

    wire_type: ClassVar[str] = "IMGMETA"
    item_class: ClassVar[type] = ImageMetaItem
