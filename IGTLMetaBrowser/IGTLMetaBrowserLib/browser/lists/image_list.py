"""A list of images that may be long: filtered and sorted column by column, with numpy.

Nothing is made of an entry before somebody looks at it, so that a list of 1,000,000 images is there
at once and a keystroke in the filter is answered at once. Rows are positions in the whole list.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...codec import ImageMetaItem
from ...codec.text_rows import TextRows, pieces
from ...privacy.hidden_patients import HiddenPatients
from ...privacy.redacted_list import register_patients
from ...turns import InTurns, at_once
from .arranged_rows import ArrangedRows
from .entry_table import NO_ISSUERS, TEXT_FIELDS, EntriesWithMore, EntryTable
from .group_numbers import GroupNumbers
from .image_search import NO_SEARCH, ImageSearch
from .text_column import ExtendedColumn, TextColumn


class ImageList(ArrangedRows):
    """The entries of a server's list, then the live images that are not in it.

    entries
        The list as it came, ``codec.ImageMetaItem``s. Of two with one id, the first counts.
    live
        What is known of images that the server sends without being asked.
    rows
        Which rows are shown, in their order: an array of positions in the whole list.
    modalities
        Each modality with its number of images, the most frequent first.

    ``long_entries`` are entries with texts that the list has cut to its fields, see ``EntryTable``.
    ``issuers`` are those of patients' IDs, by the ids of images, where one ID is of several.
    What was ``prepared`` of the same entries, or in the list ``before``, is taken over.

    Where ``patients`` are hidden, all texts that are shown, searched and sorted by are covered.
    """

    def __init__(
        self,
        entries: Sequence[ImageMetaItem] = (),
        live: Sequence[ImageMetaItem] = (),
        patients: HiddenPatients | None = None,
        long_entries: Iterable[ImageMetaItem] = (),
        before: ImageList | None = None,
        issuers: Mapping[str, str] = NO_ISSUERS,
        prepared: EntryTable | None = None,
    ) -> None:
        if patients is not None and patients.is_hidden:
            for some in (entries, live):  # all of them first: one entry may name another's
                register_patients(some, patients)
        known = (prepared, None if before is None else before._listed)
        same = (table for table in known if table is not None and table.is_of(entries, patients))
        table = next(same, None)
        if table is None:
            table = EntryTable(entries, patients, long_entries, issuers)
        self._listed = table
        self.first_live_row = len(self._listed)
        # A live image that is also listed is shown in the row that it has there.
        are_listed = self._listed.ids.rows([entry.id for entry in live]) >= 0
        unlisted = [
            entry for entry, is_listed in zip(live, are_listed, strict=True) if not is_listed
        ]
        self._entries: EntryTable | EntriesWithMore = self._listed
        if unlisted:
            self._entries = EntriesWithMore(self._listed, EntryTable(unlisted, patients))
        self._ids: TextRows = self._entries.ids
        names, numbers = self.column("modality").codes
        counts = np.bincount(numbers, minlength=len(names)).tolist()
        self.modalities = sorted(zip(names, counts, strict=True), key=lambda pair: -pair[1])
        super().__init__(len(self._entries))

    def is_of(self, entries: Sequence[ImageMetaItem], patients: HiddenPatients | None) -> bool:
        """See ``EntryTable.is_of``."""
        return self._listed.is_of(entries, patients)

    def begins_with(self, before: ImageList) -> bool:
        """Whether all images of another list are here in the same rows: others have been added."""
        count, count_before = len(self) - self.first_live_row, len(before) - before.first_live_row
        if self._listed is not before._listed or count < count_before:
            return False
        rows = np.arange(self.first_live_row, len(before))
        return self.image_ids(rows) == before.image_ids(rows)

    def count_changes(self, before: ImageList) -> tuple[int, int]:
        """Return how many ids are listed here and not in another list, and the other way round."""
        if self._lists_the_same_as(before):
            return 0, 0
        ids, ids_before = self._sorted_listed_ids(), before._sorted_listed_ids()
        if not len(ids) or not len(ids_before):
            return len(ids), len(ids_before)
        places = np.searchsorted(ids, ids_before)
        common = int((ids[np.minimum(places, len(ids) - 1)] == ids_before).sum())
        return len(ids) - common, len(ids_before) - common

    def entry(self, row: int) -> ImageMetaItem:
        """Return what may be seen of the image in a row; ``image_id`` has its real id."""
        return self._entries.entry(row)

    def issuer(self, row: int) -> str:
        """Return who has given the ID of the patient in a row, if that has to be told."""
        return self._listed.issuers.get(self.image_id(row), "")

    def image_id(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._ids.text(row)

    def image_ids(self, rows: np.ndarray) -> list[str]:
        """Return the ids of the images in many rows."""
        return self._ids.texts_of(rows)

    def ids_when_needed(self, rows: np.ndarray) -> Sequence[str]:
        """Return the same, each made when somebody looks at it: a million take 60 ms."""
        return _IdsOfRows(self._ids, rows)

    def number_groups(self) -> InTurns[GroupNumbers]:
        """Return with pauses of which patient and study each image is."""
        return (yield from self._entries.number_groups())

    def has_one_value(self, field: str) -> bool:
        """Whether a field of ``ImageMetaItem`` is the same in all rows, of which there are two."""
        return len(self) > 1 and self._entries.is_uniform(field)

    def row(self, image_id: str) -> int | None:
        """Return the first row with that id, or None."""
        return self._ids.row(image_id)

    def rows_of(self, image_ids: Sequence[str]) -> np.ndarray:
        """Return the first row with each id, -1 for those that are not in the list."""
        return self._ids.rows(image_ids)

    def rows_of_list(self, before: ImageList, rows: np.ndarray) -> np.ndarray:
        """Return in which rows the images are here that another list has in some rows; -1 for none.

        A list that is read again mostly has the same ids: a million need not be looked up then.
        """
        if self._ids.has_texts_of(before._ids):
            return rows
        if not self._lists_the_same_as(before):
            return self._ids.rows_of(before._ids, rows)
        found, are_live = rows.copy(), rows >= before.first_live_row
        found[are_live] = self.rows_of(before.image_ids(rows[are_live]))
        return found

    def _lists_the_same_as(self, other: ImageList) -> bool:
        listed, listed_there = self._listed.ids, other._listed.ids
        return listed is listed_there or listed.has_texts_of(listed_there)

    def count_bytes(self, rows: np.ndarray, but_rows: np.ndarray) -> tuple[int, int]:
        """Return how many images are in some rows but not in others, and the bytes of all of them.

        Images whose size the list does not say have none.
        """
        is_counted = np.zeros(len(self), bool)
        is_counted[rows] = True
        is_counted[but_rows] = False
        # In floating point: the sizes that a list claims may add up to more than 2⁶³.
        total = self._entries.byte_counts[is_counted].sum(dtype=float)
        return int(is_counted.sum()), int(total)

    @cached_property
    def are_loadable(self) -> np.ndarray:
        """Which images can be asked for: those with an id that no row above has."""
        return self._ids.is_first & (self._ids.encoded != b"")

    def filter(
        self, text: str = "", modalities: Collection[str] = (), search: ImageSearch = NO_SEARCH
    ) -> None:
        """Show the images that have every word of ``text`` in one of their texts.

        Upper and lower case are the same, and letters with and without accents. ``modalities`` are
        those to be shown; none means all. ``search`` is what they have in common besides, unless
        the server has searched for it.
        """
        at_once(self.match(text, modalities, search))
        self.show_only(self._entries.matches)

    def match(
        self, text: str = "", modalities: Collection[str] = (), search: ImageSearch = NO_SEARCH
    ) -> Iterator[None]:
        """Find with pauses what ``filter`` shows, for ``keep_matches``.

        Of a million rows that takes 0.1 s, and a second if they are not prepared yet.
        """
        return self._entries.match(text, modalities, search)

    def keep_matches(self) -> None:
        """Let the next ``arrange`` show what ``match`` has found."""
        self._matches = self._entries.matches

    def prepare(self, seconds: float) -> bool:
        """Prepare the columns for ``filter`` for about ``seconds``; return whether there is more.

        For a million images that takes a second, so a window does it while nobody waits.
        """
        end = time.monotonic() + seconds
        return any(time.monotonic() >= end for _ in self._entries.preparation)

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``ImageMetaItem``; by None, into the order in which the list came.

        Numbers within texts count as numbers, ``size`` is the number of voxels.
        """
        at_once(self.order(field, descending))
        self.rows = at_once(self.arrange())

    def order(self, field: str | None, descending: bool = False) -> Iterator[None]:
        """Do the same as ``sort`` with pauses, for the next ``arrange``."""
        if field is None:
            self.order_as_listed()
        elif field in TEXT_FIELDS:
            column = self.column(field)
            yield from column.prepare_ranks()
            yield from self.order_by(column.ranks, descending)
        else:
            values = self._entries.values(field)
            keys = np.empty(len(self), np.uint64)
            for piece in pieces(len(self)):
                some = values[piece].astype(np.uint64)
                keys[piece] = some.prod(axis=1) if field == "size" else some
                yield
            yield from self.order_by(keys, descending)

    def _sorted_listed_ids(self) -> np.ndarray:
        """Return numbers of the ids that the server lists, each once."""
        ids = np.sort(self._listed.ids.hashes)
        return ids[np.diff(ids, prepend=ids[:1] ^ np.uint64(1)) != 0]

    def column(self, field: str) -> TextColumn | ExtendedColumn:
        """Return the texts that may be seen; the ids are those of hidden patients, too."""
        return self._entries.column(field)


class _IdsOfRows(Sequence[str]):
    def __init__(self, ids: TextRows, rows: np.ndarray) -> None:
        self._ids, self._rows = ids, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._ids.texts_of(self._rows[index])
        return self._ids.text(self._rows[index])

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])  # one by one takes 15 times as long
