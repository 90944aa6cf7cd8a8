"""VIDEOMETA: a list of videos that can be asked for (``videometa.md``; ``igtl_videometa.h``).

An item, 322 bytes:

======  ========  ============  ===============================================================
offset  type      field         meaning
======  ========  ============  ===============================================================
0       char[64]  name          name or description
64      char[64]  device name   to ask for the video with. (A header holds 20 bytes of it.)
128     char[64]  patient name
192     char[64]  patient id
256     i16       zoom level    of the camera, its own unit
258     f64       focal length  of the camera, mm
266     u16×3     size          pixels along i, j, k
272     f32×12    matrix        i, j and k axis times pixel size (mm), then the position of the
                                frame's center (mm)
320     u8        scalar type   see ``scalar``
321     u8        reserved
======  ========  ============  ===============================================================

The message has no field for its coordinate system; OpenIGTLink's is RAS. It is asked for as
GET_VMETA, not GET_VIDEOMETA, with the device name of a video, or none for the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..scalar import ScalarType
from .base import member_or_number, register
from .items import ItemListMessage


@dataclass(slots=True)
class VideoMetaItem:
    """One video.

    ``size`` is (i, j, k). ``matrix`` has the twelve numbers of the wire; ``to_matrix`` gives them
    as a matrix. ``scalar_type`` is a ``ScalarType``, or the plain number if a peer sent another.
    """

    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S64"),
            ("device_name", "S64"),
            ("patient_name", "S64"),
            ("patient_id", "S64"),
            ("zoom_level", ">i2"),
            ("focal_length", ">f8"),
            ("size", ">u2", 3),
            ("matrix", ">f4", 12),
            ("scalar_type", "u1"),
            ("reserved", "u1"),
        ]
    )
    converters: ClassVar[Mapping[str, Callable[[int], Any]]] = {
        "scalar_type": member_or_number(ScalarType)
    }

    name: str = ""
    device_name: str = ""
    patient_name: str = ""
    patient_id: str = ""
    zoom_level: int = 1
    focal_length: float = 100.0
    size: tuple[int, int, int] = (0, 0, 1)
    matrix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    scalar_type: ScalarType | int = ScalarType.UINT8

    def to_matrix(self) -> np.ndarray:
        """Return the axes times pixel size, and the position of the center, mm, as columns.

        float64 of shape (3, 4), as ``VideoMessage.matrix``.
        """
        return np.reshape(np.asarray(self.matrix, float), (4, 3)).T


@register
@dataclass(eq=False)
class VideoMetaMessage(ItemListMessage[VideoMetaItem]):
    """A list of videos. ``items`` is a sequence of ``VideoMetaItem``."""

    wire_type: ClassVar[str] = "VIDEOMETA"
    item_class = VideoMetaItem
