"""Does the window stay alive while images arrive? ``python3 Testing/dev.py bench window``

A server in another process sends ten images of 157 MB, every other one with big-endian pixels, to
the module in the stand-in for Slicer. Meanwhile a timer of 5 ms in the same event loop, the
heartbeat, notes how long it was kept waiting. The beat in which an image is put into the scene is
counted by itself. Then the same for the demo endpoint, which is in the same event loop too.

Checksums are taken with numpy alone, as in Slicer. The stand-in has no views: what drawing takes is
not in these figures. Other programs on the same machine are: the last column, the processor time
that this one used, tells them apart. Exit code 1 where a figure is not as required.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import slicerhost
from IGTLMetaBrowserLib import codec, net

MODULE = Path(__file__).resolve().parents[2] / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
IMAGES = 10
SIZE = (512, 512, 300)  # i, j, k: 157 MB of uint16
HEARTBEAT_MS = 5
PATIENCE_SECONDS = 120


# The server, in its own process ------------------------------------------------------------------


class LargeImages:
    """Ten images that share their pixels; those with odd numbers are sent as big-endian."""

    def __init__(self) -> None:
        self._pixels = np.arange(np.prod(SIZE), dtype=np.uint32).astype(np.uint16)
        self._pixels = self._pixels.reshape(SIZE[::-1])

    def images(self) -> list[codec.ImageMetaItem]:
        return [
            codec.ImageMetaItem(
                name=f"Image {number}",
                id=f"IMAGE_{number}",
                modality="MR",
                patient_name="Bench",
                size=SIZE,
                scalar_type=codec.ScalarType.UINT16,
            )
            for number in range(IMAGES)
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        big_endian = int(image_id.removeprefix("IMAGE_")) % 2 == 1
        return codec.ImageMessage(self._pixels, big_endian=big_endian)

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


def serve() -> None:
    """Serve until the process is ended; print the port first."""
    with net.Server(LargeImages(), port=0) as server:
        print(server.port, flush=True)
        server.serve_forever()


@contextmanager
def server_process() -> Iterator[int]:
    """Run the server; yield its port."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


# The heartbeat -----------------------------------------------------------------------------------


class Gap(NamedTuple):
    """The milliseconds from one beat to the next, and how long the processor worked for them."""

    duration: float
    own_time: float


@dataclass
class Heartbeat:
    """A timer in Qt's event loop that notes what lies between each beat and the next."""

    gaps: list[Gap] = field(default_factory=list)
    scene_gaps: list[Gap] = field(default_factory=list)
    """Those in which an image was put into the scene."""

    def __post_init__(self) -> None:
        import qt

        self._timer = qt.QTimer()
        self._timer.setTimerType(qt.Qt.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)
        self._last = (0.0, 0.0)
        self._is_scene = False

    def start(self) -> None:
        self._last = _clocks()
        self._timer.start(HEARTBEAT_MS)

    def stop(self) -> None:
        self._timer.stop()

    def on_image_loaded(self, _event: Any) -> None:
        """The beat that is under way is one with an image."""
        self._is_scene = True

    def _on_beat(self) -> None:
        now = _clocks()
        gap = Gap(*(1000 * (end - begin) for begin, end in zip(self._last, now, strict=True)))
        (self.scene_gaps if self._is_scene else self.gaps).append(gap)
        self._last, self._is_scene = now, False


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


# What is measured --------------------------------------------------------------------------------


def load_images(module: slicerhost.LoadedModule, port: int) -> tuple[Heartbeat, float]:
    """Load all images of a server; return the heartbeat and the seconds that it took."""
    from IGTLMetaBrowserLib.browser.events import ImageLoaded

    logic = module.widget.logic
    heartbeat = Heartbeat()
    logic.addObserver(ImageLoaded, heartbeat.on_image_loaded)
    logic.browser.connect("127.0.0.1", port)
    slicerhost.wait_until(
        lambda: len(logic.browser.images.listing.entries) > 0, PATIENCE_SECONDS, "the list"
    )
    ids = [entry.id for entry in logic.browser.images.listing.entries]
    heartbeat.start()
    begin = time.perf_counter()
    logic.browser.request_images(ids)
    slicerhost.wait_until(
        lambda: all(logic.browser.images.node(image_id) for image_id in ids),
        PATIENCE_SECONDS,
        "images",
    )
    seconds = time.perf_counter() - begin
    heartbeat.stop()
    logic.removeObserver(heartbeat.on_image_loaded)
    logic.browser.disconnect()
    return heartbeat, seconds


def press_demo(module: slicerhost.LoadedModule) -> Gap:
    """Press the button; return the time until it gives the event loop back."""
    begin = _clocks()
    module.widget.ui.demoButton.click()
    return Gap(*(1000 * (now - before) for before, now in zip(begin, _clocks(), strict=True)))


class Figure(NamedTuple):
    """One line of a table, in milliseconds."""

    name: str
    required: float
    measured: Gap


def figures(heartbeat: Heartbeat) -> list[Figure]:
    """Return what is required of a heartbeat, and what it was."""
    gaps, scene_gaps = np.array(heartbeat.gaps), np.array(heartbeat.scene_gaps)
    return [
        Figure("longest gap", 50, Gap(*gaps.max(axis=0))),
        Figure("99 % of the gaps", 16, Gap(*np.percentile(gaps, 99, axis=0))),
        Figure("half of the gaps", 16, Gap(*np.percentile(gaps, 50, axis=0))),
        Figure("longest with an image put into the scene", 100, Gap(*scene_gaps.max(axis=0))),
    ]


def show(title: str, lines: list[Figure]) -> bool:
    """Print measured beside required figures; return whether all are as required."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for heading in ("required", "measured", "own processor time"):
        table.add_column(heading, justify="right")
    for name, required, (duration, own_time) in lines:
        style = None if duration < required else "bold red"
        numbers = f"< {required:g} ms", f"{duration:.1f} ms", f"{own_time:.1f} ms"
        table.add_row(name, *numbers, style=style)
    Console().print(table)
    return all(line.measured.duration < line.required for line in lines)


def main() -> int:
    """Measure, print the tables, and return the exit code."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{os.cpu_count()} processors{load}")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # The module, whose name in the package is hidden by the function.
    sys.modules[codec.Crc64.__module__]._fastcrc = None
    slicerhost.start()
    module = slicerhost.load_module(MODULE)
    module.show()
    try:
        with server_process() as port:
            heartbeat, seconds = load_images(module, port)
        megabytes = IMAGES * 2 * np.prod(SIZE) / 1e6
        title = (
            f"{IMAGES} images of {megabytes / IMAGES:.0f} MB in {seconds:.1f} s "
            f"({megabytes / seconds:.0f} MB/s), {len(heartbeat.gaps)} beats of {HEARTBEAT_MS} ms"
        )
        are_good = show(title, figures(heartbeat))
        click = press_demo(module)
        heartbeat, seconds = load_images(module, module.widget.logic.startDemo()[1])
        title = f"3 images of the demo endpoint, computed and loaded in {seconds:.1f} s"
        are_good &= show(title, [Figure("the click on Demo", 50, click), *figures(heartbeat)])
    finally:
        module.cleanup()
    return 0 if are_good else 1


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["serve"] else main())
