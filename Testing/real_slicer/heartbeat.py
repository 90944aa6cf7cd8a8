"""How long the event loop is kept waiting: a timer of 5 ms, and what lies between its beats."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import qt

INTERVAL_MILLISECONDS = 5


class Heartbeat:
    """A timer in Qt's event loop; ``gaps`` are the milliseconds from each beat to the next.

    ``own_gaps`` are those of the processor time that this thread used in them: other programs on
    the same machine are not in these, and neither are the threads that draw in software.
    A gap in which `mark` was called, and the next one, in which Slicer draws what was changed, are
    kept under that name as well.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.own_gaps: list[float] = []
        self.marked: dict[str, list[float]] = {}
        self._marks: dict[str, int] = {}
        self._last = (0.0, 0.0)
        self._timer = qt.QTimer()
        self._timer.setTimerType(qt.Qt.PreciseTimer)
        self._timer.setInterval(INTERVAL_MILLISECONDS)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> Heartbeat:
        """Begin anew."""
        self.gaps, self.own_gaps, self.marked, self._marks = [], [], {}, {}
        self._last = _clocks()
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
        self._marks[name] = 2

    def _on_beat(self) -> None:
        now = _clocks()
        gap, own = (1000 * (end - begin) for begin, end in zip(self._last, now, strict=True))
        self.gaps.append(gap)
        self.own_gaps.append(own)
        for name in self._marks:
            self.marked.setdefault(name, []).append(gap)
        self._marks = {name: left - 1 for name, left in self._marks.items() if left > 1}
        self._last = now

    @property
    def longest(self) -> float:
        return max(self.gaps)

    def text(self) -> str:
        """The longest gap and what 99 % of them are shorter than; the same of the own time."""
        return f"{_text(self.gaps)} ms (own {_text(self.own_gaps)})"


def _text(gaps: list[float]) -> str:
    return f"{max(gaps):.0f} / {np.percentile(gaps, 99):.0f}"


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


def milliseconds(call: Any) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)
