"""The nodes of one kind, as points, of each server by its address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Nodes = TypeVar("Nodes")


class ServerSets(dict[str, Nodes]):
    """Makes the nodes of a server when they are first asked for: none so far.

    ``make`` is a class as ``PointSet``. ``image_node`` returns the volume node of an address and an
    image id, or None; ``mark`` writes onto a node for whose image it has come.
    """

    def __init__(
        self,
        make: Callable[..., Nodes],
        scene: Any,
        image_node: Callable[[str, str], Any],
        mark: Callable[[str, str, Any], None],
    ) -> None:
        super().__init__()
        self._make = make
        self._scene = scene
        self._image_node = image_node
        self._mark = mark

    def __missing__(self, address: str) -> Nodes:
        nodes = self[address] = self._make(
            self._scene,
            partial(self._image_node, address),
            server=address,
            mark=partial(self._mark, address),
        )
        return nodes
