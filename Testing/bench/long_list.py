"""A list of 100,000 images in the window: how long until it is shown, filtered and sorted.

All times end when the table is painted. Before each of them the list, the filter and the order are
as they were. What is printed are medians, and what is required; it exits with 1 where something
was not reached. Run it with ``python3 Testing/dev.py bench long_list``.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import slicerhost
from helpers.long_lists import make_long_list
from IGTLMetaBrowserLib import codec

TESTING = Path(__file__).resolve().parents[1]
MODULE = TESTING.parent / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
IMAGES = 100_000
PACK = "--pack"
ROUNDS = 7
MOST_MEGABYTES = 200.0
SHOWN_SECONDS, ANSWERED_SECONDS = 1.0, 0.3
COLUMNS = ("Name", "State", "Modality", "Patient", "Patient id", "Scan time", "Size", "Type", "Id")
FILTERS = {
    "first letter of a filter": "m",
    "filter that leaves few": "müller liver 77",
    "filter that leaves none": "no such image",
}


class Window:
    """The module's panel, connected to nothing, with a list put into its browser."""

    def __init__(self) -> None:
        self.module = slicerhost.load_module(MODULE)
        self.module.show(900, 700)
        self.panel = self.module.widget.panel
        self.ui = self.panel.ui
        self.message = b""

    def receive(self) -> None:
        """Let the list arrive, from the bytes of the message to the painted table."""
        message, browser = codec.unpack(self.message), self.panel.browser
        for _ in browser.metadata.prepare(message):
            pass
        browser.images.on_list(message)
        self.paint()

    def filter(self, text: str) -> None:
        """Filter as when the pause after the last key is over."""
        self.ui.filterLineEdit.text = text
        self.panel.images.filter.apply()
        self.arrange()
        self.paint()

    def sort(self, column: int) -> None:
        self.panel.images._onHeaderClicked(column)
        self.arrange()
        self.paint()

    def unsort(self) -> None:
        self.panel.images.unsort()
        self.arrange()

    def arrange(self) -> None:
        """Have all turns of a long list at once, until the rows are those that are to be shown."""
        while self.panel.model.isArranging:
            self.panel.model.arrangeOn(1.0)

    def select_all(self) -> None:
        self.panel.images.selectAll()
        self.paint()

    def paint(self) -> None:
        self.ui.imageTableView.viewport().repaint()


def packed_list() -> bytes:
    """Return the message with the list; made in a process of its own, which needs more memory."""
    command = [sys.executable, __file__, PACK]
    return subprocess.run(command, capture_output=True, check=True).stdout


def seconds(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median(action: Callable[[], None], prepare: Callable[[], None]) -> float:
    """Return the median of some turns; the first is not timed."""
    times = []
    for turn in range(ROUNDS + 1):
        prepare()
        taken = seconds(action)
        if turn:
            times.append(taken)
    return statistics.median(times)


def first_filter(window: Window) -> float:
    """Return the seconds of the first filter of a new list, which prepares its texts."""
    return median(lambda: window.filter("müller"), lambda: renew(window))


def renew(window: Window) -> None:
    window.filter("")
    window.receive()


def measure(window: Window) -> list[tuple[str, float, float]]:
    """Return what was measured: a name, the median in seconds, and the limit."""
    rows = [("shown after its arrival", median(window.receive, lambda: None), SHOWN_SECONDS)]
    rows.append(("first filter of a list", first_filter(window), ANSWERED_SECONDS))
    for name, text in FILTERS.items():
        taken = median(lambda text=text: window.filter(text), lambda: window.filter(""))
        rows.append((name, taken, ANSWERED_SECONDS))
    taken = median(lambda: window.filter(""), lambda: window.filter("müller"))
    rows.append(("filter cleared", taken, ANSWERED_SECONDS))
    for column, name in enumerate(COLUMNS):
        taken = median(lambda column=column: window.sort(column), window.unsort)
        rows.append((f"sorted by {name}", taken, ANSWERED_SECONDS))
    window.unsort()
    window.select_all()
    taken = median(lambda: window.sort(0), window.unsort)
    rows.append(("sorted by Name, all selected", taken, ANSWERED_SECONDS))
    return rows


def peak_megabytes() -> float:
    """Return the most memory that this process has had, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def show(console: Console, rows: list[tuple[str, float, float]], megabytes: float) -> bool:
    """Print the table; return whether all that is required was reached."""
    table = Table(title=f"{IMAGES:,} images in the window", title_justify="left")
    table.add_column("")
    for heading in ("median", "required", "of that"):
        table.add_column(heading, justify="right")
    for name, taken, limit in rows:
        table.add_row(
            name, f"{taken * 1000:.0f} ms", f"≤ {limit * 1000:.0f} ms", f"{taken / limit:.2f} ×"
        )
    table.add_row(
        "memory for the list, at its peak",
        f"{megabytes:.0f} MB",
        f"≤ {MOST_MEGABYTES:.0f} MB",
        f"{megabytes / MOST_MEGABYTES:.2f} ×",
    )
    console.print(table)
    return megabytes <= MOST_MEGABYTES and all(taken <= limit for _, taken, limit in rows)


def main() -> int:
    """Measure, and return 0 where all that is required was reached."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    console = Console()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(
        f"Medians of {ROUNDS} turns; {os.cpu_count()} processors{load}; "
        f"Python {platform.python_version()}, numpy {np.__version__}",
        highlight=False,
    )
    slicerhost.start()
    window = Window()
    try:
        before = peak_megabytes()
        window.message = packed_list()
        window.receive()
        rows = measure(window)
        reached = show(console, rows, peak_megabytes() - before)
    finally:
        window.module.cleanup()
    return 0 if reached else 1


if __name__ == "__main__":
    if sys.argv[1:] == [PACK]:
        sys.stdout.buffer.write(codec.pack(codec.ImageMetaMessage(items=make_long_list(IMAGES))))
        sys.exit(0)
    sys.exit(main())
