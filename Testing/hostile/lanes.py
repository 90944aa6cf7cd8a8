"""Conversations side by side in one process, as most of a conversation with a fault is waiting."""

from __future__ import annotations

import queue
import tempfile
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.patience import HangError, Patience
from hostile.conversation import SECONDS
from hostile.fault_proxy import Fault
from hostile.rig import WAYS, Rig

SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a conversation with a fault ended.

    ``end`` is "complete", "words" (all that failed did so with an error in words), "WRONG", "HANG",
    or "no fault": it ended before the byte of the fault, so nothing was tried.
    """

    fault: Fault
    end: str
    problem: str = ""


class Lane(threading.Thread):
    """Has conversations one after the other with a rig of its own, as long as faults are left."""

    def __init__(
        self,
        way: str,
        left: queue.SimpleQueue[Fault],
        found: queue.SimpleQueue[Outcome | BaseException],
    ) -> None:
        super().__init__(daemon=True)  # one that hangs must not keep the process
        self._way, self._left, self._found = way, left, found
        self._current: tuple[Fault, Patience] | None = None

    def run(self) -> None:
        """Try faults until none is left; an error of the rig itself is handed over, too."""
        try:
            with tempfile.TemporaryDirectory() as folder, Rig(self._way, Path(folder)) as rig:
                while True:
                    fault = self._left.get_nowait()
                    # A blocking call that never returns is noticed from outside.
                    self._current = fault, Patience(2 * SECONDS)
                    outcome = try_one(rig, fault)
                    self._current = None
                    self._found.put(outcome)
        except queue.Empty:
            pass
        except BaseException as error:
            self._found.put(error)

    def hanging(self) -> Fault | None:
        """Return the fault whose conversation does not come back, if there is one."""
        current = self._current
        return current[0] if current is not None and current[1].is_over else None


def try_one(rig: Rig, fault: Fault) -> Outcome:
    """Have one conversation; return how it ended."""
    try:
        words = rig.try_one(fault)
    except HangError:
        return Outcome(fault, "HANG", traceback.format_exc())
    except BaseException:
        return Outcome(fault, "WRONG", traceback.format_exc())
    if not rig.has_done_fault:
        return Outcome(fault, "no fault")
    return Outcome(fault, "words" if words else "complete")


def try_some(way: str, faults: Sequence[Fault], at_once: int) -> list[Outcome]:
    """Try faults in this process, ``at_once`` at the same time; return how they ended."""
    with WAYS[way].use():
        return _try_some(way, faults, at_once)


def _try_some(way: str, faults: Sequence[Fault], at_once: int) -> list[Outcome]:
    left: queue.SimpleQueue[Fault] = queue.SimpleQueue()
    found: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    for fault in faults:
        left.put(fault)
    lanes: list[Lane] = []
    outcomes: dict[Fault, Outcome] = {}
    while len(outcomes) < len(faults):
        while len(lanes) < at_once:
            lanes.append(Lane(way, left, found))
            lanes[-1].start()
        try:
            outcome = found.get(timeout=SECONDS_BETWEEN_LOOKS)
        except queue.Empty:
            for lane in list(lanes):
                if (fault := lane.hanging()) is not None:
                    lanes.remove(lane)
                    outcomes[fault] = Outcome(fault, "HANG", "a call did not return")
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        outcomes.setdefault(outcome.fault, outcome)
    for lane in lanes:
        lane.join()
    while not found.empty():  # what ended a server is known when its rig is left
        if isinstance(error := found.get(), BaseException):
            raise error
    return list(outcomes.values())
