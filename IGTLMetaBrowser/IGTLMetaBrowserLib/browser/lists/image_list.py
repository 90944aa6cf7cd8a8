"""A list of images that may be long: filtered and sorted column by column, with numpy.

Nothing is made of an entry before somebody looks at it, so that a list of 1,000,000 images is there
at once and a keystroke in the filter is answered at once. Rows are positions in the whole list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...codec import ImageMetaItem, cut_text, readable
from ...codec.messages.items import ItemTable
from ...codec.text_rows import TextRows
from ...privacy.hidden_patients import HiddenPatients
from ...privacy.redacted_list import redacted_table
from .arranged_rows import ArrangedRows
from .image_search import NO_SEARCH, ImageSearch
from .listing import byte_counts_of
from .natural_order import fold, fold_for_search, search_words
from .text_column import TextColumn

_FEW = 100
TEXT_FIELDS = ("name", "modality", "patient_name", "patient_id", "id")


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

    ``long_entries`` are entries with texts that the list has cut to its fields: what was cut is
    found by the whole text, and sorted as it was cut.

    Where ``patients`` are hidden, all texts that are shown, searched and sorted by are covered.
    """

    def __init__(
        self,
        entries: Sequence[ImageMetaItem] = (),
        live: Sequence[ImageMetaItem] = (),
        patients: HiddenPatients | None = None,
        long_entries: Iterable[ImageMetaItem] = (),
    ) -> None:
        self._table = _table(entries)
        self._ids = self._table.ids
        # A live image that is also listed is shown in the row that it has there.
        are_listed = self._ids.rows([entry.id for entry in live]) >= 0
        unlisted = [
            entry for entry, is_listed in zip(live, are_listed, strict=True) if not is_listed
        ]
        self.first_live_row = len(self._table)
        if unlisted:
            # The bytes are joined: to make objects of a long list would take long.
            content = b"".join((self._table.content, _table(unlisted).content))
            self._table = ItemTable(ImageMetaItem, memoryview(content))
            self._ids = self._table.ids
        if patients is not None:
            self._table = redacted_table(self._table, patients)
        self._long_texts = self._folded_long_texts(long_entries, patients)
        self._columns: dict[str, TextColumn] = {}
        self._preparation = self._prepare_columns()
        names, self._modality_numbers = self.column("modality").codes
        counts = np.bincount(self._modality_numbers, minlength=len(names)).tolist()
        self._modality_names = names
        self.modalities = sorted(zip(names, counts, strict=True), key=lambda pair: -pair[1])
        super().__init__(len(self._table))

    def count_changes(self, before: ImageList) -> tuple[int, int]:
        """Return how many ids are listed here and not in another list, and the other way round."""
        if self._has_ids_of(before) and self.first_live_row == before.first_live_row:
            return 0, 0
        ids, ids_before = self._sorted_listed_ids(), before._sorted_listed_ids()
        if not len(ids) or not len(ids_before):
            return len(ids), len(ids_before)
        places = np.searchsorted(ids, ids_before)
        common = int((ids[np.minimum(places, len(ids) - 1)] == ids_before).sum())
        return len(ids) - common, len(ids_before) - common

    def entry(self, row: int) -> ImageMetaItem:
        """Return what may be seen of the image in a row; ``image_id`` has its real id."""
        return self._table[row]

    def image_id(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._ids.text(row)

    def image_ids(self, rows: np.ndarray) -> list[str]:
        """Return the ids of the images in many rows."""
        return self._ids.texts_of(rows)

    def ids_when_needed(self, rows: np.ndarray) -> Sequence[str]:
        """Return the same, each made when somebody looks at it: a million take 60 ms."""
        return _IdsOfRows(self._ids, rows)

    @property
    def scan_seconds(self) -> np.ndarray:
        """The scan time of every image, in whole seconds since 1970 UTC; 0 if it is unknown."""
        # An OpenIGTLink timestamp has the seconds in its upper 32 bits.
        return self._table.records["scan_time"].astype(np.uint64) >> np.uint64(32)

    def has_one_value(self, field: str) -> bool:
        """Whether a field of ``ImageMetaItem`` is the same in all rows, of which there are two."""
        values = self._table.records[field]
        if len(values) < 2:
            return False
        # Most columns differ in their first rows, or in some of all: a list is sorted by patient.
        samples = (values[:_FEW], values[:: max(1, len(values) // _FEW)], values)
        return all(bool((some == values[0]).all()) for some in samples)

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
        if self._has_ids_of(before):
            return rows
        return self.rows_of(before.image_ids(rows))

    def _has_ids_of(self, other: ImageList) -> bool:
        return self._ids.has_texts_of(other._ids)

    def count_bytes(self, rows: np.ndarray, but_rows: np.ndarray) -> tuple[int, int]:
        """Return how many images are in some rows but not in others, and the bytes of all of them.

        Images whose size the list does not say have none.
        """
        is_counted = np.zeros(len(self), bool)
        is_counted[rows] = True
        is_counted[but_rows] = False
        # In floating point: the sizes that a list claims may add up to more than 2⁶³.
        total = self._byte_counts[is_counted].sum(dtype=float)
        return int(is_counted.sum()), int(total)

    @cached_property
    def _byte_counts(self) -> np.ndarray:
        return byte_counts_of(self._table.records)

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
        matches = np.ones(len(self), bool)
        for word in search_words(text):
            found = np.zeros(len(self), bool)
            for field in TEXT_FIELDS:
                found |= self._contain(field, word)
            matches &= found
        if modalities:
            matches &= self._have_modality(modalities.__contains__)
        if search != NO_SEARCH:
            matches &= self._match(search)
        self.show_only(matches)

    def _match(self, search: ImageSearch) -> np.ndarray:
        matches = np.ones(len(self), bool)
        for field, words in search.words().items():
            for word in words:
                matches &= self._contain(field, word)
        if modality := fold(search.modality.strip()):
            matches &= self._have_modality(lambda name: fold(name) == modality)
        if (seconds := search.seconds()) is not None:
            matches &= (self.scan_seconds >= seconds[0]) & (self.scan_seconds < seconds[1])
        return matches

    def _have_modality(self, is_wanted: Callable[[str], bool]) -> np.ndarray:
        if not len(self):
            return np.zeros(0, bool)
        return np.array([*map(is_wanted, self._modality_names)], bool)[self._modality_numbers]

    def _contain(self, field: str, word: str) -> np.ndarray:
        """Return which rows have a folded word in a text, that of the whole entry if it was cut."""
        found = self.column(field).contain(word)
        for row, text in self._long_texts.get(field, {}).items():
            if word in text:
                found[row] = True
        return found

    def _folded_long_texts(
        self, entries: Iterable[ImageMetaItem], patients: HiddenPatients | None
    ) -> dict[str, dict[int, str]]:
        """Return by field and row what was cut; of hidden patients the columns have pseudonyms."""
        texts: dict[str, dict[int, str]] = {}
        are_hidden = patients is not None and patients.is_hidden
        for entry in entries:
            row = self.row(entry.id)
            for field in ("name",) if are_hidden else TEXT_FIELDS:
                text = patients.redact(entry.name) if are_hidden else getattr(entry, field)
                if row is not None and text != getattr(self._table[row], field):
                    texts.setdefault(field, {})[row] = fold_for_search(readable(text))
        return texts

    def prepare(self, seconds: float) -> bool:
        """Prepare the columns for ``filter`` for about ``seconds``; return whether there is more.

        For a million images that takes a second, so a window does it while nobody waits.
        """
        end = time.monotonic() + seconds
        return any(time.monotonic() >= end for _ in self._preparation)

    def _prepare_columns(self) -> Iterator[None]:
        for field in reversed(TEXT_FIELDS):
            yield from self.column(field).prepare_search()

    def sort(self, field: str | None, descending: bool = False) -> None:
        """Sort by a field of ``ImageMetaItem``; by None, into the order in which the list came.

        Numbers within texts count as numbers, ``size`` is the number of voxels.
        """
        if field is None:
            self.unsort()
        elif field in TEXT_FIELDS:
            self.sort_by(self.column(field).ranks, descending)
        else:
            keys = self._table.records[field].astype(np.uint64)
            self.sort_by(keys.prod(axis=1) if field == "size" else keys, descending)

    def _sorted_listed_ids(self) -> np.ndarray:
        """Return numbers of the ids that the server lists, each once."""
        ids = np.sort(self._ids.hashes[: self.first_live_row])
        return ids[np.diff(ids, prepend=ids[:1] ^ np.uint64(1)) != 0]

    def column(self, field: str) -> TextColumn:
        """Return the texts that may be seen; the ids are those of hidden patients, too."""
        if field not in self._columns:
            self._columns[field] = TextColumn(self._table.records[field])
        return self._columns[field]


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


def _table(entries: Sequence[ImageMetaItem]) -> ItemTable[ImageMetaItem]:
    if isinstance(entries, ItemTable):
        return entries
    # Column by column: to pack 2,000 label maps one by one takes 40 ms.
    records = np.zeros(len(entries), ImageMetaItem.columns)
    for field in TEXT_FIELDS:
        size = records[field].dtype.itemsize
        records[field] = [_encoded(getattr(entry, field), size) for entry in entries]
    for field in ("scan_time", "size", "scalar_type"):
        if entries:
            records[field] = [getattr(entry, field) for entry in entries]
    return ItemTable(ImageMetaItem, memoryview(records.tobytes()))


def _encoded(text: str, size: int) -> bytes:
    """Return a text as far as its column holds it; those of a live image may be longer."""
    encoded = text.encode("utf-8", "surrogateescape")
    if len(encoded) <= size and b"\0" not in encoded:
        return encoded
    return cut_text(text, size).encode("utf-8", "surrogateescape")
