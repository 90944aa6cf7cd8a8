"""How long the event loop is kept waiting: a timer of 5 ms, and what lies between its beats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import qt
import slicer

from real_slicer.inside import Step, Until

INTERVAL_MILLISECONDS = 5
_BEATS_UNTIL_DRAWN = 20


class Heartbeat:
    """A timer in Qt's event loop; ``gaps`` are the milliseconds from each beat to the next.

    ``own_gaps`` are those of the processor time that this thread used in them: other programs on
    the same machine are not in these, and neither are the threads that draw in software.
    ``drawing_gaps`` are the parts of them in which Slicer drew the views, whoever had changed what
    they show, if `watch_views` was called.
    A gap in which `mark` was called, and the next ones, in which Slicer draws what was changed as
    soon as its own timer says so, are kept under that name as well.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.own_gaps: list[float] = []
        self.drawing_gaps: list[float] = []
        self._drawing = _Drawing()
        self.marked: dict[str, list[tuple[float, float]]] = {}
        self._marks: dict[str, int] = {}
        self._last = (0.0, 0.0)
        self._timer = qt.QTimer()
        self._timer.setTimerType(qt.Qt.PreciseTimer)
        self._timer.setInterval(INTERVAL_MILLISECONDS)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> Heartbeat:
        """Begin anew."""
        self.gaps, self.own_gaps, self.marked, self._marks = [], [], {}, {}
        self.drawing_gaps = []
        self._drawing.take()
        self._last = _clocks()
        self._timer.start()
        return self

    def stop(self) -> Heartbeat:
        """Beat no longer; the gap that is under way counts."""
        self._on_beat()
        self._timer.stop()
        return self

    def close(self) -> None:
        """Let go of the timer, and of the views."""
        self._drawing.forget()
        self._timer.stop()
        self._timer.timeout.disconnect()

    def watch_views(self) -> None:
        """Count from now on how long the views of the layout are drawn."""
        self._drawing.watch()

    def mark(self, name: str) -> None:
        """Say what happens in the gap that is under way."""
        self._marks[name] = _BEATS_UNTIL_DRAWN

    def _on_beat(self) -> None:
        now = _clocks()
        gap, own = (1000 * (end - begin) for begin, end in zip(self._last, now, strict=True))
        self.gaps.append(gap)
        self.own_gaps.append(own)
        self.drawing_gaps.append(min(gap, self._drawing.take()))
        for name in self._marks:
            self.marked.setdefault(name, []).append((gap, own))
        self._marks = {name: left - 1 for name, left in self._marks.items() if left > 1}
        self._last = now

    @property
    def longest(self) -> float:
        return max(self.gaps)

    def longest_marked(self, name: str) -> tuple[float, float]:
        """The longest of the gaps that were marked so, and its own time."""
        return max(self.marked[name])

    def text(self) -> str:
        """The longest gap and what 99 % of them are shorter than; the same of the own time."""
        return f"{_text(self.gaps)} ms (own {_text(self.own_gaps)})"

    def drawing_text(self) -> str:
        """The same, how much of the longest gap was drawing, and all gaps without drawing."""
        longest = int(np.argmax(self.gaps))
        others = np.subtract(self.gaps, self.drawing_gaps)
        return (
            f"{self.text()}, of the longest {self.drawing_gaps[longest]:.0f} ms views drawn; "
            f"drawing not counted {_text(others)} ms"
        )


class _Drawing:
    """How many milliseconds the views were drawn since this was last asked."""

    def __init__(self) -> None:
        self._milliseconds = 0.0
        self._began_at: float | None = None
        self._observed: list[tuple[Any, int]] = []

    def watch(self) -> None:
        manager = slicer.app.layoutManager()
        views = [manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()]
        views += [manager.threeDWidget(n).threeDView() for n in range(manager.threeDViewCount)]
        for window in (view.renderWindow() for view in views):
            self._observed.append((window, window.AddObserver("StartEvent", self._on_start)))
            self._observed.append((window, window.AddObserver("EndEvent", self._on_end)))

    def forget(self) -> None:
        for window, tag in self._observed:
            window.RemoveObserver(tag)
        self._observed.clear()

    def take(self) -> float:
        taken, self._milliseconds = self._milliseconds, 0.0
        return taken

    def _on_start(self, *_arguments: Any) -> None:
        self._began_at = time.perf_counter()

    def _on_end(self, *_arguments: Any) -> None:
        if self._began_at is not None:
            self._milliseconds += 1000 * (time.perf_counter() - self._began_at)
            self._began_at = None


def idle(step: Step, heartbeat: Heartbeat, seconds: float) -> Iterator[Until]:
    """Measure Slicer while nothing is done with it: ``text = yield from idle(…)``."""
    heartbeat.start()
    yield step.pause(seconds)
    return heartbeat.stop().text()


def _text(gaps: list[float]) -> str:
    return f"{max(gaps):.0f} / {np.percentile(gaps, 99):.0f}"


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


def milliseconds(call: Any) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)
