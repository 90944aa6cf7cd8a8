"""COLORT, and the same as COLORTABLE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from hostile.strategies.common import with_header
from IGTLMetaBrowserLib import codec


def color_table(entry_count: int, entry: tuple[str, int], seed: int) -> np.ndarray:
    """Return a table of any colors. ``entry`` has dtype and components."""
    dtype, components = entry
    values = np.random.default_rng(seed).integers(0, 1 << 16, (entry_count, components))
    return values.astype(dtype)


COLORS = st.builds(
    color_table,
    st.sampled_from([256] * 9 + [65536]),
    st.sampled_from([("u1", 1), ("u2", 1), ("u1", 3)]),
    st.integers(0, 1 << 32),
)

MESSAGES = [
    with_header(codec.ColorTableMessage, colors=COLORS),
    with_header(codec.LongNamedColorTableMessage, colors=COLORS),
]
