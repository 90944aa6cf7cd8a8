"""IMAGE and IMGMETA."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import (
    HEADERS,
    TIMESTAMPS,
    UINT8,
    UINT16,
    float32s,
    texts,
    with_header,
)
from IGTLMetaBrowserLib import codec

IMAGE_META_ITEMS = st.builds(
    codec.ImageMetaItem,
    name=texts(64),
    id=texts(20),
    modality=texts(32),
    patient_name=texts(64),
    patient_id=texts(64),
    scan_time=TIMESTAMPS,
    size=st.tuples(UINT16, UINT16, UINT16),
    scalar_type=UINT8,
)


@st.composite
def images(draw: st.DrawFn) -> codec.ImageMessage:
    """Draw an image: of any type and byte order, scalar or vector, whole or a part."""
    scalar_type = draw(st.sampled_from(codec.ScalarType))
    shape = draw(st.tuples(*[st.integers(0, 4)] * 3))
    if draw(st.booleans()):
        shape = (*shape, draw(st.integers(2, 4)))
    fill = st.floats(allow_nan=False, width=32) if scalar_type.dtype.kind == "f" else None
    pixels = draw(numpy_st.arrays(scalar_type.dtype, shape, elements=fill))
    size, offset = None, (0, 0, 0)
    if draw(st.booleans()):
        offset = draw(st.tuples(*[st.integers(0, 9)] * 3))
        beyond = draw(st.tuples(*[st.integers(1, 9)] * 3))
        parts = zip(offset, shape[2::-1], beyond, strict=True)
        size = tuple(before + count + after for before, count, after in parts)
    return codec.ImageMessage(
        pixels,
        draw(numpy_st.arrays(np.float64, (3, 4), elements=float32s())),
        draw(st.sampled_from(codec.Coordinates)),
        draw(st.booleans()),
        size,
        offset,
        **draw(HEADERS),
    )


MESSAGES = [
    images(),
    with_header(codec.ImageMetaMessage, items=st.lists(IMAGE_META_ITEMS, max_size=3)),
]
