"""What a server's lists say of its images, to tell whether an image can be the one asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.lib.recfunctions import repack_fields

from .. import codec
from ..codec.messages.items import ItemTable
from .whole_texts import is_without_items

_MOST_BEFORE = 4
# Of patients, in IMGMETA: what fills the field may have been cut.
_LONGEST_ID = codec.ImageMetaItem.columns["patient_id"].itemsize - 1
_FORM_COLUMNS = ("id", "size", "scalar_type")

Lists = codec.ImageMetaMessage | codec.LabelMetaMessage


class ListedImages:
    """The images of the last list, label maps included. Of doubled ids the first one counts."""

    def __init__(self) -> None:
        self._lists: dict[str, _ImageList] = {}
        self._before: deque[_Forms] = deque(maxlen=_MOST_BEFORE)

    def update(self, message: Lists) -> None:
        """Note a whole list, in the place of the one before."""
        if is_without_items(message):
            return
        before = self._lists.get(message.type_name)
        if before is not None:
            forms = before.forms()
            if forms not in self._before:
                self._before.append(forms)
        self._lists[message.type_name] = _ImageList(message.items)

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
        lists = (*self._lists.values(), *self._before)
        found: set[bytes] = set()
        # A million may fit: of all ids after the first two, none has to be looked at.
        for image_id in chain.from_iterable(images.fitting_ids(image) for images in lists):
            found.add(image_id)
            if len(found) > 1:
                return True
        return False


class _ImageList:
    def __init__(self, items: Sequence[codec.ImageMetaItem | codec.LabelMetaItem]) -> None:
        self._items = items

    def find(self, image_id: str) -> codec.ImageMetaItem | codec.LabelMetaItem | None:
        try:
            row = self._rows.get(image_id.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:  # no bytes are read so
            return None
        return None if row is None else self._items[row]

    def forms(self) -> _Forms:
        return _Forms(self._items)

    def fitting_ids(self, image: codec.ImageMessage) -> Iterator[bytes]:
        return _fitting_ids(self._items, image)

    # Made when it is first needed: most servers answer under the name that was asked for. From the
    # bytes, as to make an object of each of 100,000 items would stop the window for a second.
    @cached_property
    def _rows(self) -> dict[bytes, int]:
        ids = _encoded_ids(self._items)
        return dict(zip(reversed(ids), reversed(range(len(ids))), strict=True))


class _Forms:
    """Ids, sizes and types of a list: a tenth of its bytes."""

    def __init__(self, items: Sequence[codec.ImageMetaItem | codec.LabelMetaItem]) -> None:
        self._items = items
        if isinstance(items, ItemTable):
            names = [name for name in _FORM_COLUMNS if name in items.records.dtype.names]
            self._items = repack_fields(items.records[names])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Forms) or type(self._items) is not type(other._items):
            return False
        if isinstance(self._items, np.ndarray):
            return self._items.tobytes() == other._items.tobytes()
        return list(self._items) == list(other._items)

    def fitting_ids(self, image: codec.ImageMessage) -> Iterator[bytes]:
        return _fitting_ids(self._items, image)


def _fitting_ids(
    items: Sequence[codec.ImageMetaItem | codec.LabelMetaItem] | np.ndarray,
    image: codec.ImageMessage,
) -> Iterator[bytes]:
    """Yield the ids of what an image can be; ``items`` may be an array of their columns.

    One that occurs again and again need not be yielded each time.
    """
    if not isinstance(items, ItemTable | np.ndarray):
        yield from _encoded_ids([item for item in items if fits(image, item)])
        return
    records = items.records if isinstance(items, ItemTable) else items
    are_fitting = (records["size"] == image.whole_size).all(axis=1)
    if "scalar_type" in records.dtype.names:
        are_fitting &= records["scalar_type"] == codec.ScalarType.of(image.pixels.dtype)
    ids = records["id"][are_fitting]
    while len(ids):
        first = _without_remains(bytes(ids[0]))
        yield first
        ids = ids[~_are(first, ids)]


def _are(image_id: bytes, ids: np.ndarray) -> np.ndarray:
    """Return which of the ids, of shape (n,) and one after the other in memory, are that one."""
    size = ids.dtype.itemsize
    field = np.frombuffer((image_id + b"\0")[:size], np.uint8)
    return (ids.view(np.uint8).reshape(-1, size)[:, : len(field)] == field).all(axis=1)


def _encoded_ids(items: Sequence[codec.ImageMetaItem | codec.LabelMetaItem]) -> list[bytes]:
    if isinstance(items, ItemTable):
        ids = items.records["id"].tolist()
        has_remains = b"\0" in b"".join(ids)
        return list(map(_without_remains, ids)) if has_remains else ids
    return [item.id.encode("utf-8", "surrogateescape") for item in items]


def _without_remains(image_id: bytes) -> bytes:
    """Return an id without what some servers leave behind the NUL that ends it."""
    return image_id.partition(b"\0")[0]


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
