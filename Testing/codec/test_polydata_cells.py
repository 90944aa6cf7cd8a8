"""The cells of POLYDATA in their two layouts."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec

CELLS = [[0, 1, 2], [7], [], [3, 4, 5, 0xFFFFFFFF]]
LEGACY = [3, 0, 1, 2, 1, 7, 0, 4, 3, 4, 5, 0xFFFFFFFF]


def lists(cells: codec.CellArray) -> list[list[int]]:
    return [cell.tolist() for cell in cells]


class TestFromCells:
    def test_a_list_of_cells(self):
        cells = codec.CellArray.from_cells(CELLS)
        assert cells.offsets.tolist() == [0, 3, 4, 4, 8]
        assert cells.connectivity.tolist() == [0, 1, 2, 7, 3, 4, 5, 0xFFFFFFFF]
        assert (cells.offsets.dtype, cells.connectivity.dtype) == (np.int64, np.uint32)

    def test_an_array_of_cells_of_one_size(self):
        triangles = np.array([[0, 1, 2], [2, 3, 0]])
        assert lists(codec.CellArray.from_cells(triangles)) == triangles.tolist()

    def test_none(self):
        assert codec.CellArray.from_cells([]) == codec.CellArray()
        assert len(codec.CellArray()) == 0

    @pytest.mark.parametrize("cells", [[[-1]], [[2**32]], [[0.5]], [["1"]], [[None]], [1], [[[1]]]])
    def test_what_is_no_index_is_refused(self, cells: list):
        with pytest.raises(codec.EncodeError, match="cells"):
            codec.CellArray.from_cells(cells)


class TestSequence:
    def test_has_a_length_an_order_and_an_index(self):
        cells = codec.CellArray.from_cells(CELLS)
        assert len(cells) == 4
        assert lists(cells) == CELLS
        assert cells[1].tolist() == cells[-3].tolist() == [7]
        with pytest.raises(IndexError):
            cells[4]

    def test_is_equal_to_the_same_cells(self):
        assert codec.CellArray.from_cells(CELLS) == codec.CellArray.from_cells(CELLS)
        assert codec.CellArray.from_cells([[0, 1], [2]]) != codec.CellArray.from_cells(
            [[0], [1, 2]]
        )
        assert codec.CellArray() != []


class TestLegacy:
    def test_there_and_back(self):
        cells = codec.CellArray.from_legacy(LEGACY)
        assert lists(cells) == CELLS
        assert cells.to_legacy().tolist() == LEGACY

    @pytest.mark.parametrize("size", [0, 1, 3])
    def test_cells_of_one_size(self, size: int):
        cells = codec.CellArray.from_legacy([size, *range(size)] * 5, 5)
        assert lists(cells) == [list(range(size))] * 5
        assert cells.to_legacy().tolist() == [size, *range(size)] * 5

    def test_cells_that_begin_as_if_they_had_one_size(self):
        # Where a second cell of two points would begin, there is an index that is 2, too.
        assert lists(codec.CellArray.from_legacy([2, 5, 6, 5, 1, 2, 2, 3, 4])) == [
            [5, 6],
            [1, 2, 2, 3, 4],
        ]

    @pytest.mark.parametrize(
        ("numbers", "count", "words"),
        [
            ([1], 1, "ends after 2 numbers; 1 are there"),
            ([2, 0, 0, 0xFFFFFFFF, 1], 2, "ends after 4294967299 numbers; 5 are there"),
            ([1, 0, 1, 0], 1, "hold 2 cells, not 1"),
            ([1, 0, 2, 0, 0], 1, "hold more than 1 cells"),
            ([1, 0, 2, 0, 0], 3, "hold 2 cells, not 3"),
            ([], 1, "hold 0 cells, not 1"),
            ([0], 0, "hold 1 cells, not 0"),
        ],
    )
    def test_sizes_that_do_not_add_up_are_an_error(self, numbers: list, count: int, words: str):
        with pytest.raises(codec.DecodeError, match=words):
            codec.CellArray.from_legacy(numbers, count)

    @pytest.mark.parametrize(
        ("offsets", "connectivity"),
        [
            ([0, 2], [1]),
            ([1, 1], [1]),
            ([0, 2, 1, 2], [1, 2]),
            ([], []),
            ([0.0, 1.0], [1]),
            ([0, 1], [-1]),
            ([0, 1], [[1]]),
            (None, [1]),
            ([0, 1], None),
        ],
    )
    def test_arrays_that_do_not_fit_each_other_are_refused(self, offsets: list, connectivity: list):
        with pytest.raises(codec.EncodeError, match="cells"):
            codec.CellArray(offsets, connectivity).to_legacy()


def test_a_million_cells_of_several_sizes_are_read():
    sizes = np.arange(1_000_000) % 3
    cells = codec.CellArray(np.concatenate([[0], np.cumsum(sizes)]), np.arange(sizes.sum()))
    # If the time grew with the square, this would take hours.
    again = codec.CellArray.from_legacy(cells.to_legacy(), 1_000_000)
    assert np.array_equal(again.offsets, cells.offsets)
