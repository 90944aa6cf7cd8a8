"""Which rows of a list are shown, and in what order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...turns import InTurns, at_once
from .sorting import stable_order


class ArrangedRows:
    """Base of lists that are filtered and sorted. Rows are positions in the whole list.

    ``rows`` are those that are shown, in their order: an array of positions.
    """

    def __init__(self, count: int) -> None:
        self._order = self._as_listed = np.arange(count)
        self._matches = np.ones(count, bool)
        self.rows = self._order

    def __len__(self) -> int:
        return len(self._order)

    def show_only(self, matches: np.ndarray) -> None:
        """Show the rows for which ``matches``, of shape (number of rows,), is True."""
        self._matches = matches
        self.rows = at_once(self.arrange())

    def unsort(self) -> None:
        """Show the rows in the order in which the list came."""
        self.order_as_listed()
        self.rows = at_once(self.arrange())

    def sort_by(self, keys: np.ndarray, descending: bool = False) -> None:
        """Sort by numbers, one a row. What is not a number is the greatest.

        Equal rows stay in the order in which the list came, descending as well.
        """
        at_once(self.order_by(keys, descending))
        self.rows = at_once(self.arrange())

    def order_as_listed(self) -> None:
        """Do the same as ``unsort`` for the next ``arrange``; show nothing else yet."""
        self._order = self._as_listed

    def order_by(self, keys: np.ndarray, descending: bool = False) -> Iterator[None]:
        """Do the same as ``sort_by`` with pauses, for the next ``arrange``."""
        if keys.dtype.kind == "f":
            _, keys = np.unique(keys, return_inverse=True)
        if len(self):
            self._order = yield from stable_order(keys.max() - keys if descending else keys)

    def arrange(self) -> InTurns[np.ndarray]:
        """Return with pauses which rows are to be shown, for ``rows``."""
        if self._matches.all():
            return self._order
        are_shown = self._matches[self._order]
        yield
        return self._order[are_shown]
