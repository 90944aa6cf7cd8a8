from __future__ import annotations

from slicerhost.fixtures import load_slicer_module, slicer_host, slot_errors

__all__ = ["load_slicer_module", "slicer_host", "slot_errors"]
