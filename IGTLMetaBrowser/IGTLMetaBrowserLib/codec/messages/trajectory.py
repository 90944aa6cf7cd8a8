"""TRAJ: planned trajectories (OpenIGTLink ``trajectory.md``; ``igtl_trajectory.h``).

An item, 150 bytes:

======  ========  ==========  =============================================================
offset  type      field       meaning
======  ========  ==========  =============================================================
0       char[64]  name        name or description
64      char[32]  group       for example ``Trajectory``
96      i8        type        1 entry point only, 2 target point only, 3 both
97      u8        reserved
98      u8×4      RGBA        colour and opacity
102     f32×3     entry       mm
114     f32×3     target      mm
126     f32       diameter    mm, can be 0. (The document's word; the library says radius.)
130     char[20]  owner       id of the image the trajectory was planned in
======  ========  ==========  =============================================================

The message has no field for its coordinate system; OpenIGTLink's is RAS.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from ..errors import EncodeError
from ..wire import decode_text, encode_text
from .base import register
from .items import ItemListMessage


class TrajectoryType(IntEnum):
    """Which points of a trajectory are planned."""

    ENTRY = 1
    TARGET = 2
    ENTRY_AND_TARGET = 3


Point = tuple[float, float, float]


@dataclass
class TrajectoryItem:
    """One trajectory. Points are RAS mm, ``rgba`` has four numbers from 0 to 255.

    ``type`` is a ``TrajectoryType``, or the plain number where a peer sent another. Points that
    the type does not name are (0, 0, 0), or whatever the peer left there.
    """

    layout: ClassVar[struct.Struct] = struct.Struct(">64s32sbB4B3f3ff20s")
    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S64"),
            ("group", "S32"),
            ("type", "i1"),
            ("reserved", "u1"),
            ("rgba", "u1", 4),
            ("entry", ">f4", 3),
            ("target", ">f4", 3),
            ("diameter", ">f4"),
            ("owner", "S20"),
        ]
    )

    name: str = ""
    group: str = ""
    type: TrajectoryType | int = TrajectoryType.ENTRY_AND_TARGET
    rgba: tuple[int, int, int, int] = (255, 255, 0, 255)
    entry: Point = (0.0, 0.0, 0.0)
    target: Point = (0.0, 0.0, 0.0)
    diameter: float = 0.0
    owner: str = ""

    @classmethod
    def from_record(cls, name: bytes, group: bytes, type_: int, *fields: Any) -> TrajectoryItem:
        """Make an item from the fields of its ``layout``."""
        _reserved, *numbers, diameter, owner = fields
        return cls(
            decode_text(name),
            decode_text(group),
            _TYPES.get(type_, type_),
            tuple(numbers[0:4]),
            tuple(numbers[4:7]),
            tuple(numbers[7:10]),
            diameter,
            decode_text(owner),
        )

    def to_record(self) -> tuple[Any, ...]:
        """Return the fields of ``layout``; raises ``EncodeError`` for a text that does not fit."""
        if (len(self.rgba), len(self.entry), len(self.target)) != (4, 3, 3):
            raise EncodeError(
                f"the trajectory {self.name!r} does not fit TRAJ, which has four numbers of colour "
                "and three of each point"
            )
        return (
            encode_text(self.name, 64, "trajectory name"),
            encode_text(self.group, 32, "trajectory group"),
            self.type,
            0,
            *self.rgba,
            *self.entry,
            *self.target,
            self.diameter,
            encode_text(self.owner, 20, "owner image id"),
        )


_TYPES = {int(member): member for member in TrajectoryType}


@register
@dataclass
class TrajectoryMessage(ItemListMessage[TrajectoryItem]):
    """A list of trajectories. ``items`` is a sequence of ``TrajectoryItem``."""

    wire_type: ClassVar[str] = "TRAJ"
    item_class: ClassVar[type] = TrajectoryItem
