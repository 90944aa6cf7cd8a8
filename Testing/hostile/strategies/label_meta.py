"""LBMETA."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import COLORS, UINT8, UINT16, texts, with_header
from IGTLMetaBrowserLib import codec

LABEL_META_ITEMS = st.builds(
    codec.LabelMetaItem,
    name=texts(64),
    id=texts(20),
    label=UINT8,
    rgba=COLORS,
    size=st.tuples(UINT16, UINT16, UINT16),
    owner=texts(20),
)

MESSAGES = [with_header(codec.LabelMetaMessage, items=st.lists(LABEL_META_ITEMS, max_size=3))]
