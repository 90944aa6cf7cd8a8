"""Volumes whose voxels the user has edited since their image came: they stay, as the user's own.

As by Segment Editor's "Mask volume" or by a script. Slicer (5.12) gives voxels another modified
time for little else: as a scene view stores or brings them back, not as they are drawn or saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonCore import vtkWeakReference

from ..server_nodes.attributes import IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE, REGION_OF_ATTRIBUTE
from ..server_nodes.released_nodes import release

_came: dict[str, tuple[vtkWeakReference, int | None]] = {}
"""By the addresses of volumes, when their voxels came, whichever browser has shown them."""


def came(node: Any) -> None:
    """Remember that the voxels which a volume has now came so."""
    address = node.GetAddressAsString("")
    if address not in _came:
        for one in [one for one, (known, _) in _came.items() if known.Get() is None]:
            del _came[one]
    reference = vtkWeakReference()
    reference.Set(node)
    _came[address] = reference, _time(node)


def writable(node: Any, pixels: np.ndarray) -> Any:
    """Return a volume if it may get these voxels, or None if it is to be left to the user.

    It may if it has them as they came, or as they were read from its file.
    """
    if node is None or _time(node) is None or not _is_newer(node):
        return node
    has_nan = pixels.dtype.kind == "f"
    is_same = np.array_equal(slicer.util.arrayFromVolume(node), pixels, equal_nan=has_nan)
    return node if is_same else None


def _is_newer(node: Any) -> bool:
    known, moment = _came.get(node.GetAddressAsString(""), (vtkWeakReference(), None))
    if known.Get() is node:
        return _time(node) != moment
    storage = node.GetStorageNode()  # Slicer changes it after it has read the file
    # Without one, it is a copy that an undone removal has brought back.
    return storage is None or _time(node) > storage.GetMTime()


def leave(before: Any, now: Any) -> None:
    """Find a volume no more as that of its image, if that is in another one now."""
    if before is not None and before is not now and before.GetScene() is not None:
        release(before, IMAGE_ID_ATTRIBUTE, REGION_OF_ATTRIBUTE, KEY_ATTRIBUTE)
        if now.GetName() == before.GetName():
            now.SetName(now.GetScene().GenerateUniqueName(now.GetName()))


def left_notes(before: Any, now: Any) -> tuple[str, ...]:
    """Return a note if the volume of before, or None, was left to the user as another came."""
    if before is None or before is now or before.GetScene() is None:
        return ()
    return (
        f"its voxels were changed in the scene: {before.GetName()!r} stays as it is, and is yours; "
        f"what the server has is in {now.GetName()!r}",
    )


def _time(node: Any) -> int | None:
    data = node.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    return None if scalars is None else scalars.GetMTime()
