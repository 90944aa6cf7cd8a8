"""POINT."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import COLORS, POINTS, float32s, texts, with_header
from IGTLMetaBrowserLib import codec

POINT_ITEMS = st.builds(
    codec.PointItem,
    name=texts(64),
    group=texts(32),
    rgba=COLORS,
    position=POINTS,
    diameter=float32s(),
    owner=texts(20),
)

MESSAGES = [with_header(codec.PointMessage, items=st.lists(POINT_ITEMS, max_size=3))]
