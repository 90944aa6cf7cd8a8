"""How long the event loop is kept waiting: a timer of 5 ms, and what lies between its beats."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import qt

INTERVAL_MILLISECONDS = 5


class Heartbeat:
    """A timer in Qt's event loop; ``gaps`` are the milliseconds from each beat to the next.

    A gap in which `mark` was called is kept under that name as well: what happened in it is known.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.marked: dict[str, list[float]] = {}
        self._marks: set[str] = set()
        self._last = 0.0
        self._timer = qt.QTimer()
        self._timer.setTimerType(qt.Qt.PreciseTimer)
        self._timer.setInterval(INTERVAL_MILLISECONDS)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> Heartbeat:
        """Begin anew."""
        self.gaps, self.marked, self._marks = [], {}, set()
        self._last = time.perf_counter()
        self._timer.start()
        return self

    def stop(self) -> Heartbeat:
        """Beat no longer; the gap that is under way counts."""
        self._on_beat()
        self._timer.stop()
        return self

    def close(self) -> None:
        """Let go of the timer."""
        self._timer.stop()
        self._timer.timeout.disconnect()

    def mark(self, name: str) -> None:
        """Say what happens in the gap that is under way."""
        self._marks.add(name)

    def _on_beat(self) -> None:
        now = time.perf_counter()
        gap = 1000 * (now - self._last)
        self.gaps.append(gap)
        for name in self._marks:
            self.marked.setdefault(name, []).append(gap)
        self._last, self._marks = now, set()

    @property
    def longest(self) -> float:
        return max(self.gaps)

    @property
    def nearly_all(self) -> float:
        """What 99 % of the gaps are shorter than."""
        return float(np.percentile(self.gaps, 99))

    def text(self) -> str:
        """The longest gap, and the 99 % of the gaps."""
        return f"{self.longest:.0f} / {self.nearly_all:.0f} ms"


def milliseconds(call: Any) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)
