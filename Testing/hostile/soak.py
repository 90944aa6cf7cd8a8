"""Hours of use in a few minutes: ``python3 Testing/dev.py soak --minutes N``.

A browser connects, lists, fetches, cancels, is sent streams, plans and damaged messages, loses its
connection, deletes what it has, and leaves; again and again. Memory, open files, threads and nodes
must be the same at the end as after the first tenth of the time. Exit code 0 means that they are.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import slicer

from helpers.patience import Patience
from helpers.peers import (
    PATIENCE,
    ServerInThread,
    open_descriptors,
)
from hostile.conversation import IMAGES, TIMEOUTS, Archive, browse, is_done
from hostile.fault_proxy import FaultProxy
from hostile.soak_peers import ROUNDS_OF_FAULTS, fault_of_connection, streaming
from IGTLMetaBrowserLib.browser.browser import Browser

MODULE = Path(__file__).resolve().parents[2] / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
# What Python and VTK keep for the next time differs by some MiB from one moment to the next.
MEMORY_TOLERANCE = 8.0


@dataclass(frozen=True)
class State:
    """What a process has: MiB of memory, and numbers of other things."""

    mebibytes: float
    descriptors: int
    threads: int
    nodes: int
    objects: int

    def __str__(self) -> str:
        numbers = zip(fields(self), astuple(self), strict=True)
        return ", ".join(f"{number:,.6g} {field.name}" for field, number in numbers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Use a browser for so long; return the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15, help="how long; 15 if not given")
    parser.add_argument("--window", action="store_true", help="with the module's window")
    options = parser.parse_args(arguments)
    if options.minutes <= 0:
        parser.error("--minutes must be above 0")
    if options.window:
        return soak_window(options.minutes * 60)
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
    return soak(options.minutes * 60, scene, one_round)


def soak_window(seconds: float) -> int:
    """Use the module in its window, in the stand-in for Slicer."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import slicerhost

    host = slicerhost.start()
    import qt

    # Qt keeps up to 10 MiB of pixmaps, which would take the whole time to be filled.
    qt.QPixmapCache.setCacheLimit(0)
    module = slicerhost.load_module(MODULE)
    browser = module.widget.logic.browser
    try:
        module.show(1100, 960)
        return soak(seconds, host.mrmlScene, partial(one_window_round, browser))
    finally:
        module.cleanup()


def soak(seconds: float, scene: Any, do_round: Callable[[Any, int, int], None]) -> int:
    """Do rounds for so many seconds; return 1 if something grows."""
    archive = Archive()
    growth = Growth(seconds, scene)
    with (
        ServerInThread(archive, is_waited_for=False) as server,
        FaultProxy(server.port, fault_of_connection) as proxy,
        streaming() as stream_port,
    ):
        while not growth.is_over:
            do_round(scene, proxy.port, stream_port)
            archive.received.clear()
            growth.on_round()
        growing = growth.found()
    return 1 if growing else 0


class Growth:
    """What there was after the first tenth of ``seconds``, and what there is more of at the end.

    ``mebibytes_a_round`` are those that the program itself keeps of each scene that is closed.
    """

    def __init__(self, seconds: float, scene: Any, mebibytes_a_round: float = 0.0) -> None:
        self.rounds = 0
        self._mebibytes_a_round = mebibytes_a_round
        self._rounds_before = 0
        self._seconds = seconds
        self._scene = scene
        self._begin = time.monotonic()
        self._first: State | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is up, and something can be compared."""
        return time.monotonic() > self._begin + self._seconds and self._first is not None

    def on_round(self) -> None:
        """A round has ended."""
        self.rounds += 1
        is_warm = self.rounds >= len(ROUNDS_OF_FAULTS)
        is_due = time.monotonic() > self._begin + self._seconds / 10
        if self._first is None and is_warm and is_due:
            self._first, self._rounds_before = self._state(), self.rounds

    def found(self) -> list[str]:
        """Return in words what there is more of now, when ``is_over``; print all."""
        assert self._first is not None
        rounds = self.rounds - self._rounds_before
        patience = Patience(PATIENCE)
        # The peers' threads may be about to close those of the last round, and to end.
        while not patience.is_over and (
            open_descriptors() > self._first.descriptors
            or threading.active_count() > self._first.threads
        ):
            time.sleep(0.01)
        growing = grown(self._first, self._state(), rounds * self._mebibytes_a_round)
        print(f"grown: {', '.join(growing)}" if growing else "nothing has grown", flush=True)
        return growing

    def _state(self) -> State:
        state = state_of(self._scene)
        print(f"after {self.rounds} rounds: {state}", flush=True)
        return state


def one_round(scene: Any, port: int, stream_port: int) -> None:
    """Use a browser as in a short session."""
    browser = Browser(scene)
    try:
        browse(browser, port)
        browser.disconnect()
        browser.connect("127.0.0.1", stream_port)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            browser.wait_and_step()
        browser.disconnect()
    finally:
        browser.close()
    scene.Clear(0)


def one_window_round(browser: Any, scene: Any, port: int, stream_port: int) -> None:
    """Do the same with the window's browser, which the window steps."""
    browser.connect("127.0.0.1", port, reconnect_delays=(0.005,), **TIMEOUTS)
    parts = (
        browser.images.request_list,
        lambda: browser.request_images(IMAGES),
        browser.trajectories.request,
    )
    for part in parts:
        if browser.connection.has_server:
            part()
        wait_in_window(lambda: not browser.connection.has_server or is_done(browser))
    browser.disconnect()
    browser.connect("127.0.0.1", stream_port)
    wait_in_window(lambda: bool(browser.images.live.states))
    browser.disconnect()
    scene.Clear(0)


def wait_in_window(condition: Callable[[], bool]) -> None:
    """Let Qt's event loop run until the condition holds. Raises AssertionError if it does not."""
    import slicerhost

    patience = Patience(PATIENCE)
    slicerhost.wait_until(lambda: condition() or patience.is_over, math.inf, "the end of a round")
    assert condition(), "a round does not end"


def state_of(scene: Any) -> State:
    """Return what the process has now."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    return State(
        resident / (1 << 20),
        open_descriptors(),
        threading.active_count(),
        scene.GetNumberOfNodes(),
        len(gc.get_objects()),
    )


def grown(first: State, last: State, expected_mebibytes: float = 0.0) -> list[str]:
    """Return in words what there is more of at the end, beyond what is expected."""
    problems = []
    tolerances = {
        "mebibytes": MEMORY_TOLERANCE + expected_mebibytes,
        "objects": first.objects / 100,
    }
    for field, before, now in zip(fields(first), astuple(first), astuple(last), strict=True):
        if now > before + tolerances.get(field.name, 0):
            problems.append(f"{field.name} from {before:,.6g} to {now:,.6g}")
    return problems


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
