"""The attributes of POLYDATA: numbers of its points and cells (OpenIGTLink ``polydata.md``).

The C++ library takes what is neither point scalars, vectors nor normals for tensors: it writes 9
components for them, and reads 9 per entry whatever the header says. Its real numbers come first,
all together; behind them is leftover memory. See ``PolyDataAttribute.values``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import equal_fields, float32_array, read_array, write_array
from ..errors import DecodeError, EncodeError
from ..wire import Buffer, Reader, decode_text, encode_text, whole_number
from .base import member_or_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_HEADER = struct.Struct(">BBI")
_FLOAT = np.dtype(np.float32)
_LONGEST_NAME = 255
# Each becomes a Python object, many times as large as the 7 bytes that it can have on the wire.
_MOST_ATTRIBUTES = 0xFFFF
_COMPONENTS_OF_THE_LIBRARY = 9


class PolyDataAttributeType(IntEnum):
    """What an attribute says, and of what. ``polydata.md`` does not have the two of textures."""

    POINT_SCALAR = 0x00
    POINT_VECTOR = 0x01
    POINT_NORMAL = 0x02
    POINT_TENSOR = 0x03
    POINT_RGBA = 0x04
    POINT_TCOORDS = 0x05
    CELL_SCALAR = 0x10
    CELL_VECTOR = 0x11
    CELL_NORMAL = 0x12
    CELL_TENSOR = 0x13
    CELL_RGBA = 0x14
    CELL_TCOORDS = 0x15

    @property
    def components(self) -> int | None:
        """Number of components that the type demands; None for scalars, which have any."""
        return _COMPONENTS[self & 0x0F]


_COMPONENTS = (None, 3, 3, 9, 4, 3)  # by the lower four bits of the type
_WRITTEN_AS_THEY_ARE = (
    PolyDataAttributeType.POINT_SCALAR,
    PolyDataAttributeType.POINT_VECTOR,
    PolyDataAttributeType.POINT_NORMAL,
)
_type_of = member_or_number(PolyDataAttributeType)


@dataclass(eq=False)
class PolyDataAttribute:
    """Numbers for each point, or for each cell in the order of the message.

    type
        A ``PolyDataAttributeType``, or the plain number if a peer sent another.
    name
        At most 255 bytes of UTF-8.
    data
        float32 of shape (points or cells, components), as on the wire. ``values`` reads it, and
        ``from_values`` writes it, as peers with the C++ library mean it. RGBA is from 0 to 1.
    """

    type: PolyDataAttributeType | int
    name: str
    data: np.ndarray

    @classmethod
    def from_values(
        cls, attribute_type: PolyDataAttributeType, name: str, values: ArrayLike
    ) -> PolyDataAttribute:
        """Make an attribute that the C++ library, and so Slicer, reads without harm.

        ``values`` has the shape (points or cells, components), or (points or cells,) for scalars.
        The library reads cell scalars of 9 components only: of others it gets all numbers, but
        takes them for fewer, longer entries, and zeros.
        """
        numbers = float32_array(values, f"values of {name!r}")
        if numbers.ndim == 1:
            numbers = numbers[:, np.newaxis]
        components = attribute_type.components
        if numbers.ndim != 2 or numbers.shape[1] != (components or numbers.shape[1]):
            raise EncodeError(
                f"the values of {attribute_type.name} {name!r} have the shape "
                f"(n, {components or 'components'}), not {numbers.shape}"
            )
        if attribute_type in _WRITTEN_AS_THEY_ARE or numbers.shape[1] >= _COMPONENTS_OF_THE_LIBRARY:
            return cls(attribute_type, name, numbers)
        data = np.zeros((len(numbers), _COMPONENTS_OF_THE_LIBRARY), np.float32)
        data.ravel()[: numbers.size] = numbers.ravel()
        return cls(attribute_type, name, data)

    def values(self, components: int | None = None) -> np.ndarray:
        """Return the values, of shape (points or cells, components), without the library's rest.

        ``components`` is needed if a peer with the C++ library sent cell scalars, whose number
        of components it does not say.
        """
        if components is None and isinstance(self.type, PolyDataAttributeType):
            components = self.type.components
        count, width = self.data.shape
        if components is None or components >= width:
            return self.data
        return self.data.ravel()[: count * components].reshape(count, components)

    def __eq__(self, other: object) -> bool:
        return equal_fields(self, other) if isinstance(other, PolyDataAttribute) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def read_attributes(reader: Reader, count: int) -> list[PolyDataAttribute]:
    """Read ``count`` attributes, which end the content."""
    if count > _MOST_ATTRIBUTES:
        raise DecodeError(f"POLYDATA has {count} attributes; {_MOST_ATTRIBUTES} can be read")
    headers = reader.take(count * _HEADER.size, "attribute headers")
    rest = reader.rest()
    names, size = _read_names(rest, count)
    reader = Reader(rest, "POLYDATA")
    reader.take(size, "attribute names")
    attributes = []
    for name, header in zip(names, _HEADER.iter_unpack(headers), strict=True):
        number, components, length = header
        values = reader.take(length * components * _FLOAT.itemsize, "attribute values")
        data = read_array(values, _FLOAT).reshape(length, components)
        attributes.append(PolyDataAttribute(_type_of(number), name, data))
    reader.expect_end()
    return attributes


def _read_names(content: memoryview, count: int) -> tuple[list[str], int]:
    """Return the names at the beginning of ``content``, and how many bytes they take."""
    names: list[str] = []
    position = 0
    for _ in range(count):
        name = bytes(content[position : position + _LONGEST_NAME + 1])
        length = name.find(b"\0")
        if length < 0:
            raise DecodeError(f"the name of attribute {len(names)} of POLYDATA has no end")
        names.append(decode_text(name[:length]))
        position += length + 1
    return names, position + position % 2


def pack_attributes(attributes: Sequence[PolyDataAttribute]) -> list[Buffer]:
    """Return headers, names and values. Raises ``EncodeError`` for what does not fit."""
    if not isinstance(attributes, Sequence):
        raise EncodeError(f"the attributes of POLYDATA are a sequence, not {attributes!r}")
    if len(attributes) > _MOST_ATTRIBUTES:
        raise EncodeError(f"{len(attributes)} attributes; a POLYDATA can hold {_MOST_ATTRIBUTES}")
    names = b"".join(_pack_name(attribute) for attribute in attributes)
    data = [_checked_data(attribute) for attribute in attributes]
    headers = [
        _pack_header(attribute, array.shape)
        for attribute, array in zip(attributes, data, strict=True)
    ]
    return [*headers, names + bytes(len(names) % 2), *map(write_array, data)]


def _pack_name(attribute: PolyDataAttribute) -> bytes:
    if not isinstance(attribute, PolyDataAttribute):
        raise EncodeError(f"attributes of POLYDATA are PolyDataAttributes, not {attribute!r}")
    return encode_text(attribute.name, _LONGEST_NAME, "attribute name").rstrip(b"\0") + b"\0"


def _checked_data(attribute: PolyDataAttribute) -> np.ndarray:
    data = float32_array(attribute.data, f"data of the attribute {attribute.name!r}")
    if data.ndim != 2:
        raise EncodeError(
            f"the data of the attribute {attribute.name!r} have the shape (points or cells, "
            f"components), not {data.shape}"
        )
    return data


def _pack_header(attribute: PolyDataAttribute, shape: tuple[int, ...]) -> bytes:
    what = f"of the attribute {attribute.name!r}"
    count, components = shape
    return _HEADER.pack(
        whole_number(attribute.type, 0, 0xFF, f"the type {what}"),
        whole_number(components, 0, 0xFF, f"the number of components {what}"),
        whole_number(count, 0, 0xFFFFFFFF, f"the number of entries {what}"),
    )
