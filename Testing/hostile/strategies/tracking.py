"""POSITION, TRANSFORM, TDATA and QTDATA."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import POINTS, UINT8, float32s, texts, with_header
from IGTLMetaBrowserLib import codec

QUATERNIONS = st.tuples(float32s(), float32s(), float32s(), float32s())
MATRICES = numpy_st.arrays(np.float64, (3, 4), elements=float32s()).map(
    lambda rows: np.vstack([rows, [0.0, 0.0, 0.0, 1.0]])
)
TRACKING_DATA_ITEMS = st.builds(
    codec.TrackingDataItem,
    name=texts(20),
    type=UINT8,
    transform=st.tuples(*[float32s()] * 12),
)
QUATERNION_TRACKING_DATA_ITEMS = st.builds(
    codec.QuaternionTrackingDataItem,
    name=texts(20),
    type=UINT8,
    position=POINTS,
    quaternion=QUATERNIONS,
)
START_CLASSES = (codec.StartTrackingDataMessage, codec.StartQuaternionTrackingDataMessage)
RETURN_CLASSES = (codec.RTSTrackingDataMessage, codec.RTSQuaternionTrackingDataMessage)

MESSAGES = [
    *(
        with_header(
            position_class,
            position=POINTS,
            quaternion=st.just(()) | st.tuples(*[float32s()] * 3) | QUATERNIONS,
        )
        for position_class in (codec.PositionMessage, codec.QuaternionTransformMessage)
    ),
    with_header(codec.TransformMessage, matrix=MATRICES),
    with_header(codec.TrackingDataMessage, items=st.lists(TRACKING_DATA_ITEMS, max_size=3)),
    with_header(
        codec.QuaternionTrackingDataMessage,
        items=st.lists(QUATERNION_TRACKING_DATA_ITEMS, max_size=3),
    ),
    *(
        with_header(
            start_class, resolution=st.integers(-1 << 31, (1 << 31) - 1), coordinate_name=texts(32)
        )
        for start_class in START_CLASSES
    ),
    *(with_header(return_class, status=UINT8) for return_class in RETURN_CLASSES),
]
