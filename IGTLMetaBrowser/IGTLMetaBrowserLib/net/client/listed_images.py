"""What a server's lists say of its images, to tell whether an image can be the one asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from ... import codec
from ...codec.messages.items import ItemTable
from ...person_names import name_words
from ...turns import at_once
from ..list_metadata.identity import is_without_items

_MOST_BEFORE = 4
# Of patients, in IMGMETA: what fills the field may have been cut.
_LONGEST_ID = codec.ImageMetaItem.columns["patient_id"].itemsize - 1
_LONGEST_NAME = codec.ImageMetaItem.columns["patient_name"].itemsize - 1
# Of which sizes and types are looked at in one turn: 4 ms.
_ITEMS_A_TURN = 1 << 15
_TYPE_SHIFT = np.uint64(48)

Lists = codec.ImageMetaMessage | codec.LabelMetaMessage


class ListedImages:
    """The images of the last list, label maps included. Of doubled ids the first one counts."""

    def __init__(self) -> None:
        self._lists: dict[str, _ImageList] = {}
        self._before: deque[_Forms] = deque(maxlen=_MOST_BEFORE)
        self._prepared: _ImageList | None = None

    def prepare(self, message: Lists) -> Iterator[None]:
        """Make with pauses what ``update`` needs of a list: a million items take 0.4 s."""
        images = _ImageList(message)
        yield from images.prepare()
        self._prepared = images

    def update(self, message: Lists) -> None:
        """Note a whole list, in the place of the one before."""
        images, self._prepared = self._prepared, None
        if is_without_items(message):
            return
        if images is None or images.items is not message.items:
            images = _ImageList(message)
            at_once(images.prepare())
        before = self._lists.get(message.type_name)
        if before is not None and before.forms not in self._before:
            self._before.append(before.forms)
        self._lists[message.type_name] = images

    def __contains__(self, image_id: str) -> bool:
        return self.find(image_id) is not None

    def find(self, image_id: str) -> codec.ImageMetaItem | codec.LabelMetaItem | None:
        """Return what is listed under an id, or None."""
        found = (images.find(image_id) for images in self._lists.values())
        return next(filter(None, found), None)

    def can_be_several(self, image: codec.ImageMessage) -> bool:
        """Whether there is more than one that an image can be by its size and type.

        Those of the lists before count, too: servers push lists with a part of their images, and
        what was withdrawn can still come.
        """
        first = None
        for forms in (*(images.forms for images in self._lists.values()), *self._before):
            ids = forms.ids_fitting(image)
            first = ids[:1] if first is None or not len(first) else first
            if (ids != first).any():
                return True
        return False


class _ImageList:
    """A list as it came: where each id stands in it, and which images have a size and type."""

    def __init__(self, message: Lists) -> None:
        self.items = message.items
        # The list of one that came is a table; who makes one gives what it likes.
        is_table = isinstance(self.items, ItemTable)
        content = self.items.content if is_table else b"".join(message.pack_content())
        self._table = self.items if is_table else ItemTable(message.item_class, content)
        self.forms = _Forms(np.empty(0, np.uint64), np.empty(0, np.uint64))

    def prepare(self) -> Iterator[None]:
        yield from self._table.ids.prepare()
        records = self._table.records
        forms = np.zeros(len(records), np.uint64)
        for begin in range(0, len(records), _ITEMS_A_TURN):
            piece = slice(begin, begin + _ITEMS_A_TURN)
            forms[piece] = _form(*records["size"][piece].astype(np.uint64).T)
            if "scalar_type" in records.dtype.names:
                forms[piece] |= records["scalar_type"][piece].astype(np.uint64) << _TYPE_SHIFT
            yield
        self.forms = _Forms(forms, self._table.ids.hashes)

    def find(self, image_id: str) -> codec.ImageMetaItem | codec.LabelMetaItem | None:
        row = self._table.ids.row(image_id)
        return None if row is None else self._table[row]


class _Forms:
    """A number for size and type of each image of a list, and one for its id."""

    def __init__(self, forms: np.ndarray, ids: np.ndarray) -> None:
        self._forms, self._ids = forms, ids

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Forms):
            return False
        is_same = np.array_equal(self._forms, other._forms)
        return is_same and np.array_equal(self._ids, other._ids)

    def ids_fitting(self, image: codec.ImageMessage) -> np.ndarray:
        """Return the numbers of the ids that an image can have; LBMETA lists no type."""
        form = _form(*map(np.uint64, image.whole_size))
        scalar_type = np.uint64(codec.ScalarType.of(image.pixels.dtype)) << _TYPE_SHIFT
        return self._ids[(self._forms == form) | (self._forms == form | scalar_type)]


def _form(i: Any, j: Any, k: Any) -> Any:
    return i | j << np.uint64(16) | k << np.uint64(32)


def fits(image: codec.ImageMessage, entry: codec.ImageMetaItem | codec.LabelMetaItem) -> bool:
    """Whether an image can be the one that is listed so: size and type are the same."""
    came = codec.ScalarType.of(image.pixels.dtype)
    # LBMETA does not list a type.
    listed = entry.scalar_type if isinstance(entry, codec.ImageMetaItem) else came
    return tuple(entry.size) == tuple(image.whole_size) and listed == came


def is_of_another_patient(
    image: codec.ImageMessage | codec.ImagePartMessage,
    entry: codec.ImageMetaItem | codec.LabelMetaItem,
) -> bool:
    """Whether the metadata that came with an image name another patient than its entry does."""
    return is_id_of_another_patient(image.metadata.get("PatientID", ""), entry)


def is_id_of_another_patient(
    patient_id: str, entry: codec.ImageMetaItem | codec.LabelMetaItem
) -> bool:
    """Whether an entry has another ID.

    Of IDs in other characters than ASCII, or as long as their field, it cannot be told.
    """
    said, listed = patient_id.strip(), getattr(entry, "patient_id", "")
    is_comparable = said.isascii() and listed.isascii() and len(listed) < _LONGEST_ID
    return is_comparable and bool(said and listed.strip()) and said != listed.strip()


def is_another_patient(patient_id: str, name: str, entry: codec.ImageMetaItem) -> bool:
    """Whether an entry has another ID or, if neither has one, another name.

    What of IDs cannot be told, cannot be of names.
    """
    if patient_id.strip() or entry.patient_id.strip():
        return is_id_of_another_patient(patient_id, entry)
    listed = entry.patient_name
    is_comparable = name.isascii() and listed.isascii() and len(listed) < _LONGEST_NAME
    words, listed_words = name_words(name), name_words(listed)
    return is_comparable and bool(words and listed_words) and words != listed_words


def changed_fields(before: codec.ImageMetaItem, now: codec.ImageMetaItem) -> list[str]:
    """Return in which fields a list says something else than the one before.

    An archive knows size and type of a series once it has fetched it: that is no change.
    """
    is_news = not any(before.size)
    return [
        field.name
        for field in fields(now)
        if not (is_news and field.name in ("size", "scalar_type"))
        and getattr(before, field.name) != getattr(now, field.name)
    ]


def is_same_entry(before: codec.ImageMetaItem | None, now: codec.ImageMetaItem | None) -> bool:
    """Whether a list says of an image what the one before said."""
    if before is None or now is None:
        return before is now
    return not changed_fields(before, now)


def can_fit(header: codec.Header, entry: codec.ImageMetaItem | codec.LabelMetaItem) -> bool:
    """Whether a message that is arriving has bytes enough for the image that is listed so."""
    i, j, k = entry.size
    scalar_type = getattr(entry, "scalar_type", codec.ScalarType.UINT8)
    width = scalar_type.dtype.itemsize if isinstance(scalar_type, codec.ScalarType) else 1
    return header.body_size >= i * j * k * width
