"""Texts that all differ are ranked in turns: a million with accents took 3 s in one step."""

from __future__ import annotations

import random

import numpy as np
import pytest

from IGTLMetaBrowserLib.browser.lists import natural_order, sorting
from IGTLMetaBrowserLib.browser.lists.ascii_ranks import ranks_of_ascii
from IGTLMetaBrowserLib.browser.lists.natural_order import natural_key, ranks
from IGTLMetaBrowserLib.browser.lists.text_column import TextColumn
from IGTLMetaBrowserLib.codec import text_rows

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


class Key(str):
    """A text of which it is counted how often it is let go."""

    freed = 0

    def __del__(self) -> None:
        Key.freed += 1


class Keys(str):
    def split(self, *given) -> list[Key]:
        return [*map(Key, super().split(*given))]


def test_no_turn_lets_more_than_some_texts_go(monkeypatch):
    """To free those of a million keys was the longest step of all."""
    monkeypatch.setattr(natural_order, "natural_key", lambda text: Keys(natural_key(text)))
    monkeypatch.setattr(sorting, "_FREED_A_TURN", A_TURN, raising=False)
    counts = [Key.freed]
    counts += [Key.freed for _ in natural_order.ranks_in_turns(TEXTS["all different"])]
    assert counts[-1] - counts[0] >= COUNT - 1  # the last one is still looked at
    assert max(np.diff(counts)) <= A_TURN


ASCII_TEXTS = {
    "numbers in different places": [f"Image {n}, {n}" for n in DICE.sample(range(COUNT), COUNT)],
    "numbers of one size": [f"P{number:08}" for number in DICE.sample(range(COUNT), COUNT)],
    "long": ["".join(DICE.choices("abcdeXYZ -", k=64)) for _ in range(COUNT)],
    "two of each": [f"Image {number // 2}" for number in DICE.sample(range(COUNT), COUNT)],
}


@pytest.mark.parametrize("name", ASCII_TEXTS)
def test_ascii_texts_are_ranked_in_turns_in_numpy(name, monkeypatch):
    """Of a million, names with numbers took 1.1 s in one step, random ones 0.6 s."""
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", A_TURN)
    monkeypatch.setattr(sorting, "_A_TURN", 128)
    lengths, sort = [], np.sort
    monkeypatch.setattr(np, "sort", lambda some: lengths.append(len(some)) or sort(some))
    for function in ("lexsort", "argsort"):
        monkeypatch.delattr(np, function)
    turns = ranks_of_ascii(np.array([text.encode() for text in ASCII_TEXTS[name]]))
    pauses, places = 0, None
    while places is None:
        try:
            next(turns)
            pauses += 1
        except StopIteration as end:
            places = end.value
    assert pauses > 4 * COUNT / A_TURN
    assert max(lengths) < 4 * 128
    assert places.tolist() == ranks(ASCII_TEXTS[name]).tolist()


def test_no_turn_copies_more_than_some_texts(monkeypatch):
    """As those of 64 bytes came together, a million were a step of 0.2 s."""
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", A_TURN)
    lengths, concatenate = [], np.concatenate
    monkeypatch.setattr(
        np,
        "concatenate",
        lambda parts: lengths.append(sum(map(len, parts))) or concatenate(parts),
    )
    encoded = np.array([text.encode() for text in ASCII_TEXTS["long"]])
    column = TextColumn(encoded)
    assert sum(1 for _ in column.read()) == 2 * COUNT / A_TURN
    assert max(lengths, default=0) <= A_TURN
    assert column.encoded.tolist() == encoded.tolist()
