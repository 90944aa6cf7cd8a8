"""Trajectories and points of a server that sends radii.

The last number of a TRAJ or POINT item is the diameter by the protocol's documents
(``trajectory.md``, ``point.md``), and the radius in the C++ library (``SetRadius``). Which of them
a server sends is a setting; here it is a diameter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from ... import codec
from ...codec.messages.items import ItemTable

_WITH_DIAMETERS = ("TRAJ", "POINT")

MessageType = TypeVar("MessageType", bound=codec.Message)


def from_radii(message: MessageType) -> MessageType:
    """Return a message with diameters that came with radii; one of another type as it is."""
    return _scaled(message, 2.0)


def to_radii(message: MessageType) -> MessageType:
    """Return a message with radii to send; one of another type as it is."""
    return _scaled(message, 0.5)


def _scaled(message: MessageType, factor: float) -> MessageType:
    if message.type_name not in _WITH_DIAMETERS:
        return message
    if isinstance(message.items, ItemTable):
        records = np.array(message.items.records)
        with np.errstate(over="ignore", invalid="ignore"):  # whatever the server has sent
            records["diameter"] *= factor
        content = memoryview(records.tobytes())
        return replace(message, items=ItemTable(message.items.item_class, content))
    items = [replace(item, diameter=factor * item.diameter) for item in message.items]
    return replace(message, items=items)
