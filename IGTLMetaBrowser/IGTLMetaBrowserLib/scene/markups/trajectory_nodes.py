"""Which markups show which trajectories, for each server; brought into the scene in short turns."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ...codec import TrajectoryItem
from ..errors import SceneError
from ..images.moved_images import check_not_bent, noted_movement
from ..rendering import RenderPause
from ..server_nodes.attributes import read_id
from ..server_nodes.server_sets import ServerSets
from .outgoing_markups import trajectory_item
from .trajectory_decoding import in_ras
from .trajectory_markups import OWNER_ATTRIBUTE
from .trajectory_set import SHOWN_AT_FIRST, TrajectorySet

MOST_SHOWN_AT_FIRST = 1000
"""Of all servers, or of all clients that send some."""
# A visible line takes 10 to 15 ms in a real Slicer: one a turn, and Slicer goes on between.
_SECONDS_A_TURN = 0.004
# Views in which nothing moves any more look broken, so they are drawn now and then.
_LONGEST_PAUSE = 1.0
_SECONDS_TO_DRAW = 0.05
# What nobody sees follows a stream so often, and for so long at once: nobody is to notice.
_SECONDS_BETWEEN_HIDDEN = 1.0
_SECONDS_A_HIDDEN_TURN = 0.001


class TrajectoryNodes:
    """The trajectories of each server by its address.

    ``receive`` handles an answer; ``work`` then brings some of it into the scene. The views
    are not drawn meanwhile. ``image_node`` returns the volume node of an address and an image id,
    or None; ``mark`` writes onto a node for whose image it has come.
    """

    def __init__(
        self,
        scene: Any,
        image_node: Callable[[str, str], Any] = lambda address, image_id: None,
        mark: Callable[[str, str, Any], None] = lambda address, image_id, node: None,
    ) -> None:
        self._image_node = image_node
        self._sets = ServerSets(TrajectorySet, scene, image_node, mark)
        self._unfinished: set[str] = set()
        self._next_answers: dict[str, tuple[Collection[TrajectoryItem], bool]] = {}
        self._views = RenderPause()
        self._next_turn = 0.0
        self._hidden_at = 0.0  # when the nodes that nobody sees are moved next
        self._hidden_turns: deque[TrajectorySet] = deque()  # whose turn it is, for one node each

    def of(self, address: str) -> TrajectorySet:
        """Return the trajectories of a server; none so far if nothing came from it."""
        return self._sets[address]

    def adopt(self, address: str) -> list[Any]:
        """Find the nodes of a server, as in a scene that was just loaded; return the new ones."""
        return self.of(address).adopt()

    def disown(
        self, address: str, image_id: str, nodes: Collection[Any] | None = None
    ) -> list[Any]:
        """Let a server's trajectories in an image be the user's own, see ``TrajectorySet``."""
        if nodes is None:
            self._next_answers.pop(address, None)
        return self.of(address).disown(image_id, nodes)

    def forget(self, address: str) -> None:
        """Forget a server of which nothing is in the scene, or waits to be."""
        self._sets.pop(address, None)

    @property
    def is_working(self) -> bool:
        """Whether ``work`` has something to do."""
        return bool(self._unfinished) or self._has_waiting

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None for never."""
        if self.is_working:
            return self._next_turn
        return self._hidden_at if self._has_hidden_waiting else None

    def receive(
        self, address: str, items: Collection[TrajectoryItem], restore_removed: bool = True
    ) -> None:
        """Handle an answer; while the one before is not all shown, the newest waits for that.

        ``restore_removed``: those that the user has removed from the scene come back.
        """
        if address in self._unfinished:
            _, restored_before = self._next_answers.get(address, (None, False))
            self._next_answers[address] = (items, restore_removed or restored_before)
            return
        self._begin(address, items, restore_removed)

    def _begin(
        self, address: str, items: Collection[TrajectoryItem], restore_removed: bool
    ) -> None:
        self._unfinished.add(address)
        others = [one for other, one in self._sets.items() if other != address]
        trajectories = self.of(address)
        trajectories.shown_at_first = max(
            0, min(SHOWN_AT_FIRST, MOST_SHOWN_AT_FIRST - sum(len(one.nodes) for one in others))
        )
        trajectories.receive(items, restore_removed)

    def work(self) -> list[TrajectorySet]:
        """Work for some milliseconds; return those of which an answer is all shown now."""
        self._follow_hidden()
        if not self.is_working:
            return []
        try:
            self._work()
        except BaseException:
            self.rest()
            raise
        return self._begin_waiting_answers()

    def catch_up(self) -> None:
        """Bring all nodes that nobody sees to where they belong, for somebody who reads them."""
        for trajectories in self._sets.values():
            trajectories.follow_hidden(trajectories.hidden_waiting)

    def sent_items(self, address: str, nodes: Iterable[Any]) -> list[TrajectoryItem]:
        """Return markups lines as a server gets them, in its coordinates.

        Points are those of the image to which a line belongs, where that is one of this server that
        is loaded; otherwise of the scene's world, before they were moved as the image was, if they
        say that. Raises ``SceneError``.
        """
        self.catch_up()
        coordinates = self.of(address).coordinates
        return [in_ras(self._sent_item(address, node), coordinates) for node in nodes]

    def rest(self) -> None:
        """Let the views be drawn, as when nobody is going to call ``work`` for a while."""
        self._views.end()

    def stop(self) -> None:
        """Bring nothing more of what has come into the scene."""
        self._next_answers.clear()
        self._hidden_turns.clear()
        for trajectories in self._sets.values():
            trajectories.stop()
        self.rest()

    @property
    def _has_waiting(self) -> bool:
        return any(trajectories.waiting for trajectories in self._sets.values())

    @property
    def _has_hidden_waiting(self) -> bool:
        return any(trajectories.hidden_waiting for trajectories in self._sets.values())

    def _follow_hidden(self) -> None:
        """Bring nodes that nobody sees to where they belong, each once a second."""
        now = time.monotonic()
        if now < self._hidden_at or not self._has_hidden_waiting:
            return
        if not self._hidden_turns:
            # As many as wait now: a stream may move more than there is time for.
            for trajectories in self._sets.values():
                self._hidden_turns.extend([trajectories] * trajectories.hidden_waiting)
        while self._hidden_turns and time.monotonic() < now + _SECONDS_A_HIDDEN_TURN:
            self._hidden_turns.popleft().follow_hidden(1)
        if not self._hidden_turns:
            self._hidden_at = now + _SECONDS_BETWEEN_HIDDEN

    def _sent_item(self, address: str, node: Any) -> TrajectoryItem:
        owner = read_id(node.GetAttribute(OWNER_ATTRIBUTE))
        image = self._image_node(address, owner) if owner else None
        if image is not None:
            check_not_bent(image)
        elif owner and node.GetTransformNodeID() is not None:
            raise SceneError(
                f"{node.GetName()!r} is under a transform, and whether its image is as well is not "
                "known: load that first, or take the line out of the transform"
            )
        return trajectory_item(node, image, moved=noted_movement(node))

    def _work(self) -> None:
        now = time.monotonic()
        if self._has_waiting:
            self._views.begin()
        for trajectories in list(self._sets.values()):  # who hears of a new node may choose another
            while trajectories.waiting and time.monotonic() < now + _SECONDS_A_TURN:
                trajectories.step(1)
        self._next_turn = 0.0
        if not self._has_waiting:
            self._views.end()
        elif self._views.seconds > _LONGEST_PAUSE:
            self._views.end()
            self._next_turn = time.monotonic() + _SECONDS_TO_DRAW

    def _begin_waiting_answers(self) -> list[TrajectorySet]:
        addresses = [address for address in self._unfinished if not self.of(address).waiting]
        for address in addresses:
            self._unfinished.remove(address)
            if address in self._next_answers:
                self._begin(address, *self._next_answers.pop(address))
        return [self.of(address) for address in addresses]
