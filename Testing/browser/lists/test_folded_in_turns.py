"""Names that are not ASCII are folded in turns: 32,768 of random bytes took 0.7 s in one.

Of random characters, each of which is looked up once, they took 0.1 to 0.2 s.
"""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.browser.lists import natural_order, text_column
from IGTLMetaBrowserLib.browser.lists.text_column import TextColumn

COUNT, BYTES_A_TURN = 300, 1000
DICE = np.random.default_rng(0)
CHARACTERS = DICE.integers(0xA0, 0xD800, (COUNT, 20)).tolist()
COLUMNS = {
    "random bytes": DICE.integers(1, 256, (COUNT, 64), np.uint8).view("S64").reshape(-1),
    "random characters": np.array(["".join(map(chr, row)).encode() for row in CHARACTERS]),
    "code page of Windows": np.array([f"Müller {row}".encode("cp1252") for row in range(COUNT)]),
}


def folded(column: TextColumn) -> bytes:
    return b"\0".join(content.tobytes() for _, content, _ in column._folded)


@pytest.mark.parametrize("name", COLUMNS)
def test_no_turn_folds_more_than_some_and_the_same_is_found(name, monkeypatch):
    at_once = folded(TextColumn(COLUMNS[name]))
    counts, fold = [], text_column.fold_for_search

    def counted(text: str) -> str:
        counts.append(len(text))
        return fold(text)

    monkeypatch.setattr(text_column, "_BYTES_A_TURN", BYTES_A_TURN, raising=False)
    monkeypatch.setattr(text_column, "fold_for_search", counted)
    column = TextColumn(COLUMNS[name])
    assert sum(1 for _ in column.prepare_search()) > COLUMNS[name].nbytes / BYTES_A_TURN / 2
    assert max(counts) < BYTES_A_TURN + COLUMNS[name].itemsize
    assert folded(column) == at_once


def test_each_character_is_looked_up_once(monkeypatch):
    looked_up, base = [], natural_order._base
    monkeypatch.setattr(natural_order, "_base", lambda one: looked_up.append(one) or base(one))
    monkeypatch.setattr(text_column, "_BYTES_A_TURN", 5 * BYTES_A_TURN, raising=False)
    texts = ["".join(map(chr, range(0x1F70, 0x1FFF))).encode()[:1000]] * 20
    for number in range(2):
        folded(TextColumn(np.array([text + b"%d" % number for text in texts])))
    assert len(looked_up) == len({*looked_up})


def test_those_of_the_code_page_of_windows_are_found_among_the_others():
    texts = [f"Jürgen {row}".encode("cp1252" if row % 3 else "utf-8") for row in range(COUNT)]
    column, found = TextColumn(np.array(texts)), np.zeros(COUNT, bool)
    for _ in column.find("jurgen 29", found):
        pass
    assert np.flatnonzero(found).tolist() == [29, *range(290, 300)]
