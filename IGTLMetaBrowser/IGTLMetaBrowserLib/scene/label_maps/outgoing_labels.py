"""Label maps and segmentations on the grid of their image: the way out of the scene into files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import SceneError
from ..images.moved_images import check_not_bent, movement
from ..images.outgoing_volumes import from_first_voxel, label_items
from ..nodes.new_nodes import new_node
from ..nodes.nodes_by_class import visible_nodes
from ..server_nodes.attributes import read_id
from .label_map_set import OWNER_ATTRIBUTE
from .label_maps import LABEL_MAP_CLASS, SEGMENTATION_CLASS
from .outgoing_segmentations import BINARY, MOST_SEGMENTS, reference_volume
from .segment_extents import names_beside

Rgba = tuple[int, int, int, int]
_PATIENT = "Patient"  # vtkMRMLSubjectHierarchyConstants; slicer-core lacks the name for it
_LABEL_CLASSES = (SEGMENTATION_CLASS, LABEL_MAP_CLASS)


@dataclass(frozen=True)
class ImageLabels:
    """Labels in the voxels of an image, and of each label its name, number and color (0 to 255).

    ``pixels`` have the shape (k, j, i); of segments that may overlap (layers, k, j, i). The matrix
    ``ijk_to_ras``, float64 of shape (4, 4), leads to RAS mm as the image has them, without the
    transform that it is under in the scene. ``without_voxels`` are the names of segments that have
    none in the image, ``cut`` of those that have some beside it.
    """

    pixels: np.ndarray
    ijk_to_ras: np.ndarray
    structures: list[tuple[str, int, Rgba]]
    without_voxels: Sequence[str] = ()
    cut: Sequence[str] = ()


def storable_nodes(scene: Any) -> list[Any]:
    """Return the segmentations and label maps that a user sees, the newest first."""
    found = reversed(visible_nodes(scene, *_LABEL_CLASSES))
    return [node for node in found if not node.GetHideFromEditors()]


def image_of(node: Any, image_ids: dict[str, str], shown: str) -> str:
    """Return the id of the image that a segmentation or label map was drawn in.

    ``image_ids`` are those that are loaded, by the ids of their nodes; ``shown`` is the image in
    the views, for what does not say where it belongs. Raises ``SceneError`` if it is none of these.
    """
    owner = read_id(node.GetAttribute(OWNER_ATTRIBUTE))
    if owner:
        if owner not in image_ids.values():
            raise SceneError(f"{node.GetName()!r} belongs to an image that is not loaded; load it")
        return owner
    reference = None
    if node.GetClassName() == SEGMENTATION_CLASS:
        reference = reference_volume(node)
    if reference is None:
        return shown
    if reference.GetID() not in image_ids:
        raise SceneError(
            f"{node.GetName()!r} was drawn in {reference.GetName()!r}, which is not an image of "
            "this archive"
        )
    return image_ids[reference.GetID()]


def image_labels(node: Any, image: Any) -> ImageLabels:
    """Return a segmentation or label map as the voxels of ``image`` have it.

    A segmentation is resampled to them; a label map has to be on a grid of the same voxels already.
    Raises ``SceneError``.
    """
    check_same_patient(node, image)
    check_not_bent(image)
    if node.GetClassName() == SEGMENTATION_CLASS:
        return _segmentation(node, image)
    voxels = _voxels(node)
    items = label_items(node, "", "", _labels_in(node, voxels))
    structures = [(one.name, one.label, one.rgba) for one in items]
    return ImageLabels(voxels, _ijk_to_image(node, image), structures)


def check_same_patient(node: Any, image: Any) -> None:
    """Raise ``SceneError`` if the subject hierarchy has a node with another patient's."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(image.GetScene())
    if hierarchy is None:
        return
    own, others = (
        hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(one), _PATIENT)
        for one in (node, image)
    )
    if own and others and own != others:
        raise SceneError(
            f"{node.GetName()!r} is of the patient {hierarchy.GetItemName(own)!r}, and "
            f"{image.GetName()!r} is of {hierarchy.GetItemName(others)!r}"
        )


def _labels_in(node: Any, voxels: np.ndarray) -> list[int]:
    """Return which labels there are. Raises ``SceneError`` if they are more than can be stored."""
    labels: set[int] = set()
    for plane in voxels:
        labels.update(np.unique(plane[plane > 0]).tolist())
        if len(labels) > MOST_SEGMENTS:
            raise _too_many(node, "labels")
    return sorted(int(label) for label in labels)


def _too_many(node: Any, what: str) -> SceneError:
    return SceneError(
        f"{node.GetName()!r} has more than {MOST_SEGMENTS} {what}, and each would be a segment of "
        "the document; merge those that belong together, or store it in parts"
    )


def _segmentation(node: Any, image: Any) -> ImageLabels:
    segmentation = node.GetSegmentation()
    if not segmentation.GetNumberOfSegments() or not segmentation.ContainsRepresentation(BINARY):
        raise SceneError(f"{node.GetName()!r} has no segments with voxels (binary labelmap)")
    if segmentation.GetNumberOfSegments() > MOST_SEGMENTS:
        raise _too_many(node, "segments")
    layers, structures = [], []
    # Segments of one layer cannot overlap; those of several may.
    for layer in range(segmentation.GetNumberOfLayers(BINARY)):
        ids = segmentation.GetSegmentIDsForLayer(layer, BINARY)
        voxels = _exported(node, image, list(ids))
        first = len(structures)
        layers.append(np.where(voxels > 0, voxels + first, 0).astype(np.uint16))
        structures += [
            _structure(segmentation.GetSegment(id_), first + number)
            for number, id_ in enumerate(ids, start=1)
        ]
    pixels = layers[0] if len(layers) == 1 else np.stack(layers)
    present = np.zeros(len(structures) + 1, bool)
    for plane in pixels.reshape(-1, *pixels.shape[-2:]):
        present[plane] = True
    if not present[1:].any():
        raise SceneError(f"{node.GetName()!r} has no voxels within {image.GetName()!r}")
    without_voxels = [name for name, label, _ in structures if not present[label]]
    return ImageLabels(
        pixels,
        _ijk_to_image(image, image),
        [one for one in structures if present[one[1]]],
        without_voxels,
        [name for name in names_beside(node, image) if name not in without_voxels],
    )


def _exported(node: Any, image: Any, segment_ids: list[str]) -> np.ndarray:
    """Return segments as labels from 1, in the image's voxels."""
    scene, logic = image.GetScene(), slicer.vtkSlicerSegmentationsModuleLogic
    label_map = new_node(scene, LABEL_MAP_CLASS)
    try:
        label_map.HideFromEditorsOn()
        if not logic.ExportSegmentsToLabelmapNode(node, segment_ids, label_map, image):
            raise SceneError(f"{node.GetName()!r} cannot be brought onto {image.GetName()!r}")
        return _voxels(label_map).astype(np.int32)
    finally:
        scene.RemoveNode(label_map)


def _structure(segment: Any, label: int) -> tuple[str, int, Rgba]:
    red, green, blue = (round(255 * part) for part in segment.GetColor())
    return segment.GetName() or "", label, (red, green, blue, 255)


def _voxels(volume: Any) -> np.ndarray:
    data = volume.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    if scalars is None or not scalars.GetNumberOfTuples():
        raise SceneError(f"{volume.GetName()!r} has no voxels")
    i, j, k = data.GetDimensions()
    return vtk_to_numpy(scalars).reshape(k, j, i)


def _ijk_to_image(volume: Any, image: Any) -> np.ndarray:
    """Return the matrix to RAS mm as ``image`` has them. Raises ``SceneError``."""
    matrix, between = vtkMatrix4x4(), vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    if volume.GetParentTransformNode() is not image.GetParentTransformNode():
        is_linear = slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
            volume.GetParentTransformNode(), image.GetParentTransformNode(), between
        )
        if not is_linear:
            raise SceneError(f"{volume.GetName()!r} is under a transform that bends it; harden it")
        vtkMatrix4x4.Multiply4x4(between, matrix, matrix)
    to_image, moved = from_first_voxel(volume.GetImageData(), matrix), movement(image)
    return to_image if moved is None else np.linalg.inv(moved) @ to_image
