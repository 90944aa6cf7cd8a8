"""TRAJ: planned trajectories (OpenIGTLink ``trajectory.md``; ``igtl_trajectory.h``).

An item, 150 bytes:

======  ========  ==========  =============================================================
offset  type      field       meaning
======  ========  ==========  =============================================================
0       char[64]  name        name or description
64      char[32]  group       for example ``Trajectory``
96      i8        type        1 entry point only, 2 target point only, 3 both
97      u8        reserved
98      u8×4      RGBA        color and opacity
102     f32×3     entry       mm
114     f32×3     target      mm
126     f32       diameter    mm, can be 0. (The document's word; the library says radius.)
130     char[20]  owner       id of the image the trajectory was planned in
======  ========  ==========  =============================================================

The message has no field for its coordinate system; OpenIGTLink's is RAS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from ..geometry import flip_lps_ras
from .base import member_or_number, register
from .items import ItemListMessage


class TrajectoryType(IntEnum):
    """Which points of a trajectory are planned."""

    ENTRY = 1
    TARGET = 2
    ENTRY_AND_TARGET = 3


Point = tuple[float, float, float]


@dataclass(slots=True)
class TrajectoryItem:
    """One trajectory. Points are RAS mm, ``rgba`` has four numbers from 0 to 255.

    ``type`` is a ``TrajectoryType``, or the plain number if a peer sent another. Points that
    the type does not name are (0, 0, 0), or whatever the peer left there.
    """

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

    converters: ClassVar[Mapping[str, Callable[[int], Any]]] = {
        "type": member_or_number(TrajectoryType)
    }

    name: str = ""
    group: str = ""
    type: TrajectoryType | int = TrajectoryType.ENTRY_AND_TARGET
    rgba: tuple[int, int, int, int] = (255, 255, 0, 255)
    entry: Point = (0.0, 0.0, 0.0)
    target: Point = (0.0, 0.0, 0.0)
    diameter: float = 0.0
    owner: str = ""

    def flipped(self) -> TrajectoryItem:
        """Return it with its points in RAS if they are in LPS, or the other way round."""
        return replace(self, entry=flip_lps_ras(self.entry), target=flip_lps_ras(self.target))


@register
@dataclass(eq=False)
class TrajectoryMessage(ItemListMessage[TrajectoryItem]):
    """A list of trajectories. ``items`` is a sequence of ``TrajectoryItem``."""

    wire_type: ClassVar[str] = "TRAJ"
    item_class = TrajectoryItem
