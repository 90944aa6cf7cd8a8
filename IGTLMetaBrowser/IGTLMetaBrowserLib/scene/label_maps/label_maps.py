"""Label maps: images that LBMETA describes, as label map volumes or segmentations.

An entry of LBMETA is one structure; several can be in the same image, told apart by the value of
their voxels (OpenIGTLink ``labelmeta.md``).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import slicer

from ...codec import Coordinates, GeometryError, ImageMessage, LabelMetaItem, printable
from ...codec.pieces import pieces
from ..errors import SceneError
from ..images.subvolumes import WholeInTurns
from ..images.volumes import image_data
from ..nodes.new_nodes import add_display, new_node, require_in_scene
from ..nodes.node_names import name_to_show, set_name
from .colors import set_rgba_table
from .outgoing_segmentations import SEGMENTATION_CLASS
from .segment_contents import mark_as_made

LABEL_MAP_CLASS = "vtkMRMLLabelMapVolumeNode"
_COLOR_ROLE = "IGTLMetaBrowser.LabelColors"
# A color node has an entry for each label up to the highest; LBMETA itself names 1 to 255.
_HIGHEST_LABEL = 65535
_HIGHEST_LISTED = 255
# Of voxels that are looked at before somebody looks at the clock: about 1 ms, 3 of float64.
_PIECE = 1 << 20
# For labels that have no color of their own: pale, so that they are not taken for those that have
# one, and by the golden section of the color circle, so that neighbors are not alike.
_HUE_STEP = 0.61803398875
_SATURATION, _BRIGHTNESS = 0.35, 0.9
# In words that a user reads.
_MOST_NAMED = 3


@dataclass(frozen=True)
class ListedLabelMap:
    """One image of labels, and its structures as LBMETA lists them. ``owner`` can be empty."""

    id: str
    owner: str
    structures: tuple[LabelMetaItem, ...]

    @property
    def name(self) -> str:
        """What to call it."""
        names = [printable(structure.name) for structure in self.structures if structure.name]
        if not names:
            return printable(self.id) or "Labels"
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    @property
    def by_label(self) -> dict[int, list[LabelMetaItem]]:
        """The structures by their labels, of which the list may give one to several."""
        found: dict[int, list[LabelMetaItem]] = {}
        for structure in self.structures:
            found.setdefault(structure.label, []).append(structure)
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What is noteworthy of it, in words: structures that its voxels do not tell apart."""
        shared = [
            f"{_either(structures)} ({label})"
            for label, structures in self.by_label.items()
            if len(_names(structures)) > 1
        ]
        if not shared:
            return ()
        named = ", ".join(shared[:_MOST_NAMED])
        more = f" and {len(shared) - _MOST_NAMED} more" if len(shared) > _MOST_NAMED else ""
        return (f"structures that share a label, so that nothing tells them apart: {named}{more}",)


@dataclass(frozen=True, eq=False)
class LabelArray:
    """Whole numbers of shape (k, j, i), none of them negative, and the highest of them.

    ``unlisted`` are those of them that LBMETA has no number for.
    """

    pixels: np.ndarray
    highest: int
    unlisted: Sequence[int] = ()


def label_maps(items: Iterable[LabelMetaItem], most: int | None = None) -> list[ListedLabelMap]:
    """Return the images of an LBMETA list in its order, each with all of its structures.

    ``most``: no more images than these, the first ones.
    """
    structures: dict[str, list[LabelMetaItem]] = {}
    for item in items:
        structures.setdefault(item.id, []).append(item)
    return [
        ListedLabelMap(
            image_id, next((item.owner for item in items if item.owner), ""), tuple(items)
        )
        for image_id, items in islice(structures.items(), most)
    ]


def show_label_map(
    scene: Any,
    image: ImageMessage,
    label_map: ListedLabelMap,
    labels: LabelArray,
    node: Any = None,
    coordinates: Coordinates | None = None,
    moved: np.ndarray | None = None,
) -> Any:
    """Return the label map volume of an image, in the colors of its structures.

    ``labels`` are those of the image, by ``read_labels``; ``node`` showed it before.
    ``coordinates`` overrules what the message says of its matrix; ``moved``, of shape (4, 4), is by
    what the image that it belongs to was moved in the scene. Raises ``SceneError`` if the image has
    no geometry.
    """
    try:
        ijk_to_ras = image.usable_ijk_to_ras(coordinates)
    except GeometryError as error:
        raise SceneError(str(error)) from None
    if node is None:
        node = new_node(scene, LABEL_MAP_CLASS)
    matrix = slicer.util.vtkMatrixFromArray(ijk_to_ras if moved is None else moved @ ijk_to_ras)
    modified = node.StartModify()
    set_name(node, label_map.name, name_to_show(node, label_map.name))
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image_data(labels.pixels))
    node.EndModify(modified)
    colors = _color_node(scene, node, label_map, labels)
    display = add_display(scene, node)
    require_in_scene(scene, node)
    display.SetAndObserveColorNodeID(colors.GetID())
    return node


def show_segmentation(
    scene: Any, label_map_node: Any, segmented: Any = None, node: Any = None, name: str = ""
) -> Any:
    """Return a segmentation of a label map volume, a segment for each label that has voxels.

    Names and colors are those of the label map. ``segmented`` is the volume whose geometry it
    gets, None for that of the label map; ``node`` is the segmentation from before, whose segments
    are replaced; a new one gets the ``name``, or that of the label map. Raises ``SceneError``.
    """
    if node is None:
        node = new_node(scene, SEGMENTATION_CLASS, name or label_map_node.GetName())
        add_display(scene, node)
        require_in_scene(scene, node)
        # Elsewhere, Slicer would import where the label map is in the world.
        node.SetAndObserveTransformNodeID(label_map_node.GetTransformNodeID())
    node.GetSegmentation().RemoveAllSegments()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.ImportLabelmapToSegmentationNode(label_map_node, node):
        raise SceneError(f"{label_map_node.GetName()!r} cannot be made a segmentation")
    node.SetReferenceImageGeometryParameterFromVolumeNode(segmented or label_map_node)
    mark_as_made(node)
    return node


def read_labels(image: ImageMessage) -> Generator[None, None, LabelArray]:
    """Return the labels of an image, after a pause for each piece of it. Raises ``SceneError``."""
    pixels = image.pixels
    if image.is_subvolume:
        whole = WholeInTurns(image, None)
        yield from whole.make()
        pixels = whole.pixels
    if not pixels.size or image.components != 1:
        raise SceneError(
            f"a label map has one label a voxel; this image has {image.components} values in each "
            f"of {image.whole_size} voxels"
        )
    is_float = pixels.dtype.kind == "f"
    labels = np.empty(pixels.shape, np.int32) if is_float else pixels
    extremes, is_there = [], np.zeros(_HIGHEST_LABEL + 1, bool)
    for piece in pieces(pixels, _PIECE):
        some = _whole_numbers(pixels[piece]) if is_float else pixels[piece]
        if is_float:
            labels[piece] = some
        extremes += [int(some.min()), int(some.max())]
        if _HIGHEST_LISTED < extremes[-1] <= _HIGHEST_LABEL and extremes[-2] >= 0:
            is_there[labels[piece]] = True
        yield
    lowest, highest = min(extremes), max(extremes)
    if lowest < 0 or highest > _HIGHEST_LABEL:
        raise SceneError(
            f"the labels are {lowest} to {highest}; 0 to {_HIGHEST_LABEL} can be shown"
        )
    unlisted = np.flatnonzero(is_there[_HIGHEST_LISTED + 1 :]) + _HIGHEST_LISTED + 1
    return LabelArray(labels, highest, unlisted.tolist())


def _whole_numbers(pixels: np.ndarray) -> np.ndarray:
    whole = np.nan_to_num(pixels, posinf=-1)
    if not np.array_equal(whole, np.rint(pixels)) or whole.max() > _HIGHEST_LABEL:
        raise SceneError("a label map has whole numbers; this image has others")
    return whole


def _color_node(scene: Any, node: Any, label_map: ListedLabelMap, labels: LabelArray) -> Any:
    """Return the color node of a label map, with a color for each of its labels."""
    colors = node.GetNodeReference(_COLOR_ROLE)
    if colors is None:
        name = f"Colors of {node.GetName()}"
        colors = new_node(scene, "vtkMRMLColorTableNode", name)
        node.SetNodeReferenceID(_COLOR_ROLE, colors.GetID())
    count = max(labels.highest, *(structure.label for structure in label_map.structures), 1) + 1
    # To name all of 65535 takes 60 ms; a segment gets the name that its label has here.
    listed = range(1, min(count, _HIGHEST_LISTED + 1))
    names = {label: f"Label {label}" for label in (*listed, *labels.unlisted)}
    rgba = default_colors(count)
    for label, structures in label_map.by_label.items():
        # With 0 no value is told: it is whatever voxels there are.
        chosen = slice(1, None) if label == 0 else label
        for structure in structures:
            if any(structure.rgba):
                rgba[chosen] = structure.rgba
        for one in names if label == 0 else (label,):
            names[one] = _either(structures) or names.get(one, "")
    set_rgba_table(colors, rgba, names)
    return colors


def _either(structures: Iterable[LabelMetaItem]) -> str:
    """Return what voxels of one label are called: which of its structures they are, nobody says."""
    names = _names(structures)
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return " or ".join(names[:_MOST_NAMED] + more)


def _names(structures: Iterable[LabelMetaItem]) -> list[str]:
    """Return the names of structures, each once."""
    return [*dict.fromkeys(printable(one.name) for one in structures if one.name)]


def default_colors(count: int) -> np.ndarray:
    """Return a color for each label, uint8 RGBA of shape (count, 4); 0 cannot be seen."""
    hues = np.arange(count) * _HUE_STEP % 1
    # Red, green and blue of a hue: how far it is from each of them, on a circle of six.
    distances = np.abs((6 * hues[:, np.newaxis] - [0, 2, 4] + 3) % 6 - 3)
    shares = np.clip(2 - distances, 0, 1)
    rgba = np.full((count, 4), 255, np.uint8)
    rgba[:, :3] = np.rint(255 * _BRIGHTNESS * (1 - _SATURATION * (1 - shares)))
    rgba[0] = 0
    return rgba
