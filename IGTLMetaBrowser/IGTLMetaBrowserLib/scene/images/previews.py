"""Previews: volumes of images of which not all voxels have come.

A preview is a volume of its own, never that of the image: it is hidden from the selectors of all
modules, so that nobody measures it by mistake, and it is not saved with the scene. Its name says
how much of it is real, and Slicer shows that in the corner of the slice views.

When the image is whole, its volume takes the preview's place in the views, with the display that
the user has chosen. The preview cannot become that volume: Slicer looks only once whether a node is
hidden, when it is added.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from ...codec import Coordinates, ImageMessage
from ...codec.window_level import VoiWindow
from ...privacy.hidden_patients import HiddenPatients
from ..nodes.node_names import set_name
from ..nodes.node_references import NodeReferences
from ..nodes.nodes_by_class import scene_view_browsers
from ..slice_layers import replace_in_layers
from .volumes import remove_volume, show_image

PREVIEW_ATTRIBUTE = "IGTLMetaBrowser.Preview"
"""How much of a volume is real: "1/4 resolution" (of the voxels along an axis), or "62 %"."""


@dataclass(frozen=True)
class PreviewName:
    """The name of an image, and how much of it has come."""

    image_name: str
    how_much: str

    def __str__(self) -> str:
        return f"{self.image_name} (preview {self.how_much})"

    def redacted(self, patients: HiddenPatients) -> PreviewName:
        """Return what may be seen of it."""
        return replace(self, image_name=patients.redact(self.image_name))


class Previews:
    """One preview for each image that is arriving, by keys."""

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients
        self._nodes = NodeReferences(scene)
        self._names: dict[Hashable, PreviewName] = {}  # as they came
        self._window_levels: dict[Hashable, tuple[float, float]] = {}

    def node(self, key: Hashable) -> Any:
        """Return the preview of an image, or None if there is none (any more)."""
        return self._nodes.get(key)

    def show(
        self,
        key: Hashable,
        image: ImageMessage,
        name: PreviewName,
        modality: str = "",
        coordinates: Coordinates | None = None,
        voi_window: VoiWindow | None = None,
    ) -> Any:
        """Show what has come, as an image with its own voxels and geometry; return the preview.

        Raises ``SceneError``.
        """
        self._names[key] = name
        shown, before = str(name.redacted(self._patients)), self.node(key)
        modified = None if before is None else before.StartModify()
        try:
            node = show_image(
                self._scene, image, shown, modality, before, coordinates, voi_window, True
            )
            node.SetAttribute(PREVIEW_ATTRIBUTE, name.how_much)
        finally:
            if modified is not None:
                before.EndModify(modified)
        if node is not before:
            self._nodes.keep(key, node)
            self._window_levels[key] = _window_level(node)
        return node

    def rename(self) -> None:
        """Name them anew, as patients have been hidden, or are no longer."""
        for key, name in self._names.items():
            if (node := self.node(key)) is not None:
                set_name(node, str(name.redacted(self._patients)))

    def replace(self, key: Hashable, volume: Any) -> None:
        """Let the volume of the whole image take the place of its preview, if there is one."""
        preview = self.node(key)
        if preview is None:
            return
        display, before = volume.GetDisplayNode(), preview.GetDisplayNode()
        if before is not None and display is not None:
            # Found anew from all voxels, unless the user has chosen another one.
            if _window_level(preview) != self._window_levels.get(key):
                display.SetWindowLevel(*_window_level(preview))
            display.SetInterpolate(before.GetInterpolate())
            if before.GetColorNodeID():
                display.SetAndObserveColorNodeID(before.GetColorNodeID())
        replace_in_layers(self._scene, preview, volume)
        self.remove(key)

    def remove(self, key: Hashable) -> None:
        """Remove a preview from the scene, if there is one."""
        node = self.node(key)
        self._nodes.forget(key)
        self._names.pop(key, None)
        self._window_levels.pop(key, None)
        if node is not None:
            self._remove_from_scene_views(node)
        remove_volume(self._scene, node)

    def _remove_from_scene_views(self, node: Any) -> None:
        """Have no scene view bring a preview back: at once, and as an image that can be saved."""
        for browser in scene_view_browsers(self._scene):
            if browser.IsProxyNode(node.GetID()):
                sequence = browser.GetSequenceNode(node)
                storage = sequence.GetStorageNode()
                browser.RemoveSynchronizedSequenceNode(sequence.GetID())
                for one in filter(None, (sequence, storage)):
                    self._scene.RemoveNode(one)


def _window_level(volume: Any) -> tuple[float, float]:
    display = volume.GetDisplayNode()
    return (0.0, 0.0) if display is None else (display.GetWindow(), display.GetLevel())
