"""Volumes whose voxels the user has edited since their image came: they stay, as the user's own.

As by Segment Editor's "Mask volume" or by a script. In the session in which it came, a volume is as
it came as long as its voxels have the modified time of then: Slicer (5.12) gives them another one
for little else. Beyond that, also in a file that is saved without its scene, a checksum tells,
which the volume has as an attribute: Slicer tells nobody that it saves a scene. It is made in turns
once an image has come. Without one, as in scenes of before, a volume is as it came if what comes is
the same.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkWeakReference

from ...codec.crc64 import Crc64
from ...codec.pieces import pieces
from ...turns import at_once
from ..nodes.unnoticed import unnoticed
from ..server_nodes.attributes import IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE, REGION_OF_ATTRIBUTE
from ..server_nodes.released_nodes import release

CHECKSUM_ATTRIBUTE = "IGTLMetaBrowser.VoxelsChecksum"
"""CRC-64 of the voxels of a volume as they came, as Slicer has them in memory; in hexadecimal."""
# Of voxels before somebody looks at the clock: 0.5 ms.
_PIECE = 4 << 20

_came: dict[str, tuple[vtkWeakReference, int | None]] = {}
"""By the addresses of volumes, when their voxels came, whichever browser has shown them."""
_unchecked: deque[Iterator[None]] = deque()
"""What makes or compares checksums in turns; it keeps no volume."""


def came(node: Any, is_live: bool = False) -> None:
    """Remember that the voxels which a volume has now came so.

    Those that are ``is_live`` are others soon: they get no checksum.
    """
    _remember(node)
    if node.GetAttribute(CHECKSUM_ATTRIBUTE) is not None:
        node.RemoveAttribute(CHECKSUM_ATTRIBUTE)
    if not is_live:
        _unchecked.append(_check(_reference(node)))


def opened(node: Any) -> None:
    """Find out in turns whether a volume of a scene that was opened is as it came."""
    if node.GetAttribute(CHECKSUM_ATTRIBUTE) is not None:
        _unchecked.append(_check(_reference(node)))


def is_checking() -> bool:
    """Whether there is something for ``check`` to do."""
    return bool(_unchecked)


def check(seconds: float = math.inf) -> None:
    """Go on with the checksums for about ``seconds``."""
    end = time.monotonic() + seconds
    while _unchecked and all(time.monotonic() < end for _ in _unchecked[0]):
        _unchecked.popleft()


def is_as_it_came(node: Any) -> bool:
    """Whether a volume has the voxels that came in this session, or that are known from it."""
    known, moment = _came.get(node.GetAddressAsString(""), (None, None))
    return known is not None and known.Get() is node and _time(node) == moment


def writable(node: Any, pixels: np.ndarray, is_live: bool = False) -> Any:
    """Return a volume if it may get these voxels, or None if it is to be left to the user.

    It may if it has them as they came, or the same already. A stream goes on in a volume of a scene
    that was opened, of which nothing tells how its voxels came: it is most likely its own.
    """
    if node is None or _time(node) is None or is_as_it_came(node):
        return node
    if is_live and not _is_known(node):
        return node
    at_once(_check(_reference(node)))
    return node if is_as_it_came(node) or _has(node, pixels) else None


def _is_known(node: Any) -> bool:
    known, _ = _came.get(node.GetAddressAsString(""), (None, None))
    is_of_session = known is not None and known.Get() is node
    return is_of_session or node.GetAttribute(CHECKSUM_ATTRIBUTE) is not None


def left_notes(before: Any, now: Any) -> tuple[str, ...]:
    """Return a note if the volume of before, or None, was left to the user as another came."""
    if before is None or before is now or before.GetScene() is None:
        return ()
    return (
        f"its voxels may have been changed in the scene: {before.GetName()!r} stays as it is, and "
        f"is yours; what the server has is in {now.GetName()!r}",
    )


def leave(before: Any, now: Any) -> None:
    """Find a volume no more as that of its image, if that is in another one now."""
    if before is not None and before is not now and before.GetScene() is not None:
        release(before, IMAGE_ID_ATTRIBUTE, REGION_OF_ATTRIBUTE, KEY_ATTRIBUTE)
        if now.GetName() == before.GetName():
            now.SetName(now.GetScene().GenerateUniqueName(now.GetName()))


def _check(reference: vtkWeakReference) -> Iterator[None]:
    """Write its checksum onto a volume that came, or compare that of another one."""
    node = reference.Get()
    state = moment, text = _state(node)
    if moment is None or is_as_it_came(node) == (text is not None):
        return
    size, crc = _bytes(node).size, Crc64()
    del node  # it would keep the voxels of a volume that the user removes
    for start in range(0, size, _PIECE):
        if _state(reference.Get()) != state:
            return
        crc.update(_bytes(reference.Get())[start : start + _PIECE])
        yield
    _on_checksum(reference.Get(), state, f"{crc.crc():016x}")


def _on_checksum(node: Any, state: tuple[int | None, str | None], checksum: str) -> None:
    if _state(node) != state:
        return
    if state[1] is None:
        with unnoticed(node):
            node.SetAttribute(CHECKSUM_ATTRIBUTE, checksum)
    elif state[1] == checksum:
        _remember(node)


def _has(node: Any, pixels: np.ndarray) -> bool:
    """Whether a volume has these voxels."""
    voxels, is_float = slicer.util.arrayFromVolume(node), pixels.dtype.kind == "f"
    return voxels.shape == pixels.shape and all(
        np.array_equal(voxels[piece], pixels[piece], equal_nan=is_float)
        for piece in pieces(pixels, _PIECE)
    )


def _remember(node: Any) -> None:
    address = node.GetAddressAsString("")
    if address not in _came:
        for one in [one for one, (known, _) in _came.items() if known.Get() is None]:
            del _came[one]
    _came[address] = _reference(node), _time(node)


def _reference(node: Any) -> vtkWeakReference:
    reference = vtkWeakReference()
    reference.Set(node)
    return reference


def _state(node: Any) -> tuple[int | None, str | None]:
    """Return when the voxels of a volume were modified, and the checksum that it has."""
    return (None, None) if node is None else (_time(node), node.GetAttribute(CHECKSUM_ATTRIBUTE))


def _bytes(node: Any) -> np.ndarray:
    scalars = node.GetImageData().GetPointData().GetScalars()
    return vtk_to_numpy(scalars).reshape(-1).view(np.uint8)


def _time(node: Any) -> int | None:
    data = node.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    return None if scalars is None else scalars.GetMTime()
