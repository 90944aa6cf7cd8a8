"""A list of trajectories that may be long: filtered, and sorted by any of its columns.

Nothing of it is kept between two calls: a trajectory can move at any time. Rows are positions in
the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ..codec import TrajectoryItem
from ..scene.trajectory_decoding import length
from .arranged_rows import ArrangedRows
from .natural_order import fold, ranks

TEXT_FIELDS = ("name", "group", "owner")


class Listed(Protocol):
    """What has an item of TRAJ, such as ``scene.trajectory.Trajectory``."""

    @property
    def item(self) -> TrajectoryItem: ...


class TrajectoryList(ArrangedRows):
    """``rows`` are those that are shown, in their order: positions in ``trajectories``."""

    def __init__(self, trajectories: Sequence[Listed] = ()) -> None:
        super().__init__(len(trajectories))
        self.trajectories = trajectories

    def filter(self, text: str = "") -> None:
        """Show those that have every word of ``text`` in one of their texts.

        Upper and lower case are the same.
        """
        matches = np.ones(len(self), bool)
        words = fold(text).split()
        searched = [self._searched_text(one.item) for one in self.trajectories] if words else []
        for word in words:
            matches &= np.fromiter((word in one for one in searched), bool, len(self))
        self.show_only(matches)

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``TrajectoryItem``, or ``length``; by None, as the list came.

        Equal rows stay in that order. What has no length is the shortest.
        """
        if field is None:
            self.unsort()
        elif field in TEXT_FIELDS:
            texts = [getattr(one.item, field) for one in self.trajectories]
            self.sort_by(ranks(texts), descending)
        else:
            value = _VALUES[field]
            self.sort_by(np.array([value(one.item) for one in self.trajectories]), descending)

    def _searched_text(self, item: TrajectoryItem) -> str:
        """All texts in one, each in a line: no word reaches over its end."""
        return fold("\n".join(getattr(item, field) for field in TEXT_FIELDS))


def _length_or_less(item: TrajectoryItem) -> float:
    distance = length(item)
    return -1.0 if distance is None else distance


_VALUES: dict[str, Callable[[TrajectoryItem], float]] = {
    "type": lambda item: int(item.type),
    "length": _length_or_less,
    "diameter": lambda item: item.diameter,
}
