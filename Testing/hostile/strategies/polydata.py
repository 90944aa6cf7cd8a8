"""POLYDATA that the C++ library reads rightly; ``polydata_others`` has any."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import float32s, texts, with_header
from IGTLMetaBrowserLib import codec

INDICES = st.integers(0, 0xFFFFFFFF)
COUNTS = st.integers(0, 3)
POINTS = numpy_st.arrays(np.float32, st.tuples(COUNTS, st.just(3)), elements=float32s())
# Debian's library does not know textures. It reads cell scalars of nine components only.
TYPES_OF_THE_LIBRARY = [
    attribute_type
    for attribute_type in codec.PolyDataAttributeType
    if not attribute_type.name.endswith("TCOORDS")
]


def cell_arrays(smallest: int) -> st.SearchStrategy[codec.CellArray]:
    """Cells of at least ``smallest`` points each."""
    cells = st.lists(INDICES, min_size=smallest, max_size=4)
    alike = st.lists(st.tuples(INDICES, INDICES, INDICES), max_size=3)
    return (st.lists(cells, max_size=4) | alike).map(codec.CellArray.from_cells)


@st.composite
def attributes(draw: st.DrawFn) -> codec.PolyDataAttribute:
    """Draw an attribute as the library writes it, but with zeros where it leaves memory."""
    attribute_type = draw(st.sampled_from(TYPES_OF_THE_LIBRARY))
    components = attribute_type.components
    if components is None:
        is_of_points = attribute_type == codec.PolyDataAttributeType.POINT_SCALAR
        components = draw(st.integers(1, 127)) if is_of_points else 9
    values = numpy_st.arrays(np.float32, (draw(COUNTS), components), elements=float32s())
    return codec.PolyDataAttribute.from_values(attribute_type, draw(texts(255)), draw(values))


def messages(
    smallest_cell: int, any_attribute: st.SearchStrategy[codec.PolyDataAttribute]
) -> st.SearchStrategy[codec.Message]:
    """Return messages with cells of at least so many points, and with such attributes."""
    return with_header(
        codec.PolyDataMessage,
        points=POINTS,
        vertices=cell_arrays(smallest_cell),
        lines=cell_arrays(smallest_cell),
        polygons=cell_arrays(smallest_cell),
        triangle_strips=cell_arrays(smallest_cell),
        attributes=st.lists(any_attribute, max_size=3),
    )


MESSAGES = [messages(1, attributes())]
