"""IMGPART, GET_IMGPART and IMGTHUMB."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import HEADERS, UINT16, float32s, texts, with_header
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.part_encoding import encode

SIZES = st.tuples(UINT16, UINT16, UINT16)
STRIDES = st.tuples(*[st.integers(1, 0xFFFF)] * 3)
RAW = codec.PartEncoding.RAW


@st.composite
def parts(draw: st.DrawFn) -> codec.ImagePartMessage:
    """Draw a part: of any type and byte order, encoded or not."""
    scalar_type = draw(st.sampled_from(codec.ScalarType))
    shape = draw(st.tuples(*[st.integers(0, 4)] * 3))
    if draw(st.booleans()):
        shape = (*shape, draw(st.integers(2, 4)))
    # The bytes are what counts, NaN is one of them.
    voxels = draw(numpy_st.arrays(scalar_type.dtype, shape))
    encoding = draw(st.sampled_from(codec.PartEncoding))
    is_big = draw(st.booleans())
    raw = voxels.astype(scalar_type.dtype.newbyteorder(">" if is_big else "<")).tobytes()
    stride = draw(st.tuples(*[st.integers(1, 3)] * 3))
    size = tuple(count * step for count, step in zip(shape[2::-1], stride, strict=True))
    start = draw(st.tuples(*[st.integers(0, 9)] * 3))
    beyond = draw(st.tuples(*[st.integers(0, 9)] * 3))
    sides = zip(start, size, beyond, strict=True)
    return codec.ImagePartMessage(
        raw if encoding is RAW else encode(voxels),
        scalar_type,
        tuple(sum(side) for side in sides),
        start,
        size,
        stride,
        draw(texts(32)),
        shape[3] if len(shape) == 4 else 1,
        encoding,
        draw(numpy_st.arrays(np.float64, (3, 4), elements=float32s())),
        draw(st.sampled_from(codec.Coordinates)),
        is_big,
        **draw(HEADERS),
    )


@st.composite
def planes(draw: st.DrawFn) -> list[codec.ThumbnailPlane]:
    """Draw up to three planes, gray or RGB."""
    ends = (3,) if draw(st.booleans()) else ()
    sides = [st.integers(0, 4)] * 2
    shapes = st.lists(st.tuples(*sides).map(lambda sides: (*sides, *ends)), max_size=3)
    pixel_sizes = st.tuples(float32s(), float32s())
    return [
        codec.ThumbnailPlane(draw(numpy_st.arrays(np.uint8, shape)), draw(pixel_sizes))
        for shape in draw(shapes)
    ]


MESSAGES = [
    parts(),
    with_header(
        codec.GetImagePartMessage,
        start=SIZES,
        size=SIZES,
        stride=STRIDES,
        tag=texts(32),
        encodings=st.sampled_from([(), (RAW,), tuple(codec.PartEncoding)]),
    ),
    with_header(codec.ThumbnailMessage, planes=planes(), tag=texts(32)),
]
