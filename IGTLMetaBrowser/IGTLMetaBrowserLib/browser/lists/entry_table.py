"""Entries of images column by column: what is made of a column once is kept.

A list has a million entries that stay the same, and some live images below them that do not: those
are a table of their own, and ``EntriesWithMore`` is both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from ...codec import ImageMetaItem, ScalarType, cut_text, readable
from ...codec.messages.items import ItemTable
from ...codec.text_rows import TextRows, pieces
from ...privacy.hidden_patients import HiddenPatients
from ...privacy.redacted_list import redacted_table
from ...turns import InTurns, at_once
from .group_numbers import GroupNumbers, identities, with_issuer
from .image_search import NO_SEARCH, ImageSearch
from .local_days import local_days
from .natural_order import fold, fold_for_search, search_words
from .text_column import ExtendedColumn, TextColumn

TEXT_FIELDS = ("name", "modality", "patient_name", "patient_id", "id")
# By the number of the scalar type; one that OpenIGTLink does not define has an unknown size.
_VOXEL_SIZES = np.zeros(256, np.int64)
for _scalar_type in ScalarType:
    _VOXEL_SIZES[_scalar_type] = _scalar_type.dtype.itemsize

NO_ISSUERS: Mapping[str, str] = MappingProxyType({})
_FEW = 100
_FIELDS = (*TEXT_FIELDS, "scan_time", "size", "scalar_type")


class EntryTable:
    """Entries, and what may be seen of them.

    ids
        The real ids, also of hidden patients.

    ``long_entries`` are entries with texts that the list has cut to its fields: what was cut is
    found by the whole text, and sorted as it was cut.

    Where ``patients`` are hidden, all other texts are covered.
    """

    def __init__(
        self,
        entries: Sequence[ImageMetaItem] = (),
        patients: HiddenPatients | None = None,
        long_entries: Iterable[ImageMetaItem] = (),
        issuers: Mapping[str, str] = NO_ISSUERS,
    ) -> None:
        table = _table(entries)
        self.ids: TextRows = table.ids
        self.issuers = issuers
        self._seen = table if patients is None else redacted_table(table, patients)
        self._made_of = table, _state(patients)
        self._columns: dict[str, TextColumn] = {}
        self._are_uniform: dict[str, bool] = {}
        self._group_numbers: GroupNumbers | None = None
        self._long_texts = self._folded_long_texts(long_entries, patients)
        self.matches = np.ones(len(self), bool)
        """Which images are those that ``match`` has found."""
        self._matches_of: tuple[object, ...] = ("", (), NO_SEARCH)
        self.preparation = self._prepare_columns()
        """Prepares the columns for ``match``, with pauses."""

    def is_of(self, entries: Sequence[ImageMetaItem], patients: HiddenPatients | None) -> bool:
        """Whether a new table of these entries would be the same."""
        return self._made_of[0] is entries and self._made_of[1] == _state(patients)

    def __len__(self) -> int:
        return len(self._seen)

    def entry(self, row: int) -> ImageMetaItem:
        """Return what may be seen of the image in a row."""
        return self._seen[row]

    def values(self, field: str) -> np.ndarray:
        """Return a field of all entries, as ``ImageMetaItem.columns`` has it."""
        return self._seen.records[field]

    def column(self, field: str) -> TextColumn:
        """Return the texts that may be seen; the ids are those of hidden patients, too."""
        if field not in self._columns:
            self._columns[field] = TextColumn(self.values(field))
        return self._columns[field]

    def is_uniform(self, field: str) -> bool:
        """Whether no two entries differ in a field."""
        if field not in self._are_uniform:
            self._are_uniform[field] = _is_uniform(self.values(field))
        return self._are_uniform[field]

    def find_uniform(self) -> Iterator[None]:
        """Find with pauses in which fields no two entries differ: at once, 65 ms for a text."""
        for field in _FIELDS:
            values = self.values(field)
            is_uniform = _is_uniform(values[:_FEW])
            for piece in pieces(len(values)):
                if is_uniform:
                    is_uniform = bool((values[piece] == values[:1]).all())
                    yield
            self._are_uniform[field] = is_uniform

    @cached_property
    def byte_counts(self) -> np.ndarray:
        """How many bytes each image has, 0 if the list does not say it."""
        return byte_counts_of(self._seen.records)

    def number_groups(self) -> InTurns[GroupNumbers]:
        """Return with pauses of which patient and study each image is; that is done once."""
        if self._group_numbers is None:
            patients = yield from self._identities()
            days = yield from self._local_days()
            self._group_numbers = yield from GroupNumbers.of(patients, days)
        return self._group_numbers

    def groups_below(self, numbers: GroupNumbers) -> GroupNumbers:
        """Return the numbers of another table, and those of this one, which is short, below."""
        days = at_once(self._local_days())
        return numbers.with_more(at_once(self._identities()), days)

    def _identities(self) -> InTurns[np.ndarray]:
        ids, names = self.column("patient_id"), self.column("patient_name")
        for column in (ids, names):
            yield from column.read()
        found = yield from identities(ids.encoded, names.encoded)
        apart = {issuer: with_issuer(0, issuer) for issuer in set(self.issuers.values())}
        numbers = np.array([apart[issuer] for issuer in self.issuers.values()], np.uint64)
        image_ids = [*self.issuers]
        for piece in pieces(len(image_ids)):
            rows = self.ids.rows(image_ids[piece])
            found[rows[rows >= 0]] ^= numbers[piece][rows >= 0]
            yield
        return found

    def _local_days(self) -> InTurns[np.ndarray]:
        # An OpenIGTLink timestamp has the seconds since 1970 UTC in its upper 32 bits.
        seconds = self.values("scan_time").astype(np.uint64) >> np.uint64(32)
        yield
        return (yield from local_days(seconds))

    def match(self, text: str, modalities: Collection[str], search: ImageSearch) -> Iterator[None]:
        """Find with pauses which images ``ImageList.filter`` shows, for ``matches``.

        There are no pauses if that was the last that was looked for.
        """
        given = text, tuple(modalities), search
        if self._matches_of == given:
            return
        matches = np.ones(len(self), bool)
        sought = [(TEXT_FIELDS, word) for word in search_words(text)]
        sought += [((field,), word) for field, some in search.words().items() for word in some]
        if sought:
            for _ in self.preparation:  # not "yield from", which would end it with this one
                yield
        for fields, word in sought:
            found = np.zeros(len(self), bool)
            for field in fields:
                yield from self.column(field).find(word, found)
                self._find_long_texts(field, word, found)
            matches &= found
        if modalities:
            matches &= self._have_modality(modalities.__contains__)
        self.matches, self._matches_of = matches & self._are_wanted(search), given
        yield

    def _are_wanted(self, search: ImageSearch) -> np.ndarray:
        """Return which images have the modality and the days that are searched for."""
        matches = np.ones(len(self), bool)
        if modality := fold(search.modality.strip()):
            matches &= self._have_modality(lambda name: fold(name) == modality)
        if (seconds := search.seconds()) is not None:
            scanned = self.values("scan_time").astype(np.uint64) >> np.uint64(32)
            matches &= (scanned >= seconds[0]) & (scanned < seconds[1])
        return matches

    def _have_modality(self, is_wanted: Callable[[str], bool]) -> np.ndarray:
        names, numbers = self.column("modality").codes
        return np.array([*map(is_wanted, names)], bool)[numbers]

    def _find_long_texts(self, field: str, word: str, found: np.ndarray) -> None:
        """Set ``found`` where the text of the whole entry has a word that may have been cut."""
        for row, text in self._long_texts.get(field, {}).items():
            if word in text:
                found[row] = True

    def _folded_long_texts(
        self, entries: Iterable[ImageMetaItem], patients: HiddenPatients | None
    ) -> dict[str, dict[int, str]]:
        """Return by field and row what was cut; of hidden patients the columns have pseudonyms."""
        texts: dict[str, dict[int, str]] = {}
        are_hidden = patients is not None and patients.is_hidden
        for entry in entries:
            row = self.ids.row(entry.id)
            for field in ("name",) if are_hidden else TEXT_FIELDS:
                text = patients.redact(entry.name) if are_hidden else getattr(entry, field)
                if row is not None and text != getattr(self._seen[row], field):
                    texts.setdefault(field, {})[row] = fold_for_search(readable(text))
        return texts

    def _prepare_columns(self) -> Iterator[None]:
        for field in reversed(TEXT_FIELDS):
            yield from self.column(field).prepare_search()


class EntriesWithMore:
    """The entries of a table, and below them those of another, which are few."""

    def __init__(self, table: EntryTable, more: EntryTable) -> None:
        self._table, self._more = table, more
        self.ids = table.ids.with_more(more.ids)
        self.preparation = chain(table.preparation, more.preparation)
        self._columns: dict[str, ExtendedColumn] = {}

    def __len__(self) -> int:
        return len(self._table) + len(self._more)

    def entry(self, row: int) -> ImageMetaItem:
        """See ``EntryTable``, also of the others."""
        count = len(self._table)
        return self._table.entry(row) if row < count else self._more.entry(row - count)

    def values(self, field: str) -> np.ndarray:
        return np.concatenate((self._table.values(field), self._more.values(field)))

    def column(self, field: str) -> ExtendedColumn:
        if field not in self._columns:
            column, more = self._table.column(field), self._more.column(field)
            self._columns[field] = ExtendedColumn(column, more)
        return self._columns[field]

    def is_uniform(self, field: str) -> bool:
        if not (self._table.is_uniform(field) and self._more.is_uniform(field)):
            return False
        return _is_uniform(
            np.concatenate((self._table.values(field)[:1], self._more.values(field)[:1]))
        )

    @cached_property
    def byte_counts(self) -> np.ndarray:
        return np.concatenate((self._table.byte_counts, self._more.byte_counts))

    def number_groups(self) -> InTurns[GroupNumbers]:
        numbers = yield from self._table.number_groups()
        return self._more.groups_below(numbers)

    def match(self, *given: Any) -> Iterator[None]:
        return chain(self._table.match(*given), self._more.match(*given))

    @property
    def matches(self) -> np.ndarray:
        return np.concatenate((self._table.matches, self._more.matches))


def byte_counts_of(records: np.ndarray) -> np.ndarray:
    """Return how many bytes each image has by a list's columns, or 0 if these do not say so."""
    i, j, k = np.ascontiguousarray(records["size"]).T
    return i.astype(np.int64) * j * k * _VOXEL_SIZES[records["scalar_type"]]


def _state(patients: HiddenPatients | None) -> object:
    """Return what is not the same any more where other texts are to be covered."""
    if patients is None or not patients.is_hidden:
        return None
    return patients, patients.phrase_total


def _is_uniform(values: np.ndarray) -> bool:
    # Most columns differ in their first rows, or in some of all: a list is sorted by patient.
    samples = (values[:_FEW], values[:: max(1, len(values) // _FEW)], values)
    return all(bool((some == values[:1]).all()) for some in samples)


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
