"""VIDEO, STT_VIDEO and VIDEOMETA."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from hostile.strategies.common import UINT8, UINT16, float32s, texts, with_header
from IGTLMetaBrowserLib import codec

SIZES = st.tuples(UINT16, UINT16, UINT16)
VIDEO_META_ITEMS = st.builds(
    codec.VideoMetaItem,
    name=texts(64),
    device_name=texts(64),
    patient_name=texts(64),
    patient_id=texts(64),
    zoom_level=st.integers(-0x8000, 0x7FFF),
    focal_length=st.floats(allow_nan=False),
    size=SIZES,
    matrix=st.tuples(*[float32s()] * 12),
    scalar_type=UINT8,
)


@st.composite
def videos(draw: st.DrawFn) -> codec.VideoMessage:
    """Draw a frame, of a whole image or of a part."""
    fields = {
        "frame": st.binary(max_size=60),
        "codec": texts(4),
        "size": SIZES,
        "frame_type": UINT16,
        "matrix": numpy_st.arrays(np.float64, (3, 4), elements=float32s()),
        "coordinates": UINT8,
        "endian": UINT8,
        "offset": SIZES,
    }
    message = draw(with_header(codec.VideoMessage, **fields))
    part = draw(st.none() | SIZES)
    message.part = None if part == message.size else part
    return message


MESSAGES = [
    videos(),
    with_header(codec.StartVideoMessage, codec=texts(4), time_interval=st.integers(0, 0xFFFFFFFF)),
    with_header(codec.VideoMetaMessage, items=st.lists(VIDEO_META_ITEMS, max_size=3)),
]
