"""TRAJ."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

ITEMS = [
    {
        "name": "Biopsy left",
        "group": "Trajectory",
        "type": 3,
        "rgba": [255, 128, 0, 200],
        "entry": [-41.5, 80.25, 62.0],
        "target": [-12.0, 9.5, 3.125],
        "diameter": 2.5,
        "owner": "IMAGE_0",
    },
    {  # each text fills its field: there is no NUL at its end
        "name": "T" * 64,
        "group": "G" * 32,
        "type": 2,
        "rgba": [0, 0, 0, 0],
        "entry": [0.0, 0.0, 0.0],
        "target": [1.0, -2.0, 0.5],
        "diameter": 0.0,
        "owner": "O" * 20,
    },
]

CONTENTS = [
    ("trajectories", "TRAJ", "Planner", {"items": ITEMS}),
    ("trajectories_empty", "TRAJ", "Planner", {"items": []}),
]


def pack_trajectories(fields: Fields) -> bytes:
    """Return items of 150 bytes."""
    return b"".join(
        struct.pack(
            ">64s32sbB4B3f3ff20s",
            item["name"].encode(),
            item["group"].encode(),
            item["type"],
            0,
            *item["rgba"],
            *item["entry"],
            *item["target"],
            item["diameter"],
            item["owner"].encode(),
        )
        for item in fields["items"]
    )


PACKERS = {"TRAJ": pack_trajectories}
