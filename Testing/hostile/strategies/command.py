"""COMMAND and RTS_COMMAND."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import texts, with_header
from IGTLMetaBrowserLib import codec

MESSAGES = [
    with_header(
        message_class,
        command_id=st.integers(0, 0xFFFFFFFF),
        name=texts(128),
        command=st.text(st.characters(codec="utf-8"), max_size=60),
    )
    for message_class in (codec.CommandMessage, codec.RTSCommandMessage)
]
