"""IMGPART and GET_IMGPART: a part of an image (``docs/PROTOCOL.md``, this project's extension).

The *voxels of a part* are those at start + n · stride of the box of ``size`` voxels at ``start``.

GET_IMGPART asks for one; its device name is the image's id:

======  ========  ===========  ==============================================================
offset  type      field        meaning
======  ========  ===========  ==============================================================
0       u16       version      1
2       u16       encodings    that the asker reads: bit 1 for encoding 1; 0 is always read
4       u16×3     start        first voxel of the box along i, j, k
10      u16×3     size         its voxels along i, j, k; 0 is "up to the image's end"
16      u16×3     stride       1 is every voxel
22      char[32]  tag          of the version that is wanted; empty for whichever there is
======  ========  ===========  ==============================================================

IMGPART answers it:

======  ========  ===========  ==============================================================
0       u16       version      1
2       u8        components   as in IMAGE
3       u8        scalar type  as in IMAGE
4       u8        endian       of voxels in encoding 0: 1 big, 2 little
5       u8        coordinates  1 RAS, 2 LPS
6       u8        encoding     0: as they are; 1: see ``part_encoding``
7       u8        reserved     0
8       u16×3     image size   voxels of the whole image along i, j, k
14      u16×3     start        of the box
20      u16×3     size         of the box, which ends within the image
26      u16×3     stride       1 or more
32      f32×12    matrix       of the whole image, as in IMAGE
80      char[32]  tag          of the image: another after each change of it
112               voxels       of the part, i fastest
======  ========  ===========  ==============================================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from typing import Any, ClassVar

import numpy as np

from ..arrays import float32_array
from ..errors import DecodeError, EncodeError
from ..part_encoding import LARGEST_RATIO, decode
from ..scalar import ScalarType
from ..wire import Buffer, Reader, byte_view, decode_text, encode_text, whole_number
from .base import Message, register
from .image import (
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    Coordinates,
    ImageMessage,
    Size,
    checked_size,
    unit_matrix,
)
from .query import GetMessage, QueryWithFields

TAG_SIZE = 32
ARRIVING = "SlicesArrive"
"""In the metadata of a part: in which order the other slices of the image will be there."""
FROM_BELOW, FROM_ABOVE = "from the first", "from the last"
_FORMAT_VERSION = 1
_REQUEST_LAYOUT = struct.Struct(f">HH3H3H3H{TAG_SIZE}s")
_ErrorClass = type[DecodeError] | type[EncodeError]
_PART_LAYOUT = struct.Struct(f">HBBBBBB3H3H3H3H12f{TAG_SIZE}s")


class PartEncoding(IntEnum):
    """How the voxels of a part are written."""

    RAW = 0
    ZIGZAG_DELTAS = 1


@register
@dataclass(eq=False)
class GetImagePartMessage(QueryWithFields, GetMessage):
    """Asks for a part of the image with the id ``device_name``.

    start, size
        The box along i, j, k; a size of 0 goes up to the end of the image.
    stride
        Of so many voxels along i, j, k one is sent.
    tag
        Of the image of which others parts are there already; empty for any.
    encodings
        What can be read besides ``PartEncoding.RAW``.
    """

    wire_type: ClassVar[str] = "GET_IMGPART"
    data_type = "IMGPART"

    start: Size = (0, 0, 0)
    size: Size = (0, 0, 0)
    stride: Size = (1, 1, 1)
    tag: str = ""
    encodings: Sequence[PartEncoding] = ()

    def pack_content(self) -> list[Buffer]:
        """Return 54 bytes."""
        request = _REQUEST_LAYOUT.pack(
            _FORMAT_VERSION,
            _encoding_mask(self.encodings),
            *checked_size(self.start, "the start of GET_IMGPART"),
            *checked_size(self.size, "the size of GET_IMGPART"),
            *_checked_stride(self.stride, EncodeError, self.wire_type),
            encode_text(self.tag, TAG_SIZE, "the tag of GET_IMGPART"),
        )
        return [request]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> GetImagePartMessage:
        """Read what is asked for. Encodings that are not known here are left out."""
        reader = Reader(content, cls.wire_type)
        version, mask, *numbers, tag = reader.unpack(_REQUEST_LAYOUT, "request")
        reader.expect_end()
        _check_version(version, cls.wire_type)
        return cls(
            tuple(numbers[:3]),
            tuple(numbers[3:6]),
            _checked_stride(tuple(numbers[6:9]), DecodeError, cls.wire_type),
            decode_text(tag),
            tuple(number for number in PartEncoding if mask >> number & 1),
            **header_fields,
        )

    def box_in(self, image_size: Size) -> tuple[Size, Size]:
        """Return start and size of the box in an image of so many voxels along i, j, k.

        What is beyond its end is left out; nothing is left of a box that begins there.
        """
        sides = zip(self.start, self.size, image_size, strict=True)
        ends = [min(whole, first + count) if count else whole for first, count, whole in sides]
        start_i, start_j, start_k = self.start
        i, j, k = (max(0, end - first) for first, end in zip(self.start, ends, strict=True))
        return (start_i, start_j, start_k), (i, j, k)


@register
@dataclass(eq=False)
class ImagePartMessage(Message):
    """A part of an image: its voxels as they are on the wire, and where they belong.

    data
        The voxels in ``encoding``; see ``voxels``.
    image_size
        Voxels of the whole image along i, j, k.
    start, size, stride
        Along i, j, k: the box, which is within the image, and its step from voxel to voxel.
    matrix, coordinates
        Of the whole image, as in ``ImageMessage``.
    tag
        Which version of the image it is of. Parts with different tags do not belong together.
    """

    wire_type: ClassVar[str] = "IMGPART"

    data: Buffer
    scalar_type: ScalarType
    image_size: Size
    start: Size = (0, 0, 0)
    size: Size = (0, 0, 0)
    stride: Size = (1, 1, 1)
    tag: str = ""
    components: int = 1
    encoding: PartEncoding = PartEncoding.RAW
    matrix: np.ndarray = field(default_factory=unit_matrix)
    coordinates: Coordinates = Coordinates.RAS
    big_endian: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of ``voxels``: (k, j, i), or (k, j, i, components) for more than one."""
        counts = part_shape(self.size, self.stride)
        return counts if self.components == 1 else (*counts, self.components)

    @property
    def byte_count(self) -> int:
        """Bytes of the voxels when they are decoded."""
        return prod(self.shape) * ScalarType(self.scalar_type).dtype.itemsize

    def voxels(self) -> np.ndarray:
        """Return the voxels in native byte order, shape ``shape``; perhaps a view of ``data``.

        Raises ``DecodeError`` as ``voxels_as_sent`` does.
        """
        return self.voxels_as_sent().astype(ScalarType(self.scalar_type).dtype, copy=False)

    def voxels_as_sent(self) -> np.ndarray:
        """Return the voxels in the byte order of the wire, shape ``shape``: a view of ``data``.

        If they are compressed, a copy, which takes 10 ms for 1 MB. Raises ``DecodeError`` if they
        cannot be read.
        """
        dtype = ScalarType(self.scalar_type).dtype
        if self.encoding == PartEncoding.ZIGZAG_DELTAS:
            return decode(self.data, dtype, self.shape)
        voxels = np.frombuffer(self.data, dtype.newbyteorder(">" if self.big_endian else "<"))
        return voxels.reshape(self.shape)

    def whole_geometry(self) -> ImageMessage:
        """Return an image without voxels that has the place and size of the whole image."""
        return ImageMessage(
            np.empty((0, 0, 0), ScalarType(self.scalar_type).dtype),
            self.matrix,
            self.coordinates,
            size=self.image_size,
        )

    def is_of_same_image(self, other: ImagePartMessage) -> bool:
        """Whether both can lie in one volume: they have one tag, one geometry and one type."""
        return (
            self.tag == other.tag
            and tuple(self.image_size) == tuple(other.image_size)
            and (self.scalar_type, self.components) == (other.scalar_type, other.components)
            and self.coordinates == other.coordinates
            and np.array_equal(self.matrix, other.matrix)
        )

    def part_to_image(self) -> np.ndarray:
        """Return the matrix (4, 4) from an index (i, j, k, 1) in the part to the whole image's."""
        matrix = np.diag([*map(float, self.stride), 1.0])
        matrix[:3, 3] = self.start
        return matrix

    def slices(self) -> tuple[slice, slice, slice]:
        """Return where the voxels belong in an array of the whole image, of shape (k, j, i …)."""
        sides = zip(self.start, self.size, self.stride, strict=True)
        i, j, k = (slice(first, first + count, step) for first, count, step in sides)
        return k, j, i

    def pack_content(self) -> list[Buffer]:
        """Return header and voxels; the voxels are not copied."""
        matrix = float32_array(self.matrix, "numbers of the matrix")
        if matrix.shape != (3, 4):
            raise EncodeError(f"the matrix of IMGPART has the shape (3, 4), not {matrix.shape}")
        data = byte_view(self.data, "the voxels of IMGPART")
        components = whole_number(self.components, 1, 0xFF, "the number of components")
        scalar_type = _scalar_type(self.scalar_type)
        grid = (
            checked_size(self.image_size, "the image's size in IMGPART"),
            checked_size(self.start, "the start of IMGPART"),
            checked_size(self.size, "the size of IMGPART"),
            _checked_stride(self.stride, EncodeError, self.wire_type),
        )
        encoding = _encoding(self.encoding, "the encoding of IMGPART")
        _check_grid(grid, EncodeError)
        _check_bytes(grid, components, scalar_type, encoding, data, EncodeError)
        header = _PART_LAYOUT.pack(
            _FORMAT_VERSION,
            components,
            scalar_type,
            BIG_ENDIAN if self.big_endian else LITTLE_ENDIAN,
            whole_number(self.coordinates, Coordinates.RAS, Coordinates.LPS, "the coordinates"),
            encoding,
            0,
            *(number for numbers in grid for number in numbers),
            *matrix.T.ravel().tolist(),
            encode_text(self.tag, TAG_SIZE, "the tag of IMGPART"),
        )
        return [header, data]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> ImagePartMessage:
        """Read a part; its voxels are a view of ``content``."""
        reader = Reader(content, "IMGPART")
        fields = reader.unpack(_PART_LAYOUT, "header")
        version, components, scalar_type, endian, coordinates, encoding, _reserved = fields[:7]
        _check_version(version, "IMGPART")
        for name, value, known in (
            ("byte order", endian, (BIG_ENDIAN, LITTLE_ENDIAN)),
            ("coordinates", coordinates, tuple(map(int, Coordinates))),
            ("encoding", encoding, tuple(map(int, PartEncoding))),
        ):
            if value not in known:
                raise DecodeError(f"IMGPART has the {name} {value}; {known} are known")
        if not components:
            raise DecodeError("IMGPART has voxels without components")
        scalar = ScalarType.read(scalar_type)
        image_size, start, size = (fields[first : first + 3] for first in (7, 10, 13))
        grid = (image_size, start, size, _checked_stride(fields[16:19], DecodeError, "IMGPART"))
        data = reader.rest()
        _check_grid(grid, DecodeError)
        _check_bytes(grid, components, scalar, encoding, data, DecodeError)
        return cls(
            data,
            scalar,
            *grid,
            decode_text(fields[31]),
            components,
            PartEncoding(encoding),
            np.array(fields[19:31]).reshape(4, 3).T,
            Coordinates(coordinates),
            endian == BIG_ENDIAN,
            **header_fields,
        )


def part_shape(size: Size, stride: Size) -> tuple[int, int, int]:
    """Return how many voxels a part has along k, j, i."""
    i, j, k = (-(-count // step) for count, step in zip(size, stride, strict=True))
    return k, j, i


def _check_grid(grid: tuple[Size, Size, Size, Size], error: _ErrorClass) -> None:
    """Raise ``error`` if the box is not in the image."""
    image_size, start, size, _stride = grid
    sides = zip(start, size, image_size, strict=True)
    if any(first + count > whole for first, count, whole in sides):
        raise error(
            f"IMGPART has {size} voxels from {start} on, which are not in an image of {image_size}"
        )


def _check_bytes(
    grid: tuple[Size, Size, Size, Size],
    components: int,
    scalar_type: ScalarType,
    encoding: int,
    data: Buffer,
    error: _ErrorClass,
) -> None:
    """Raise ``error`` if the voxels cannot have so few or so many bytes."""
    *_, size, stride = grid
    expected = prod(part_shape(size, stride)) * components * scalar_type.dtype.itemsize
    is_raw = encoding == PartEncoding.RAW
    if (is_raw and len(data) != expected) or expected > LARGEST_RATIO * len(data):
        raise error(
            f"IMGPART of {size} voxels at a stride of {stride}, {components} components, "
            f"{scalar_type.dtype} has {len(data)} bytes for {expected}"
        )


def _scalar_type(number: int) -> ScalarType:
    try:
        return ScalarType(whole_number(number, 0, 0xFF, "the scalar type of IMGPART"))
    except ValueError:
        raise EncodeError(f"IMGPART has no voxels of the scalar type {number!r}") from None


def _encoding_mask(encodings: Sequence[PartEncoding]) -> int:
    try:
        numbers = set(encodings)
    except TypeError:
        raise EncodeError(f"the encodings of GET_IMGPART are a list, not {encodings!r}") from None
    return sum(1 << _encoding(number, "an encoding") for number in numbers)


def _encoding(number: int, what: str) -> int:
    return whole_number(number, PartEncoding.RAW, PartEncoding.ZIGZAG_DELTAS, what)


def _checked_stride(stride: Size, error: _ErrorClass, what: str) -> Size:
    numbers = checked_size(stride, f"the stride of {what}")
    if 0 in numbers:
        raise error(f"the stride of {what} is {numbers}; it is 1 or more along each axis")
    return numbers


def _check_version(version: int, what: str) -> None:
    if version != _FORMAT_VERSION:
        raise DecodeError(f"{what} has the format version {version}; {_FORMAT_VERSION} is known")
