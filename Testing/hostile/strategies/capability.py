"""CAPABILITY."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import texts, with_header
from IGTLMetaBrowserLib import codec

MESSAGES = [with_header(codec.CapabilityMessage, types=st.lists(texts(12), max_size=5))]
