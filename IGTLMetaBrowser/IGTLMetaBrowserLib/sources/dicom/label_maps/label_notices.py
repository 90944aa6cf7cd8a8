"""What a user has to know of a label map: which structures are empty, or beside the image."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..volumes.stacks import Stack
    from .label_map import Structure

CUT = "cut off at the end of the image"
_EMPTY = "the label map has no voxels"
_BESIDE = "parts are beyond the image"
_MOST_NUMBERS = 10
# How far the center of a voxel may be beside the outermost ones: half of a voxel is theirs.
_HALF = 0.51


def shared_number_notice(names: Sequence[str]) -> str:
    """Return that structures are left out: nobody knows which voxels are whose."""
    return f"left out, as they share a number with another structure: {', '.join(names)}"


def unknown_number_notices(numbers: Collection[int]) -> list[str]:
    """Return that voxels are left out whose numbers are no structure's."""
    if not numbers:
        return []
    listed = ", ".join(map(str, sorted(numbers)[:_MOST_NUMBERS]))
    more = ", ..." if len(numbers) > _MOST_NUMBERS else ""
    return [f"voxels are left out, as no structure has their number: {listed}{more}"]


def other_space_notice(names: Sequence[str]) -> str:
    """Return that structures are left out: it is not known where in the image they lie."""
    return f"left out, as they are in another frame of reference: {', '.join(names)}"


def empty_notices(structures: Sequence[Structure], labels: np.ndarray) -> list[str]:
    """Return which structures no voxel of a label map (k, j, i) has."""
    present = np.zeros(256, bool)
    for plane in labels:
        present[plane] = True
    empty = [one.name for one in structures if not present[one.label]]
    if len(empty) == len(structures):
        return [_EMPTY]
    return [f"structures without voxels: {', '.join(empty)}"] if empty else []


def beside_notices(labels: np.ndarray, ijk_to_ras: np.ndarray, image: Stack) -> list[str]:
    """Return whether a label map has voxels where its image has none.

    They are where the box is that all labels take: of a label map that is turned against its image,
    some of it may be beside the image, and no voxel.
    """
    found = [np.flatnonzero(labels.any(axis=axes)) for axes in ((0, 1), (0, 2), (1, 2))]
    if not all(map(len, found)):
        return []
    corners = np.array([(*ijk, 1) for ijk in product(*((one[0], one[-1]) for one in found))])
    to_image = np.linalg.inv(image.ijk_to_ras) @ ijk_to_ras
    ijk = (corners @ to_image.T)[:, :3]
    is_beside = (ijk < -_HALF) | (ijk > np.array(image.size) - 1 + _HALF)
    return [_BESIDE] if is_beside.any() else []
