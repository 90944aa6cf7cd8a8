"""The main job, end to end: ``python3 Testing/dev.py demo``.

Writes a head phantom as DICOM series beside pydicom's own test files, serves the folder with
``igtlmeta serve`` on a free loopback port, opens the Slicer module in the stand-in, and does with
it what a user does: type the address, connect, select images, load them, get the trajectories.
Exit code 0 means that every step happened. ``demo-output`` then holds two pictures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import slicerhost
from IGTLMetaBrowserLib import net

TOP = Path(__file__).parents[1]
OUTPUT = TOP / "demo-output"
MODULE = TOP / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
IMAGES_TO_LOAD = ("CT head", "MR head")
PATIENT_ID = "DEMO-0001"
TIMEOUT_SECONDS = 60
PRINTED_ROWS = 12


def main() -> int:
    """Run the demo and return the exit code."""
    OUTPUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="igtlmetabrowser-") as folder:
        _say("Writing the phantom as DICOM, beside pydicom's test files. Many of those are not")
        _say("images, or are damaged on purpose: the server says which it does not offer.")
        _write_folder(Path(folder))
        with serving(folder) as (_, port):
            _browse(port)
    _say(f"Done. Look at the pictures in {OUTPUT.relative_to(TOP)}/")
    return 0


def _write_folder(folder: Path) -> None:
    from helpers.demo_dicom import write_demo_folder

    write_demo_folder(folder)


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, int]]:
    """Serve with the command ``igtlmeta serve``, as a user would; yields host and port."""
    command = [sys.executable, "-m", "IGTLMetaBrowserLib.cli", "serve", *arguments, "--port", "0"]
    path = os.pathsep.join([str(MODULE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            ready = server.stdout.readline().strip()
            if not ready.startswith("serving "):
                raise RuntimeError(f"the server did not start; it said {ready!r}")
            _say(f"The server is {ready}")
            yield net.parse_address(ready.split()[-1])
        finally:
            server.terminate()


def _browse(port: int) -> None:
    slicer = slicerhost.start()
    module = slicerhost.load_module(MODULE)
    try:
        module.show(1100, 960)
        user = User(module)
        user.connect("127.0.0.1", port)
        user.print_table()
        nodes = user.load(IMAGES_TO_LOAD)
        lines = user.get_trajectories()
        slicerhost.screenshot(module.window, OUTPUT / "module.png")
        draw_views(slicer, nodes[0], lines, OUTPUT / "views.png")
    finally:
        module.cleanup()


class User:
    """What a user does at the module's panel, with the mouse and the keyboard."""

    def __init__(self, module: Any) -> None:
        self.ui = module.widget.ui
        self.panel = module.widget.panel
        self.browser = module.widget.logic.browser
        self.model = self.ui.imageTableView.model()

    def connect(self, host: str, port: int) -> None:
        """Type the address, press Connect, and wait for the list."""
        self.ui.hostLineEdit.clear()
        self._type(self.ui.hostLineEdit, host)
        self.ui.portSpinBox.selectAll()
        self._type(self.ui.portSpinBox, str(port))
        self._press(self.ui.connectButton)
        self._wait(lambda: self.model.rowCount() > 0, "the list of images")

    def browse_archive(self, url: str, patient: str) -> None:
        """Press Archive…, type its URL, and search it for a patient."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        self._press(self.ui.archiveButton)
        asked = self.panel.archive.dialog
        asked.addressBox.clearEditText()
        self._type(asked.addressBox.lineEdit(), url)
        self._press(asked.connectButton)
        self._wait(lambda: self.browser.images.listing.search_keywords, "the list of the archive")
        _say(self.ui.statusLabel.text)
        self._press(self.ui.searchButton)
        self._type(self.ui.searchPatientLineEdit, patient)
        QTest.keyClick(self.ui.searchPatientLineEdit, Qt.Key_Return)
        self._wait(lambda: "has found" in self.ui.statusLabel.text, "what is found")
        _say(self.ui.statusLabel.text)

    def print_table(self) -> None:
        """Print the columns that are shown, and the first rows."""
        from rich.console import Console
        from rich.table import Table

        hidden = self.ui.imageTableView.isColumnHidden
        columns = [c for c in range(self.model.columnCount()) if self._header(c) and not hidden(c)]
        table = Table(*map(self._header, columns))
        row_count = self.model.rowCount()
        for row in range(min(row_count, PRINTED_ROWS)):
            table.add_row(*(self.model.data(self.model.index(row, column)) for column in columns))
        Console(width=200 if not sys.stdout.isatty() else None).print(table)
        if row_count > PRINTED_ROWS:
            _say(f"and {row_count - PRINTED_ROWS} more images")

    def _header(self, column: int) -> str:
        from PySide6.QtCore import Qt

        return self.model.headerData(column, Qt.Horizontal) or ""

    def load(self, names: tuple[str, ...]) -> list[Any]:
        """Select the images whose names begin so, press Load, and return their nodes."""
        chosen = [
            entry.id
            for name in names
            for entry in self.browser.images.listing.entries
            if entry.name.startswith(name) and entry.patient_id == PATIENT_ID
        ]
        if len(chosen) < len(names):
            raise RuntimeError(f"the server does not offer {names}")
        self._select(chosen)
        self._press(self.ui.loadButton)
        self._wait(lambda: all(map(self.browser.images.node, chosen)), "the images")
        _say(self.ui.statusLabel.text)
        return [self.browser.images.node(image_id) for image_id in chosen]

    def load_label_map(self, name: str) -> Any:
        """Press Label maps, load the one of this name, and return its node."""
        self._press(self.ui.labelMapsButton)
        self._wait(lambda: "in the table" in self.ui.statusLabel.text, "the label maps")
        _say(self.ui.statusLabel.text)
        found = [one.id for one in self.browser.overlays.label_maps.listed if one.name == name]
        if not found:
            raise RuntimeError(f"the server does not offer the label map {name}")
        self._select(found)
        self._press(self.ui.loadButton)
        self._wait(lambda: self.browser.images.node(found[0]), "the label map")
        _say(self.ui.statusLabel.text)
        return self.browser.images.node(found[0])

    def get_trajectories(self) -> list[Any]:
        """Press Get trajectories and return the markups nodes."""
        self._press(self.ui.trajectoriesButton)
        self._wait(lambda: "are shown" in self.ui.statusLabel.text, "the trajectories")
        _say(self.ui.statusLabel.text)
        import slicer

        return list(slicer.util.getNodesByClass("vtkMRMLMarkupsNode"))

    def _select(self, image_ids: list[str]) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        view = self.ui.imageTableView
        rows = {self.model.imageId(row): row for row in range(self.model.rowCount())}
        modifier = Qt.NoModifier
        for image_id in image_ids:
            index = self.model.index(rows[image_id], 0)
            view.scrollTo(index)
            point = view.visualRect(index).center()
            QTest.mouseClick(view.viewport(), Qt.LeftButton, modifier, point)
            modifier = Qt.ControlModifier

    def _type(self, widget: Any, text: str) -> None:
        from PySide6.QtTest import QTest

        QTest.keyClicks(widget, text)

    def _press(self, button: Any) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if not button.enabled:
            raise RuntimeError(f"the button {button.text!r} cannot be pressed now")
        QTest.mouseClick(button, Qt.LeftButton)

    def _wait(self, condition: Any, what: str) -> None:
        try:
            slicerhost.wait_until(condition, TIMEOUT_SECONDS, what)
        except TimeoutError as error:
            raise RuntimeError(f"{error} The module says: {self.ui.statusLabel.text}") from None


def draw_views(
    slicer: Any, volume: Any, lines: list[Any], path: Path, label_map: Any = None
) -> None:
    """Draw the four views at the target of the first line into a PNG file."""
    from slicerhost.views import SliceAndThreeDViews

    if not lines:
        raise RuntimeError("no trajectory is in the scene")
    views = SliceAndThreeDViews(
        slicer.mrmlScene, (640, 512), application_logic=slicer.app.applicationLogic()
    )
    try:
        views.show_volume(volume)
        if label_map is not None:
            slicer.util.setSliceViewerLayers(label=label_map, labelOpacity=0.5)
        target = lines[0]
        position = target.GetNthControlPointPositionVector(target.GetNumberOfControlPoints() - 1)
        views.jump_slices_to(tuple(position))
        views.save_png(path)
    finally:
        views.close()


def _say(text: str) -> None:
    print(text, flush=True)


def run(main: Callable[[], int]) -> NoReturn:
    """End with the exit code of a demo; if it fails, say why."""
    try:
        sys.exit(main())
    except RuntimeError as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run(main)
