"""Takes the pictures of the module's panel in each state, narrow and wide.

    .venv/bin/python Testing/helpers/screenshots.py

They go to ``demo-output/panel``: look at them after each change of the panel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import slicerhost
from helpers.clinic import Clinic, clinic_server
from helpers.long_lists import LongListSource
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.sources.demo import DemoSource

TOP = Path(__file__).parents[2]
OUTPUT = TOP / "demo-output" / "panel"
MODULE = TOP / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
WIDTHS = (400, 900)
HEIGHT = 585  # what remains for the panel in a main window of 900 pixels
PATIENCE = 60


class Ward:
    """The images of three patients; one of them cannot be read."""

    broken = "SER_0004"

    def __init__(self) -> None:
        rows = (
            ("CT head, native", "CT", "Lindqvist^Astrid", "W-1021", (512, 512, 300)),
            ("CT head, contrast", "CT", "Lindqvist^Astrid", "W-1021", (512, 512, 300)),
            ("MR head T1 MPRAGE", "MR", "Lindqvist^Astrid", "W-1021", (256, 256, 192)),
            ("MR head T2 FLAIR", "MR", "Lindqvist^Astrid", "W-1021", (256, 256, 192)),
            ("PET whole body", "PT", "Müller^Jörg", "W-0877", (200, 200, 326)),
            ("CT thorax", "CT", "Müller^Jörg", "W-0877", (512, 512, 280)),
            ("Ultrasound liver", "US", "Kowalska^Zofia", "W-1130", (320, 240, 120)),
        )
        self.entries = [
            codec.ImageMetaItem(
                name=name,
                id=f"SER_{number:04}",
                modality=modality,
                patient_name=patient_name,
                patient_id=patient_id,
                scan_time=codec.Timestamp.from_seconds(1.7312e9 + 86_000 * number),
                size=size,
                scalar_type=codec.ScalarType.INT16,
            )
            for number, (name, modality, patient_name, patient_id, size) in enumerate(rows, 1)
        ]

    def images(self) -> list[codec.ImageMetaItem]:
        return self.entries

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == self.broken:
            raise net.SourceError("slice 7 of the series is missing")
        (entry,) = (entry for entry in self.entries if entry.id == image_id)
        return codec.ImageMessage(np.zeros(entry.size[::-1], np.int16))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


class Photographer:
    """Brings the panel into a state, and takes a picture of it in each width."""

    def __init__(self, module: slicerhost.LoadedModule, folder: Path) -> None:
        self._module = module
        self._folder = folder

    @property
    def ui(self) -> Any:
        return self._module.widget.ui

    @property
    def browser(self) -> Any:
        return self._module.widget.logic.browser

    def take_all(self) -> None:
        self.take("empty")
        self.with_a_ward()
        self.with_a_server_that_is_gone()
        self.with_a_long_list()
        self.with_trajectories()
        self.with_details()
        self.with_advanced_settings()

    def with_a_ward(self) -> None:
        with self.connected(Ward()):
            self.take("connected")
            self.select_rows(0, 1, 4)
            self.ui.loadButton.click()
            self.wait(lambda: self.fraction_of("SER_0002") > 0.3, "a part of the second image")
            self.select_rows(2)
            with self.held():
                self.take("loading")
            self.wait_until_idle()
            self.select_rows(3)
            self.ui.loadButton.click()
            self.wait_until_idle()
            self.select_rows(2)
            self.take("failed")

    def with_a_server_that_is_gone(self) -> None:
        with self.connected(Ward(), leaves_server=False):
            pass
        self.wait(
            lambda: self.browser.connection.next_attempt is not None, "the loss of the connection"
        )
        self.take("lost")
        self.browser.disconnect()

    def with_a_long_list(self) -> None:
        with self.connected(LongListSource(100_000)):
            self.take("long-list")
            self.ui.filterLineEdit.text = "müller liver"
            self.wait(lambda: " of " in self.ui.countLabel.text, "the filter")
            self.take("filtered")
            self.ui.filterLineEdit.text = ""
            self.wait(lambda: " of " not in self.ui.countLabel.text, "all images")

    def with_trajectories(self) -> None:
        with self.connected(DemoSource()):
            self.ui.trajectoriesButton.click()
            self.wait(lambda: "are shown" in self.ui.statusLabel.text, "the trajectories")
            self.select_rows(1, view=self.ui.trajectoryTableView)
            self.take("trajectories")
            self.ui.groupCheckBox.click()
            self.take("by-patient")
            self.ui.groupCheckBox.click()

    def with_details(self) -> None:
        """A CT that was loaded and calibrated; then the same with its patient hidden."""
        with clinic_server(Clinic()) as server, self.connected_to(server):
            self.ui.trajectoriesCollapsibleButton.collapsed = True
            self.ui.detailsCollapsibleButton.collapsed = False
            self.select_rows(0)
            self.ui.loadButton.click()
            self.wait_until_idle()
            self.ui.spacingLineEdit.text = "0.5 0.5"
            self.ui.calibrateButton.click()
            details = self._module.widget.panel.images.details.model
            self.wait(
                lambda: "calibrated" in details.lines(range(details.rowCount())), "the details"
            )
            self.take("details")
            self.ui.detailsSearchLineEdit.text = "spacing"
            self.take("calibrated")
            self.ui.detailsSearchLineEdit.text = "patient"
            self.ui.hidePatientsCheckBox.click()
            self.take("hidden-patients")
            self.ui.hidePatientsCheckBox.click()
            self.ui.detailsCollapsibleButton.collapsed = True

    def with_advanced_settings(self) -> None:
        self.ui.advancedCollapsibleButton.collapsed = False
        self.take("advanced")
        self.ui.advancedCollapsibleButton.collapsed = True

    @contextmanager
    def connected(self, source: net.Source, leaves_server: bool = True) -> Iterator[None]:
        with ServerInThread(source) as server, self.connected_to(server, leaves_server):
            yield

    @contextmanager
    def connected_to(self, server: Any, leaves_server: bool = True) -> Iterator[None]:
        self.ui.hostLineEdit.text = server.host
        self.ui.portSpinBox.value = server.port
        self.ui.connectButton.click()
        self.wait(lambda: self.browser.images.listing.listed_at is not None, "the list")
        yield
        if leaves_server:
            self.browser.disconnect()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing arrive, so that the picture shows this moment."""
        step = self.browser.step
        self.browser.step = lambda: None
        yield
        self.browser.step = step

    def fraction_of(self, image_id: str) -> float:
        transfer = self.browser.images.downloads.transfer
        if transfer is None or transfer.image_id != image_id or not transfer.size:
            return 0.0
        return transfer.received / transfer.size

    def select_rows(self, *rows: int, view: Any = None) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        view, modifier = view or self.ui.imageTableView, Qt.NoModifier
        for row in rows:
            point = view.visualRect(view.model().index(row, 1)).center()
            QTest.mouseClick(view.viewport(), Qt.LeftButton, modifier, point)
            modifier = Qt.ControlModifier

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        slicerhost.wait_until(condition, PATIENCE, what)

    def wait_until_idle(self) -> None:
        images, events = self.browser.images, self._module.widget.panel.events
        self.wait(
            lambda: images.downloads.transfer is None and events.isUpToDate,
            "the end of the transfer",
        )

    def take(self, state: str, height: int = HEIGHT) -> None:
        for width in WIDTHS:
            self._module.show(width, height)
            self.wait(lambda: True, "the event loop")
            slicerhost.screenshot(self._module.window, self._folder / f"panel-{state}-{width}.png")


def main() -> int:
    """Take all pictures and return the exit code."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["LC_ALL"] = "en_GB.UTF-8"  # dates and numbers are the same on all machines
    slicerhost.start()
    module = slicerhost.load_module(MODULE)
    try:
        OUTPUT.mkdir(parents=True, exist_ok=True)
        Photographer(module, OUTPUT).take_all()
    finally:
        module.cleanup()
    print(f"The pictures are in {OUTPUT.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
