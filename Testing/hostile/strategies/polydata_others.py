"""STT_POLYDATA, RTS_POLYDATA, and any POLYDATA, also such as the C++ library reads wrongly."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import UINT8, float32s, texts, with_header
from hostile.strategies.polydata import COUNTS, messages
from IGTLMetaBrowserLib import codec

ANY_ATTRIBUTES = st.builds(
    codec.PolyDataAttribute,
    st.sampled_from(codec.PolyDataAttributeType) | UINT8,
    texts(255),
    numpy_st.arrays(np.float32, st.tuples(COUNTS, COUNTS), elements=float32s()),
)
MESSAGES = [
    messages(0, ANY_ATTRIBUTES),
    with_header(
        codec.StartPolyDataMessage, resolution=st.none() | st.integers(0, 0xFFFFFFFFFFFFFFFF)
    ),
    with_header(codec.RTSPolyDataMessage, status=UINT8),
]
