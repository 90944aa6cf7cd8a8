"""Images that the user has moved for good, such as by "Harden transform" after a registration.

Slicer then writes the transform into the matrix of the volume, and the volume is under no transform
any more. What belongs to the image and comes later, in RAS mm as the server has the image, has to
be moved as well; and what goes back to the server has to be moved back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import SceneError
from .calibrated_spacing import CALIBRATED_SPACING_ATTRIBUTE

GEOMETRY_ATTRIBUTE = "IGTLMetaBrowser.Geometry"
"""As the image came: the number of voxels along i, j, k, and the rows of the matrix to RAS mm."""
MOVED_ATTRIBUTE = "IGTLMetaBrowser.Moved"
"""By what a node was moved as its image was, for when that comes to a scene which was saved without
it: a matrix (4, 4), RAS mm to RAS mm, by rows. Of a frame of a sequence, by what it was itself:
what replays it can be moved only until the next frame."""
# In mm: a file that a volume was saved in may have its matrix in single precision.
_SAME_PLACE = 0.05
# In voxels.
_SAME_VOXEL = 0.01


def write_geometry(node: Any, ijk_to_ras: np.ndarray) -> None:
    """Note on the volume of an image where it came; ``ijk_to_ras`` is of shape (4, 4)."""
    numbers = [*node.GetImageData().GetDimensions(), *ijk_to_ras[:3].ravel().tolist()]
    node.SetAttribute(GEOMETRY_ATTRIBUTE, " ".join(map(repr, numbers)))


def forget_geometry(node: Any) -> None:
    """Have a volume be where it is: that of a stream, of which each image is elsewhere."""
    if node.GetAttribute(GEOMETRY_ATTRIBUTE) is not None:
        node.RemoveAttribute(GEOMETRY_ATTRIBUTE)


def movement(node: Any) -> np.ndarray | None:
    """Return by what an image was moved since it came: RAS mm to RAS mm, of shape (4, 4).

    None if it was not, or if that is not known: it was cropped, resampled, or bent.
    """
    came = geometry_as_it_came(node)
    if came is None:
        return noted_movement(node)
    if not _has_voxels_of(node, came[0]):
        return None
    size, before = came
    now = _ijk_to_ras(node)
    if node.GetAttribute(CALIBRATED_SPACING_ATTRIBUTE):
        lengths = np.linalg.norm(now[:3, :3], axis=0)
        now[:3, :3] *= np.linalg.norm(before[:3, :3], axis=0) / lengths
    corners = np.array([[*place, 1] for place in np.ndindex(2, 2, 2)]) * [*size, 1]
    if np.abs((now - before) @ corners.T).max() <= _SAME_PLACE:
        return None
    return now @ np.linalg.inv(before)


def noted_movement(node: Any) -> np.ndarray | None:
    """Return by what a node was moved, as it says; None if it was not."""
    if not (text := node.GetAttribute(MOVED_ATTRIBUTE)):
        return None
    try:
        matrix = np.reshape([float(one) for one in text.split()], (4, 4))
    except ValueError:
        return None  # somebody has edited the scene file
    return matrix if np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 0 else None


def write_moved(node: Any, moved: np.ndarray | None) -> None:
    """Note by what a node was moved; None that it was not."""
    if moved is not None:
        node.SetAttribute(MOVED_ATTRIBUTE, " ".join(map(repr, moved.ravel().tolist())))
    elif node.GetAttribute(MOVED_ATTRIBUTE) is not None:
        node.RemoveAttribute(MOVED_ATTRIBUTE)


def from_world(node: Any, points: np.ndarray) -> np.ndarray:
    """Return points of the world, RAS mm of shape (n, 3), in the coordinates of a node.

    Raises ``SceneError`` if it is under a transform that bends it.
    """
    transform, to_node = node.GetParentTransformNode(), vtkMatrix4x4()
    if transform is None:
        return points
    if not transform.GetMatrixTransformFromWorld(to_node):
        raise SceneError(
            f"{node.GetName()!r} is under the transform {transform.GetName()!r}, which bends it; "
            "take it out of the transform, or load it and crop it with the module Crop Volume"
        )
    matrix = slicer.util.arrayFromVTKMatrix(to_node)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def to_world(node: Any, point: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return a point beside an image, RAS mm, in the scene's world, also if it is bent."""
    in_world = [0.0, 0.0, 0.0]
    node.TransformPointToWorld(point, in_world)
    return in_world[0], in_world[1], in_world[2]


def check_not_bent(node: Any) -> None:
    """Raise ``SceneError`` if it is not known where places in an image were when it came.

    Its voxels are others now: a transform that bends it was hardened, or it was resampled. What was
    cropped has the same voxels, but fewer.
    """
    came = geometry_as_it_came(node)
    if came is None or node.GetImageData() is None or _has_voxels_of(node, came[0]):
        return
    first = np.eye(4)
    first[:3, 3] = node.GetImageData().GetExtent()[::2]
    to_voxels = np.linalg.inv(came[1]) @ _ijk_to_ras(node) @ first
    expected = np.eye(4)
    expected[:3, 3] = np.rint(to_voxels[:3, 3])
    if not np.allclose(to_voxels, expected, atol=_SAME_VOXEL):
        raise SceneError(
            f"{node.GetName()!r} was resampled, or bent by a transform that was hardened: what is "
            "in it now cannot be brought to where the server has it; load the image again"
        )


def undone_notes(node: Any) -> tuple[str, ...]:
    """Return a note on what is lost if the image of a node, None if there is none, comes again."""
    came = None if node is None else geometry_as_it_came(node)
    if came is None or node.GetImageData() is None:
        return ()
    if _has_voxels_of(node, came[0]) and movement(node) is None:
        return ()
    return (
        "it was moved, cropped or resampled in the scene, as by a transform that was hardened, and "
        "is again as the server has it",
    )


def moved_back(points: Any, moved: np.ndarray | None) -> Any:
    """Return points (RAS mm) as tuples, as they were before they were ``moved``, if they were."""
    return points if moved is None else [moved_by(np.linalg.inv(moved), one) for one in points]


def moved_by(matrix: np.ndarray | None, point: tuple[float, float, float]) -> Any:
    """Return a point, RAS mm, where ``matrix`` of shape (4, 4) moves it; None moves nothing."""
    return point if matrix is None else tuple((matrix @ (*point, 1.0))[:3].tolist())


def _has_voxels_of(node: Any, size: tuple[int, int, int]) -> bool:
    data = node.GetImageData()
    i, j, k = size
    return data is not None and data.GetExtent() == (0, i - 1, 0, j - 1, 0, k - 1)


def geometry_as_it_came(node: Any) -> tuple[tuple[int, int, int], np.ndarray] | None:
    """Return the size of an image, and its matrix to RAS mm (4, 4); None if they are not known."""
    try:
        numbers = [float(text) for text in (node.GetAttribute(GEOMETRY_ATTRIBUTE) or "").split()]
        matrix = np.vstack([np.reshape(numbers[3:], (3, 4)), (0, 0, 0, 1)])
        i, j, k = map(int, numbers[:3])
    except (ValueError, OverflowError):
        return None  # not there, or somebody has edited the scene file
    is_usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 0
    return ((i, j, k), matrix) if is_usable else None


def _ijk_to_ras(node: Any) -> np.ndarray:
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)
