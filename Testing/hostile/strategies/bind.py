"""BIND of texts, messages of unknown types, and BINDs; and the queries for it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hostile.strategies.common import HEADERS, UINT8, texts, with_header
from hostile.strategies.strings import MESSAGES as STRINGS
from IGTLMetaBrowserLib import codec

UNKNOWN = with_header(
    codec.UnknownMessage,
    data_type=texts(10).map(lambda name: "X" + name),
    content=st.binary(max_size=9),
)


def as_read(bind: codec.BindMessage) -> codec.BindMessage:
    """Give the children the header that they have when the BIND was read."""
    for child in bind.children:
        child.timestamp = bind.timestamp
        child.header_version, child.message_id, child.metadata = 1, 0, {}
        if isinstance(child, codec.BindMessage):
            as_read(child)
    return bind


def make_bind(children: list[codec.Message], header: dict[str, Any]) -> codec.BindMessage:
    """Return a message as it is after it was read."""
    return as_read(codec.BindMessage(children, **header))


def binds(children: st.SearchStrategy[codec.Message]) -> st.SearchStrategy[codec.Message]:
    """Messages with such children."""
    return st.builds(make_bind, st.lists(children, max_size=4), HEADERS)


CHILDREN = st.recursive(st.one_of(UNKNOWN, *STRINGS), binds, max_leaves=6)
NAMES = st.lists(st.builds(codec.ChildName, texts(12), texts(20)), max_size=4)

MESSAGES = [
    binds(CHILDREN),
    with_header(codec.GetBindMessage, children=st.none() | NAMES),
    with_header(
        codec.StartBindMessage,
        resolution=st.integers(0, (1 << 64) - 1),
        children=st.none() | NAMES,
    ),
    with_header(codec.RTSBindMessage, status=UINT8),
]
