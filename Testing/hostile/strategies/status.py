"""STATUS."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import UINT16, texts, with_header
from IGTLMetaBrowserLib import codec

MESSAGES = [
    with_header(
        codec.StatusMessage,
        code=UINT16,
        subcode=st.integers(-1 << 63, (1 << 63) - 1),
        error_name=texts(20),
        message=texts(100),
    ),
]
