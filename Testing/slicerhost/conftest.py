from __future__ import annotations

from slicerhost.fixtures import (
    crashing_objects,
    lasting_objects,
    load_slicer_module,
    slicer_host,
    slot_errors,
)

__all__ = [
    "crashing_objects",
    "lasting_objects",
    "load_slicer_module",
    "slicer_host",
    "slot_errors",
]
