"""The list of images as it came, and which of its entries an id means.

A list can have 100,000 entries: they stay the bytes that came, and an entry is made when somebody
asks for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timezone
from functools import cached_property
from itertools import compress

import numpy as np

from ... import codec
from ...codec.messages.items import ItemTable
from ...codec.text_rows import TextRows
from ...net.list_metadata.identity import is_own_server
from ...net.list_metadata.image_sequences import ImageSequence, read_sequences
from ...net.list_metadata.notices import NOTICE, SEARCH
from ...net.list_metadata.patient_issuers import read_issuers
from ...net.list_metadata.whole_texts import ids_with_whole_texts, with_whole_text
from ...privacy.hidden_patients import HiddenPatients
from ...privacy.redacted_list import redact_in_turns
from .entry_table import EntryTable, byte_counts_of
from .image_search import NO_SEARCH, ImageSearch

# A server that cuts ids may give one to some dozens of images.
_MOST_OF_ONE_ID = 100
# More than images and trajectories in a scene; a server can invent names of live images.
_MOST_FOUND = 100_000

_Form = tuple[tuple[int, ...], "codec.ScalarType | int"]  # size and type


class Listing:
    """One answer to GET_IMGMETA. ``listed_at`` is when it came, or None if none has come.

    ``search`` is what it was searched for, if its server does that.
    """

    def __init__(self, message: codec.ImageMetaMessage | None = None) -> None:
        if message is None:
            message = codec.ImageMetaMessage.unpack_content(memoryview(b""))
        self.entries: ItemTable[codec.ImageMetaItem] = message.items
        has_texts = is_own_server(message) and len(message.metadata) > 1
        self._texts = message.metadata if has_texts else {}
        self.listed_at: datetime | None = None
        self._came = 0.0
        self.connection = 0
        self.search = NO_SEARCH
        self._kept: dict[str, list[codec.ImageMetaItem]] = {}
        self._forms: dict[str, _Form] = {}
        self._found: dict[str, list[codec.ImageMetaItem]] = {}
        self.table: EntryTable | None = None
        """What ``prepare_table`` has made."""

    def prepare_table(self, patients: HiddenPatients) -> Iterator[None]:
        """Make with pauses the columns that are needed to show the list: at once, 0.1 s."""
        yield from redact_in_turns(self.entries, patients)
        table = EntryTable(self.entries, patients, self.long_entries, self.issuers)
        yield from table.column("modality").prepare_search()
        yield from table.find_uniform()
        self.table = table

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return the entry that an id means, or None.

        Some servers give several images one id, as they cut it to the field. Then it is the entry
        of the size and type that came; if these do not tell which, what all of them agree in.
        """
        entries = self.entries_of(image_id)
        if len(entries) > 1 and (form := self._forms.get(image_id)) is not None:
            entries = [entry for entry in entries if _form(entry) == form] or entries
        return _agreed(entries) if entries else None

    def entries_of(self, image_id: str) -> list[codec.ImageMetaItem]:
        """Return the entries that have an id, with texts that are longer than their fields.

        Of very many, the first, and one that says nothing: nothing is said of what the others say.
        """
        # An image that comes is asked for its name, its patient, its modality … one by one.
        if (found := self._found.get(image_id)) is None:
            rows = self.ids.all_rows(image_id, _MOST_OF_ONE_ID + 1)
            found = [self.whole(self.entries[row]) for row in rows[:_MOST_OF_ONE_ID]]
            if len(rows) > _MOST_OF_ONE_ID:
                found.append(codec.ImageMetaItem(id=image_id))
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            self._found[image_id] = found
        return [*found] or self._kept.get(image_id, [])

    @property
    def search_keywords(self) -> list[str]:
        """The DICOM attributes by which the server searches; none if it does not say so."""
        return self._texts.get(SEARCH, "").split()

    @property
    def notice(self) -> str:
        """What the server says of the list: that it is not all there is."""
        return self._texts.get(NOTICE, "")

    def came(self, listed_at: datetime, search: ImageSearch, connection: int) -> None:
        """Note when it came, for which search, and over which connection, by its number."""
        self.listed_at, self.connection = listed_at, connection
        self._came = time.monotonic()
        self.search = search if self.search_keywords else NO_SEARCH

    @property
    def age(self) -> float:
        """How many seconds ago it came, at least by one of the computer's clocks.

        One of them is set back and forth; the other stands still while a computer sleeps.
        """
        if self.listed_at is None:
            return math.inf
        by_date = (datetime.now(timezone.utc) - self.listed_at).total_seconds()
        return max(by_date, time.monotonic() - self._came)

    def on_image(self, image_id: str, image: codec.ImageMessage) -> None:
        """Note what has come under an id, by which the entries with that id can be told apart."""
        self._forms[image_id] = image.whole_size, codec.ScalarType.of(image.pixels.dtype)

    def keep_forms_of(self, before: Listing) -> None:
        """Know of what has come while another list was the last."""
        self._forms = before._forms

    def keep_entries_of(self, before: Listing, image_ids: Iterable[str]) -> None:
        """Know some images of the last list that a search may have left out of this one."""
        ids = [*image_ids]
        are_left_out = self.ids.rows(ids) < 0
        if self.search == before.search and not self.notice:  # what is gone is gone
            are_left_out &= before.ids.rows(ids) < 0
        for image_id in compress(ids, are_left_out):
            if entries := before.entries_of(image_id):
                self._kept[image_id] = entries

    def whole(self, entry: codec.ImageMetaItem) -> codec.ImageMetaItem:
        """Return an entry with the whole of texts that are longer than its fields, if known."""
        return with_whole_text(entry, self._texts) if self._texts else entry

    @cached_property
    def long_entries(self) -> list[codec.ImageMetaItem]:
        """The entries with texts that are longer than their fields, as far as they are known."""
        ids = ids_with_whole_texts(self._texts)
        return [entry for image_id in ids for entry in self.entries_of(image_id)]

    @cached_property
    def issuers(self) -> dict[str, str]:
        """Who has given the patient's ID, by the ids of images: where several have given one."""
        return read_issuers(self._texts)

    @cached_property
    def sequences(self) -> list[ImageSequence]:
        """Which images show one place at several times, b-values …, by what the server says."""
        return read_sequences(self._texts, self.ids) if self._texts else []

    def byte_counts(self, image_ids: Sequence[str]) -> list[int]:
        """Return how many bytes each image has by this list, or 0 if it does not say so."""
        rows = self.ids.rows(image_ids)
        if not len(self.entries):
            return [0] * len(image_ids)
        listed = self.entries.records[["size", "scalar_type"]][rows]
        return np.where(rows >= 0, byte_counts_of(listed), 0).tolist()

    def __contains__(self, image_id: str) -> bool:
        return self.ids.row(image_id) is not None

    def ids_missing_in(self, other: Listing) -> Iterator[list[str]]:
        """Yield the ids that are in this list, and not in another one, some at a time.

        Those that a search has left out are taken to be there.
        """
        yield other.missing(list(self._kept))
        for ids in self.ids.texts_missing_in(other.ids):
            yield [one for one in ids if one not in other._kept]

    def missing(self, image_ids: Sequence[str]) -> list[str]:
        """Return those of these ids that are not in the list, nor left out by a search."""
        not_listed = compress(image_ids, self.ids.rows(image_ids) < 0)
        return [one for one in not_listed if one not in self._kept]

    @property
    def ids(self) -> TextRows:
        """The ids of all entries; the client has prepared those of a long list."""
        return self.entries.ids


def _form(entry: codec.ImageMetaItem) -> _Form:
    return tuple(entry.size), entry.scalar_type


def _agreed(entries: Sequence[codec.ImageMetaItem]) -> codec.ImageMetaItem:
    """Return an entry with what all entries agree in; other fields are as in an empty one."""
    if len(entries) == 1:
        return entries[0]
    agreed = {
        field.name: getattr(entries[0], field.name)
        for field in fields(codec.ImageMetaItem)
        if all(getattr(entry, field.name) == getattr(entries[0], field.name) for entry in entries)
    }
    return codec.ImageMetaItem(**agreed)


class CurrentListing:
    """The last list of the server: an empty one at first, and after another was selected."""

    def __init__(self) -> None:
        self.listing = Listing()

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return the entry that an id means now, or None."""
        return self.listing.entry(image_id)
