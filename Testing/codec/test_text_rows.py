"""Where a text stands in a column of a million, found without an object for each."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec import text_rows
from IGTLMetaBrowserLib.codec.text_rows import TextRows

# Each third id is there twice; behind the ends of some, a sender has left something.
IDS = [f"IMAGE_{number - number % 3 // 2}" for number in range(1000)]
ENCODED = np.array([f"{id_}\0rest" if len(id_) < 9 else id_ for id_ in IDS], "S20")
SOUGHT = [*IDS[::7], "IMAGE_1000", "", "IMAGE_1\0", "a text that is longer than the column", "Ü"]


@pytest.fixture(params=[True, False], ids=["prepared in turns", "at once"])
def column(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TextRows:
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 100)
    column = TextRows(ENCODED)
    if request.param:
        turns = sum(1 for _ in column.prepare())
        # Of rows that are read, hashed, looked at and copied, and of parts that are sorted.
        assert turns == 4 * 10 + 256
    return column


def test_the_first_row_with_each_text_is_found(column: TextRows):
    expected = [IDS.index(text) if text in IDS else -1 for text in SOUGHT]
    assert column.rows(SOUGHT).tolist() == expected
    assert [column.row(text) for text in SOUGHT[-5:]] == [None] * 5


@pytest.mark.parametrize("sought", [SOUGHT[:-2], []], ids=["some", "none"])
def test_so_are_those_of_another_column(column: TextRows, sought: list[str]):
    """Whichever of its rows are looked for, and in that order."""
    other = TextRows(np.array([*sought, "IMAGE_0"], "S20"))
    rows = np.arange(len(other))[::-2]
    assert column.rows_of(other, rows).tolist() == column.rows(other.texts_of(rows)).tolist()
    assert TextRows(np.empty(0, "S20")).rows_of(other, rows).tolist() == [-1] * len(rows)
    assert not len(column.rows_of(other, rows[:0]))


def test_all_rows_with_a_text_are_found_in_their_order(column: TextRows):
    doubled = next(text for text in IDS if IDS.count(text) == 2)
    rows = [row for row, text in enumerate(IDS) if text == doubled]
    assert column.all_rows(doubled, 9) == rows
    assert column.all_rows(doubled, 1) == rows[:1]
    assert column.all_rows("IMAGE_1000", 9) == []


def test_the_first_of_equal_texts_is_known(column: TextRows):
    assert column.is_first.tolist() == [IDS.index(text) == row for row, text in enumerate(IDS)]


def test_what_is_prepared_is_not_made_again(column: TextRows):
    column.row("IMAGE_1")
    assert [*column.prepare()] == []


@pytest.mark.parametrize("count", [0, 1])
def test_very_few_rows_are_prepared_as_well(count: int):
    column = TextRows(ENCODED[:count])
    for _ in column.prepare():
        pass
    assert column.rows(["IMAGE_0"]).tolist() == [count - 1]


@pytest.mark.parametrize("distinct", [1, 2, 3, 1000])
def test_no_turn_sorts_many_rows_however_many_have_one_text(
    monkeypatch: pytest.MonkeyPatch, distinct: int
):
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 100)
    texts = [f"IMAGE_{number % distinct}" for number in range(1000)]
    column, sizes = TextRows(np.array(texts, "S20")), []
    sort = np.argsort

    def argsort(numbers: np.ndarray, **options: str) -> np.ndarray:
        sizes.append(len(numbers))
        return sort(numbers, **options)

    monkeypatch.setattr(np, "argsort", argsort)
    for _ in column.prepare():
        pass
    assert max(sizes, default=0) <= 100
    monkeypatch.undo()
    assert column.rows(texts[:distinct]).tolist() == [*range(distinct)]
    assert column.all_rows(texts[distinct - 1], 1000) == [*range(distinct - 1, 1000, distinct)]
