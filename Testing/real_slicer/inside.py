"""Runs one step inside Slicer, in Qt's event loop, and leaves Slicer with its exit code."""

from __future__ import annotations

import importlib
import json
import os
import time
import traceback
from collections.abc import Callable, Generator
from inspect import isgenerator
from pathlib import Path
from typing import Any, NamedTuple

import qt
import slicer

from real_slicer.runner import BEGIN

_TICK_MILLISECONDS = 10
_running: list[Run] = []
"""Objects that must live are kept here: Slicer forgets what belongs to the script."""


class Until(NamedTuple):
    """What a step waits for, and for how long; if in vain, ``state`` tells what is there."""

    condition: Callable[[], Any]
    what: str
    seconds: float
    state: Callable[[], str] = str


class Step:
    """What a step has to work with, and what it leaves: figures, notes, screenshots."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.output = Path(os.environ["REAL_SLICER_OUTPUT"])
        self.figures: list[list[str]] = []
        self.notes: list[str] = []
        self.problems: list[str] = []
        self._at_end: list[Callable[[], None]] = []

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 30) -> Until:
        """To be yielded: go on when the condition holds; fail after so many seconds."""
        return Until(condition, what, seconds)

    def pause(self, seconds: float) -> Until:
        """To be yielded where the time itself is what matters, as while something streams."""
        end = time.monotonic() + seconds
        return Until(lambda: time.monotonic() >= end, "the time", seconds + 60)

    def note(self, text: str) -> None:
        """Say something that is printed below the step."""
        print(text, flush=True)
        self.notes.append(text)

    def figure(self, name: str, required: str, measured: str, plain: str = "") -> None:
        """Add a line to the table of what was measured."""
        print(f"{name}: {measured} (to reach {required}; Slicer's own: {plain})", flush=True)
        self.figures.append([name, required, measured, plain])

    def check(self, is_so: Any, problem: str) -> None:
        """Fail the step if something is not as it has to be, and go on."""
        if not is_so:
            print(f"problem: {problem}", flush=True)
            self.problems.append(problem)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call something when the step ends, however it ends; the last that was named first."""
        self._at_end.append(call)

    def end(self) -> None:
        """Call what was named by ``at_end``, and write the report."""
        for call in reversed(self._at_end):
            call()
        report = {"problems": self.problems, "figures": self.figures, "notes": self.notes}
        file = self.output / f"{self.name}.json"
        file.write_text(json.dumps(report, indent=1), encoding="utf-8")


class Run:
    """Takes a step from one wait to the next, by a timer: no event loop within another one."""

    def __init__(self, step: Step, waits: Generator[Until, None, None]) -> None:
        self._step = step
        self._waits = waits
        self._wait: Until | None = None
        self._deadline = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MILLISECONDS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    def _on_tick(self) -> None:
        if self._waits.gi_running:  # what the step does has opened a dialog, which waits for a user
            return
        try:
            if self._is_waiting():
                return
            self._wait = next(self._waits)
            self._deadline = time.monotonic() + self._wait.seconds
        except StopIteration:
            self._finish()
        except Exception as error:
            self._step.problems.append(f"{type(error).__name__}: {error}")
            traceback.print_exc()
            self._finish()

    def _is_waiting(self) -> bool:
        if self._wait is None or self._wait.condition():
            return False
        if time.monotonic() > self._deadline:
            wait = self._wait
            raise TimeoutError(f"waited {wait.seconds:g} s in vain for {wait.what}{wait.state()}")
        return True

    def _finish(self) -> None:
        self._timer.stop()
        self._timer.timeout.disconnect()
        self._waits.close()
        _leave(self._step)


def start(name: str) -> None:
    """Run a step of ``real_slicer.steps`` as soon as Slicer is there, and leave Slicer."""
    if slicer.app.testingEnabled():
        begin(name)  # Slicer leaves when the script ends
    else:
        qt.QTimer.singleShot(0, lambda: begin(name))


def begin(name: str) -> None:
    """Run a step: a function at once, a generator from one wait to the next."""
    print(BEGIN, flush=True)
    step = Step(name)
    try:
        waits = importlib.import_module(f"real_slicer.steps.{name}").run(step)
    except Exception as error:
        step.problems.append(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        waits = None
    if isgenerator(waits):
        _running.append(Run(step, waits))
    else:
        _leave(step)


def _leave(step: Step) -> None:
    step.end()
    slicer.util.exit(1 if step.problems else 0)
