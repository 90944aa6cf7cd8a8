"""Which rows of a list are shown, and in what order."""

from __future__ import annotations

import numpy as np


class ArrangedRows:
    """Base of lists that are filtered and sorted. Rows are positions in the whole list.

    ``rows`` are those that are shown, in their order: an array of positions.
    """

    def __init__(self, count: int) -> None:
        self._order = np.arange(count)
        self._matches = np.ones(count, bool)
        self.rows = self._order

    def __len__(self) -> int:
        return len(self._order)

    def show_only(self, matches: np.ndarray) -> None:
        """Show the rows for which ``matches``, of shape (number of rows,), is True."""
        self._matches = matches
        self._arrange()

    def unsort(self) -> None:
        """Show the rows in the order in which the list came."""
        self._order = np.arange(len(self))
        self._arrange()

    def sort_by(self, keys: np.ndarray, descending: bool = False) -> None:
        """Sort by numbers, one a row. What is not a number is the greatest.

        Equal rows stay in the order in which the list came, descending as well.
        """
        if keys.dtype.kind == "f":
            _, keys = np.unique(keys, return_inverse=True)
        if len(self):
            self._order = _stable_order(keys.max() - keys if descending else keys)
        self._arrange()

    def _arrange(self) -> None:
        self.rows = self._order if self._matches.all() else self._order[self._matches[self._order]]


def _stable_order(keys: np.ndarray) -> np.ndarray:
    """Return the positions of integers from 0 on in their order; of equal ones the first is first.

    With its position below the number, all numbers differ, and a faster, unstable sort will do.
    """
    count = len(keys)
    if int(keys.max()) >= (1 << 63) // count - 1:
        return np.argsort(keys, kind="stable")
    return np.sort(keys.astype(np.int64) * count + np.arange(count)) % count
