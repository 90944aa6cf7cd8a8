"""A list of trajectories that may be long: filtered, and sorted by any of its columns.

Nothing of it is kept between two calls: a trajectory can move at any time. Rows are positions in
the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ...codec import TrajectoryItem
from ...scene.markups.trajectory_decoding import length
from .arranged_rows import ArrangedRows
from .natural_order import fold_for_search, ranks, search_words

TEXT_FIELDS = ("name", "group", "owner")


class ListedTrajectory(Protocol):
    """What has an item of TRAJ, such as ``scene.trajectory.Trajectory``."""

    @property
    def item(self) -> TrajectoryItem: ...


class TrajectoryList(ArrangedRows):
    """``rows`` are those that are shown, in their order: positions in ``trajectories``.

    ``image_name`` returns what is shown of the image with an ID: its name, or the ID if it has
    none or is not listed.
    """

    def __init__(
        self, trajectories: Sequence[ListedTrajectory] = (), image_name: Callable[[str], str] = str
    ) -> None:
        super().__init__(len(trajectories))
        self.trajectories = trajectories
        self._image_name = image_name

    def filter(self, text: str = "") -> None:
        """Show those that have every word of ``text`` in one of their texts.

        Upper and lower case are the same, and letters with and without accents. Of their images
        the names and the IDs are searched.
        """
        matches = np.ones(len(self), bool)
        words = search_words(text)
        names = self._image_names() if words else {}
        searched = [_searched_text(one.item, names) for one in self.trajectories] if words else []
        for word in words:
            matches &= np.fromiter((word in one for one in searched), bool, len(self))
        self.show_only(matches)

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``TrajectoryItem``, or ``length``; by None, as the list came.

        Equal rows stay in that order. What has no length is the shortest.
        """
        if field is None:
            self.unsort()
        elif field == "owner":
            names = self._image_names()
            self.sort_by(ranks([names[one.item.owner] for one in self.trajectories]), descending)
        elif field in TEXT_FIELDS:
            texts = [getattr(one.item, field) for one in self.trajectories]
            self.sort_by(ranks(texts), descending)
        else:
            value = _VALUES[field]
            self.sort_by(np.array([value(one.item) for one in self.trajectories]), descending)

    def _image_names(self) -> dict[str, str]:
        """Return what is shown of each image: many trajectories have the same few."""
        return {
            owner: self._image_name(owner) for owner in {o.item.owner for o in self.trajectories}
        }


def _searched_text(item: TrajectoryItem, image_names: dict[str, str]) -> str:
    """All texts in one, each in a line: no word reaches over its end."""
    texts = [getattr(item, field) for field in TEXT_FIELDS]
    return fold_for_search("\n".join([*texts, image_names[item.owner]]))


def _length_or_less(item: TrajectoryItem) -> float:
    distance = length(item)
    return -1.0 if distance is None else distance


_VALUES: dict[str, Callable[[TrajectoryItem], float]] = {
    "type": lambda item: int(item.type),
    "length": _length_or_less,
    "diameter": lambda item: item.diameter,
}
