"""What trajectories cost: making, moving and leaving them, some at a time as the window does.

Measured in slicer-core, without views: no rendering, no Qt plugins of the subject hierarchy. In a
real Slicer a line takes 10 to 15 ms to make and 3 to 5 ms to move (four views, rendering blocked).
So this shows what our own code adds, and that what did not change costs nothing. Run it with
``python3 Testing/dev.py bench trajectories``.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import slicer
from rich.console import Console
from rich.table import Table

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet

ROUNDS = 7
GROUPS = ("Electrodes", "Biopsies", "Drains")

Items = Sequence[codec.TrajectoryItem]


@dataclass
class Measured:
    """What one answer took, in seconds: taking it, all steps, and the longest of these."""

    taking: float
    all_steps: float
    longest_step: float


def answer(count: int, moved: int = 0) -> Items:
    """Return an answer as it comes over the wire; ``moved`` of its lines end 1 mm farther."""
    items = [
        codec.TrajectoryItem(
            name=f"Trajectory {number}",
            group=GROUPS[number % len(GROUPS)],
            entry=(number % 100, number / 100, 80.0),
            target=(0.0, 1.0 if number < moved else 0.0, number % 50),
            diameter=1.3,
            owner="IMAGE_0",
        )
        for number in range(count)
    ]
    return codec.unpack(codec.pack(codec.TrajectoryMessage(items))).items


def new_set(*before: Items) -> TrajectorySet:
    """Return trajectories that are next to an image in an otherwise empty scene."""
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
    image = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")
    trajectories = TrajectorySet(scene, lambda image_id: image)
    for items in before:
        trajectories.receive(items)
        trajectories.finish()
    return trajectories


def measure(trajectories: TrajectorySet, items: Items) -> Measured:
    """Bring an answer into the scene, some trajectories a step."""
    begin = time.perf_counter()
    trajectories.receive(items)
    taken = time.perf_counter()
    steps, is_done = [0.0], False
    while not is_done:
        step_begin = time.perf_counter()
        is_done = trajectories.step()
        steps.append(time.perf_counter() - step_begin)
    return Measured(taken - begin, sum(steps), max(steps))


def median(prepare: Callable[[], TrajectorySet], items: Items) -> Measured:
    """Measure an answer to trajectories as ``prepare`` makes them, each time anew."""
    rounds = [measure(prepare(), items) for _ in range(ROUNDS)]
    return Measured(
        *(
            statistics.median(getattr(one, name) for one in rounds)
            for name in ("taking", "all_steps", "longest_step")
        )
    )


def main() -> int:
    """Print the table; return 0."""
    hundred, many = answer(100), answer(10_000)
    cases = {
        "100 lines made": (new_set, hundred),
        "100 lines moved": (lambda: new_set(hundred), answer(100, moved=100)),
        "20 of 100 lines moved": (lambda: new_set(hundred), answer(100, moved=20)),
        "100 lines, nothing changed": (lambda: new_set(hundred), answer(100)),
        "10,000 items, 200 lines made": (new_set, many),
        "10,000 items, nothing changed": (lambda: new_set(many), answer(10_000)),
    }
    table = Table("ms", "taking the answer", "all steps", "longest step")
    for name, (prepare, items) in cases.items():
        one = median(prepare, items)
        numbers = (one.taking, one.all_steps, one.longest_step)
        table.add_row(name, *(f"{1000 * number:.2f}" for number in numbers))
    console = Console(highlight=False)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {ROUNDS} turns in slicer-core, without views; {os.cpu_count()} processors"
        f"{load}; Python {platform.python_version()}"
    )
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
