"""What all contests share: taking turns, medians, and the table that is printed."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from IGTLMetaBrowserLib import codec

ROUNDS = 7

# The module, whose name in the package is hidden by the function.
crc64_module = sys.modules[codec.Crc64.__module__]
HAS_FASTCRC = crc64_module._fastcrc is not None

# Each does its work once and returns what it took: seconds, or bytes.
Contestants = dict[str, Callable[[], float]]

NUMPY_ONLY = "codec, numpy only"
FASTCRC = "codec, fastcrc"


@dataclass(frozen=True)
class Requirement:
    """What one contestant must reach, beside another: a factor of its time, or of its speed.

    ``at_most``: its time, of the other's. ``times_as_fast``: at least so many times its speed.
    """

    who: str
    beside: str
    at_most: float | None = None
    times_as_fast: float | None = None

    def lines(self, results: dict[str, float]) -> tuple[str, str, bool] | None:
        """Return what is required, what was measured and whether that is enough."""
        if self.who not in results or self.beside not in results:
            return None
        ratio = results[self.who] / results[self.beside]
        if self.at_most is not None:
            return f"≤ {self.at_most:g} × {self.beside}", f"{ratio:.3g} ×", ratio <= self.at_most
        speed = 1 / ratio
        required = f"≥ {self.times_as_fast:g} × as fast as {self.beside}"
        return required, f"{speed:.3g} ×", speed >= (self.times_as_fast or 0)


@dataclass
class Contest:
    """A kind of work, who does it, and what must be reached.

    ``pieces`` and ``unit`` say what one turn goes through: 157 MB, or 5,000 messages.
    """

    title: str
    contestants: Contestants
    pieces: float
    unit: str
    requirements: list[Requirement] = field(default_factory=list)


@contextmanager
def numpy_only() -> Iterator[None]:
    """Run the codec as if fastcrc were not installed."""
    fastcrc = crc64_module._fastcrc
    crc64_module._fastcrc = None
    try:
        yield
    finally:
        crc64_module._fastcrc = fastcrc


def both_ways(run: Callable[[], float]) -> Contestants:
    """Return ``run`` as it is where fastcrc is not installed, and with it where it is."""

    def run_without() -> float:
        with numpy_only():
            return run()

    return {NUMPY_ONLY: run_without, **({FASTCRC: run} if HAS_FASTCRC else {})}


def seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def cpp_seconds(program: Path, *arguments: object) -> float:
    """Return what the C++ program measured: the seconds of one run."""
    command = [program, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return float(result.stdout)


def medians(contestants: Contestants, rounds: int = ROUNDS) -> dict[str, float]:
    """Let all take turns; return the median of each. The first turn does not count."""
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            value = run()
            if turn:
                values[name].append(value)
    return {name: statistics.median(taken) for name, taken in values.items()}


def hold(console: Console, contest: Contest, rounds: int = ROUNDS) -> bool:
    """Hold a contest and print its table; return whether all that is required was reached."""
    results = medians(contest.contestants, rounds)
    first = next(iter(results.values()))
    table = Table(title=contest.title, title_justify="left", title_style="bold")
    table.add_column("")
    for heading in ("time", f"{contest.unit}/s", "of the first's time"):
        table.add_column(heading, justify="right")
    for name, taken in results.items():
        rate = f"{contest.pieces / taken:,.0f}"
        table.add_row(name, time_text(taken), rate, f"{taken / first:.3g}")
    console.print(table)
    verdicts = [requirement.lines(results) for requirement in contest.requirements]
    for requirement, verdict in zip(contest.requirements, verdicts, strict=True):
        if verdict is not None:
            print_verdict(console, requirement.who, *verdict)
    console.print()
    return all(verdict is None or verdict[2] for verdict in verdicts)


def print_verdict(console: Console, who: str, required: str, measured: str, is_met: bool) -> None:
    """Print a line under a table: what was required, and what was measured."""
    word = "[green]reached[/green]" if is_met else "[red]NOT REACHED[/red]"
    console.print(f"  {who}: required {required}; measured {measured}: {word}", highlight=False)


def time_text(taken: float) -> str:
    """Return seconds as a reader wants them."""
    if taken >= 0.1:
        return f"{taken:.3f} s"
    return f"{taken * 1e3:.2f} ms" if taken >= 1e-3 else f"{taken * 1e6:.2f} µs"
