"""Arrays sorted and numbered with pauses: the same as at once."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.browser.lists import sorting
from IGTLMetaBrowserLib.browser.lists.sorting import NumberedValues
from IGTLMetaBrowserLib.turns import at_once

RANDOM = np.random.default_rng(0)
COUNT = 2000
VALUES = {
    "none": np.empty(0, np.uint64),
    "one": np.array([7], np.uint64),
    "all the same": np.full(COUNT, 7, np.uint64),
    "few different": RANDOM.integers(0, 5, COUNT, np.uint64),
    "all different": RANDOM.permutation(COUNT).astype(np.uint64),
    "of 64 bits": RANDOM.integers(0, (1 << 64) - 1, COUNT, np.uint64, endpoint=True),
    "equal in their upper half": (9 << 40) + RANDOM.integers(0, 3, COUNT, np.uint64),
    "of 64 bits, with equal ones": RANDOM.choice(RANDOM.integers(0, 1 << 63, 9, np.uint64), COUNT),
}


@pytest.fixture(params=VALUES, autouse=True)
def values(request, monkeypatch) -> np.ndarray:
    monkeypatch.setattr(sorting, "_A_TURN", 128)
    monkeypatch.setattr(sorting, "_SAMPLES_A_TURN", 16)
    return VALUES[request.param]


def test_numbers_are_sorted(values):
    assert at_once(sorting.sorted_in_turns(values)).tolist() == sorted(values.tolist())


def test_of_equal_numbers_the_first_comes_first(values):
    order = at_once(sorting.stable_order(values))
    assert order.tolist() == np.argsort(values, kind="stable").tolist()


def test_no_turn_sorts_more_than_its_share_of_different_numbers(monkeypatch):
    lengths = []
    sort = np.sort
    monkeypatch.setattr(np, "sort", lambda some: lengths.append(len(some)) or sort(some))
    turns = sum(1 for _ in sorting.stable_order(VALUES["all different"]))
    assert turns > 2 * COUNT / 128
    assert max(lengths) < 3 * 128


def test_values_have_numbers_in_the_order_of_their_first_rows(values):
    numbered = at_once(NumberedValues.of(values))
    different = [*dict.fromkeys(values.tolist())]
    assert [different[number] for number in numbered.numbers.tolist()] == values.tolist()
    assert values[numbered.firsts].tolist() == different
    assert [numbered.number(value) for value in different] == [*range(len(numbered))]
    assert numbered.number(4) is None or 4 in different


def test_with_a_few_more_they_are_as_numbered_anew(values):
    more = np.array([*values[:3].tolist(), 11, 2, 11, (1 << 64) - 1, 0], np.uint64)
    whole = np.concatenate((values, more))
    anew = at_once(NumberedValues.of(whole))
    numbered = at_once(NumberedValues.of(values)).with_more(more)
    assert numbered.numbers.tolist() == anew.numbers.tolist()
    assert numbered.firsts.tolist() == anew.firsts.tolist()
    assert [*map(numbered.number, whole.tolist())] == [*map(anew.number, whole.tolist())]


def test_places_are_counted_in_turns(values):
    are_counted = values % np.uint64(2) == 1
    turns = sum(1 for _ in sorting.counts_so_far(are_counted))
    assert turns == -(-len(values) // 128)
    assert at_once(sorting.counts_so_far(are_counted)).tolist() == np.cumsum(are_counted).tolist()


def test_first_places_are_found_in_turns(values):
    numbers = (values % np.uint64(50)).astype(int)
    turns = sum(1 for _ in sorting.first_places(numbers, 60))
    assert turns == 1 + -(-len(values) // 128)
    firsts = {number: place for place, number in reversed([*enumerate(numbers.tolist())])}
    expected = [firsts.get(number, -1) for number in range(60)]
    assert at_once(sorting.first_places(numbers, 60)).tolist() == expected
