"""Which markups show which trajectories, for each server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..codec import Coordinates, TrajectoryItem
from .trajectory_set import TrajectorySet


class TrajectoryNodes:
    """The trajectories of each server by its address.

    ``image_node`` returns the volume node of an address and an image id, or None. ``coordinates``
    are those of the points that servers send from now on; None means RAS.
    """

    def __init__(
        self, scene: Any, image_node: Callable[[str, str], Any] = lambda address, image_id: None
    ) -> None:
        self.coordinates: Coordinates | None = None
        self._scene = scene
        self._image_node = image_node
        self._sets: dict[str, TrajectorySet] = {}

    def of(self, address: str) -> TrajectorySet:
        """Return the trajectories of a server; none so far, where nothing came from it."""
        if address not in self._sets:
            self._sets[address] = TrajectorySet(
                self._scene, lambda image_id: self._image_node(address, image_id)
            )
        self._sets[address].coordinates = self.coordinates
        return self._sets[address]

    def show(
        self, address: str, items: Iterable[TrajectoryItem], restore_removed: bool = True
    ) -> tuple[list[Any], list[str]]:
        """Show trajectories at once; return their nodes, and in words which are not shown.

        ``restore_removed``: those that the user has removed from the scene come back.
        """
        trajectories = self.of(address)
        trajectories.receive(items, restore_removed)
        trajectories.finish()
        return trajectories.nodes, trajectories.problems
