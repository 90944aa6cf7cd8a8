"""The cells of POLYDATA: which points make a line, a polygon, … (OpenIGTLink ``polydata.md``).

On the wire a cell is the number of its points (u32), then their indices (u32 each), and the next
cell follows at once: ``3 0 1 2 4 0 1 2 3`` is a triangle and a quadrilateral. That is also the
legacy layout of VTK's ``vtkCellArray`` (``ImportLegacyFormat``, ``ExportLegacyFormat``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import equal_fields, number_array, uint32_array
from ..errors import DecodeError, EncodeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _no_offsets() -> np.ndarray:
    return np.zeros(1, np.int64)


def _no_connectivity() -> np.ndarray:
    return np.zeros(0, np.uint32)


@dataclass(eq=False)
class CellArray:
    """Cells of any number of points each, in two arrays, as in VTK 9 and in compressed matrices.

    offsets
        int64 of shape (number of cells + 1,), from 0 to ``len(connectivity)``, never falling: where
        in ``connectivity`` each cell begins, and the last one ends.
    connectivity
        uint32 of shape (sum of the cells' sizes,): indices of points, cell after cell. They come
        as the peer sent them: nobody checked that these points exist.

    ``len``, an index and a loop give the cells, each an array of indices.
    """

    offsets: np.ndarray = field(default_factory=_no_offsets)
    connectivity: np.ndarray = field(default_factory=_no_connectivity)

    @classmethod
    def from_cells(cls, cells: Iterable[Sequence[int]] | np.ndarray) -> CellArray:
        """Make it of a list of cells, or of an array of shape (cells, points of each).

        ``CellArray.from_cells([[0, 1, 2], [0, 1, 2, 3]])``. Raises ``EncodeError`` for what are
        no indices from 0 to 2**32 - 1.
        """
        if isinstance(cells, np.ndarray) and cells.ndim == 2:
            count, size = cells.shape
            return cls(_even_offsets(count, size), uint32_array(cells.ravel(), "cells"))
        arrays = [uint32_array(cell, "cells") for cell in cells]
        if any(array.ndim != 1 for array in arrays):
            raise EncodeError("each of the cells is a list of indices")
        offsets = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(array) for array in arrays], out=offsets[1:])
        return cls(offsets, np.concatenate([_no_connectivity(), *arrays]))

    @classmethod
    def from_legacy(cls, numbers: ArrayLike, count: int | None = None) -> CellArray:
        """Make it of the wire's and VTK's legacy layout: size, indices, size, indices, …

        ``count`` is the number of cells, if it is known. Raises ``DecodeError`` if the sizes
        do not add up to the numbers that are there, or not to ``count`` cells.
        """
        array = uint32_array(numbers, "cells").ravel()
        offsets = _uniform_offsets(array)
        if offsets is None:
            offsets = _any_offsets(array, len(array) if count is None else count)
        if count is not None and len(offsets) != count + 1:
            raise DecodeError(f"{len(array)} numbers hold {len(offsets) - 1} cells, not {count}")
        is_index = np.ones(len(array), bool)
        is_index[offsets[:-1] + np.arange(len(offsets) - 1)] = False
        return cls(offsets, array[is_index])

    def to_legacy(self) -> np.ndarray:
        """Return the cells in the wire's and VTK's legacy layout, as uint32 of one dimension.

        Raises ``EncodeError`` if ``offsets`` and ``connectivity`` do not fit each other.
        """
        offsets, connectivity = self._checked()
        sizes = np.diff(offsets)
        numbers = np.empty(len(connectivity) + len(sizes), np.uint32)
        is_index = np.ones(len(numbers), bool)
        is_index[offsets[:-1] + np.arange(len(sizes))] = False
        numbers[is_index] = connectivity
        numbers[~is_index] = sizes
        return numbers

    def _checked(self) -> tuple[np.ndarray, np.ndarray]:
        connectivity = uint32_array(self.connectivity, "indices of the cells")
        offsets = number_array(self.offsets, "iu", "offsets of cells")
        if offsets.ndim != 1 or not len(offsets):
            raise EncodeError("the offsets of cells are one more than there are cells")
        offsets = offsets.astype(np.int64)
        ends = int(offsets[0]), int(offsets[-1])
        falls = (offsets[1:] < offsets[:-1]).any()
        if connectivity.ndim != 1 or ends != (0, len(connectivity)) or falls:
            raise EncodeError(
                f"the offsets of cells go from 0 to the number of their indices, "
                f"{connectivity.size}, and never fall; these go from {ends[0]} to {ends[1]}"
            )
        return offsets, connectivity

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        cell = range(len(self))[index]
        return self.connectivity[self.offsets[cell] : self.offsets[cell + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[cell] for cell in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return equal_fields(self, other) if isinstance(other, CellArray) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def _even_offsets(count: int, size: int) -> np.ndarray:
    return np.arange(count + 1, dtype=np.int64) * size


def _uniform_offsets(numbers: np.ndarray) -> np.ndarray | None:
    """Return the offsets if all cells have the size of the first one, else None."""
    step = int(numbers[0]) + 1 if len(numbers) else 1
    if len(numbers) % step or not (numbers[::step] == step - 1).all():
        return None
    return _even_offsets(len(numbers) // step, step - 1)


def _any_offsets(numbers: np.ndarray, most: int) -> np.ndarray:
    """Go from cell to cell, of which there are ``most`` or less."""
    offsets = np.zeros(min(most, len(numbers)) + 1, np.int64)
    sizes = memoryview(numbers)  # which gives plain ints, several times as fast as an array does
    position = count = 0
    while position < len(sizes):
        if count == most:
            raise DecodeError(f"{len(sizes)} numbers hold more than {most} cells")
        position += 1 + sizes[position]
        count += 1
        offsets[count] = position - count
    if position > len(sizes):
        raise DecodeError(
            f"the last of {count} cells ends after {position} numbers; {len(sizes)} are there"
        )
    return offsets[: count + 1]
