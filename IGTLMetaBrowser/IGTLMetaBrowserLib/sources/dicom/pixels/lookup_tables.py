"""The tables of a DICOM file: what a stored value means (modality LUT), or its color (palette).

pydicom's ``apply_modality_lut`` and ``apply_color_lut`` do the same. They refuse entries of 10 or
12 bits, and an odd number of entries of 8; they read tables in big endian as if they were in little
endian, and what is subtracted from values of 8 or 16 bits can overflow. So only segmented palettes
are left to pydicom (3.0), which unpacks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

_COLORS = ("Red", "Green", "Blue")
_WORD = 1 << 16


class _Descriptor(NamedTuple):
    """How many entries a table has, the value of the first, and the bits of each (C.11.1.1.1)."""

    count: int
    first: int
    bits: int


def apply_modality_table(pixels: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return what stored values mean by the modality LUT (PS3.3 C.11.1), as uint16.

    Values before the first entry are as that, those behind the last as the last. Raises
    ``ValueError`` if the table does not say how many entries it has, or has fewer.
    """
    item = dataset.ModalityLUTSequence[0]
    descriptor = _descriptor(item.get("LUTDescriptor"), dataset)
    entries = _entries(item.get("LUTData") or b"", descriptor, dataset)
    return entries[_indices(pixels, descriptor)]


def apply_palette(pixels: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return the colors of stored values (PS3.3 C.7.6.3.1.6): uint8, one axis of 3 more.

    Raises ``ValueError`` as ``apply_modality_table`` does, ``AttributeError`` if there is
    none.
    """
    descriptor = _descriptor(dataset.RedPaletteColorLookupTableDescriptor, dataset)
    if "RedPaletteColorLookupTableData" in dataset:
        tables = [
            _entries(dataset[f"{color}PaletteColorLookupTableData"].value, descriptor, dataset)
            for color in _COLORS
        ]
        colors = np.stack(tables, axis=-1)
    else:
        colors = _segmented_palette(descriptor, dataset)
    return _as_bytes(colors, descriptor.bits)[_indices(pixels, descriptor)]


def _descriptor(values: Any, dataset: Dataset) -> _Descriptor:
    """Read a descriptor, whose first two values can have the sign of pixels or not, as written."""
    try:
        count, first, bits = values
    except (TypeError, ValueError):  # none, one, or another number of them
        raise ValueError("its table does not say how many entries it has") from None
    if dataset.get("PixelRepresentation") == 1 and first >= _WORD // 2:
        first -= _WORD
    return _Descriptor(count % _WORD or _WORD, first, bits)


def _entries(
    data: bytes | list[int] | int, descriptor: _Descriptor, dataset: Dataset
) -> np.ndarray:
    """Return the entries of a table, uint16: each has a word, or two of 8 bits share one."""
    if isinstance(data, bytes):
        order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
        words = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
    else:
        words = np.array(data, ndmin=1).astype(np.uint16)
    entries = words
    if len(words) < descriptor.count and descriptor.bits <= 8:
        entries = words.astype("<u2").view(np.uint8)
    if len(entries) < descriptor.count:
        raise ValueError(f"its table has {len(entries)} entries, not {descriptor.count}")
    return entries[: descriptor.count].astype(np.uint16)


def _segmented_palette(descriptor: _Descriptor, dataset: Dataset) -> np.ndarray:
    from pydicom.pixels import apply_color_lut

    # One pixel of each value that has an entry.
    values = np.arange(descriptor.first, descriptor.first + descriptor.count, dtype=np.int32)
    return apply_color_lut(values, dataset)[..., :3]


def _as_bytes(colors: np.ndarray, bits: int) -> np.ndarray:
    """Return colors as 8 bits: many palettes that say 16 bits have entries of 8 (dcmtk, too)."""
    is_of_bytes = int(colors.max()) < 256
    unused = 0 if is_of_bytes else (bits if 8 < bits <= 16 else 16) - 8
    return (colors >> unused).astype(np.uint8)


def _indices(pixels: np.ndarray, descriptor: _Descriptor) -> np.ndarray:
    wide = np.int32 if pixels.dtype.itemsize <= 2 else np.int64
    return np.clip(pixels.astype(wide) - descriptor.first, 0, descriptor.count - 1)
