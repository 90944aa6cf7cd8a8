"""Long arrays sorted and numbered with pauses: at once, a million integers take 7 to 200 ms.

What a generator here makes is what it returns (``yield from``, or ``at_once``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ...turns import InTurns

_A_TURN = 1 << 15
_TEXTS_A_TURN = 1 << 13
_SAMPLES_A_TURN = 1 << 7
_LOWER_BITS = 32
_FREED_A_TURN = 1 << 16


def let_go(texts: list[Any]) -> InTurns[None]:
    """Empty a list: to free a million texts at once takes 0.1 s."""
    while texts:
        del texts[-_FREED_A_TURN:]
        yield


def sorted_in_turns(numbers: np.ndarray) -> InTurns[np.ndarray]:
    """Return numbers in ascending order."""
    runs = []
    for begin in range(0, len(numbers), _A_TURN):
        runs.append(np.sort(numbers[begin : begin + _A_TURN]))
        yield
    if len(runs) < 2:
        return runs[0] if runs else numbers
    # Between two of these bounds are about as many numbers as in a run, or more that are equal.
    samples = np.concatenate([run[:: _A_TURN // _SAMPLES_A_TURN] for run in runs])
    bounds = np.sort(samples)[_SAMPLES_A_TURN::_SAMPLES_A_TURN]
    places = [np.concatenate(([0], np.searchsorted(run, bounds), [len(run)])) for run in runs]
    in_order, begin = np.empty_like(numbers), 0
    for part in range(len(bounds) + 1):
        some = [run[at[part] : at[part + 1]] for run, at in zip(runs, places, strict=True)]
        end = begin + sum(map(len, some))
        in_order[begin:end] = np.sort(np.concatenate(some))
        begin = end
        yield
    return in_order


def order_of_texts(texts: Sequence[str]) -> InTurns[list[list[int]]]:
    """Return the positions of texts in their order, as lists that follow each other."""
    text_at, runs = texts.__getitem__, []
    for begin in range(0, len(texts), _TEXTS_A_TURN):
        run = range(begin, min(begin + _TEXTS_A_TURN, len(texts)))
        runs.append(sorted(run, key=text_at))
        yield
    if len(runs) < 2:
        return runs
    # As for numbers; a text that is one of the bounds is behind it.
    step = _TEXTS_A_TURN // _SAMPLES_A_TURN
    samples = sorted(text_at(position) for run in runs for position in run[::step])
    bounds = [*dict.fromkeys(samples[_SAMPLES_A_TURN::_SAMPLES_A_TURN])]
    places = []
    for run in runs:
        inner = (bisect_left(run, bound, key=text_at) for bound in bounds)
        places.append([0, *inner, len(run)])
        yield
    in_order = []
    for part in range(len(bounds) + 1):
        some = (run[at[part] : at[part + 1]] for run, at in zip(runs, places, strict=True))
        in_order.append(sorted(chain.from_iterable(some), key=text_at))
        yield
    return in_order


def stable_order(keys: np.ndarray) -> InTurns[np.ndarray]:
    """Return the positions of integers from 0 on in their order; of equal ones the first is first.

    They have at most 64 bits.
    """
    count = len(keys)
    if not count or int(keys.max()) < (1 << 63) // count - 1:
        return (yield from _order_of_small(keys))
    # By the lower half first: those that are equal in the upper one stay in that order.
    lower = yield from _order_of_small(keys & keys.dtype.type((1 << _LOWER_BITS) - 1))
    upper = keys[lower] >> keys.dtype.type(_LOWER_BITS)
    yield
    return lower[(yield from _order_of_small(upper))]


def _order_of_small(keys: np.ndarray) -> InTurns[np.ndarray]:
    # With its position below the number, all numbers differ, and any sort is a stable one.
    count = len(keys)
    numbers = np.empty(count, np.int64)
    for begin in range(0, count, _A_TURN):
        some = keys[begin : begin + _A_TURN].astype(np.int64)
        numbers[begin : begin + _A_TURN] = some * count + np.arange(begin, begin + len(some))
        yield
    in_order = yield from sorted_in_turns(numbers)
    for begin in range(0, count, _A_TURN):
        in_order[begin : begin + _A_TURN] %= count
        yield
    return in_order


class NumberedValues:
    """Values of rows, each with a number: equal ones have the same, and new ones the next.

    numbers
        That of each row, of shape (rows,).
    firsts
        The first row that has each number.
    """

    def __init__(
        self,
        known: np.ndarray,
        number_of_known: np.ndarray,
        numbers: np.ndarray,
        firsts: np.ndarray,
    ) -> None:
        self._known, self._number_of_known = known, number_of_known
        self.numbers, self.firsts = numbers, firsts

    @classmethod
    def of(cls, values: np.ndarray) -> InTurns[NumberedValues]:
        """Number values with pauses."""
        in_order = yield from sorted_in_turns(values)
        known = np.append(in_order[:1], in_order[1:][in_order[1:] != in_order[:-1]])
        yield
        places = np.empty(len(values), np.int32)
        for begin in range(0, len(values), _A_TURN):
            some = values[begin : begin + _A_TURN]
            places[begin : begin + _A_TURN] = np.searchsorted(known, some)
            yield
        first_of_known = yield from first_places(places, len(known))
        are_first = np.zeros(len(values), bool)
        are_first[first_of_known] = True
        number_of_known = ((yield from counts_so_far(are_first)) - 1)[first_of_known]
        yield
        return cls(known, number_of_known, number_of_known[places], np.flatnonzero(are_first))

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self.firsts)

    def with_more(self, values: np.ndarray) -> NumberedValues:
        """Return the same with a few more rows."""
        first_rows: dict[int, int] = {}
        for row, value in enumerate(values.tolist(), len(self.numbers)):
            first_rows.setdefault(value, row)
        numbers = {value: self.number(value) for value in first_rows}
        new = [value for value, number in numbers.items() if number is None]
        numbers |= {value: len(self) + place for place, value in enumerate(new)}
        in_order = np.array(sorted(new), self._known.dtype)
        places = np.searchsorted(self._known, in_order)
        more = [numbers[value] for value in values.tolist()]
        return NumberedValues(
            np.insert(self._known, places, in_order),
            np.insert(self._number_of_known, places, [numbers[one] for one in in_order.tolist()]),
            np.append(self.numbers, np.array(more, np.int32)),
            np.append(self.firsts, np.array([first_rows[value] for value in new], int)),
        )

    def number(self, value: int) -> int | None:
        """Return the number of a value, or None if no row has it."""
        place = int(np.searchsorted(self._known, self._known.dtype.type(value)))
        is_known = place < len(self._known) and int(self._known[place]) == value
        return int(self._number_of_known[place]) if is_known else None


def first_places(numbers: np.ndarray, count: int) -> InTurns[np.ndarray]:
    """Return where each of ``count`` numbers stands first; -1 for those that stand nowhere."""
    places = np.full(count, -1)
    yield
    for begin in reversed(range(0, len(numbers), _A_TURN)):
        some = numbers[begin : begin + _A_TURN]
        # Of several assignments to one element numpy keeps the last.
        places[some[::-1]] = np.arange(begin, begin + len(some))[::-1]
        yield
    return places


def counts_so_far(are_counted: np.ndarray) -> InTurns[np.ndarray]:
    """Return of each place how many are counted there and before, as numbers of 32 bits."""
    counts, so_far = np.empty(len(are_counted), np.int32), 0
    for begin in range(0, len(are_counted), _A_TURN):
        some = counts[begin : begin + _A_TURN]
        np.cumsum(are_counted[begin : begin + _A_TURN], dtype=np.int32, out=some)
        some += np.int32(so_far)
        so_far = int(some[-1])
        yield
    return counts
