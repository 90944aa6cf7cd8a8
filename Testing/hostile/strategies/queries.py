"""GET_, STT_, STP_ and RTS_ of any type; and messages of types that nobody registered."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import texts, with_header
from IGTLMetaBrowserLib import codec

QUERY_CLASSES = (codec.GetMessage, codec.StartMessage, codec.StopMessage, codec.ReturnMessage)

MESSAGES = [
    *(
        with_header(query_class, data_type=texts(8), content=st.binary(max_size=50))
        for query_class in QUERY_CLASSES
    ),
    with_header(
        codec.UnknownMessage,
        data_type=texts(10).map(lambda name: "X" + name),
        content=st.binary(max_size=200),
    ),
]
