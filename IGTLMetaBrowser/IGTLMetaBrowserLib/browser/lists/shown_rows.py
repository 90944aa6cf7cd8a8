"""The rows of a table of images: those that are shown, and patients and studies above them."""

from __future__ import annotations

from collections.abc import Collection, Set

import numpy as np

from ...turns import InTurns, at_once
from .image_groups import Group, GroupedRows, GroupKey, ImageGroups
from .image_list import ImageList

# So many images may be below the groups that are open unless the user collapses them.
_MOST_IMAGES_IN_OPEN_GROUPS = 200


class ShownRows:
    """Images are counted by their *position* in the list, and by their *row* here.

    shown
        The positions of the rows' images, from above; that of a group is below 0.
    order
        The positions of all images that the filter leaves, those in collapsed groups as well.
    """

    def __init__(
        self,
        order: np.ndarray,
        groups: ImageGroups | None = None,
        grouped: GroupedRows | None = None,
        toggled: Set[GroupKey] = frozenset(),
    ) -> None:
        self._groups, self._grouped, self._toggled = groups, grouped, toggled
        self.order = order if grouped is None else grouped.images
        self.shown = order if grouped is None else grouped.shown
        self._group_rows = self._patient_rows = np.empty(0, int)
        self._row_at = np.empty(0, int)

    @classmethod
    def of(
        cls, images: ImageList, is_grouped: bool, toggled: Collection[GroupKey] = ()
    ) -> InTurns[ShownRows]:
        """Make with pauses the rows of what filter and order of ``images`` leave."""
        toggled = frozenset(toggled)
        order = yield from images.arrange()
        groups = grouped = None
        if is_grouped:
            groups = yield from ImageGroups.of(images)
            are_open = len(order) <= _MOST_IMAGES_IN_OPEN_GROUPS
            grouped = yield from groups.arrange(order, are_open, toggled)
        rows = cls(order, groups, grouped, toggled)
        yield from rows._find_rows(len(images))
        return rows

    @classmethod
    def none(cls) -> ShownRows:
        """Return the rows of an empty list."""
        return at_once(cls.of(ImageList(), is_grouped=False))

    def _find_rows(self, image_total: int) -> InTurns[None]:
        image_rows = np.flatnonzero(self.shown >= 0)
        yield
        row_at = np.full(image_total, -1, np.intp)
        yield
        images = self.shown[image_rows]
        yield
        row_at[images] = image_rows
        self._row_at = row_at
        yield
        if self._groups is not None:
            self._group_rows = np.flatnonzero(self.shown < 0)
            numbers = -1 - self.shown[self._group_rows]
            self._patient_rows = self._group_rows[numbers < self._groups.patient_total]
            yield

    @property
    def has_groups(self) -> bool:
        """Whether there are rows of patients and studies."""
        return self._grouped is not None

    def row(self, position: int) -> int | None:
        """Return the row of an image, or None if it is not shown."""
        # Of a list that has become longer it is not known yet where the last ones are shown.
        row = int(self._row_at[position]) if position < len(self._row_at) else -1
        return None if row < 0 else row

    def is_group(self, row: int) -> bool:
        """Whether a row is that of a patient or of a study."""
        return bool(self.shown[row] < 0)

    def group(self, row: int) -> Group:
        """Return the patient or study of a row."""
        assert self._groups is not None
        return self._groups.group(self._number(row))

    def group_row(self, key: GroupKey) -> int | None:
        """Return the row of a patient or study, or None if it is not shown."""
        number = None if self._groups is None else self._groups.number(key)
        if number is None:
            return None
        places = np.flatnonzero(self.shown[self._group_rows] == -1 - number)
        return int(self._group_rows[places[0]]) if len(places) else None

    def is_group_open(self, row: int, toggled: Collection[GroupKey]) -> bool:
        """Whether what is below a patient or study is shown, or is to be, if ``toggled`` are."""
        assert self._grouped is not None
        key, is_open = self.group(row).key, bool(self._grouped.is_open[self._number(row)])
        return is_open == ((key in toggled) == (key in self._toggled))

    def image_total(self, row: int) -> int:
        """Return how many images a patient or study has."""
        assert self._grouped is not None
        return self._grouped.image_total(self._number(row))

    def positions(self, row: int) -> np.ndarray:
        """Return the positions of the images of a row: one, or those of a group."""
        if self._grouped is None or not self.is_group(row):
            return self.shown[row : row + 1]
        return self._grouped.images_of(self._number(row))

    def are_in(self, are_in: np.ndarray) -> np.ndarray:
        """Return of each row whether its image, or each of its group, is at these positions.

        ``are_in`` has a bool for each position.
        """
        found = are_in[np.maximum(self.shown, 0)]
        if self._grouped is not None:
            numbers = -1 - self.shown[self._group_rows]
            found[self._group_rows] = self._grouped.are_all_in(numbers, are_in)
        return found

    def last_row_of(self, row: int) -> int:
        """Return the last row of those below a group; of an image, its own."""
        if not self.is_group(row):
            return row
        rows = self._patient_rows if self._is_patient(row) else self._group_rows
        following = rows[np.searchsorted(rows, row, "right") :]
        return int(following[0]) - 1 if len(following) else len(self.shown) - 1

    def header_rows(self, row: int) -> list[int]:
        """Return the rows of the patient and the study above a row."""
        rows = [] if self.is_group(row) and self._is_patient(row) else [self._patient_rows]
        if rows and not self.is_group(row):
            rows.append(self._group_rows)
        places = (int(np.searchsorted(above, row)) - 1 for above in rows)
        return [int(above[place]) for above, place in zip(rows, places, strict=True) if place >= 0]

    def _number(self, row: int) -> int:
        return -1 - int(self.shown[row])

    def _is_patient(self, row: int) -> bool:
        return self._groups is not None and self._number(row) < self._groups.patient_total
