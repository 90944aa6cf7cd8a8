"""SENSOR."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import UINT8, with_header
from IGTLMetaBrowserLib import codec

# Any 64 bits are a unit.
UNITS = st.integers(0, (1 << 64) - 1).map(codec.Unit.unpack)

MESSAGES = [
    with_header(
        codec.SensorMessage,
        values=numpy_st.arrays(
            np.float64, st.integers(0, 255), elements=st.floats(allow_nan=False)
        ),
        unit=UNITS,
        status=UINT8,
    ),
]
