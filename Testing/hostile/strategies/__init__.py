"""Messages of every type with any content, for hypothesis; and what everybody does with one.

Each file beside this one but ``common`` is a family, and has ``MESSAGES``: a list of strategies.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
from hypothesis import strategies as st

from IGTLMetaBrowserLib import codec

FAMILIES = {
    module.name: import_module(f"{__name__}.{module.name}").MESSAGES
    for module in iter_modules(__path__)
    if module.name != "common"
}
STRATEGIES = [strategy for family in FAMILIES.values() for strategy in family]


@st.composite
def any_messages(draw: st.DrawFn) -> codec.Message:
    """Draw a message of any type."""
    return draw(draw(st.sampled_from(STRATEGIES)))


MESSAGES = any_messages()


def read(data: bytes, check_crc: bool = True) -> bool:
    """Read and use a message; return whether it could be read.

    Only ``DecodeError`` is caught: anything else that a message makes the codec raise is a bug.
    """
    try:
        message = codec.unpack(data, check_crc)
    except codec.DecodeError as error:
        reason = str(error)
    else:
        use(message)
        return True
    assert reason == codec.printable(reason)
    return False


def use(message: codec.Message) -> None:
    """Look at all that was read, and send it on: nothing in it may raise."""
    with np.printoptions(override_repr=_shape):  # numpy's own words take long
        repr(message)
    message.timestamp.to_datetime()
    for name in _properties(type(message)):
        getattr(message, name)
    if hasattr(message, "item_class"):
        assert len(list(message.items)) == len(message.items) == len(message.items.records)
    if isinstance(message, codec.ImageMessage):
        assert message.pixels.flags.aligned
        with np.errstate(invalid="ignore"):  # a peer may send a matrix of infinities
            message.ijk_to_ras()
    if isinstance(message, codec.ImagePartMessage):
        with suppress(codec.DecodeError):  # what is in a stream is seen when it is decompressed
            assert message.voxels().shape == message.shape
    data = codec.pack(message)
    assert codec.pack(codec.unpack(data)) == data


def _shape(array: np.ndarray) -> str:
    return str(array.shape)


@cache
def _properties(cls: type) -> list[str]:
    return [name for name in dir(cls) if isinstance(getattr(cls, name), property)]
