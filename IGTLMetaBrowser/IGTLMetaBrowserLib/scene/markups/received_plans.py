"""Trajectories and points that clients send unasked, shown in the scene.

A client sends what is new or has changed, and not always all of its plan: what came before stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ...codec import Message, PointMessage, TrajectoryItem, TrajectoryMessage, printable
from ..errors import SceneError
from .point_nodes import PointNodes
from .trajectory_answer import Key, keys_of
from .trajectory_nodes import TrajectoryNodes

# Who sends is any program that reaches the port. To look at so many takes 20 to 30 ms.
MOST_TRAJECTORIES = 5_000
MOST_NAMES = 100

# Host and port, by which the nodes of a server are known.
_ADDRESS = re.compile(r":(\d+)$")

OnShown = Callable[[str, Sequence[Any], Sequence[str]], None]
"""Called with a client's device name, the nodes of all that it has sent, and what is not shown."""


class ReceivedPlans:
    """What each client has sent, by its device name; trajectories that come again move their line.

    ``on_trajectories`` and ``on_points`` are called when what came is in the scene; ``on_written``
    with each node onto which something was written.
    """

    def __init__(
        self,
        scene: Any,
        on_trajectories: OnShown,
        on_points: OnShown,
        on_written: Callable[[Any], None] = lambda node: None,
    ) -> None:
        self._on_trajectories = on_trajectories
        self._on_points = on_points

        def mark(device_name: str, image_id: str, node: Any) -> None:
            on_written(node)

        self._nodes = TrajectoryNodes(scene, mark=mark)
        self._points = PointNodes(scene, lambda device_name, image_id: None, mark)
        self._names: set[str] = set()
        self._items: dict[str, dict[Key, TrajectoryItem]] = {}

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None for never."""
        return 0.0 if self._points.is_working else self._nodes.next_turn

    def handle(self, message: Message) -> None:
        """Handle what a client sent; ``work`` brings it into the scene.

        Raises ``SceneError`` for what is neither trajectories nor points, and for too many.
        """
        if not isinstance(message, (TrajectoryMessage, PointMessage)):
            raise SceneError("only trajectories and points are shown here")
        name = _client_name(message)
        self._check_name(name)
        if isinstance(message, TrajectoryMessage):
            # Those that the user has removed stay away: a client may send them again and again.
            self._nodes.receive(name, self._with_those_before(name, message), False)
        else:
            self._points.of(name).adopt()
            self._points.receive(name, message.items, None, is_pushed=True, is_whole=False)
        self._names.add(name)

    def work(self) -> None:
        """Bring some of what has come into the scene if there is something."""
        for name in self._points.work():
            points = self._points.of(name)
            self._on_points(name, points.nodes, points.problems)
        finished = self._nodes.work()
        for name in [name for name in self._items if self._nodes.of(name) in finished]:
            trajectories = self._nodes.of(name)
            self._on_trajectories(name, trajectories.nodes, trajectories.problems)

    def stop(self) -> None:
        """Bring nothing more of what has come into the scene."""
        self._nodes.stop()
        self._points.stop()

    def _check_name(self, name: str) -> None:
        if name in self._names or len(self._names) < MOST_NAMES:
            return
        self._forget_removed()
        if len(self._names) >= MOST_NAMES:
            raise SceneError(
                f"clients have sent plans under {MOST_NAMES} device names; those of others are "
                "not shown"
            )

    def _forget_removed(self) -> None:
        """Forget what is not in the scene any more, so that it does not count for the limits.

        Only if a limit is reached: those that the user has removed come back if they are sent
        again after this. Nothing is forgotten while something is still to be shown.
        """
        if self._nodes.is_working or self._points.is_working:
            return
        for name in [*self._names]:
            self._forget_removed_of(name)
            if not self._items.get(name) and not self._has_points(name):
                self._names.remove(name)
                self._forget(name)

    def _forget_removed_of(self, name: str) -> None:
        trajectories, items = self._nodes.of(name), self._items.get(name, {})
        shown = [one for one in trajectories.trajectories if trajectories.node(one) is not None]
        # Namesakes are numbered by their order: one that is shown keeps those before it.
        names = {one.key[:3] for one in shown}
        for key in [key for key in items if key[:3] not in names]:
            del items[key]

    def _has_points(self, name: str) -> bool:
        return name in self._points and bool(self._points.of(name).nodes)

    def _forget(self, name: str) -> None:
        self._items.pop(name, None)
        self._nodes.forget(name)
        self._points.forget(name)

    def _with_those_before(
        self, name: str, message: TrajectoryMessage
    ) -> Collection[TrajectoryItem]:
        if len(message.items) > MOST_TRAJECTORIES:
            raise _too_many()
        items = list(message.items)  # which are read each time
        new = dict(zip(keys_of(items), items, strict=True))
        if self._count_with(name, new) > MOST_TRAJECTORIES:
            self._forget_removed()
        if self._count_with(name, new) > MOST_TRAJECTORIES:
            if name not in self._names:
                self._forget(name)
            raise _too_many()
        known = self._known_items(name)
        known.update(new)
        # The view, not a copy: a client can send 1,000 messages in the time that 10,000 take.
        return known.values()

    def _count_with(self, name: str, new: Collection[Key]) -> int:
        """Return how many trajectories of all clients there are with these."""
        known = self._known_items(name)
        return sum(map(len, self._items.values())) + sum(key not in known for key in new)

    def _known_items(self, name: str) -> dict[Key, TrajectoryItem]:
        """Return what a client has sent before; at first, what of it is in the scene already.

        It may have been sent before the scene was saved, or served the last time.
        """
        if name not in self._items:
            self._nodes.adopt(name)
            known = self._nodes.of(name).trajectories
            self._items[name] = {trajectory.key: trajectory.item for trajectory in known}
        return self._items[name]


def _client_name(message: Message) -> str:
    """Return the name of who sent a message, which is never that of a server.

    Or a client could put a line among those of a server that the user has connected to.
    """
    return _ADDRESS.sub(r" \1", printable(message.device_name))


def _too_many() -> SceneError:
    return SceneError(f"more than {MOST_TRAJECTORIES} trajectories are not kept")
