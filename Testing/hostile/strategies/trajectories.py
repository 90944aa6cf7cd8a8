"""TRAJ."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import COLORS, POINTS, float32s, texts, with_header
from IGTLMetaBrowserLib import codec

TRAJECTORY_ITEMS = st.builds(
    codec.TrajectoryItem,
    name=texts(64),
    group=texts(32),
    type=st.integers(-128, 127),
    rgba=COLORS,
    entry=POINTS,
    target=POINTS,
    diameter=float32s(),
    owner=texts(20),
)

MESSAGES = [with_header(codec.TrajectoryMessage, items=st.lists(TRAJECTORY_ITEMS, max_size=3))]
