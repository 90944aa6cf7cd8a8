"""The module in the stand-in for Slicer, and servers for it to browse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import slicerhost
from helpers.peers import Peer, Script, ScriptedServer, ServerInThread
from helpers.plans import Planner, PlanSource
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec, net
from slicerhost.fixtures import (
    crashing_objects,
    lasting_objects,
    load_slicer_module,
    slicer_host,
    slot_errors,
)

# Numbers and dates are the same on all machines. Qt reads this when it starts.
os.environ["LC_ALL"] = "C.UTF-8"

__all__ = [
    "crashing_objects",
    "lasting_objects",
    "load_slicer_module",
    "slicer_host",
    "slot_errors",
]

ID = 8  # the column
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

    def type_filter(self, text: str) -> None:
        self.ui.filterLineEdit.setFocus()
        for letter in text:
            # QTest has keys for ASCII only; an input method sends the others like this.
            press = QKeyEvent(QKeyEvent.KeyPress, Qt.Key_unknown, Qt.NoModifier, letter)
            QApplication.sendEvent(self.ui.filterLineEdit, press)

    def click_header(self, column: int) -> None:
        """Click the header of a column, where its left half is."""
        header = self.ui.imageTableView.horizontalHeader()
        self.ui.imageTableView.horizontalScrollBar().value = header.sectionPosition(column)
        point = QPoint(header.sectionViewportPosition(column) + 15, header.size.height() // 2)
        QTest.mouseClick(header.viewport(), Qt.LeftButton, Qt.NoModifier, point)

    def open_menu(self, image_id: str) -> Any:
        """Click a row with the right button and return the menu that opens."""
        view, model = self.ui.imageTableView, self.panel.model
        point = view.visualRect(model.index(model.row(image_id), 0)).center()
        QTest.mouseClick(view.viewport(), Qt.RightButton, Qt.NoModifier, point)
        # Where there is a display, its platform sends this.
        event = QContextMenuEvent(
            QContextMenuEvent.Mouse, point, view.viewport().mapToGlobal(point)
        )
        QApplication.sendEvent(view.viewport(), event)
        menu = self.panel.images.menu
        self.wait_for(lambda: menu.menu.visible, "the context menu")
        return menu

    def choose(self, action: Any) -> None:
        """Choose what the menu that is open offers."""
        menu = self.panel.images.menu.menu
        assert action.enabled, f"{action.text!r} is not enabled"
        QTest.mouseClick(menu, Qt.LeftButton, Qt.NoModifier, menu.actionGeometry(action).center())

    def press_key(self, widget: Any, key: Qt.Key, modifier: Any = Qt.NoModifier) -> None:
        widget.setFocus()
        QTest.keyClick(widget, key, modifier)

    def ids(self) -> list[str]:
        """The ids of the rows, from above."""
        return [row[-1] for row in self.table()]

    def load(self, *image_ids: str) -> None:
        """Select images, press Load, and wait until each is loaded or has failed."""
        self.select(*image_ids)
        self.press(self.ui.loadButton)
        images, events = self.panel.browser.images, self.panel.events
        self.wait_for(
            lambda: images.downloads.transfer is None and events.isUpToDate,
            f"the end of {image_ids}",
        )

    def state(self, image_id: str) -> str:
        return self.panel.model.state(image_id)

    def table(self) -> list[list[str]]:
        """The texts of the rows, up to the ID; after it comes the preview, which has none."""
        model = self.panel.model
        return [
            [model.copiedText(row, column) for column in range(ID + 1)]
            for row in range(model.rowCount())
        ]

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
        try:
            slicerhost.wait_until(condition, seconds, what)
        except TimeoutError as error:
            pytest.fail(f"{error} The status is: {self.status}", pytrace=False)

    def wait_for_status(self, words: str, seconds: float = 20) -> None:
        self.wait_for(lambda: words in self.status, f"the status {words!r}", seconds)


@pytest.fixture
def user(load_slicer_module) -> User:
    module = load_slicer_module(MODULE)
    module.show(1100, 600)
    return User(module)


@pytest.fixture
def set_layout_manager(user) -> Iterator[Callable[..., None]]:
    """Sets what Slicer has of the layout's views, until the end of the test."""
    before = slicer.app.layoutManager()
    yield lambda **parts: slicer.app.setLayoutManager(SimpleNamespace(**parts))
    slicer.app.setLayoutManager(before)


@pytest.fixture
def small_server() -> Iterator[int]:
    with ServerInThread(SmallSource()) as server:
        yield server.port


class ListSource:
    """Offers ``entries``, which a test may change; each image is a small one of that size."""

    def __init__(self, entries: Sequence[codec.ImageMetaItem]) -> None:
        self.entries = list(entries)

    def images(self) -> list[codec.ImageMetaItem]:
        return self.entries

    def image(self, image_id: str) -> codec.ImageMessage:
        for entry in self.entries:
            if entry.id == image_id:
                return codec.ImageMessage(np.zeros(entry.size[::-1], np.int16))
        raise net.SourceError(f"there is no image {image_id!r} here")

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


@pytest.fixture
def offer(user) -> Iterator[Callable[[Sequence[codec.ImageMetaItem]], ListSource]]:
    """Serves a list and lets the user connect to it: ``offer(entries)`` returns the source."""
    with ExitStack() as servers:

        def start(entries: Sequence[codec.ImageMetaItem]) -> ListSource:
            source = ListSource(entries)
            user.connect_to(servers.enter_context(ServerInThread(source)).port)
            user.wait_for(
                lambda: user.panel.browser.images.listing.listed_at is not None, "the list"
            )
            return source

        yield start


@pytest.fixture
def plan(user) -> Iterator[Callable[..., Planner]]:
    """Serves trajectories and gets them into the panel: ``plan(*items)`` returns the planner."""
    with ExitStack() as servers:

        def start(*plans: codec.TrajectoryItem) -> Planner:
            planner = Planner(user, PlanSource(plans))
            user.connect_to(servers.enter_context(ServerInThread(planner.source)).port)
            user.wait_for(
                lambda: user.panel.browser.images.listing.listed_at is not None, "the list"
            )
            planner.get()
            return planner

        yield start


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
def unused_port(reserved_port: int) -> int:
    """A port on which nobody listens."""
    return reserved_port
