"""Trajectories and points of a server that sends radii.

The last number of a TRAJ or POINT item is the diameter by the protocol's documents
(``trajectory.md``, ``point.md``), and the radius in the C++ library (``SetRadius``). Which of them
a server sends is a setting; here it is a diameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ... import codec
from ...codec.messages.items import ItemTable

_WITH_DIAMETERS = ("TRAJ", "POINT")
# About 2 ms of work.
_ITEMS_A_TURN = 10_000

MessageType = TypeVar("MessageType", bound=codec.Message)


def to_diameters(message: codec.Message) -> Iterator[None]:
    """Make diameters of the radii in a message that was received, with pauses.

    Of a million it takes 0.2 s. A message of another type stays as it is.
    """
    if message.type_name not in _WITH_DIAMETERS:
        return
    table: ItemTable = message.items
    size = _ITEMS_A_TURN * table.item_class.columns.itemsize
    content = memoryview(bytearray(len(table.content)))
    for begin in range(0, len(content), size):
        piece = content[begin : begin + size]
        piece[:] = table.content[begin : begin + size]
        with np.errstate(over="ignore", invalid="ignore"):  # whatever the server has sent
            np.frombuffer(piece, table.item_class.columns)["diameter"] *= 2
        yield
    message.items = ItemTable(table.item_class, content)


def to_radii(message: MessageType) -> MessageType:
    """Return a message with radii to send; one of another type as it is."""
    if message.type_name not in _WITH_DIAMETERS:
        return message
    return replace(message, items=[replace(i, diameter=i.diameter / 2) for i in message.items])
