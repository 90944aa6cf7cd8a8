"""Names that are not UTF-8 are folded in turns: 32,768 of random bytes took 0.7 s in one."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.browser.lists import text_column
from IGTLMetaBrowserLib.browser.lists.text_column import TextColumn

COUNT, A_TURN = 300, 50
DICE = np.random.default_rng(0)
COLUMNS = {
    "random bytes": DICE.integers(1, 256, (COUNT, 64), np.uint8).view("S64").reshape(-1),
    "code page of Windows": np.array([f"Müller {row}".encode("cp1252") for row in range(COUNT)]),
}


def folded(column: TextColumn) -> bytes:
    return b"\0".join(content.tobytes() for _, content, _ in column._folded)


@pytest.mark.parametrize("name", COLUMNS)
def test_no_turn_folds_more_than_some_and_the_same_is_found(name, monkeypatch):
    at_once = folded(TextColumn(COLUMNS[name]))
    counts, fold = [], text_column.fold_for_search

    def counted(text: str) -> str:
        counts.append(text.count("\0") + 1)
        return fold(text)

    monkeypatch.setattr(text_column, "_ODD_TEXTS_A_TURN", A_TURN, raising=False)
    monkeypatch.setattr(text_column, "fold_for_search", counted)
    column = TextColumn(COLUMNS[name])
    assert sum(1 for _ in column.prepare_search()) > COUNT / A_TURN
    assert max(counts) == A_TURN
    assert folded(column) == at_once


def test_those_of_the_code_page_of_windows_are_found_among_the_others():
    texts = [f"Jürgen {row}".encode("cp1252" if row % 3 else "utf-8") for row in range(COUNT)]
    column, found = TextColumn(np.array(texts)), np.zeros(COUNT, bool)
    for _ in column.find("jurgen 29", found):
        pass
    assert np.flatnonzero(found).tolist() == [29, *range(290, 300)]
