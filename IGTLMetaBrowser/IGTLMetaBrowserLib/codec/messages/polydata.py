"""POLYDATA: a surface, lines, points (OpenIGTLink ``polydata.md``; ``igtl_polydata.h``).

============================  ====================  ===========================================
type                          field                 meaning
============================  ====================  ===========================================
u32                           number of points      P
u32 u32                       vertices              number of cells, and their size in bytes
u32 u32                       lines                 likewise
u32 u32                       polygons              likewise
u32 u32                       triangle strips       likewise
u32                           number of attributes  A
f32×3, P times                points                x, y, z in mm
u32…                          cells                 vertices, lines, polygons, triangle strips;
                                                    see ``polydata_cells``
(u8 u8 u32), A times          attribute headers     type, components C, number of entries N
(char[] NUL), A times         attribute names       up to 255 bytes each; one more NUL if
                                                    all names together have odd length
(f32×C, N times), A times     attribute values      of points or cells;
                                                    see ``polydata_attributes``
============================  ====================  ===========================================

The message has no field for its coordinate system; OpenIGTLink's is RAS.

STT_POLYDATA has no content, or the least time between two messages in ns (u64). RTS_POLYDATA has
a status (u8): 0 success, 1 error. GET_POLYDATA and STP_POLYDATA have no content.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..arrays import float32_array, read_array, write_array
from ..errors import DecodeError, EncodeError
from ..wire import Buffer, Reader, whole_number
from .base import Message, register
from .polydata_attributes import PolyDataAttribute, pack_attributes, read_attributes
from .polydata_cells import CellArray
from .query import QueryWithFields, StartMessage, StatusReturnMessage

_HEADER = struct.Struct(">10I")
_RESOLUTION = struct.Struct(">Q")
_FLOAT = np.dtype(np.float32)
_INDEX = np.dtype(np.uint32)
_KINDS_OF_CELLS = ("vertices", "lines", "polygons", "triangle_strips")


def _no_points() -> np.ndarray:
    return np.zeros((0, 3), np.float32)


@register
@dataclass(eq=False)
class PolyDataMessage(Message):
    """Points, cells that join them, and attributes of both.

    ``points`` is float32 of shape (n, 3), RAS mm. The cells are ``CellArray``s of indices into it.
    """

    wire_type: ClassVar[str] = "POLYDATA"

    points: np.ndarray = field(default_factory=_no_points)
    vertices: CellArray = field(default_factory=CellArray)
    lines: CellArray = field(default_factory=CellArray)
    polygons: CellArray = field(default_factory=CellArray)
    triangle_strips: CellArray = field(default_factory=CellArray)
    attributes: Sequence[PolyDataAttribute] = field(default_factory=list)

    def pack_content(self) -> list[Buffer]:
        """Return header, points, cells and attributes."""
        points = float32_array(self.points, "points of POLYDATA")
        if points.ndim != 2 or points.shape[1] != 3:
            raise EncodeError(f"the points of POLYDATA have the shape (n, 3), not {points.shape}")
        sizes = [len(points)]
        cells = []
        for kind in _KINDS_OF_CELLS:
            cell_array = getattr(self, kind)
            if not isinstance(cell_array, CellArray):
                raise EncodeError(f"the {kind} of POLYDATA are a CellArray, not {cell_array!r}")
            cells.append(write_array(cell_array.to_legacy()))
            sizes += [len(cell_array), len(cells[-1])]
        attributes = pack_attributes(self.attributes)
        try:
            header = _HEADER.pack(*sizes, len(self.attributes))
        except struct.error:
            raise EncodeError(
                "POLYDATA holds less than 2**32 points, and bytes of each kind of cells; "
                f"these are {sizes[0]} points and {sizes[2::2]} bytes"
            ) from None
        return [header, write_array(points), *cells, *attributes]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> PolyDataMessage:
        """Read points, cells and attributes; points and values may be views of ``content``."""
        reader = Reader(content, "POLYDATA")
        point_count, *cell_sizes, attribute_count = reader.unpack(_HEADER, "header")
        point_bytes = reader.take(point_count * 3 * _FLOAT.itemsize, "points")
        points = read_array(point_bytes, _FLOAT).reshape(-1, 3)
        kinds = zip(_KINDS_OF_CELLS, cell_sizes[0::2], cell_sizes[1::2], strict=True)
        vertices, lines, polygons, strips = (_read_cells(reader, *kind) for kind in kinds)
        attributes = read_attributes(reader, attribute_count)
        return cls(points, vertices, lines, polygons, strips, attributes, **header_fields)


def _read_cells(reader: Reader, kind: str, count: int, size: int) -> CellArray:
    what = kind.replace("_", " ")
    if size % _INDEX.itemsize or count * _INDEX.itemsize > size:
        raise DecodeError(f"POLYDATA cannot have {count} {what} in {size} bytes")
    try:
        return CellArray.from_legacy(read_array(reader.take(size, what), _INDEX), count)
    except DecodeError as error:
        raise DecodeError(f"{what} of POLYDATA: {error}") from None


@register
@dataclass(eq=False)
class StartPolyDataMessage(QueryWithFields, StartMessage):
    """Asks for a stream of POLYDATA.

    ``resolution`` is the least time between two messages in ns, from 0 to 2⁶⁴−1 (``polydata.md``);
    None, the C++ library's only way, leaves it to the server.
    """

    wire_type: ClassVar[str] = "STT_POLYDATA"
    data_type = "POLYDATA"

    resolution: int | None = None

    def pack_content(self) -> list[Buffer]:
        """Return 8 bytes, or none."""
        if self.resolution is None:
            return []
        resolution = whole_number(self.resolution, 0, 0xFFFFFFFFFFFFFFFF, "resolution in ns")
        return [_RESOLUTION.pack(resolution)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StartPolyDataMessage:
        """Read 8 bytes, or none."""
        if not content:
            return cls(**header_fields)
        reader = Reader(content, cls.wire_type)
        (resolution,) = reader.unpack(_RESOLUTION, "resolution")
        reader.expect_end()
        return cls(resolution, **header_fields)


@register
class RTSPolyDataMessage(StatusReturnMessage):
    """Answers a query for POLYDATA, with the status of ``polydata.md``: 0 is success.

    The C++ library has it the other way round: its ``SetStatus(true)`` sends 1.
    """

    wire_type: ClassVar[str] = "RTS_POLYDATA"
    data_type = "POLYDATA"
