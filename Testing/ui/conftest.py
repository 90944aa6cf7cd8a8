"""The module in the stand-in for Slicer, and servers for it to browse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import slicerhost
from IGTLMetaBrowserLib import codec, net
from slicerhost.fixtures import load_slicer_module, slicer_host, slot_errors

__all__ = ["load_slicer_module", "slicer_host", "slot_errors"]

MODULE = Path(__file__).parents[2] / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"


class SmallSource:
    """Four small images and three trajectories; the third image cannot be read."""

    ids = ("A", "B", "BROKEN", "D")

    def images(self) -> list[codec.ImageMetaItem]:
        return [
            codec.ImageMetaItem(
                name=f"Image {image_id}",
                id=image_id,
                modality="CT" if image_id == "A" else "MR",
                patient_name="Phantom",
                patient_id="P1",
                scan_time=codec.Timestamp.from_seconds(1.7e9 + 60 * number),
                size=(4, 3, 2 + number),
                scalar_type=codec.ScalarType.INT16,
            )
            for number, image_id in enumerate(self.ids)
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "BROKEN":
            raise net.SourceError("slice 7 of BROKEN is missing")
        k = 2 + self.ids.index(image_id)
        return codec.ImageMessage(np.arange(k * 12, dtype=np.int16).reshape(k, 3, 4))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        both, entry = codec.TrajectoryType.ENTRY_AND_TARGET, codec.TrajectoryType.ENTRY
        return [
            codec.TrajectoryItem("Line 1", "Group", both, entry=(1, 2, 3), target=(4, 5, 6)),
            codec.TrajectoryItem("Line 2", "Group", both, entry=(3, 2, 1), target=(6, 5, 4)),
            codec.TrajectoryItem("Point", "Group", entry, entry=(7, 8, 9)),
        ]


@contextmanager
def serving(source: net.Source) -> Iterator[int]:
    """Serve a source from a thread of its own; yields the port."""
    with net.Server(source, port=0) as server:
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                server.step(0.02)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.port
        finally:
            stop.set()
            thread.join()


class User:
    """Works with the module's panel as a user does, and sees what it shows."""

    def __init__(self, module: slicerhost.LoadedModule) -> None:
        self.module = module

    @property
    def ui(self):
        return self.module.widget.ui

    @property
    def panel(self):
        return self.module.widget.panel

    @property
    def status(self) -> str:
        return self.ui.statusLabel.text

    def press(self, button) -> None:
        assert button.enabled, f"the button {button.text!r} is not enabled"
        QTest.mouseClick(button, Qt.LeftButton)

    def connect_to(self, port: int, host: str = "127.0.0.1") -> None:
        self.ui.hostLineEdit.selectAll()
        QTest.keyClicks(self.ui.hostLineEdit, host)
        self.ui.portSpinBox.selectAll()
        QTest.keyClicks(self.ui.portSpinBox, str(port))
        self.press(self.ui.connectButton)

    def select(self, *image_ids: str) -> None:
        view, model, modifier = self.ui.imageTableView, self.panel.model, Qt.NoModifier
        for image_id in image_ids:
            index = model.index(model.row(image_id), 0)
            view.scrollTo(index)
            QTest.mouseClick(
                view.viewport(), Qt.LeftButton, modifier, view.visualRect(index).center()
            )
            modifier = Qt.ControlModifier

    def table(self) -> list[list[str]]:
        model = self.panel.model
        return [
            [model.data(model.index(row, column)) for column in range(model.columnCount())]
            for row in range(model.rowCount())
        ]

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        try:
            slicerhost.wait_until(condition, 20, what)
        except TimeoutError as error:
            pytest.fail(f"{error} The status is: {self.status}", pytrace=False)

    def wait_for_status(self, words: str) -> None:
        self.wait_for(lambda: words in self.status, f"the status {words!r}")


@pytest.fixture
def user(load_slicer_module) -> User:
    module = load_slicer_module(MODULE)
    module.show(1100, 600)
    return User(module)


@pytest.fixture
def small_server() -> Iterator[int]:
    with serving(SmallSource()) as port:
        yield port


@pytest.fixture
def scripted() -> Iterator[Callable[..., int]]:
    """Makes servers that say what they are told to: ``scripted(*answers)`` returns the port.

    Each question gets the next of the answers, and the connection is closed after it; with None
    it gets none and the connection stays.
    """
    with ExitStack() as resources:

        def start(*answers: bytes | None) -> int:
            listener = resources.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                for answer in answers:
                    peer = resources.enter_context(listener.accept()[0])
                    if answer is not None:
                        peer.recv(1000)
                        peer.sendall(answer)
                        peer.shutdown(socket.SHUT_RDWR)

            threading.Thread(target=run, daemon=True).start()
            return listener.getsockname()[1]

        yield start


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
