"""On which days, in local time, many images were scanned."""

from __future__ import annotations

import time

import numpy as np

from ...turns import InTurns

SECONDS_A_DAY = 86_400
NO_DAY = -(1 << 31)
_A_TURN = 1 << 15


def local_days(seconds: np.ndarray) -> InTurns[np.ndarray]:
    """Return with pauses the days since 1970 on which these moments were in local time.

    ``seconds`` are since 1970 UTC; 0 is no moment, whose day is ``NO_DAY``.
    """
    days, offsets = np.empty(len(seconds), np.int32), _Offsets()
    for begin in range(0, len(seconds), _A_TURN):
        some = seconds[begin : begin + _A_TURN].astype(np.int64)
        days[begin : begin + _A_TURN] = _some_days(some, offsets)
        yield
    return days


def _some_days(seconds: np.ndarray, offsets: _Offsets) -> np.ndarray:
    days, is_known = np.full(len(seconds), NO_DAY), seconds > 0
    known = seconds[is_known]
    days[is_known] = (known + offsets.of(known)) // SECONDS_A_DAY
    return days


class _Offsets:
    """The differences of local time from UTC, in seconds: each is looked up once."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, seconds: np.ndarray) -> np.ndarray:
        """Return those at some moments."""
        days, day_of = np.unique(seconds // SECONDS_A_DAY, return_inverse=True)
        # Within a day it changes at most once, when daylight saving time does.
        begins = (days * SECONDS_A_DAY).tolist()
        first = np.array([self._at(begin) for begin in begins], np.int64)
        last = np.array([self._at(begin + SECONDS_A_DAY - 1) for begin in begins], np.int64)
        offsets = first[day_of]
        for moment in np.flatnonzero((first != last)[day_of]).tolist():
            offsets[moment] = self._at(int(seconds[moment]))
        return offsets

    def _at(self, second: int) -> int:
        if second not in self._known:
            # On Windows, datetime looks at the day before as well, and knows none before 1970.
            self._known[second] = time.localtime(second).tm_gmtoff
        return self._known[second]
