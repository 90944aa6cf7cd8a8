"""A list of images that may be long: filtered and sorted column by column, with numpy.

Nothing is made of an entry before somebody looks at it, so that a list of 100,000 images is there
at once and a keystroke in the filter is answered at once. Rows are positions in the whole list.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..codec import ImageMetaItem, ImageMetaMessage, cut_text
from ..codec.messages.items import ItemTable
from ..privacy.hidden_patients import HiddenPatients
from ..privacy.redacted_list import redacted_table
from .text_column import TextColumn, folded

TEXT_FIELDS = ("name", "modality", "patient_name", "patient_id", "id")


class ImageList:
    """The entries of a server's list, then the live images that are not in it.

    entries
        The list as it came, ``codec.ImageMetaItem``s. Of two with one id, the first counts.
    live
        What is known of images that the server sends without being asked.
    rows
        Which rows are shown, in their order: an array of positions in the whole list.
    modalities
        Each modality with its number of images, the most frequent first.

    Where ``patients`` are hidden, all texts that are shown, searched and sorted by are covered.
    """

    def __init__(
        self,
        entries: Sequence[ImageMetaItem] = (),
        live: Sequence[ImageMetaItem] = (),
        patients: HiddenPatients | None = None,
    ) -> None:
        self._table = _table(entries)
        self._ids = TextColumn(self._table.records["id"])
        self.first_live_row = len(self._table)
        if live:
            # A live image that is also listed is shown in the row that it has there.
            unlisted = [entry for entry in live if entry.id not in self._row_of_id]
            # The bytes are joined: to make objects of a long list would take long.
            content = b"".join((self._table.content, _table(unlisted).content))
            self._table = ItemTable(ImageMetaItem, memoryview(content))
            self._ids = TextColumn(self._table.records["id"])
            del self._row_of_id
        if patients is not None:
            self._table = redacted_table(self._table, patients)
        self._columns: dict[str, TextColumn] = {}
        modalities = self.column("modality")
        counts = np.bincount(modalities.numbers, minlength=len(modalities.distinct)).tolist()
        pairs = zip(modalities.distinct, counts, strict=True)
        self.modalities = sorted(pairs, key=lambda pair: -pair[1])
        self._order = np.arange(len(self))
        self._matches = np.ones(len(self), bool)
        self.rows = self._order

    def __len__(self) -> int:
        return len(self._table)

    @property
    def listed_ids(self) -> set[str]:
        """The ids in the server's list."""
        return set(self._ids.texts[: self.first_live_row])

    def entry(self, row: int) -> ImageMetaItem:
        """Return what may be seen of the image in a row; ``image_id`` has its real id."""
        return self._table[row]

    def image_id(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._ids.text(row)

    def column(self, field: str) -> TextColumn:
        """Return a text of every image, see ``TEXT_FIELDS``, by its position."""
        if field not in self._columns:
            self._columns[field] = TextColumn(self._table.records[field])
        return self._columns[field]

    def prepare(self) -> bool:
        """Prepare one of the columns for ``filter``; return whether there are more.

        For a million images that takes a moment, so a window does it while nobody waits.
        """
        todo = [field for field in TEXT_FIELDS if not self.column(field).is_prepared]
        if todo:
            self.column(todo[0]).contains("a")
        return len(todo) > 1

    @property
    def scan_seconds(self) -> np.ndarray:
        """The scan time of every image, in whole seconds since 1970 UTC; 0 where it is unknown."""
        # An OpenIGTLink timestamp has the seconds in its upper 32 bits.
        return self._table.records["scan_time"].astype(np.uint64) >> np.uint64(32)

    def has_one_value(self, field: str) -> bool:
        """Whether a field of ``ImageMetaItem`` is the same in all rows, of which there are two."""
        values = self._table.records[field]
        return len(values) > 1 and bool((values == values[0]).all())

    def row(self, image_id: str) -> int | None:
        """Return the first row with that id, or None."""
        return self._row_of_id.get(image_id)

    def is_first_with_its_id(self, row: int) -> bool:
        """Whether no row above has the same id. Only such an image can be asked for."""
        return self._row_of_id[self.image_id(row)] == row

    def filter(self, text: str = "", modalities: Collection[str] = ()) -> None:
        """Show the images that have every word of ``text`` in one of their texts.

        Upper and lower case are the same. ``modalities`` are those to be shown; none means all.
        """
        matches = np.ones(len(self), bool)
        for word in folded(text).split():
            found = np.zeros(len(self), bool)
            for field in TEXT_FIELDS:
                found |= self.column(field).contains(word)
            matches &= found
        if modalities and len(self):
            column = self.column("modality")
            is_shown = [modality in modalities for modality in column.distinct]
            matches &= np.array(is_shown, bool)[column.numbers]
        self._matches = matches
        self._arrange()

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``ImageMetaItem``; by None, into the order in which the list came.

        Equal rows stay in that order. Numbers within texts count as numbers, ``size`` is the
        number of voxels.
        """
        if field is None:
            self._order = np.arange(len(self))
            self._arrange()
        elif field in TEXT_FIELDS:
            self.sort_by(self.column(field).ranks, descending)
        else:
            keys = self._table.records[field].astype(np.uint64)
            self.sort_by(keys.prod(axis=1) if field == "size" else keys, descending)

    def sort_by(self, keys: np.ndarray, descending: bool = False) -> None:
        """Sort by numbers from 0 on, one a row."""
        if descending and len(self):
            keys = keys.max() - keys
        self._order = np.argsort(keys, kind="stable")
        self._arrange()

    def _arrange(self) -> None:
        self.rows = self._order[self._matches[self._order]]

    @cached_property
    def _row_of_id(self) -> dict[str, int]:
        """The first row of each id. Made when it is needed: that takes a moment for a million."""
        texts = self._ids.texts
        return dict(zip(reversed(texts), range(len(texts) - 1, -1, -1), strict=True))


def _table(entries: Sequence[ImageMetaItem]) -> ItemTable[ImageMetaItem]:
    if isinstance(entries, ItemTable):
        return entries
    fitting = [replace(entry, **_cut_texts(entry)) for entry in entries]
    content = b"".join(ImageMetaMessage(items=fitting).pack_content())
    return ItemTable(ImageMetaItem, memoryview(content))


def _cut_texts(entry: ImageMetaItem) -> dict[str, str]:
    """Return the texts as far as the columns hold them; those of a live image may be longer."""
    sizes = {field: ImageMetaItem.columns[field].itemsize for field in TEXT_FIELDS}
    return {field: cut_text(getattr(entry, field), size) for field, size in sizes.items()}
