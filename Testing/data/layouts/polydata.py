"""POLYDATA."""

from __future__ import annotations

import struct
from itertools import accumulate, chain, pairwise
from typing import Any

Fields = dict[str, Any]

KINDS_OF_CELLS = ("vertices", "lines", "polygons", "triangle_strips")


def array(dtype: str, shape: list[int], values: list[float]) -> Fields:
    """Return an array."""
    return {"dtype": dtype, "shape": shape, "values": values}


def cells(*indices: list[int]) -> Fields:
    """Return cells: the indices of all, and where in them each begins."""
    offsets = [0, *accumulate(map(len, indices))]
    connectivity = list(chain(*indices))
    return {
        "offsets": array("int64", [len(offsets)], offsets),
        "connectivity": array("uint32", [len(connectivity)], connectivity),
    }


def attribute(type_: int, name: str, data: list[list[float]]) -> Fields:
    """Return an attribute of points or cells, one entry of ``data`` for each."""
    shape = [len(data), len(data[0])]
    return {"type": type_, "name": name, "data": array("float32", shape, list(chain(*data)))}


def polydata(points: list[list[float]], attributes: list[Fields], **kinds: Fields) -> Fields:
    """Return the fields of a message; it has no cells of the kinds that are not given."""
    return {
        "points": array("float32", [len(points), 3], list(chain(*points))),
        **{kind: kinds.get(kind, cells()) for kind in KINDS_OF_CELLS},
        "attributes": attributes,
    }


SQUARE = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [1.5, 1.5, -80.25], [0.0, 1.5, 2.0**100]]
TENSOR = [float(number) for number in range(9)]
# In the library's way: two colors of 4 numbers each, and what is left of 2×9.
COLORS = [[1.0, 0.5, 0.0, 1.0, 0.0, 0.25, 1.0, 0.75, 0.0], [0.0] * 9]
# Likewise one vector of 3 numbers.
CELL_VECTOR = [[0.5, -1.5, 2.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]

CONTENTS = [
    (
        "polydata",
        "POLYDATA",
        "Skull",
        polydata(
            SQUARE,
            [],
            vertices=cells([3], [0]),
            lines=cells([0, 1, 2], [2, 3]),
            polygons=cells([0, 1, 2], [0, 1, 2, 3]),
            triangle_strips=cells([0, 1, 3, 2, 4294967295]),
        ),
    ),
    ("polydata_empty", "POLYDATA", "Skull", polydata([], [])),
    (
        "polydata_triangles",
        "POLYDATA",
        "Skull",
        polydata(SQUARE, [], polygons=cells([0, 1, 2], [0, 2, 3])),
    ),
    # All names together, with a NUL each, have an even length.
    (
        "polydata_attributes",
        "POLYDATA",
        "Skull",
        polydata(
            SQUARE[:2],
            [
                attribute(0x00, "Größe", [[1.0], [2.0]]),
                attribute(0x01, "", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
                attribute(0x02, "n", [[0.0, 0.0, 1.0]]),
                attribute(0x03, "tt", [TENSOR]),
            ],
        ),
    ),
    # An odd length: one more NUL.
    (
        "polydata_padded",
        "POLYDATA",
        "Skull",
        polydata(
            SQUARE[:2],
            [
                attribute(0x00, "N" * 255, [[1.0, 2.0, 3.0, 4.0, 5.0]]),
                attribute(0x04, "rgba", COLORS),
                attribute(0x11, "ab", CELL_VECTOR),
                attribute(0x13, "", [TENSOR]),
            ],
            lines=cells([0, 1]),
        ),
    ),
    # What the document has, but not the library.
    (
        "polydata_documented",
        "POLYDATA",
        "Skull",
        polydata(
            SQUARE[:1],
            [
                attribute(0x10, "cell scalars", [[0.5], [1.5]]),
                attribute(0x04, "colours", [[1.0, 0.5, 0.0, 1.0]]),
                attribute(0x77, "unknown", [[1.0, 2.0]]),
            ],
            polygons=cells([], [0], []),
        ),
    ),
]


def pack_polydata(fields: Fields) -> bytes:
    """Return header, points, cells and attributes."""
    kinds = [pack_cells(fields[kind]) for kind in KINDS_OF_CELLS]
    counts = [len(fields[kind]["offsets"]["values"]) - 1 for kind in KINDS_OF_CELLS]
    sizes = chain(*((count, len(kind)) for count, kind in zip(counts, kinds, strict=True)))
    points, attributes = fields["points"], fields["attributes"]
    header = struct.pack(">10I", points["shape"][0], *sizes, len(attributes))
    return header + pack_floats(points) + b"".join(kinds) + pack_attributes(attributes)


def pack_cells(fields: Fields) -> bytes:
    """Return the number of points of a cell, their indices, and so on."""
    indices = fields["connectivity"]["values"]
    parts = [indices[begin:end] for begin, end in pairwise(fields["offsets"]["values"])]
    return b"".join(struct.pack(f">I{len(part)}I", len(part), *part) for part in parts)


def pack_attributes(attributes: list[Fields]) -> bytes:
    """Return all headers, all names, and all data."""
    headers = b"".join(
        struct.pack(">BBI", each["type"], each["data"]["shape"][1], each["data"]["shape"][0])
        for each in attributes
    )
    names = b"".join(each["name"].encode() + b"\0" for each in attributes)
    padding = bytes(len(names) % 2)
    return headers + names + padding + b"".join(pack_floats(each["data"]) for each in attributes)


def pack_floats(fields: Fields) -> bytes:
    """Return the numbers of an array."""
    return struct.pack(f">{len(fields['values'])}f", *fields["values"])


PACKERS = {"POLYDATA": pack_polydata}
