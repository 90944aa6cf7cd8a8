"""One trajectory of a server: what the server says of it now, and what the scene has of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ...codec import TrajectoryItem
from ..server_nodes.attributes import read_key
from . import trajectory_decoding
from .trajectory_answer import Key, TrajectoryAnswer
from .trajectory_decoding import ShownTrajectory, TrajectoryError
from .trajectory_markups import NameLabel

_POINTS_MISSING = "its points are not in the scene; get the trajectories again to have them"
_UNKNOWN = TrajectoryItem()  # one for all: 10,000 of them may be made in one step


def key_of(node: Any) -> Key | None:
    """Return the key that a node says it has, or None."""
    match read_key(node):
        case [str(owner), str(group), str(name), int(number)]:
            return owner, group, name, number
    return None


class LatestAnswer:
    """The last of some answers that have the same trajectories in the same rows.

    A stream replaces it ten times a second. The thousand trajectories of that stream notice when
    somebody looks at them.
    """

    def __init__(self, answer: TrajectoryAnswer) -> None:
        self.answer = answer
        self.number = 0

    def replace(self, answer: TrajectoryAnswer) -> None:
        """Let all trajectories be what another answer says of them."""
        self.answer = answer
        self.number += 1


@dataclass(eq=False, slots=True)
class Trajectory:
    """One trajectory of a server.

    ``is_wanted``: it is to be in the scene, as far as it can be shown.
    ``is_gone``: the server's last answer does not have it any more.
    """

    key: Key
    _item: TrajectoryItem = field(default_factory=lambda: _UNKNOWN)
    is_wanted: bool = False
    is_gone: bool = False
    is_pushed: bool = False
    """It came unasked: when it is gone, nobody is asked whether to remove it."""
    written: ShownTrajectory | None = None
    """What was last written into its node."""
    label: NameLabel | None = NameLabel.NONE
    """Where its node has a label in the views; None if that is not known."""
    _shown: ShownTrajectory | str = ""
    """Of ``item``, or why there is none; looked at often, and found out once. Empty: not yet."""
    _latest: LatestAnswer | None = None
    _row: int = 0
    _number: int = -1
    """Which of the answers ``_item`` is of. Not the answer itself, or old ones would be kept."""

    @classmethod
    def without_points(cls, key: Key) -> Trajectory:
        """Return one of a saved scene of which only what it is called is known."""
        owner, group, name, _ = key
        nowhere = (math.nan, math.nan, math.nan)
        item = TrajectoryItem(name, group, entry=nowhere, target=nowhere, owner=owner)
        return cls(key, item, _shown=_POINTS_MISSING)

    @property
    def owner(self) -> str:
        """The id of the image that it belongs to, or an empty text."""
        return self.key[0]

    @property
    def item(self) -> TrajectoryItem:
        """What the server says of it, in RAS."""
        latest = self._latest
        if latest is not None and latest.number != self._number:
            self._number = latest.number
            item = latest.answer.item(self._row)
            if item != self._item:
                self._item, self._shown = item, ""
        return self._item

    def update(self, latest: LatestAnswer, row: int) -> None:
        """Be what a row of an answer, and of those that replace it, says."""
        self._latest, self._row, self._number, self.is_gone = latest, row, -1, False

    def leave(self) -> None:
        """Stay what the last answer says: it is not in the next one."""
        self._item, self._latest, self.is_gone = self.item, None, True

    @property
    def shown(self) -> ShownTrajectory | None:
        """What is shown of it, or None if it cannot be shown."""
        item = self.item  # first: ``_shown`` may be that of an earlier one
        if not self._shown:
            try:
                self._shown = trajectory_decoding.shown_trajectory(item)
            except TrajectoryError as error:
                self._shown = str(error)
        return self._shown if isinstance(self._shown, ShownTrajectory) else None

    @property
    def problem(self) -> str:
        """Why it cannot be shown, or an empty text."""
        if self.shown is not None:
            return ""
        still = "" if self.written is None else "; it is still shown as it was before"
        return f"{self._shown}{still}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about it, a sentence for each."""
        return trajectory_decoding.notes(self.item)
