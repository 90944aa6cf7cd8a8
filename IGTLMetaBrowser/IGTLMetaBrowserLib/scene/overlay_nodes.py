"""What belongs to the images of each server, beside its trajectories: points, labels, colors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from ..codec import ColorTableMessage, printable
from .errors import SceneError
from .label_maps.colors import color_volume, stop_using_color_table
from .label_maps.label_map_set import LabelMapSet
from .markups.point_nodes import PointNodes
from .server_nodes.server_sets import ServerSets


class OverlayNodes:
    """The label maps of each server by its address, the color tables of its images, the points.

    ``image_node`` returns the volume node of an address and an image id, or None; ``mark`` writes
    onto a node for whose image it has come.
    """

    def __init__(
        self,
        scene: Any,
        image_node: Callable[[str, str], Any],
        mark: Callable[[str, str, Any], None] = lambda address, image_id, node: None,
    ) -> None:
        self._scene = scene
        self._image_node = image_node
        self.points = PointNodes(scene, image_node, mark)
        self._label_maps = ServerSets(LabelMapSet, scene, image_node, mark)

    def label_maps(self, address: str) -> LabelMapSet:
        """Return the label maps of a server; none so far if nothing came from it."""
        return self._label_maps[address]

    def adopt(self, address: str) -> list[str]:
        """Find the points and label maps of a server, as in a scene that was just loaded.

        Returns the ids of the label maps that were not known before.
        """
        self.points.of(address).adopt()
        return self.label_maps(address).adopt()

    def forget_prepared(self) -> None:
        """Let go of the labels that were read before they were to be shown."""
        for label_maps in self._label_maps.values():
            label_maps.forget_prepared()

    def color_image(self, address: str, image_id: str, message: ColorTableMessage) -> Any:
        """Show an image in the colors of a table, and return these. Raises ``SceneError``."""
        volume = self._image_node(address, image_id)
        if volume is None:
            # A color table without its image is of no use: nobody would find it in the scene.
            raise SceneError(
                f"the colors of the image {printable(image_id)!r} came, but it is not loaded; "
                "load it, and ask for them again"
            )
        return color_volume(self._scene, volume, message)

    def stop_using_color_table(self, address: str, image_id: str) -> None:
        """Show an image as before ``color_image`` if it is loaded."""
        volume = self._image_node(address, image_id)
        if volume is not None:
            stop_using_color_table(volume)

    def image_shown(self, address: str, image_id: str) -> None:
        """Put next to an image what belongs to it: it was loaded."""
        self.label_maps(address).image_shown(image_id)
        if address in self.points:
            self.points.of(address).image_shown(image_id)

    def owner_ids(self, address: str) -> set[str]:
        """Return the ids of a server's images that something belongs to."""
        return self.label_maps(address).owner_ids | self.points.of(address).owner_ids

    def owned_nodes(self, address: str) -> Iterator[tuple[str, Any]]:
        """Yield the id of the image and the node of all that belongs to a server's images."""
        yield from self.label_maps(address).owned_nodes()
        yield from self.points.of(address).owned_nodes()

    def disown(
        self, address: str, image_id: str, nodes: Collection[Any] | None = None
    ) -> list[Any]:
        """Let what belongs to an image be the user's own: its id is another patient's now.

        Returns the nodes. With ``nodes``, only what one of these shows.
        """
        label_maps = self.label_maps(address).disown(image_id, nodes)
        return label_maps + self.points.of(address).disown(image_id, nodes)
