"""Planned trajectories for the tests of the window, and who works with them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from IGTLMetaBrowserLib import codec

ENTRY, TARGET, BOTH = codec.TrajectoryType
SHOWN, NAME, GROUP, TYPE, LENGTH, DIAMETER, OWNER, NOTE = range(8)


def line(name: str, **fields: Any) -> codec.TrajectoryItem:
    """Return a line of 100 mm from above to (10, 20, 30), unless ``fields`` say otherwise."""
    plan = {"entry": (10.0, 20.0, 130.0), "target": (10.0, 20.0, 30.0), "diameter": 2.0, **fields}
    return codec.TrajectoryItem(name=name, **plan)


class PlanSource:
    """A ``net.Source``: one image, A, and ``plans``, which a test may change."""

    def __init__(self, plans: Sequence[codec.TrajectoryItem]) -> None:
        self.plans = list(plans)

    def images(self) -> list[codec.ImageMetaItem]:
        int16 = codec.ScalarType.INT16
        return [codec.ImageMetaItem(name="Image A", id="A", size=(4, 3, 2), scalar_type=int16)]

    def image(self, image_id: str) -> codec.ImageMessage:
        return codec.ImageMessage(np.zeros((2, 3, 4), np.int16))

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return self.plans


class Planner:
    """Works with the panel's section of trajectories; ``user`` with all of the panel."""

    def __init__(self, user: Any, source: PlanSource) -> None:
        self.user = user
        self.source = source

    @property
    def ui(self) -> Any:
        return self.user.ui

    @property
    def view(self) -> Any:
        return self.ui.trajectoryTableView

    @property
    def model(self) -> Any:
        return self.user.panel.trajectories.model

    @property
    def scene(self) -> Any:
        return self.user.panel.browser.trajectories

    def get(self) -> None:
        """Press "Get trajectories" and wait until they are there."""
        self.ui.statusLabel.text = ""
        self.user.press(self.ui.trajectoriesButton)
        ends = ("shown", "Not shown", "No trajectories")
        self.user.wait_for(lambda: any(end in self.user.status for end in ends), "trajectories")

    def column(self, column: int) -> list[str]:
        """The texts of a column, from above."""
        return [self.cell(row, column) for row in range(self.model.rowCount())]

    def names(self) -> list[str]:
        return self.column(NAME)

    def cell(self, row: int, column: int, role: Any = Qt.DisplayRole) -> Any:
        return self.model.data(self.model.index(row, column), role)

    def is_checked(self, name: str) -> bool:
        return self.cell(self.names().index(name), SHOWN, Qt.CheckStateRole) == 2

    def node(self, name: str) -> Any:
        """The node of a trajectory, or None where it is not in the scene."""
        (one,) = (one for one in self.scene.markups.trajectories if one.item.name == name)
        return self.scene.node(one)

    def click(self, name: str, column: int = NAME, modifier: Any = Qt.NoModifier) -> None:
        index = self.model.index(self.names().index(name), column)
        self.view.scrollTo(index)
        point = self.view.visualRect(index).center()
        QTest.mouseClick(self.view.viewport(), Qt.LeftButton, modifier, point)

    def select(self, *names: str) -> None:
        modifier = Qt.NoModifier
        for name in names:
            self.click(name, modifier=modifier)
            modifier = Qt.ControlModifier

    def selected(self) -> list[str]:
        return [one.item.name for one in self.user.panel.trajectories.selected()]

    def tick(self, check_box: Any) -> None:
        """Click a check box where its box is."""
        point = QPoint(8, check_box.height // 2)
        QTest.mouseClick(check_box, Qt.LeftButton, Qt.NoModifier, point)

    def click_header(self, column: int) -> None:
        header = self.view.horizontalHeader()
        self.view.horizontalScrollBar().value = header.sectionPosition(column)
        point = QPoint(header.sectionViewportPosition(column) + 15, header.size.height() // 2)
        QTest.mouseClick(header.viewport(), Qt.LeftButton, Qt.NoModifier, point)

    def type_filter(self, text: str) -> None:
        box = self.ui.trajectoryFilterLineEdit
        box.setFocus()
        for letter in text:
            press = QKeyEvent(QKeyEvent.KeyPress, Qt.Key_unknown, Qt.NoModifier, letter)
            QApplication.sendEvent(box, press)

    def wait_for_names(self, *names: str) -> None:
        self.user.wait_for(lambda: self.names() == [*names], f"the rows {names}")

    def is_seen(self, name: str) -> bool:
        """Whether it is in the scene, and not hidden."""
        node = self.node(name)
        return node is not None and bool(node.GetDisplayVisibility())
