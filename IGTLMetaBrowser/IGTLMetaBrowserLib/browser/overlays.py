"""What else belongs to the images of a server: label maps, points and color tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from .. import codec, net
from ..net.list_metadata.notices import notice_of_list
from ..scene.label_maps.label_map_set import LabelMapSet
from ..scene.overlay_nodes import OverlayNodes
from .connection import ServerConnection
from .errors import BrowserError
from .events import ColorsShown, Failed, LabelMapsListed, Observer, PointsShown
from .pushed_failures import PushedFailures
from .trajectories import Trajectories


class Overlays:
    """Those of the server of ``connection``. ``nodes`` are those of all servers."""

    def __init__(
        self,
        connection: ServerConnection,
        trajectories: Trajectories,
        nodes: OverlayNodes,
        notify: Observer,
        pushed_failures: PushedFailures,
    ) -> None:
        self._connection = connection
        self._trajectories = trajectories
        self._nodes = nodes
        self._notify = notify
        self._pushed_failures = pushed_failures
        self._listed_over = 0  # the number of the connection, of the label maps

    # Label maps

    def request_label_maps(self) -> net.Query:
        """Ask for the list of label maps; ``LabelMapsListed`` or ``Failed`` follows.

        From then on ``ServerImages.request`` loads those that are in it as label maps.
        """
        return self._connection.ask("LBMETA")

    @property
    def label_maps(self) -> LabelMapSet:
        """The label maps of this server, as they are listed, and their nodes."""
        return self._nodes.label_maps(self._address)

    def is_label_map(self, image_id: str) -> bool:
        """Whether the server has listed an image as a label map."""
        return image_id in self.label_maps

    @property
    def is_list_current(self) -> bool:
        """Whether the last list of label maps came over the present connection."""
        return self._listed_over == self._connection.number

    def forget_prepared(self) -> None:
        """Let go of what was prepared of label maps, of whatever server."""
        self._nodes.forget_prepared()

    # Points and color tables

    def request_points(self) -> net.Query:
        """Ask for the points; ``PointsShown`` or ``Failed`` follows."""
        return self._connection.ask("POINT")

    def request_color_table(self, image_id: str) -> net.Query:
        """Ask for the colors of a loaded image; ``ColorsShown`` or ``Failed`` follows."""
        return self._connection.ask("COLORT", image_id)

    def stop_using_color_table(self, image_id: str) -> None:
        """Show a loaded image as before ``request_color_table``, by window and level."""
        self._nodes.stop_using_color_table(self._address, image_id)

    def adopt(self) -> list[str]:
        """Find the points and label maps of this server that are in the scene already.

        Returns the ids of the label maps that were not known before.
        """
        return self._nodes.adopt(self._address)

    # What happens

    def on_message(self, message: codec.Message, query: net.Query | None) -> bool:
        """Show a message if it is an overlay; return whether it is one.

        ``query`` is the one that is answered, None for what the server sends unasked.
        """
        if isinstance(message, codec.PointMessage):
            # POINT, as TRAJ, has no field for it; a server that means LPS means it for both.
            coordinates = self._trajectories.markups.coordinates
            is_pushed = query is None
            self._nodes.points.receive(self._address, message.items, coordinates, is_pushed)
        elif isinstance(message, codec.LabelMetaMessage):
            label_maps = self.label_maps
            label_maps.receive(message.items)
            self._listed_over = self._connection.number
            notice = notice_of_list(message.metadata)
            self._notify(LabelMapsListed(len(label_maps.listed), query is None, notice))
            if label_maps.problem:
                self._fail(BrowserError(label_maps.problem), query)
        elif isinstance(message, codec.ColorTableMessage):
            self._color(message, query)
        else:
            return False
        return True

    @property
    def is_showing(self) -> bool:
        """Whether ``work`` still has points to bring into the scene."""
        return self._nodes.points.is_working

    def work(self) -> None:
        """Bring some points into the scene, and notify of those answers that are all there."""
        for address in self._nodes.points.work():
            points = self._nodes.points.of(address)
            self._notify(PointsShown(points.nodes, points.problems))

    def stop(self) -> None:
        """Bring nothing more into the scene: it was closed."""
        self._nodes.points.stop()

    def on_image_shown(self, image_id: str) -> None:
        """Put the overlays of an image next to it."""
        self._nodes.image_shown(self._address, image_id)

    @property
    def owner_ids(self) -> set[str]:
        """The ids of the images that label maps and points belong to."""
        return self._nodes.owner_ids(self._address)

    def owned_nodes(self) -> Iterator[tuple[str, Any]]:
        """Yield the id of the image and the node of all that belongs to an image."""
        return self._nodes.owned_nodes(self._address)

    def disown(self, image_id: str, nodes: Collection[Any] | None = None) -> list[Any]:
        """Let nothing of an image belong to that of another patient, who has its id now.

        Returns the nodes. With ``nodes``, only what these show.
        """
        return self._nodes.disown(self._address, image_id, nodes)

    def _color(self, message: codec.ColorTableMessage, query: net.Query | None) -> None:
        image_id = message.device_name if query is None else query.device_name
        try:
            node = self._nodes.color_image(self._address, image_id, message)
        except ValueError as error:
            self._fail(error, query)
        else:
            self._notify(ColorsShown(image_id, node))

    def _fail(self, error: Exception, query: net.Query | None) -> None:
        if query is None:
            self._pushed_failures.add(error)
        else:
            self._notify(Failed(error))

    @property
    def _address(self) -> str:
        return self._connection.address
