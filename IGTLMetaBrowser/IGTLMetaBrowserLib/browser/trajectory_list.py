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
from .text_column import folded, ranks

TEXT_FIELDS = ("name", "group", "owner")


class Listed(Protocol):
    """What has an item of TRAJ, such as ``scene.trajectory_set.Trajectory``."""

    @property
    def item(self) -> TrajectoryItem: ...


class TrajectoryList:
    """``rows`` are those that are shown, in their order: positions in ``trajectories``."""

    def __init__(self, trajectories: Sequence[Listed] = ()) -> None:
        self.trajectories = trajectories
        self._order = np.arange(len(trajectories))
        self._matches = np.ones(len(trajectories), bool)
        self.rows = self._order

    def __len__(self) -> int:
        return len(self.trajectories)

    def filter(self, text: str = "") -> None:
        """Show those that have every word of ``text`` in one of their texts.

        Upper and lower case are the same.
        """
        matches = np.ones(len(self), bool)
        words = folded(text).split()
        searched = [self._searched_text(one.item) for one in self.trajectories] if words else []
        for word in words:
            matches &= np.fromiter((word in one for one in searched), bool, len(self))
        self._matches = matches
        self._arrange()

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``TrajectoryItem``, or ``length``; by None, as the list came.

        Equal rows stay in that order. What has no length is the shortest.
        """
        if field is None:
            self._order = np.arange(len(self))
            self._arrange()
        elif field in TEXT_FIELDS:
            texts = [getattr(one.item, field) for one in self.trajectories]
            self.sort_by(ranks(texts), descending)
        else:
            value = _VALUES[field]
            self.sort_by(np.array([value(one.item) for one in self.trajectories]), descending)

    def sort_by(self, keys: np.ndarray, descending: bool = False) -> None:
        """Sort by numbers, one a row; what is not a number is the greatest."""
        _, places = np.unique(keys, return_inverse=True)
        if descending and len(self):
            places = places.max() - places
        self._order = np.argsort(places, kind="stable")
        self._arrange()

    def _arrange(self) -> None:
        self.rows = self._order[self._matches[self._order]]

    def _searched_text(self, item: TrajectoryItem) -> str:
        """All texts in one, each in a line: no word reaches over its end."""
        return folded("\n".join(getattr(item, field) for field in TEXT_FIELDS))


def _length_or_less(item: TrajectoryItem) -> float:
    distance = length(item)
    return -1.0 if distance is None else distance


_VALUES: dict[str, Callable[[TrajectoryItem], float]] = {
    "type": lambda item: int(item.type),
    "length": _length_or_less,
    "diameter": lambda item: item.diameter,
}
