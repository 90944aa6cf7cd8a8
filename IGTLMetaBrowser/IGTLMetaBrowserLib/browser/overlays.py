"""What belongs to images: trajectories, points, label maps and colour tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import codec, net
from .events import (
    BrowserEvent,
    ColorsShown,
    Failed,
    LabelMapsListed,
    PointsShown,
    TrajectoriesChanged,
    TrajectoriesSent,
    TrajectoriesShown,
)


class Annotations(ABC):
    """What a browser does with them.

    ``_trajectories`` are a ``TrajectoryNodes`` of the scene, ``_annotations`` its
    ``AnnotationNodes``.
    """

    coordinates: codec.Coordinates | None
    _trajectories: Any
    _annotations: Any
    _tell: Callable[[BrowserEvent], None]

    @property
    @abstractmethod
    def address(self) -> str: ...
    @property
    @abstractmethod
    def _client(self) -> net.Client: ...
    @abstractmethod
    def _ask(self, data_type: str, device_name: str = "") -> net.Query: ...

    def request_trajectories(self) -> net.Query:
        """Ask for the trajectories; ``TrajectoriesShown`` or ``Failed`` follows."""
        return self._ask("TRAJ")

    @property
    def trajectories(self) -> Any:
        """The trajectories of this server, a ``TrajectorySet``; its ``coordinates`` can be set."""
        return self._trajectories.of(self.address)

    @property
    def is_showing_trajectories(self) -> bool:
        """Whether ``step`` still has trajectories to bring into the scene."""
        return self._trajectories.is_working

    def show_trajectories(self, trajectories: Iterable[Any]) -> None:
        """Make these visible; ``TrajectoriesChanged`` follows when all are in the scene."""
        self.trajectories.show(trajectories)
        self._tell(TrajectoriesChanged())

    def hide_trajectories(self, trajectories: Iterable[Any]) -> None:
        """Make these invisible."""
        self.trajectories.hide(trajectories)
        self._tell(TrajectoriesChanged())

    def remove_gone_trajectories(self) -> None:
        """Remove those from the scene that the last answer does not have any more."""
        self.trajectories.remove_gone()
        self._tell(TrajectoriesChanged())

    def send_trajectories(self, nodes: Iterable[Any]) -> None:
        """Send markups lines to the server; ``TrajectoriesSent`` follows.

        Raises ``ValueError`` (``SceneError``, ``codec.EncodeError``) where one cannot be sent,
        ``net.NetworkError`` or ``BrowserError`` where there is no connection.
        """
        items = self._trajectories.sent_items(self.address, nodes)
        self._client.send(codec.TrajectoryMessage(items=items))
        self._tell(TrajectoriesSent(len(items)))

    def request_points(self) -> net.Query:
        """Ask for the points; ``PointsShown`` or ``Failed`` follows."""
        return self._ask("POINT")

    def request_label_maps(self) -> net.Query:
        """Ask for the list of label maps; ``LabelMapsListed`` or ``Failed`` follows.

        From then on ``request_images`` loads those that are in it as label maps.
        """
        return self._ask("LBMETA")

    @property
    def label_maps(self) -> Sequence[Any]:
        """The label maps that this server has listed, a ``LabelMap`` each."""
        return self._annotations.label_maps(self.address).label_maps

    def is_label_map(self, image_id: str) -> bool:
        """Whether the server has listed an image as a label map."""
        return self._annotations.is_label_map(self.address, image_id)

    def show_segmentation(self, image_id: str) -> Any:
        """Return a segmentation node of a label map that is loaded. Raises ``SceneError``."""
        return self._annotations.label_maps(self.address).show_segmentation(image_id)

    def request_color_table(self, image_id: str) -> net.Query:
        """Ask for the colours of a loaded image; ``ColorsShown`` or ``Failed`` follows."""
        return self._ask("COLORT", image_id)

    def stop_using_color_table(self, image_id: str) -> None:
        """Show a loaded image as before ``request_color_table``, by window and level."""
        self._annotations.stop_using_color_table(self.address, image_id)

    def _take_annotation(self, message: codec.Message, query: net.Query | None = None) -> bool:
        """Take what belongs to images; return False where it is something else.

        ``query`` is the one that is answered, None for what the server sends by itself.
        """
        if isinstance(message, codec.TrajectoryMessage):
            self._trajectories.receive(self.address, message.items, query is not None)
            self._tell(TrajectoriesChanged())
            self._show_more_trajectories()
        elif isinstance(message, codec.PointMessage):
            coordinates = self.trajectories.coordinates
            points = self._annotations.show_points(self.address, message.items, coordinates)
            self._tell(PointsShown(points.nodes, points.problems))
        elif isinstance(message, codec.LabelMetaMessage):
            self._annotations.label_maps(self.address).receive(message.items)
            self._tell(LabelMapsListed(len(self.label_maps)))
        elif isinstance(message, codec.ColorTableMessage):
            self._color(message.device_name if query is None else query.device_name, message)
        else:
            return False
        return True

    def _color(self, image_id: str, message: codec.ColorTableMessage) -> None:
        try:
            node = self._annotations.color_image(self.address, image_id, message)
        except ValueError as error:
            self._tell(Failed(error))
        else:
            self._tell(ColorsShown(image_id, node))

    def _show_label_map(self, image_id: str, image: codec.ImageMessage) -> Any:
        return self._annotations.show_label_map(self.address, image_id, image, self.coordinates)

    def _show_more_trajectories(self) -> None:
        """Bring some of them into the scene, and tell of those answers that are all there."""
        if not self._trajectories.is_working:
            return
        answered = self._trajectories.work()
        for trajectories in answered:
            self._tell(TrajectoriesShown(trajectories.nodes, trajectories.problems))
        if not answered and not self._trajectories.is_working:
            self._tell(TrajectoriesChanged())
