"""The points of one server (POINT) as markups point lists.

Points of one image, group, color and diameter make one list, as a markups node has one look for
all of its points. Positions are RAS mm in the node's own coordinates.

An answer is handled by ``receive`` and brought into the scene by ``step``, a list a call: a markups
node takes some milliseconds to make, in Slicer up to 15.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkVector3d

from ...codec import Coordinates, PointItem, printable
from ...codec.geometry import flip_lps_ras
from ..images.moved_images import moved_by
from ..nodes.node_names import savable_name
from ..nodes.node_references import NodeReferences
from ..placement import Placement
from ..server_nodes.attributes import (
    KEY_ATTRIBUTE,
    key_attributes,
    node_with,
    nodes_from_server,
    read_key,
    written_id,
)
from ..server_nodes.released_nodes import release
from ..subject_hierarchy.group_folders import remove_node
from .display import set_color, set_diameter, set_labels
from .new_markups import POINT_CLASS, new_markups
from .trajectory_decoding import FARTHEST, tube_diameter, visible_rgba
from .trajectory_markups import GROUP_ATTRIBUTE, OWNER_ATTRIBUTE

MOST_POINTS = 2000
"""More in one scene make Slicer slow."""
MOST_LISTS = 100
"""A server can give each point a group of its own; 2,000 lists take seconds."""
_MOST_PROBLEMS = 10
_NO_GROUP_NAME = "Points"
_IDS_ATTRIBUTE = "IGTLMetaBrowser.PointIDs"
"""Of the control points that are the server's: users add their own to its lists."""

Look = tuple[str, str, tuple[int, int, int, int], float]
"""Owner, group, color (0 to 255) and diameter (mm)."""
NamedPosition = tuple[str, tuple[float, float, float]]
"""Label and RAS mm."""


@dataclass(eq=False)
class _PointList:
    places: list[NamedPosition] = field(default_factory=list)
    written: list[NamedPosition] = field(default_factory=list)
    is_gone: bool = False
    is_pushed: bool = False
    """It came unasked: when it is gone, nobody is asked whether to remove it."""


class PointSet:
    """One point list for each look; points that come again move in their list.

    ``owner_node`` returns the volume node of an image id, or None if it is not loaded.
    ``server`` is written onto the nodes, so that ``adopt`` finds them again. ``mark`` writes
    onto a node for whose image, by its id, it has come.
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
        self.problems: list[str] = []
        """What of the last answer is not shown, and why."""
        self._scene = scene
        self._placement = Placement(scene, owner_node, mark)
        self._lists: dict[Look, _PointList] = {}
        self._todo: deque[Look] = deque()
        self._nodes = NodeReferences(scene, KEY_ATTRIBUTE)

    @property
    def nodes(self) -> list[Any]:
        """The nodes of the last answer's points."""
        return self._existing(is_gone=False)

    @property
    def gone(self) -> list[Any]:
        """The nodes of which the last answer has no point any more."""
        return self._existing(is_gone=True)

    @property
    def list_count(self) -> int:
        """How many lists are in the scene, or will be: of those that the user removed, none."""
        return len(self._counts())

    @property
    def point_count(self) -> int:
        """How many points are in them."""
        return sum(self._counts().values())

    @property
    def waiting(self) -> int:
        """How many lists ``step`` still has to look after."""
        return len(self._todo)

    def receive(
        self,
        items: Sequence[PointItem],
        is_pushed: bool = False,
        is_whole: bool = True,
        others: tuple[int, int] = (0, 0),
    ) -> None:
        """Handle an answer; ``step`` then brings it into the scene.

        ``is_pushed``: it came unasked; what came so before and is gone is removed, and a list that
        the user has removed stays away: in a stream it would come back at once. ``is_whole``:
        what is not in it is gone; otherwise it stays. ``others``: how many points and lists of
        others are in the scene, which share the limits.
        """
        places = self._places_by_look(items, is_whole, others)
        is_stream = is_pushed and is_whole
        shown = [look for look in places if not (is_stream and self._is_removed(look))]
        for look, points in self._lists.items():
            points.is_gone = look not in places and is_whole
        for look, new in places.items():
            points = self._lists.setdefault(look, _PointList())
            points.places, points.is_pushed = new, is_pushed
        gone = (look for look, points in self._lists.items() if points.is_gone)
        removed = [look for look in gone if is_pushed and self._lists[look].is_pushed]
        # A part is added to what waits; a whole answer takes its place.
        before = () if is_whole else self._todo
        self._todo = deque(dict.fromkeys((*before, *removed, *shown)))

    def step(self) -> bool:
        """Bring the next list into the scene, or out of it; return whether all are there."""
        if self._todo:
            look = self._todo.popleft()
            points = self._lists[look]
            if points.is_gone:
                self._remove(look)
            else:
                self._show(look, points)
        return not self._todo

    def finish(self) -> None:
        """Bring all into the scene, without letting the window answer in between."""
        while not self.step():
            pass

    def stop(self) -> None:
        """Look after none of those that wait: the scene was closed. The user has removed none."""
        if self._todo:
            self.problems.append("the scene was closed meanwhile; get the points again")
        self._todo.clear()
        for points in self._lists.values():
            points.written = []

    def adopt(self) -> list[Any]:
        """Find the lists of this server, as in a scene that was just loaded; return the new ones.

        The next answer goes into them.
        """
        adopted = []
        for node in nodes_from_server(self._scene, self._server, POINT_CLASS):
            look = _look_of(node)
            if look is not None and self._nodes.get(look) is None:
                self._nodes.keep(look, node)
                if look in self._todo:  # another browser was faster
                    self._lists[look].written = []
                else:
                    self._lists[look] = _PointList()
                self._placement.forget(look)
                self._placement.place_adopted(look, node, look[0], printable(look[1]))
                adopted.append(node)
        return adopted

    def remove_gone(self) -> None:
        """Remove the nodes of which the last answer has no point any more."""
        for look in [look for look, points in self._lists.items() if points.is_gone]:
            self._remove(look)
        self._todo = deque(look for look in self._todo if look in self._lists)

    def _remove(self, look: Look) -> None:
        node = self._nodes.get(look)
        self._forget(look)
        if node is None:
            return
        self._placement.let_be(node)
        if not _leave_users_points(node):
            remove_node(self._scene, node)

    def _forget(self, look: Look) -> None:
        """Know nothing of a list any more: a server can send others for ever."""
        self._placement.forget(look)
        self._nodes.forget(look)
        del self._lists[look]

    def image_shown(self, image_id: str) -> None:
        """Put an image's points next to it: it was loaded, or stands elsewhere now."""
        self._placement.on_image_shown(image_id)
        for look in self._lists:
            node = self._nodes.get(look)
            if node is not None and look[0] == image_id:
                self._place(look, node)

    @property
    def owner_ids(self) -> set[str]:
        """The ids of the images that they belong to."""
        return {owner for owner, *_ in self._lists if owner}

    def owned_nodes(self) -> Iterator[tuple[str, Any]]:
        """Return the id of the image and the node of each list that belongs to an image."""
        return ((look[0], node) for look, node in self._nodes.items() if look[0])

    def disown(self, image_id: str, nodes: Collection[Any] | None = None) -> list[Any]:
        """Let an image's points be the user's own: its id is another patient's now.

        Returns their nodes. With ``nodes``, only those lists of which one of these is the node.
        """
        released = []
        for look in [look for look in self._lists if look[0] == image_id]:
            node = self._nodes.get(look)
            if nodes is not None and node not in nodes:
                continue
            if node is not None:
                self._placement.release(node, image_id)
                released.append(node)
            self._forget(look)
        self._todo = deque(look for look in self._todo if look in self._lists)
        return released

    def _existing(self, is_gone: bool) -> list[Any]:
        looks = (look for look, points in self._lists.items() if points.is_gone == is_gone)
        return [node for node in map(self._nodes.get, looks) if node is not None]

    def _places_by_look(
        self, items: Sequence[PointItem], is_whole: bool, others: tuple[int, int]
    ) -> dict[Look, list[NamedPosition]]:
        """Return the points to show by their lists, and note why others are not shown."""
        self.problems = []
        places: dict[Look, list[NamedPosition]] = {}
        # A message can have millions: those after the first are not even looked at.
        read = [(_look(item), item) for item in islice(items, 2 * MOST_POINTS)]
        shown, lists = others
        if not is_whole:
            read_looks = {look for look, _ in read}
            stay = [count for look, count in self._counts().items() if look not in read_looks]
            shown, lists = shown + sum(stay), lists + len(stay)
        left_out = len(items) - len(read)
        misplaced = []
        for look, item in read:
            is_new = look not in places
            if not all(abs(number) <= FARTHEST for number in item.position):
                misplaced.append(item)
            elif shown >= MOST_POINTS or lists + is_new > MOST_LISTS:
                left_out += 1
            else:
                shown, lists = shown + 1, lists + is_new
                place = printable(item.name), self._in_ras(item).position
                places.setdefault(look, []).append(place)
        self._report_problems(misplaced, left_out)
        return places

    def _is_removed(self, look: Look) -> bool:
        """Whether a list was in the scene, and the user has removed its node."""
        points = self._lists.get(look)
        return points is not None and bool(points.written) and self._nodes.get(look) is None

    def _counts(self) -> dict[Look, int]:
        """Return how many points each list has in the scene, or is to have."""
        counts = {look: len(self._lists[look].places) for look in self._todo}
        for look in self._lists.keys() - counts.keys():
            if (node := self._nodes.get(look)) is not None:
                counts[look] = node.GetNumberOfControlPoints()
        return counts

    def _report_problems(self, misplaced: list[PointItem], left_out: int) -> None:
        for item in misplaced[:_MOST_PROBLEMS]:
            self.problems.append(
                f"the point {printable(item.name)!r} is {item.position} mm, which is not "
                f"within {FARTHEST / 1000:g} m of the origin"
            )
        if len(misplaced) > _MOST_PROBLEMS:
            self.problems.append(f"so are {len(misplaced) - _MOST_PROBLEMS} more points")
        if left_out:
            self.problems.append(
                f"{left_out} more points came; at most {MOST_POINTS} in {MOST_LISTS} lists "
                "are shown"
            )

    def _in_ras(self, item: PointItem) -> PointItem:
        if self.coordinates != Coordinates.LPS:
            return item
        return replace(item, position=flip_lps_ras(item.position))

    def _show(self, look: Look, points: _PointList) -> None:
        node = self._nodes.get(look) or self._of_another_browser(look, points)
        has_come_before = node is not None and bool(points.written)
        if node is None:
            points.written = []
            moved = self._placement.moved_by(None, look[0])
            node = _new_list(self._scene, look, self._server, points, moved)
            if node.GetScene() is not self._scene:
                return  # who heard of it has closed the scene, or removed it
            self._nodes.keep(look, node)
        if not has_come_before:
            self._placement.forget(look)
        _write(node, points, self._placement.moved_by(node, look[0]))
        self._place(look, node)

    def _of_another_browser(self, look: Look, points: _PointList) -> Any:
        """Return the node of a list that another browser has made, which is this one's as well.

        One that has left the server brings what waits into the scene, and hears of no new nodes.
        """
        if not self._server:
            return None
        node = node_with(self._scene, [POINT_CLASS], key_attributes(self._server, *look))
        if node is not None:
            points.written = []
            self._nodes.keep(look, node)
            self._placement.forget(look)
        return node

    def _place(self, look: Look, node: Any) -> None:
        owner_id, group, _, _ = look
        self._placement.place_beside(look, node, owner_id, printable(group))


def _look(item: PointItem) -> Look:
    return item.owner, item.group, visible_rgba(item.rgba), float(tube_diameter(item.diameter))


def _look_of(node: Any) -> Look | None:
    """Return the look of a list that was made here; a planned point has another key."""
    match read_key(node):
        case [
            str(owner),
            str(group),
            [int(), int(), int(), int()] as rgba,
            int() | float() as size,
        ]:
            return owner, group, (rgba[0], rgba[1], rgba[2], rgba[3]), size
    return None


def _new_list(
    scene: Any, look: Look, server: str, points: _PointList, moved: np.ndarray | None
) -> Any:
    owner, group, rgba, diameter = look

    def write(node: Any, display: Any) -> None:
        node.SetName(savable_name(printable(group)) or _NO_GROUP_NAME)
        node.SetLocked(True)
        node.SetAttribute(GROUP_ATTRIBUTE, printable(group))
        node.SetAttribute(OWNER_ATTRIBUTE, written_id(owner))
        for name, value in key_attributes(server, *look).items():
            node.SetAttribute(name, value)
        set_labels(display, at_line=False, at_points=True)
        set_color(display, rgba)
        set_diameter(display, diameter)
        _write(node, points, moved)

    return new_markups(scene, POINT_CLASS, write)


def _write(node: Any, points: _PointList, moved: np.ndarray | None) -> None:
    """Write what changed into a list; ``moved`` as its image is.

    Which of its points are the server's is told by their IDs: what the user has removed comes back
    in its place, and what the user has added stays.
    """
    modified = node.StartModify()
    ids, following = _server_ids(node), 0
    for index, (label, position) in enumerate(points.places):
        at = _index_of(node, ids[index], following) if index < len(ids) else -1
        if at < 0:
            at = min(following, node.GetNumberOfControlPoints())
            node.InsertControlPoint(at, vtkVector3d(*moved_by(moved, position)), label)
            ids[index : index + 1] = [node.GetNthControlPointID(at)]
        elif points.places[index : index + 1] != points.written[index : index + 1]:
            node.SetNthControlPointPosition(at, *moved_by(moved, position))
            node.SetNthControlPointLabel(at, label)
        following = at + 1
    for gone in ids[len(points.places) :]:
        if (at := node.GetNthControlPointIndexByID(gone)) >= 0:
            node.RemoveNthControlPoint(at)
    node.SetAttribute(_IDS_ATTRIBUTE, " ".join(ids[: len(points.places)]))
    node.EndModify(modified)
    points.written = points.places


def _leave_users_points(node: Any) -> bool:
    """Leave a list to the user if the user has added points, without those of the server.

    Returns False, with nothing done, if there are none.
    """
    ids = _server_ids(node)
    count = node.GetNumberOfControlPoints()
    if {*ids}.issuperset(map(node.GetNthControlPointID, range(count))):
        return False
    modified = node.StartModify()
    for one in ids:
        if (at := node.GetNthControlPointIndexByID(one)) >= 0:
            node.RemoveNthControlPoint(at)
    release(node, KEY_ATTRIBUTE)
    node.EndModify(modified)
    return True


def _server_ids(node: Any) -> list[str]:
    """Return the IDs of those points that are the server's, in its order."""
    ids = node.GetAttribute(_IDS_ATTRIBUTE)
    if ids is None:  # a scene that an earlier version has saved: all of them
        return [*map(node.GetNthControlPointID, range(node.GetNumberOfControlPoints()))]
    return ids.split()


def _index_of(node: Any, point_id: str, expected: int) -> int:
    """Return which point of a list has an ID, most likely the one at ``expected``; -1 for none."""
    is_there = expected < node.GetNumberOfControlPoints()
    if is_there and node.GetNthControlPointID(expected) == point_id:
        return expected
    return node.GetNthControlPointIndexByID(point_id)
