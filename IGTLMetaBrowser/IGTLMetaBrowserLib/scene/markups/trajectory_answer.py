"""An answer of trajectories: read when it is looked at, compared with another by its bytes.

A stream sends a thousand trajectories ten times a second. To make an object of each takes longer
than to find out what has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from operator import attrgetter

import numpy as np

from ...codec import Coordinates, TrajectoryItem, TrajectoryType
from ...codec.messages.items import ItemTable
from ...codec.text_rows import TextRows
from .trajectory_decoding import FARTHEST, in_ras

MOST_LISTED = 10_000
"""Of one answer. A message of 2 GiB has 14 million, which would take a minute to look at."""
# Whoever looks at the rows of a table that are seen does not wait for all the others.
_ROWS_AT_A_TIME = 128

# What tells trajectories of one server apart.
_NAMES = ("owner", "group", "name")
Key = tuple[str, str, str, int]
"""Owner, group, name, and the how manyth of those that are called so."""


class TrajectoryAnswer:
    """The first ``MOST_LISTED`` of ``items``, which came in ``coordinates`` (None means RAS).

    ``is_pushed``: nobody has asked for them.
    """

    def __init__(
        self,
        items: Collection[TrajectoryItem],
        coordinates: Coordinates | None,
        is_pushed: bool,
    ) -> None:
        self.left_out = max(0, len(items) - MOST_LISTED)
        self._coordinates = coordinates
        self._is_pushed = is_pushed
        self._records: np.ndarray | None = None
        self._items: Sequence[TrajectoryItem]
        if isinstance(items, ItemTable):
            # The table's bytes may be those of a buffer that is filled again.
            end = MOST_LISTED * TrajectoryItem.columns.itemsize
            self._items = table = ItemTable(TrajectoryItem, bytes(items.content[:end]))
            self._records = table.records
        else:
            self._items = list(islice(items, MOST_LISTED))
        self._read: dict[int, list[TrajectoryItem]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def item(self, row: int) -> TrajectoryItem:
        """Return a trajectory, its points in RAS."""
        block, index = divmod(row, _ROWS_AT_A_TIME)
        if block not in self._read:
            start = block * _ROWS_AT_A_TIME
            some = self._items[start : start + _ROWS_AT_A_TIME]
            self._read[block] = [in_ras(item, self._coordinates) for item in some]
        return self._read[block][index]

    @property
    def keys(self) -> Iterator[Key]:
        """What tells each trajectory from all others of the server, by their rows."""
        if self._records is None:
            return keys_of(self._items)
        # The numbers are not read: of 10,000, who looks at the table sees a few.
        columns = (TextRows(self._records[name]).texts for name in _NAMES)
        return _numbered(zip(*columns, strict=True))

    @cached_property
    def rows_not_shown(self) -> list[int]:
        """The rows that cannot be shown. To make a text of why for each takes longer."""
        types, both = self._column("type"), TrajectoryType.ENTRY_AND_TARGET
        has = np.isin(types, list(TrajectoryType))
        for which, point in (("entry", TrajectoryType.ENTRY), ("target", TrajectoryType.TARGET)):
            # Nor is what is not a number a place.
            is_place = (np.abs(self._column(which).reshape(-1, 3)) <= FARTHEST).all(axis=1)
            has &= is_place | ((types != point) & (types != both))
        return np.flatnonzero(~has).tolist()

    def _column(self, name: str) -> np.ndarray:
        """Return what all trajectories have in a field, as they came."""
        if self._records is not None:
            return self._records[name]
        return np.array([*map(attrgetter(name), self._items)])

    def changed_rows(self, before: TrajectoryAnswer | None) -> list[int] | None:
        """Return in which rows something else stands than ``before``.

        None if that cannot be said: others came, or in another order, or in another way.
        """
        if before is None or self._records is None or before._records is None:
            return None
        now, then = self._records, before._records
        if len(now) != len(then) or self._coordinates != before._coordinates:
            return None
        # As bytes: a number that is none would differ from itself.
        differs = _bytes_of(now) != _bytes_of(then)
        rows = np.flatnonzero(differs.any(axis=1))
        if len(rows) and (
            self._is_pushed != before._is_pushed or differs.any(axis=0)[_NAME_BYTES].any()
        ):
            return None
        return rows.tolist()


def keys_of(items: Iterable[TrajectoryItem]) -> Iterator[Key]:
    """Yield what tells each of some trajectories from the others."""
    return _numbered((item.owner, item.group, item.name) for item in items)


def _numbered(names: Iterable[tuple[str, str, str]]) -> Iterator[Key]:
    # Nothing keeps a server from calling two trajectories the same.
    counts: dict[tuple[str, str, str], int] = {}  # Counter takes twice the time
    for some in names:
        count = counts.get(some, 0)
        counts[some] = count + 1
        yield (*some, count)


def _bytes_of(records: np.ndarray) -> np.ndarray:
    """Return records as an array of shape (records, bytes of each)."""
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)


def _bytes_of_fields(columns: np.dtype, names: Collection[str]) -> list[int]:
    """Return which bytes of a record these fields are."""
    places = [
        (offset, column.itemsize) for column, offset in map(columns.fields.__getitem__, names)
    ]
    return [byte for offset, size in places for byte in range(offset, offset + size)]


_NAME_BYTES = _bytes_of_fields(TrajectoryItem.columns, _NAMES)
