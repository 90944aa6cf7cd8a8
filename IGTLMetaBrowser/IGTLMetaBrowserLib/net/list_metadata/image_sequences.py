"""Images of one list that show one place at several times, b-values … (4D), as the list tells it.

Between our own client and server, in the metadata of the list: under ``ID/sequence``, ID being that
of the first image, JSON with the values of the others, which follow it in the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from ...codec.text_rows import TextRows

_FIELD = "/sequence"


class ImageSequence(NamedTuple):
    """Ids in their order, by what they are ordered ("time" in "s"), and the value of each.

    Values are numbers as texts, or any texts if there is no unit.
    """

    ids: tuple[str, ...]
    name: str
    unit: str
    values: tuple[str, ...]


@runtime_checkable
class OffersSequences(Protocol):
    """A source that knows which of its images make a sequence."""

    def sequences(self) -> Sequence[ImageSequence]:
        """Return the sequences; the images of each follow each other in the list of images."""
        ...


def sequence_texts(source: object) -> dict[str, str]:
    """Return what the metadata of a list say of the sequences that a source offers."""
    if not isinstance(source, OffersSequences):
        return {}
    return {
        f"{ids[0]}{_FIELD}": json.dumps({"name": name, "unit": unit, "values": values})
        for ids, name, unit, values in source.sequences()
    }


def read_sequences(metadata: Mapping[str, str], ids: TextRows) -> list[ImageSequence]:
    """Return the sequences that the metadata of a list name; ``ids`` are the list's.

    What makes no sense is left out.
    """
    named = {key.removesuffix(_FIELD): text for key, text in metadata.items() if _FIELD in key}
    rows = ids.rows([*named]).tolist()
    found = (_read(text, ids, row) for row, text in zip(rows, named.values(), strict=True))
    return [sequence for sequence in found if sequence is not None]


def _read(text: str, ids: TextRows, row: int) -> ImageSequence | None:
    """Return the sequence whose first image is in a row; None if there is no such row."""
    try:
        said = json.loads(text)
        values = tuple(map(str, said["values"]))
        words = str(said["name"]), str(said["unit"])
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
    if row < 0:
        return None
    image_ids = tuple(ids.texts_of(np.arange(row, min(row + len(values), len(ids)))))
    is_whole = 1 < len({*image_ids}) == len(values) == len({*values})
    return ImageSequence(image_ids, *words, values) if is_whole else None


def sequence_of(image_id: str, sequences: Iterable[ImageSequence]) -> ImageSequence | None:
    """Return the sequence that an image belongs to, or None."""
    return next((sequence for sequence in sequences if image_id in sequence.ids), None)
