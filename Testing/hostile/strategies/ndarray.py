"""NDARRAY."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import with_header
from IGTLMetaBrowserLib import codec

DTYPES = [*(scalar_type.dtype for scalar_type in codec.ScalarType), np.dtype(complex)]
SHAPES = numpy_st.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Draw an array of any type and shape that NDARRAY has, without NaN, which equals nothing."""
    dtype = draw(st.sampled_from(DTYPES))
    elements = numpy_st.from_dtype(dtype, allow_nan=False)
    return draw(numpy_st.arrays(dtype, draw(SHAPES), elements=elements))


MESSAGES = [with_header(codec.NDArrayMessage, array=arrays())]
