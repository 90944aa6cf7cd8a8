"""The points of each server, brought into the scene in short turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ...codec import Coordinates, PointItem
from ..server_nodes.server_sets import ServerSets
from .points import PointSet

_SECONDS_A_TURN = 0.004


class PointNodes:
    """The points of each server by its address.

    ``receive`` handles an answer; ``work`` then brings some of it into the scene. ``image_node``
    returns the volume node of an address and an image id, or None; ``mark`` writes onto a node for
    whose image it has come.
    """

    def __init__(
        self,
        scene: Any,
        image_node: Callable[[str, str], Any],
        mark: Callable[[str, str, Any], None] = lambda address, image_id, node: None,
    ) -> None:
        self._sets = ServerSets(PointSet, scene, image_node, mark)
        self._unfinished: set[str] = set()
        self._next_answers: dict[str, Callable[[], None]] = {}

    def of(self, address: str) -> PointSet:
        """Return the points of a server; none so far, if nothing came from it."""
        return self._sets[address]

    def __contains__(self, address: str) -> bool:
        return address in self._sets

    def forget(self, address: str) -> None:
        """Forget a server of which nothing is in the scene, or waits to be."""
        self._sets.pop(address, None)

    @property
    def is_working(self) -> bool:
        """Whether ``work`` has something to do."""
        return bool(self._unfinished)

    def receive(
        self,
        address: str,
        items: Sequence[PointItem],
        coordinates: Coordinates | None,
        is_pushed: bool,
        is_whole: bool = True,
    ) -> None:
        """Handle an answer; while the one before is not all shown, the newest waits for that.

        See ``PointSet.receive``.
        """
        points = self.of(address)

        def begin() -> None:
            points.coordinates = coordinates
            points.receive(items, is_pushed, is_whole, self._others(address))

        if address in self._unfinished and is_whole:
            self._next_answers[address] = begin
            return
        self._unfinished.add(address)
        begin()

    def work(self) -> list[str]:
        """Work for some milliseconds; return the addresses of which an answer is all shown now."""
        end = time.monotonic() + _SECONDS_A_TURN
        for address in list(self._unfinished):  # who hears of a new node may close the scene
            points = self._sets[address]
            while points.waiting and time.monotonic() < end:
                points.step()
        finished = [address for address in self._unfinished if not self._sets[address].waiting]
        for address in finished:
            if (begin := self._next_answers.pop(address, None)) is None:
                self._unfinished.remove(address)
            else:
                begin()
        return finished

    def stop(self) -> None:
        """Bring nothing more into the scene: it was closed. ``work`` still returns whose it was."""
        self._next_answers.clear()
        for points in self._sets.values():
            points.stop()

    def _others(self, address: str) -> tuple[int, int]:
        """Return how many points and lists those of all other servers are."""
        others = [points for other, points in self._sets.items() if other != address]
        return sum(one.point_count for one in others), sum(one.list_count for one in others)
