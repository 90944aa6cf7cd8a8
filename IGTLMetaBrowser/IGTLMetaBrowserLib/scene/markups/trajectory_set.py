"""The trajectories of one server, and the markups that show them.

An answer is taken with ``receive`` and brought into the scene by ``step``, some trajectories a
call, because a markups line costs 10 to 15 ms to make in Slicer. The window blocks rendering and
calls ``step`` from the event loop until it returns True. What did not change is not touched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from ...codec import Coordinates, TrajectoryItem, printable
from ..errors import SceneError
from ..images.moved_images import moved_by, noted_movement, to_world
from ..nodes.node_references import NodeReferences
from ..placement import Placement
from ..server_nodes.attributes import KEY_ATTRIBUTE, key_attributes, nodes_from_server
from .hidden_markups import HiddenMarkups, is_hidden
from .new_markups import LINE_CLASS, POINT_CLASS
from .outgoing_markups import trajectory_item
from .trajectory import LatestAnswer, Trajectory, key_of
from .trajectory_answer import Key, TrajectoryAnswer
from .trajectory_markups import (
    NameLabel,
    is_as_written,
    mark_as_trajectory,
    remove_trajectory,
    set_label,
    show_trajectory,
)

# In a real Slicer a visible line takes 10 to 15 ms to make, a hidden one 1 ms.
SHOWN_AT_FIRST = 200
_TRAJECTORIES_A_STEP = 5
# Of the trajectories of one answer that cannot be shown: why is said of so many.
_MOST_PROBLEMS = 10


class TrajectorySet:
    """One node for each trajectory; one that comes again moves its node.

    ``owner_node`` returns the volume node of an image id, or None if it is not loaded.
    ``server`` is written onto the nodes, so that ``adopt`` finds them again. ``mark`` writes onto a
    node for whose image, by its id, it has come.
    """

    def __init__(
        self,
        scene: Any,
        owner_node: Callable[[str], Any] = lambda image_id: None,
        server: str = "",
        mark: Callable[[str, Any], None] = lambda image_id, node: None,
    ) -> None:
        self._server = server
        self.coordinates: Coordinates | None = None
        """Those of the points that come; None means RAS, as OpenIGTLink has it."""
        self._scene = scene
        self._hidden_markups = HiddenMarkups(self._on_visible)
        self._placement = Placement(scene, owner_node, mark)
        self.shown_at_first = SHOWN_AT_FIRST
        self._trajectories: dict[Key, Trajectory] = {}
        self._latest: LatestAnswer | None = None
        self._gone_todo: deque[Trajectory] = deque()
        self._todo: deque[Trajectory] = deque()
        self._labels_todo: deque[Trajectory] = deque()
        # Those whose nodes nobody sees, and those of them that are not where they belong, in order.
        self._hidden: set[Trajectory] = set()
        self._hidden_todo: dict[Trajectory, None] = {}
        self._labeled: set[Trajectory] = set()
        self._are_all_labeled = False
        self._nodes = NodeReferences(scene, KEY_ATTRIBUTE)

    @property
    def trajectories(self) -> Sequence[Trajectory]:
        """All of them: those of the last answer in its order, then those that are gone."""
        return list(self._trajectories.values())

    @property
    def gone(self) -> list[Trajectory]:
        """Those whose nodes are in the scene although the last answer does not have them."""
        gone = [one for one in self._trajectories.values() if one.is_gone]
        return [one for one in gone if self.node(one) is not None]

    @property
    def nodes(self) -> list[Any]:
        """The nodes of the last answer's trajectories, in its order."""
        current = (one for one in self._trajectories.values() if one.is_wanted and not one.is_gone)
        return [node for node in map(self.node, current) if node is not None]

    @property
    def problems(self) -> list[str]:
        """What of the last answer is not shown, and why: of very many, the first."""
        current = [one for one in self._trajectories.values() if not one.is_gone]
        answer = None if self._latest is None else self._latest.answer
        if answer is not None and len(answer) == len(current):
            # Of a stream of a thousand, to look at each would take longer than all the rest.
            not_shown = [current[row] for row in answer.rows_not_shown]
        else:
            not_shown = [one for one in current if one.shown is None]
        problems = [one.problem for one in not_shown[:_MOST_PROBLEMS]]
        if len(not_shown) > _MOST_PROBLEMS:
            problems.append(f"{len(not_shown) - _MOST_PROBLEMS} more trajectories cannot be shown")
        more = sum(not one.is_wanted for one in current) - len(not_shown)
        if more > 0:
            problems.append(f"{more} more trajectories are in the list, but not in the scene")
        if answer is not None and answer.left_out:
            problems.append(f"{answer.left_out} more trajectories came than can be listed")
        return problems

    @property
    def waiting(self) -> int:
        """How many trajectories ``step`` still has to look after."""
        return len(self._gone_todo) + len(self._todo) + len(self._labels_todo)

    def node(self, trajectory: Trajectory) -> Any:
        """Return the node of a trajectory, or None if it is not in the scene (any more)."""
        return self._nodes.get(trajectory.key)

    def shown_by(self, node: Any) -> Trajectory | None:
        """Return the trajectory that a node shows, or None: a copy of it shows none."""
        key = key_of(node)
        one = None if key is None else self._trajectories.get(key)
        return one if one is not None and self.node(one) is node else None

    def is_removed(self, trajectory: Trajectory) -> bool:
        """Whether a trajectory was in the scene, and the user has removed its node."""
        return trajectory.written is not None and self.node(trajectory) is None

    def receive(self, items: Collection[TrajectoryItem], restore_removed: bool = True) -> None:
        """Handle an answer; ``step`` then brings it into the scene.

        ``restore_removed``: what the user has removed from the scene comes back, as is right for
        an answer that was asked for. In a stream it would come back ten times a second. What came
        in a stream and is gone is removed: a server could send other names ten times a second.
        """
        is_pushed = not restore_removed
        answer = TrajectoryAnswer(items, self.coordinates, is_pushed)
        rows = None if self._latest is None else answer.changed_rows(self._latest.answer)
        if self._latest is None or rows is None or (rows and self._has_room):
            self._update(answer, is_pushed)
        else:
            self._latest.replace(answer)
        wanted = [one for one in self._trajectories.values() if one.is_wanted]
        self._find_hidden(wanted if is_pushed else [])
        now = (one for one in wanted if one not in self._hidden)
        self._todo = deque(one for one in now if self._is_to_do(one, restore_removed))
        if rows is None or rows:
            # Those that wait already keep their turn.
            self._hidden_todo.update(dict.fromkeys(self._hidden))

    def _find_hidden(self, wanted: list[Trajectory]) -> None:
        """Find those that nobody sees; of an answer that was asked for none: all are to be there.

        Those that were hidden before are not looked at again: they are watched.
        """
        self._hidden &= set(wanted)
        for one in wanted:
            if one not in self._hidden and is_hidden(node := self.node(one)):
                self._hidden.add(one)
                self._hidden_markups.watch(node)

    def adopt(self) -> list[Any]:
        """Find the nodes of this server, as in a scene that was just loaded; return the new ones.

        They are in the list as they are. The next answer moves them, or finds them gone.
        """
        adopted = []
        for node in nodes_from_server(self._scene, self._server, LINE_CLASS, POINT_CLASS):
            key = key_of(node)
            if key is not None and self._nodes.get(key) is None:
                self._adopt(key, node)
                adopted.append(node)
        if adopted:
            self._latest = None  # the next one is looked at as a whole
        return adopted

    def _adopt(self, key: Key, node: Any) -> None:
        try:
            owner = self._placement.owner(key[0])
            item = trajectory_item(node, owner, moved=noted_movement(node))
            found = Trajectory(key, replace(item, owner=key[0], group=key[1], name=key[2]))
        except SceneError:  # not all of its points are there: its file may be missing
            found = Trajectory.without_points(key)
        one = self._trajectories.setdefault(key, found)
        # What was written into it is not known: the next answer writes all of it again.
        one.is_wanted, one.written, one.label = True, None, None
        self._nodes.keep(key, node)
        self._placement.forget(key)
        self._placement.place_adopted(key, node, key[0], printable(key[1]))

    def own(self, node: Any, item: TrajectoryItem) -> Trajectory | None:
        """Let a line of the user's show the trajectory that this server has of it now.

        The next answer moves that node, instead of making another one in the same place, and gives
        it the name that it has there. None if the node stays the user's own: it was moved since, or
        is under a transform that it would have to leave.
        """
        if node.GetParentTransformNode() is not None or not self._is_same(node, item):
            return None
        names = (item.owner, item.group, item.name)
        numbered = ((*names, number) for number in range(len(self._trajectories) + 1))
        one = Trajectory(next(key for key in numbered if key not in self._trajectories), item)
        one.is_wanted, one.label = True, None
        self._trajectories[one.key] = one
        self._latest = None  # the next one is looked at as a whole
        self._nodes.keep(one.key, node)
        self._placement.forget(one.key)
        mark_as_trajectory(node, key_attributes(self._server, *one.key))
        self._show(one)
        return one

    def _is_same(self, node: Any, item: TrajectoryItem) -> bool:
        try:
            drawn = trajectory_item(node, self._placement.owner(item.owner), item.owner)
            return replace(drawn, name=item.name) == item
        except SceneError:
            return False

    def step(self, count: int = _TRAJECTORIES_A_STEP) -> bool:
        """Bring up to ``count`` trajectories into the scene; return whether all are there."""
        for _ in range(min(count, self.waiting)):
            if self._gone_todo:
                self._remove(self._gone_todo.popleft())
            elif self._todo:
                self._show(self._todo.popleft())
            elif self._labels_todo:  # last: lines are what the user waits for
                self._show_label(self._labels_todo.popleft())
        return not self.waiting

    def finish(self) -> None:
        """Bring all into the scene, without letting the window answer in between."""
        self.step(self.waiting)
        self.follow_hidden(len(self._hidden_todo))

    @property
    def hidden_waiting(self) -> int:
        """How many nodes that nobody sees are not yet where they belong, see ``follow_hidden``."""
        return len(self._hidden_todo)

    def follow_hidden(self, count: int = _TRAJECTORIES_A_STEP) -> None:
        """Bring up to ``count`` nodes that nobody sees to where a stream has moved them.

        Of what moves ten times a second and is not seen, once a second is enough for who reads or
        saves the node. A node that becomes visible is there at once, whoever shows it.
        """
        for one in list(islice(self._hidden_todo, count)):
            self.catch_up(one)
            if not is_hidden(self.node(one)):  # its display node, or itself, was replaced
                self._hidden.discard(one)

    def catch_up(self, one: Trajectory) -> None:
        """Bring the node of a trajectory, if nobody sees it, to where it belongs."""
        if one in self._hidden_todo:
            del self._hidden_todo[one]
            if self._is_to_do(one, restore_removed=False):
                self._show(one)

    def stop(self) -> None:
        """Look after none of those that wait: the scene was closed. The user has removed none."""
        self._gone_todo.clear()
        self._todo.clear()
        self._labels_todo.clear()
        self._hidden_todo.clear()
        self._hidden.clear()
        self._latest = None  # the next one is looked at as a whole
        for one in self._trajectories.values():
            one.written = None

    def show(self, trajectories: Iterable[Trajectory]) -> None:
        """Make these visible; ``step`` makes the nodes of those that are not in the scene."""
        waiting = set(self._todo)  # there may be 10,000 of them
        for one in trajectories:
            one.is_wanted = True
            node = self.node(one)
            if node is not None:
                node.SetDisplayVisibility(True)
            elif self._is_to_do(one, True) and one not in waiting:
                waiting.add(one)
                self._todo.append(one)

    def hide(self, trajectories: Iterable[Trajectory]) -> None:
        """Make these invisible; their nodes stay in the scene."""
        for one in trajectories:
            node = self.node(one)
            if node is not None:
                node.SetDisplayVisibility(False)
            else:
                one.is_wanted = False
        self._todo = deque(one for one in self._todo if one.is_wanted)

    def label(self, trajectories: Iterable[Trajectory]) -> None:
        """Show the labels of these in the views, and hide those of all others: they cover images.

        If all are labeled, these have theirs where it is seen in more slices, see ``NameLabel``.
        """
        before, self._labeled = self._labeled, set(trajectories)
        for one in before ^ self._labeled:
            self._show_label(one)

    @property
    def are_all_labeled(self) -> bool:
        """Whether all labels are shown in the views, not only those that ``label`` chose.

        Set it, and ``step`` shows or hides them.
        """
        return self._are_all_labeled

    @are_all_labeled.setter
    def are_all_labeled(self, are_all_labeled: bool) -> None:
        self._are_all_labeled = are_all_labeled
        self._labels_todo = deque(self._trajectories.values())

    def is_shown(self, trajectory: Trajectory) -> bool:
        """Whether a trajectory is in the scene and visible."""
        node = self.node(trajectory)
        return node is not None and bool(node.GetDisplayVisibility())

    def world_points(self, trajectory: Trajectory) -> list[tuple[float, float, float]]:
        """Return the planned points, entry first, in RAS mm of the scene's world.

        Those of its node if it is in the scene; none if it cannot be shown.
        """
        self.catch_up(trajectory)
        node = self.node(trajectory)
        if node is not None:
            most = 1 if node.GetClassName() == POINT_CLASS else 2  # what is behind it is the user's
            count = min(most, node.GetNumberOfControlPoints())
            return [tuple(node.GetNthControlPointPositionWorld(index)) for index in range(count)]
        if trajectory.shown is None:
            return []
        owner = self._placement.owner(trajectory.item.owner)
        moved = self._placement.moved_by(None, trajectory.item.owner)
        points = [moved_by(moved, point) for _, point in trajectory.shown.points]
        return points if owner is None else [to_world(owner, point) for point in points]

    def remove_gone(self) -> None:
        """Remove from the scene what the last answer does not have any more."""
        self._gone_todo.clear()
        for one in self.gone:
            self._remove(one)

    def _remove(self, one: Trajectory) -> None:
        if (node := self.node(one)) is not None:
            self._placement.let_be(node)
            remove_trajectory(self._scene, node)
        if self._trajectories.get(one.key) is one:
            del self._trajectories[one.key]
            self._forget_node(one)

    def _forget_node(self, one: Trajectory) -> None:
        # A server can send others for ever.
        self._placement.forget(one.key)
        self._nodes.forget(one.key)

    def image_shown(self, image_id: str) -> None:
        """Put an image's trajectories next to it: it was loaded, or stands elsewhere now."""
        self._placement.on_image_shown(image_id)
        for one in self._trajectories.values():
            if one.owner == image_id and (node := self.node(one)) is not None:
                self._place(one, node)

    @property
    def owner_ids(self) -> set[str]:
        """The ids of the images that they belong to."""
        return {one.owner for one in self._trajectories.values() if one.owner}

    def owned_nodes(self) -> Iterator[tuple[str, Any]]:
        """Return the id of the image and the node of each that belongs to an image."""
        return ((key[0], node) for key, node in self._nodes.items() if key[0])

    def disown(self, image_id: str, nodes: Collection[Any] | None = None) -> list[Any]:
        """Let an image's trajectories be the user's own: its id is another patient's now.

        Returns their nodes. With ``nodes``, only those of which one of these is the node.
        """
        owned = [one for one in self._trajectories.values() if one.owner == image_id]
        if nodes is not None:
            owned = [one for one in owned if self.node(one) in nodes]
        released = [node for node in map(self.node, owned) if node is not None]
        for node in released:
            self._placement.release(node, image_id)
        gone = set(owned)  # there may be 10,000 of them
        for one in owned:
            self._forget_node(one)
            self._hidden_todo.pop(one, None)
            del self._trajectories[one.key]
        for waiting in (self._gone_todo, self._todo, self._labels_todo):
            kept = [one for one in waiting if one not in gone]
            waiting.clear()
            waiting.extend(kept)
        self._labeled -= gone
        self._hidden -= gone
        self._latest = None  # the next one is looked at as a whole
        return released

    @property
    def _has_room(self) -> bool:
        """Whether one that is not in the scene could come into it with the next answer."""
        current = [one for one in self._trajectories.values() if not one.is_gone]
        wanted = sum(one.is_wanted for one in current)
        return wanted < min(self.shown_at_first, len(current))

    def _update(self, answer: TrajectoryAnswer, is_pushed: bool) -> None:
        """Note all that an answer says."""
        before, self._trajectories = self._trajectories, {}
        self._latest = latest = LatestAnswer(answer)
        free, not_shown = self.shown_at_first, set(answer.rows_not_shown)
        for row, key in enumerate(answer.keys):
            one = before.pop(key, None) or Trajectory(key)
            one.update(latest, row)
            one.is_pushed = is_pushed
            if free > 0 and not one.is_wanted:
                one.is_wanted = row not in not_shown
            free -= one.is_wanted
            self._trajectories[key] = one
        for key, one in before.items():
            if self.node(one) is not None:
                one.leave()
                self._trajectories[key] = one
        gone = (one for one in self._trajectories.values() if one.is_gone)
        self._gone_todo = deque(one for one in gone if is_pushed and one.is_pushed)

    def _is_to_do(self, one: Trajectory, restore_removed: bool) -> bool:
        if not one.is_wanted or one.is_gone or one.shown is None:
            return False
        node = self.node(one)
        if node is None:
            return one.written is None or restore_removed
        return not is_as_written(node, one.shown, one.written)

    def _show(self, one: Trajectory) -> None:
        self._hidden_todo.pop(one, None)
        before, shown = self.node(one), one.shown
        if shown is None:
            return
        # First: who hears of a new node may close the scene.
        written, one.written = one.written, shown
        with self._hidden_markups.changed(before):
            attributes = partial(key_attributes, self._server, *one.key)
            moved = self._placement.moved_by(before, one.item.owner)
            node = show_trajectory(self._scene, shown, before, written, attributes, moved)
        if node is not before:
            one.label = NameLabel.NONE
            self._nodes.keep(one.key, node)
        if node is not before or written is None or written.type != shown.type:
            self._placement.forget(one.key)
        self._place(one, node)
        self._show_label(one)

    def _on_visible(self, node: Any) -> None:
        one = self.shown_by(node)
        if one is not None:
            self.catch_up(one)
            self._hidden.discard(one)

    def _show_label(self, one: Trajectory) -> None:
        node, others = self.node(one), NameLabel.ENTRY if self._are_all_labeled else NameLabel.NONE
        label = NameLabel.MIDDLE if one in self._labeled else others
        if node is not None and one.label is not label:
            one.label = label
            set_label(node, label)

    def _place(self, one: Trajectory, node: Any) -> None:
        item = one.item
        self._placement.place_beside(one.key, node, item.owner, printable(item.group))
