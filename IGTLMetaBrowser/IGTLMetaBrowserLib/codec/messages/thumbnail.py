"""IMGTHUMB: what an image looks like (``docs/PROTOCOL.md``, this project's extension).

It answers GET_IMGTHUMB, which has no content; its device name is the image's id.

======  ========  ============  ===========================================================
offset  type      field         meaning
======  ========  ============  ===========================================================
0       u16       version       1
2       u8        components    1 gray, 3 RGB, interleaved
3       u8        plane count   up to 3: the middle slice across k, i and j of the image
4       char[32]  tag           of the image: another after each change of it
36      u16×2     size          columns and rows of a plane; this and the next for each plane
40      f32×2     pixel size    width and height in mm
…       u8        pixels        of each plane, row by row from the top
======  ========  ============  ===========================================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..arrays import equal_fields, float32_array
from ..errors import DecodeError, EncodeError
from ..wire import Buffer, Reader, decode_text, encode_text, numbers_of, whole_number
from .base import Message, register
from .image_part import TAG_SIZE

_FORMAT_VERSION = 1
_LAYOUT = struct.Struct(f">HBB{TAG_SIZE}s")
_PLANE_LAYOUT = struct.Struct(">HHff")
_MOST_PLANES = 3
_COMPONENTS = (1, 3)


@dataclass(eq=False)
class ThumbnailPlane:
    """One slice as it is shown.

    ``pixels`` is uint8 of shape (rows, columns) or (rows, columns, 3); ``pixel_size`` is the width
    and the height of a pixel in mm.
    """

    pixels: np.ndarray
    pixel_size: tuple[float, float] = (1.0, 1.0)

    def __eq__(self, other: object) -> bool:
        """Whether size and pixels are equal."""
        return isinstance(other, ThumbnailPlane) and equal_fields(self, other)

    __hash__ = None  # type: ignore[assignment]


@register
@dataclass(eq=False)
class ThumbnailMessage(Message):
    """Slices of an image, in the gray or the colors in which it is shown.

    planes
        The middle slice across k, across i, and across j; of an image of one slice the first alone.
    tag
        Which version of the image it shows, as in ``ImagePartMessage``.
    """

    wire_type: ClassVar[str] = "IMGTHUMB"

    planes: Sequence[ThumbnailPlane] = field(default_factory=list)
    tag: str = ""

    @property
    def components(self) -> int:
        """1 for gray, 3 for RGB."""
        is_color = any(np.ndim(plane.pixels) == 3 for plane in self.planes)
        return 3 if is_color else 1

    def pack_content(self) -> list[Buffer]:
        """Return header, sizes and pixels."""
        if not isinstance(self.planes, Sequence) or len(self.planes) > _MOST_PLANES:
            raise EncodeError(f"IMGTHUMB has a list of up to {_MOST_PLANES} planes")
        if not all(isinstance(plane, ThumbnailPlane) for plane in self.planes):
            raise EncodeError("the planes of IMGTHUMB are ThumbnailPlanes")
        components = self.components
        tag = encode_text(self.tag, TAG_SIZE, "the tag of IMGTHUMB")
        packed = [_pack_plane(plane, components) for plane in self.planes]
        header = _LAYOUT.pack(_FORMAT_VERSION, components, len(packed), tag)
        return [header, *(sizes for sizes, _ in packed), *(pixels for _, pixels in packed)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> ThumbnailMessage:
        """Read the planes; their pixels are views of ``content``."""
        reader = Reader(content, "IMGTHUMB")
        version, components, count, tag = reader.unpack(_LAYOUT, "header")
        if version != _FORMAT_VERSION:
            raise DecodeError(f"IMGTHUMB has the format version {version}; 1 is known")
        if components not in _COMPONENTS or count > _MOST_PLANES:
            raise DecodeError(f"IMGTHUMB has {count} planes of {components} components")
        sizes = [reader.unpack(_PLANE_LAYOUT, "sizes") for _ in range(count)]
        planes = []
        for columns, rows, width, height in sizes:
            data = reader.take(columns * rows * components, "pixels")
            shape = (rows, columns) if components == 1 else (rows, columns, components)
            pixels = np.frombuffer(data, np.uint8).reshape(shape)
            planes.append(ThumbnailPlane(pixels, (width, height)))
        reader.expect_end()
        return cls(planes, decode_text(tag), **header_fields)


def _pack_plane(plane: ThumbnailPlane, components: int) -> tuple[bytes, Buffer]:
    pixels = plane.pixels
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        raise EncodeError("the pixels of IMGTHUMB are an array of uint8")
    if pixels.shape[2:] != (() if components == 1 else (components,)) or pixels.ndim < 2:
        raise EncodeError(
            f"the planes of IMGTHUMB are gray or RGB, all of one kind; not {pixels.shape}"
        )
    rows, columns = pixels.shape[:2]
    sides = numbers_of(plane.pixel_size, 2, "the pixel size of IMGTHUMB")
    sizes = _PLANE_LAYOUT.pack(
        whole_number(columns, 0, 0xFFFF, "the columns of IMGTHUMB"),
        whole_number(rows, 0, 0xFFFF, "the rows of IMGTHUMB"),
        *float32_array(sides, "numbers of the pixel size").tolist(),
    )
    return sizes, pixels.tobytes()
