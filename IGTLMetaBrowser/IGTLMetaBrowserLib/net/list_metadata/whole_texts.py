"""Names that are longer than IMGMETA's fields, between clients and servers that can have them.

A server leaves out their middle, and sends them whole in the metadata of the list, under
``ID/field``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ... import codec
from .identity import is_own_server
from .size import byte_count

# Not the id: it is what GET_IMAGE asks for, and has to be the listed one.
_FIELDS = ("name", "modality", "patient_name", "patient_id")
_ENDS = tuple(f"/{field}" for field in _FIELDS)
# One byte is left free: the C++ library reads a text that fills its field as an empty one.
_SIZES = {field: codec.ImageMetaItem.columns[field].itemsize - 1 for field in _FIELDS}
_LEFT_OUT = "..."
# In UTF-8, a text of so many characters fits into the smallest field.
_SURELY_FITS = min(_SIZES.values()) // 4


def cut_texts(
    items: Sequence[codec.ImageMetaItem],
) -> tuple[Sequence[codec.ImageMetaItem], dict[str, str]]:
    """Return items whose texts fit their fields, and the whole ones of those that were cut.

    Of these, only ``first_of`` may be sent.
    """
    long_texts = {row: long for row, item in enumerate(items) if (long := dict(_long_texts(item)))}
    if not long_texts:
        return items, {}
    fitting = list(items)
    whole: dict[str, str] = {}
    for row, texts in long_texts.items():
        item = items[row]
        whole |= {f"{item.id}/{field}": text for field, text in texts.items()}
        cut = {field: _cut(text, _SIZES[field]) for field, text in texts.items()}
        fitting[row] = replace(item, **cut)
    return fitting, whole


def with_whole_texts(message: codec.ImageMetaMessage) -> Sequence[codec.ImageMetaItem]:
    """Return the items of a list with the whole texts that came in its metadata."""
    metadata = message.metadata
    if not is_own_server(message) or not any(key.endswith(_ENDS) for key in metadata):
        return message.items
    return _WholeTexts(message.items, metadata)


class _WholeTexts(Sequence[codec.ImageMetaItem]):
    """Items with their whole texts, made when somebody looks at them."""

    def __init__(self, items: Sequence[codec.ImageMetaItem], metadata: Mapping[str, str]) -> None:
        self._items, self._metadata = items, metadata

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [with_whole_text(item, self._metadata) for item in self._items[index]]
        return with_whole_text(self._items[index], self._metadata)

    def __iter__(self) -> Iterator[codec.ImageMetaItem]:
        return (with_whole_text(item, self._metadata) for item in self._items)


def with_whole_text(item: codec.ImageMetaItem, metadata: Mapping[str, str]) -> codec.ImageMetaItem:
    """Return an item with the whole texts in the metadata of the list of one of our servers."""
    return replace(item, **_whole(item, metadata))


def ids_with_whole_texts(metadata: Mapping[str, str]) -> list[str]:
    """Return the ids of the items of which the metadata of a list have a whole text."""
    ids = (key.rpartition("/")[0] for key in metadata if key.endswith(_ENDS))
    return list(dict.fromkeys(ids))


def _long_texts(item: codec.ImageMetaItem) -> Iterator[tuple[str, str]]:
    for field, size in _SIZES.items():
        text = getattr(item, field)
        if len(text) > _SURELY_FITS and byte_count(text) > size:
            yield field, text


def _cut(text: str, size: int) -> str:
    """Return beginning and end of a text in ``size`` bytes.

    The end tells images of one series apart, such as "slice 3 of 7".
    """
    end = ""
    for character in reversed(text):
        if byte_count(character + end) > size // 3:
            break
        end = character + end
    return codec.cut_text(text, size - byte_count(_LEFT_OUT + end)) + _LEFT_OUT + end


def _whole(item: codec.ImageMetaItem, metadata: Mapping[str, str]) -> dict[str, str]:
    texts = {field: metadata.get(f"{item.id}/{field}") for field in _FIELDS}
    # Of two items with one id, each has its own beginning and end.
    return {
        field: text
        for field, text in texts.items()
        if text and _cut(text, _SIZES[field]) == getattr(item, field)
    }
