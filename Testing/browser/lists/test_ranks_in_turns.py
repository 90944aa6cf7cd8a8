"""Texts that all differ are ranked in turns: a million with accents took 3 s in one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from IGTLMetaBrowserLib.browser.lists import natural_order, sorting
from IGTLMetaBrowserLib.browser.lists.natural_order import natural_key, ranks
from IGTLMetaBrowserLib.browser.lists.text_column import TextColumn

COUNT = 3000
A_TURN = 50
DICE = random.Random(0)
PARTS = ("Müller", "muller", "MÜLLER", "Ŵ", "ﬃ", "0", "007", "7", "10", "x", " ", "^")
TEXTS = {
    "none": [],
    "one": ["Müller"],
    "accents, case and zeros": ["".join(DICE.choices(PARTS, k=6)) for _ in range(COUNT)],
    "all different": [f"Jürgen {number}" for number in DICE.sample(range(COUNT), COUNT)],
    "the same but for zeros": ["x" + "0" * (number % 50) + "7" for number in range(COUNT)],
}


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    monkeypatch.setattr(natural_order, "_TEXTS_A_TURN", A_TURN)
    monkeypatch.setattr(sorting, "_TEXTS_A_TURN", 64)
    monkeypatch.setattr(sorting, "_SAMPLES_A_TURN", 16)


@pytest.mark.parametrize("name", TEXTS)
def test_they_are_those_of_all_at_once(name):
    keys = [natural_key(text) for text in TEXTS[name]]
    places = {key: place for place, key in enumerate(sorted({*keys}))}
    assert ranks(TEXTS[name]).tolist() == [places[key] for key in keys]


@pytest.mark.parametrize("name", ["accents, case and zeros", "all different"])
def test_no_turn_looks_at_more_than_some(name, monkeypatch):
    counts = []

    def counted(text: str) -> str:
        counts.append(text.count("\0") + 1)
        return natural_key(text)

    monkeypatch.setattr(natural_order, "natural_key", counted)
    column = TextColumn(np.array([text.encode() for text in TEXTS[name]]))
    pauses = sum(1 for _ in column.prepare_ranks())
    assert max(counts) == A_TURN
    assert pauses > COUNT / A_TURN
    assert column.ranks.tolist() == ranks(TEXTS[name]).tolist()


def test_more_than_numpy_does_in_no_time_is_done_in_turns(monkeypatch):
    texts = [f"Image {number}" for number in DICE.sample(range(COUNT), COUNT)]
    encoded = np.array([text.encode() for text in texts])
    at_once = TextColumn(encoded)
    assert sum(1 for _ in at_once.prepare_ranks()) < COUNT / A_TURN
    monkeypatch.setattr(natural_order, "_MOST_BYTES", encoded.nbytes - 1)
    in_turns = TextColumn(encoded)
    assert sum(1 for _ in in_turns.prepare_ranks()) > COUNT / A_TURN
    assert in_turns.ranks.tolist() == at_once.ranks.tolist()
