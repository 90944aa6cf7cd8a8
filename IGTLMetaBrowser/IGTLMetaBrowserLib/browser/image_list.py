"""A list of images that may be long: filtered and sorted column by column, with numpy.

Nothing is made of an entry before somebody looks at it, so that a list of 100,000 images is there
at once and a keystroke in the filter is answered at once. Rows are positions in the whole list.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..codec import ImageMetaItem, ImageMetaMessage, cut_text
from ..codec.messages.items import ItemTable
from ..privacy.hidden_patients import HiddenPatients
from ..privacy.redacted_list import redacted_table

TEXT_FIELDS = ("name", "modality", "patient_name", "patient_id", "id")
_NUMBERS = re.compile("([0-9]+)")
_MOST_DIGITS = 64  # the longest text of an entry


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
        self._ids = self.texts("id")
        self._row_of_id = _first_rows(self._ids)
        # A live image that is also listed is shown in the row that it has there.
        unlisted = [entry for entry in live if entry.id not in self._row_of_id]
        self.first_live_row = len(self._table)
        if unlisted:
            # The bytes are joined: to make objects of a long list would take long.
            content = b"".join((self._table.content, _table(unlisted).content))
            self._table = ItemTable(ImageMetaItem, memoryview(content))
            self._ids += [entry.id for entry in unlisted]
            self._row_of_id = _first_rows(self._ids)
        if patients is not None:
            self._table = redacted_table(self._table, patients)
        modalities = self.texts("modality")
        self.modalities = Counter(modalities).most_common()
        number_of = {modality: number for number, (modality, _) in enumerate(self.modalities)}
        self._modality_numbers = np.array([number_of[text] for text in modalities], np.intp)
        self._order = np.arange(len(self))
        self._matches = np.ones(len(self), bool)
        self.rows = self._order

    def __len__(self) -> int:
        return len(self._table)

    @property
    def listed_ids(self) -> set[str]:
        """The ids in the server's list."""
        return set(self._ids[: self.first_live_row])

    def entry(self, row: int) -> ImageMetaItem:
        """Return what may be seen of the image in a row; ``image_id`` has its real id."""
        return self._table[row]

    def image_id(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._ids[row]

    def texts(self, field: str) -> list[str]:
        """Return a text of every image, see ``TEXT_FIELDS``, by its position."""
        return _decoded(self._encoded_texts(field)).split("\0") if len(self) else []

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
        return self._row_of_id[self._ids[row]] == row

    def filter(self, text: str = "", modalities: Collection[str] = ()) -> None:
        """Show the images that have every word of ``text`` in one of their texts.

        Upper and lower case are the same. ``modalities`` are those to be shown; none means all.
        """
        matches = np.ones(len(self), bool)
        for word in folded(text).split():
            found = (word in searched for searched in self._searched_texts)
            matches &= np.fromiter(found, bool, len(self))
        if modalities:
            is_shown = [modality in modalities for modality, _ in self.modalities]
            matches &= np.array(is_shown, bool)[self._modality_numbers]
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
            self.sort_by(ranks(self.texts(field)), descending)
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

    def _encoded_texts(self, field: str) -> list[bytes]:
        encoded = self._table.records[field].tolist()
        if b"\0" in b"".join(encoded):  # a text that ends before its field does
            return [text.partition(b"\0")[0] for text in encoded]
        return encoded

    @cached_property
    def _searched_texts(self) -> list[str]:
        """All texts of each row in one, each in a line: no word reaches over its end."""
        columns = (self._encoded_texts(field) for field in TEXT_FIELDS)
        rows = map(b"\n".join, zip(*columns, strict=True))
        return folded(_decoded(rows)).split("\0") if len(self) else []


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


def _first_rows(ids: Sequence[str]) -> dict[str, int]:
    last = len(ids) - 1
    return {image_id: last - row for row, image_id in enumerate(reversed(ids))}


def _decoded(texts: Iterable[bytes]) -> str:
    """Return texts with a NUL between them, each read as ``codec.wire.decode_text`` reads one.

    To read and change them all at once is faster than one by one.
    """
    return b"\0".join(texts).decode("utf-8", "surrogateescape")


def folded(text: str) -> str:
    """Return ``text`` without what makes no difference: case, and how a letter is composed."""
    return unicodedata.normalize("NFKC", text).casefold()


def ranks(texts: list[str]) -> np.ndarray:
    """Return the place of each text among all; those that differ in case only share one."""
    if not texts:
        return np.empty(0, np.intp)
    distinct = list(dict.fromkeys(texts))
    keys = _natural("\0".join(distinct)).split("\0")
    rank_of_key = {key: rank for rank, key in enumerate(sorted(dict.fromkeys(keys)))}
    rank_of_text = {text: rank_of_key[key] for text, key in zip(distinct, keys, strict=True)}
    return np.fromiter(map(rank_of_text.__getitem__, texts), np.intp, len(texts))


def _natural(text: str) -> str:
    """Return a key by which ``Image 2`` comes before ``Image 10``."""
    parts = _NUMBERS.split(folded(text))
    parts[1::2] = [number.zfill(_MOST_DIGITS) for number in parts[1::2]]
    return "".join(parts)
