"""IMAGE: pixels and where they lie (OpenIGTLink ``image.md``; ``igtl_image.h``).

======  ======  ===========  ================================================================
offset  type    field        meaning
======  ======  ===========  ================================================================
0       u16     version      1
2       u8      components   1 scalar, more: vector, interleaved (RGBRGB…)
3       u8      scalar type  see ``scalar``
4       u8      endian       of the pixels: 1 big, 2 little
5       u8      coordinates  1 RAS, 2 LPS
6       u16×3   size         voxels along i, j, k
12      f32×12  matrix       i, j and k axis times spacing (mm), then the image's CENTER (mm)
60      u16×3   offset       first voxel of the sub-volume
66      u16×3   sub-volume   its voxels along i, j, k
72              pixels       of the sub-volume, i fastest
======  ======  ===========  ================================================================

The center is that of the voxels' centers: (N − 1) / 2 voxels from the first one along each axis.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...lengths import LONGEST, SHORTEST, is_length
from ..arrays import float32_array
from ..errors import DecodeError, EncodeError, GeometryError
from ..geometry import flip_matrix_lps_ras
from ..scalar import ScalarType
from ..wire import Buffer, Reader, numbers_of, whole_number
from .base import Message, register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

IMAGE_HEADER_LAYOUT = struct.Struct(">HBBBB3H12f3H3H")
IMAGE_HEADER_SIZE = IMAGE_HEADER_LAYOUT.size
_FORMAT_VERSION = 1
BIG_ENDIAN, LITTLE_ENDIAN = 1, 2

Size = tuple[int, int, int]


class Coordinates(IntEnum):
    """The coordinate system of an image's matrix."""

    RAS = 1
    LPS = 2


def unit_matrix() -> np.ndarray:
    return np.eye(3, 4)


@register
@dataclass(eq=False)
class ImageMessage(Message):
    """An image, or a part of one.

    pixels
        Array of shape (k, j, i), or (k, j, i, components) for a vector image, of one of the
        ``ScalarType``s in native byte order.
    matrix
        Array of shape (3, 4), mm: columns 0 to 2 are the i, j and k axis times spacing, column 3
        is the position of the image's center, in ``coordinates``. As on the wire; see
        ``ijk_to_ras`` for the matrix that most software wants.
    coordinates
        RAS or LPS.
    big_endian
        The byte order of the pixels on the wire.
    size
        Voxels of the whole image along i, j, k, if ``pixels`` is a part of it; None otherwise.
    offset
        The first voxel (i, j, k) of that part.
    """

    wire_type: ClassVar[str] = "IMAGE"

    pixels: np.ndarray
    matrix: np.ndarray = field(default_factory=unit_matrix)
    coordinates: Coordinates = Coordinates.RAS
    big_endian: bool = False
    size: Size | None = None
    offset: Size = (0, 0, 0)

    @property
    def components(self) -> int:
        """Number of values of a voxel."""
        return self.pixels.shape[3] if self.pixels.ndim == 4 else 1

    @property
    def subvolume_size(self) -> Size:
        """Voxels of ``pixels`` along i, j, k."""
        return self.pixels.shape[2], self.pixels.shape[1], self.pixels.shape[0]

    @property
    def whole_size(self) -> Size:
        """Voxels of the whole image along i, j, k."""
        i, j, k = self.subvolume_size if self.size is None else self.size
        return i, j, k

    @property
    def is_subvolume(self) -> bool:
        """Whether ``pixels`` is only a part of the image."""
        return self.whole_size != self.subvolume_size

    @classmethod
    def from_ijk_to_ras(
        cls, pixels: np.ndarray, ijk_to_ras: ArrayLike, **fields: Any
    ) -> ImageMessage:
        """Make a whole image from its pixels and its voxel-to-RAS matrix.

        ``ijk_to_ras`` has shape (4, 4) and maps the index (i, j, k, 1) of a voxel to the RAS
        position of its center in mm. ``fields`` are other fields of the message; with
        ``coordinates=Coordinates.LPS`` the matrix is written in LPS. Raises ``EncodeError``.
        """
        affine = np.asarray(ijk_to_ras, float)
        if affine.shape != (4, 4):
            raise EncodeError(f"a voxel-to-RAS matrix has the shape (4, 4), not {affine.shape}")
        if fields.get("coordinates") == Coordinates.LPS:
            affine = flip_matrix_lps_ras(affine)
        center_index = (np.array(pixels.shape[2::-1]) - 1) / 2
        matrix = affine[:3].copy()
        matrix[:, 3] += affine[:3, :3] @ center_index
        return cls(pixels, matrix, **fields)

    def ijk_to_ras(self, coordinates: Coordinates | None = None) -> np.ndarray:
        """Return the matrix from voxel index to position, float64 of shape (4, 4).

        It maps (i, j, k, 1), an index in the whole image, to the RAS position of that voxel's
        center in mm. ``coordinates`` overrules the message's own field, for peers that mark RAS
        as LPS or the other way round.
        """
        affine = np.eye(4)
        affine[:3] = self.matrix
        affine[:3, 3] -= affine[:3, :3] @ ((np.array(self.whole_size) - 1) / 2)
        if (coordinates or self.coordinates) == Coordinates.LPS:
            affine = flip_matrix_lps_ras(affine)
        return affine

    def usable_ijk_to_ras(self, coordinates: Coordinates | None = None) -> np.ndarray:
        """Return ``ijk_to_ras`` with three axes that span space, or raise ``GeometryError``.

        It is also raised for lengths that no image has (``lengths``).
        Scanners of single slices leave out the axis along which there is only one voxel: it
        becomes the normal of the other two, 1 mm long.
        """
        affine = self.ijk_to_ras(coordinates)
        axes = affine[:3, :3]
        for axis, count in enumerate(self.whole_size):
            if count == 1 and not axes[:, axis].any():
                normal = np.cross(axes[:, (axis + 1) % 3], axes[:, (axis + 2) % 3])
                axes[:, axis] = normal / (np.linalg.norm(normal) or 1)
        lengths = np.linalg.norm(axes, axis=0)
        if not np.isfinite(affine).all():
            raise GeometryError(f"the image's geometry is not finite: {affine[:3].tolist()}")
        # Of float32 axes the determinant is good to about 1e-7: less than this is a plane.
        if not lengths.all() or abs(np.linalg.det(axes / lengths)) < 1e-6:
            raise GeometryError(f"the image's axes span no space: {axes.T.tolist()}")
        if not (all(map(is_length, lengths)) and (np.abs(affine[:3, 3]) <= LONGEST).all()):
            raise GeometryError(
                f"no image lies so: its voxels are {' x '.join(f'{one:g}' for one in lengths)} mm "
                f"large, the first at {' '.join(f'{one:g}' for one in affine[:3, 3])} mm; voxels "
                f"have {SHORTEST:g} to {LONGEST:g} mm, and lie within {LONGEST:g} mm"
            )
        return affine

    def pack_content(self) -> list[Buffer]:
        """Return image header and pixels; the pixels are not copied if they need no change."""
        if not isinstance(self.pixels, np.ndarray):
            raise EncodeError(f"the pixels of IMAGE are an array, not {self.pixels!r}")
        if self.pixels.ndim not in (3, 4):
            raise EncodeError(
                f"pixels have the shape {self.pixels.shape}; "
                "(k, j, i) or (k, j, i, components) is needed"
            )
        header = self._pack_header()
        dtype = ScalarType.of(self.pixels.dtype).dtype
        wire_type = dtype.newbyteorder(">" if self.big_endian else "<")
        pixels = np.ascontiguousarray(self.pixels, wire_type)
        return [header, memoryview(pixels).cast("B") if pixels.size else b""]

    def _pack_header(self) -> bytes:
        matrix = float32_array(self.matrix, "numbers of the matrix")
        if matrix.shape != (3, 4):
            raise EncodeError(f"an image's matrix has the shape (3, 4), not {matrix.shape}")
        subvolume = checked_size(self.subvolume_size, "the voxels along an axis of IMAGE")
        size = subvolume if self.size is None else checked_size(self.size, "the size of IMAGE")
        offset = checked_size(self.offset, "the offset of IMAGE")
        parts = zip(offset, subvolume, size, strict=True)
        if any(first + count > whole for first, count, whole in parts):
            raise EncodeError(
                f"{subvolume} voxels from {offset} on are not part of an image of {size} voxels"
            )
        return IMAGE_HEADER_LAYOUT.pack(
            _FORMAT_VERSION,
            whole_number(self.components, 1, 0xFF, "the number of components"),
            ScalarType.of(self.pixels.dtype),
            BIG_ENDIAN if self.big_endian else LITTLE_ENDIAN,
            whole_number(self.coordinates, Coordinates.RAS, Coordinates.LPS, "the coordinates"),
            *size,
            *matrix.T.ravel().tolist(),
            *offset,
            *subvolume,
        )

    @classmethod
    def unpack_content(
        cls, content: memoryview, *, are_pixels_native: bool = False, **header_fields: Any
    ) -> ImageMessage:
        """Read an image; the pixels are a view of ``content`` if they need no change.

        ``are_pixels_native``: they have been brought into native byte order (``pixel_swap``).
        """
        reader = Reader(content, "IMAGE")
        header = reader.unpack(IMAGE_HEADER_LAYOUT, "image header")
        version, components, scalar_type, endian, coordinates = header[:5]
        size, matrix, offset, subvolume = header[5:8], header[8:20], header[20:23], header[23:26]
        if version != _FORMAT_VERSION:
            raise DecodeError(f"IMAGE has the format version {version}; {_FORMAT_VERSION} is known")
        if endian not in (BIG_ENDIAN, LITTLE_ENDIAN):
            raise DecodeError(f"IMAGE has the byte order {endian}; 1 (big) and 2 (little) exist")
        if coordinates not in (Coordinates.RAS, Coordinates.LPS):
            raise DecodeError(f"IMAGE has the coordinates {coordinates}; 1 (RAS), 2 (LPS) exist")
        for axis, first, count, whole in zip("ijk", offset, subvolume, size, strict=True):
            if first + count > whole:
                raise DecodeError(
                    f"IMAGE sends voxels {first} to {first + count - 1} along {axis} "
                    f"of an image that has {whole}"
                )
        dtype = ScalarType.read(scalar_type).dtype
        pixels = _read_pixels(reader, components, dtype, subvolume)
        if not are_pixels_native and not is_native(endian):
            pixels = pixels.byteswap(inplace=pixels.flags.writeable)
        return cls(
            pixels,
            np.array(matrix).reshape(4, 3).T,
            Coordinates(coordinates),
            endian == BIG_ENDIAN,
            None if size == subvolume else size,
            offset,
            **header_fields,
        )


def checked_size(numbers: Size, what: str) -> Size:
    """Return three numbers from 0 to 65535, or raise ``EncodeError``."""
    i, j, k = (whole_number(number, 0, 0xFFFF, what) for number in numbers_of(numbers, 3, what))
    return i, j, k


def is_native(endian: int) -> bool:
    """Return whether pixels of that ``endian`` have this machine's byte order."""
    return endian == (BIG_ENDIAN if sys.byteorder == "big" else LITTLE_ENDIAN)


def _read_pixels(reader: Reader, components: int, dtype: np.dtype, subvolume: Size) -> np.ndarray:
    """Return the pixels in the wire's byte order, (k, j, i) or (k, j, i, components)."""
    i, j, k = subvolume
    expected = i * j * k * components * dtype.itemsize
    if reader.remaining != expected or not components:
        raise DecodeError(
            f"IMAGE of {i}×{j}×{k} voxels, {components} components, {dtype} has {expected} bytes "
            f"of pixels; {reader.remaining} are there"
        )
    content = reader.rest()
    pixels = np.frombuffer(content, dtype)
    if not pixels.flags.aligned:
        pixels = pixels.copy()
    return pixels.reshape((k, j, i) if components == 1 else (k, j, i, components))
