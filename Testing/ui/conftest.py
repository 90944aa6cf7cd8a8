"""The module in the stand-in for Slicer, and servers for it to browse."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import slicerhost
from peers import Peer, Script, ScriptedServer, ServerInThread
from slicerhost.fixtures import load_slicer_module, slicer_host, slot_errors
from window_sources import SmallSource

__all__ = ["load_slicer_module", "slicer_host", "slot_errors"]

MODULE = Path(__file__).parents[2] / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"


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
    with ServerInThread(SmallSource()) as server:
        yield server.port


@pytest.fixture
def scripted() -> Iterator[Callable[..., int]]:
    """Makes servers that say what they are told to: ``scripted(*answers)`` returns the port.

    Each question gets the next of the answers, and the connection is closed after it; with None
    it gets none and the connection stays.
    """
    with ExitStack() as servers:

        def start(*answers: bytes | None) -> int:
            scripts = [_script(answer) for answer in answers]
            return servers.enter_context(ScriptedServer(*scripts)).port

        yield start


def _script(answer: bytes | None) -> Script:
    def follow(peer: Peer) -> None:
        if answer is None:
            peer.wait_until_closed()
        else:
            peer.receive()
            peer.send(answer)

    return follow


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
