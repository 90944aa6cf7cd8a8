"""Works with the module's panel as a user does: events to the real widgets, and what they show."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import qt
import slicer

from IGTLMetaBrowserLib.ui.images.memory_question import MemoryQuestion
from real_slicer.inside import Step, Until

MODULE = "IGTLMetaBrowser"


class User:
    """Uses the panel; what takes its time is a generator of waits: ``yield from user.open()``."""

    def __init__(self, step: Step) -> None:
        self.step = step
        # Lists of some steps name more than any computer has; nobody would answer the question.
        step.at_end(partial(setattr, MemoryQuestion, "agrees", MemoryQuestion.agrees))
        MemoryQuestion.agrees = lambda _question, _positions: True

    @property
    def widget(self) -> Any:
        """The instance of the module's widget class; another one after a reload."""
        return slicer.util.getModuleWidget(MODULE)

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def browser(self) -> Any:
        return self.widget.logic.browser

    @property
    def model(self) -> Any:
        return self.ui.imageTableView.model()

    @property
    def panel(self) -> Any:
        """The part of the module panel that is seen."""
        areas = [one for one in ancestors(self.ui.connectButton) if one.inherits("QScrollArea")]
        return areas[0].viewport() if areas else self.widget.parent

    @property
    def status(self) -> str:
        return self.ui.statusLabel.text

    # Waiting

    def until(self, condition: Any, what: str, seconds: float = 30) -> Until:
        """Wait for a condition; a failure says what the status line says."""
        return Until(condition, what, seconds, lambda: f" (status: {self.status!r})")

    def until_status(self, words: str, seconds: float = 30) -> Until:
        return self.until(lambda: words in self.status, f"the status {words!r}", seconds)

    # Widgets

    def press(self, widget: Any, position: Any = None, modifiers: Any = None) -> None:
        """Click a widget with the left button, in the middle or at a position."""
        for kind, buttons in self._mouse_events(widget):
            place = qt.QPointF(position if position is not None else widget.rect.center())
            send_mouse(widget, kind, place, qt.Qt.LeftButton, buttons, modifiers)

    def click(self, widget: Any) -> Iterator[Until]:
        """Press a button and let go of it 0.1 s later, as a hand does; ``press`` is both at once.

        For each of the two Slicer draws its whole window, before the button does anything.
        """
        for kind, buttons in self._mouse_events(widget):
            place = qt.QPointF(widget.rect.center())
            send_mouse(widget, kind, place, qt.Qt.LeftButton, buttons)
            yield self.step.pause(0.1)

    def _mouse_events(self, widget: Any) -> list[tuple[Any, Any]]:
        """Return press and release, with the buttons that are down; of what can be pressed."""
        self.bring_into_view(widget)
        if not widget.enabled:
            raise RuntimeError(f"{widget.name} cannot be pressed: it is not enabled")
        if not widget.visible:
            raise RuntimeError(f"{widget.name} cannot be pressed: it is not visible")
        return [
            (qt.QEvent.MouseButtonPress, qt.Qt.LeftButton),
            (qt.QEvent.MouseButtonRelease, qt.Qt.NoButton),
        ]

    def check(self, box: Any, checked: bool = True) -> None:
        """Click a check box if it is not as wanted."""
        self.bring_into_view(box)
        if box.checked != checked:
            self.press(box, qt.QPoint(9, box.height // 2))
        if box.checked != checked:
            raise RuntimeError(f"{box.name} could not be set to {checked}")

    def unfold(self, button: Any, is_unfolded: bool = True) -> None:
        """Click the head of a section, if it is not as wanted."""
        if button.collapsed == is_unfolded:
            self.press(button, qt.QPoint(button.width // 2, 8))
            slicer.app.processEvents()  # the layout of what is seen now
        if button.collapsed == is_unfolded:
            raise RuntimeError(f"{button.name} could not be folded or unfolded")

    def type(self, widget: Any, text: str) -> None:
        """Replace what is in a line edit or a spin box."""
        self.bring_into_view(widget)
        widget.setFocus()
        widget.selectAll()
        if not text:
            self.key(widget, qt.Qt.Key_Delete)
        for letter in text:
            self.key(widget, 0, text=letter)

    def key(self, widget: Any, key: int, modifiers: Any = None, text: str = "") -> None:
        """Press and release a key, first as a shortcut, as the platform sends it."""
        modifiers = qt.Qt.NoModifier if modifiers is None else modifiers
        override = qt.QKeyEvent(qt.QEvent.ShortcutOverride, key, modifiers, text)
        override.ignore()
        qt.QApplication.sendEvent(widget, override)
        for kind in (qt.QEvent.KeyPress, qt.QEvent.KeyRelease):
            qt.QApplication.sendEvent(widget, qt.QKeyEvent(kind, key, modifiers, text))

    def bring_into_view(self, widget: Any) -> None:
        """Unfold the sections that a widget is in, and scroll the panel to it."""
        above = ancestors(widget)
        for section in [one for one in above if one.inherits("ctkCollapsibleButton")]:
            self.unfold(section)
        for area in [one for one in above if one.inherits("QScrollArea")]:
            area.ensureWidgetVisible(widget)

    # Tables

    def click_row(self, view: Any, row: int, modifiers: Any = None, column: int = 0) -> None:
        """Click a row of a table or a tree."""
        self._at_row(view, row, column, lambda place: self.press(view.viewport(), place, modifiers))

    def double_click_row(self, view: Any, row: int, column: int = 0) -> None:
        """Click a row twice, as Qt reports it."""

        def double_click(place: Any) -> None:
            self.press(view.viewport(), place)
            for kind, buttons in (
                (qt.QEvent.MouseButtonDblClick, qt.Qt.LeftButton),
                (qt.QEvent.MouseButtonRelease, qt.Qt.NoButton),
            ):
                send_mouse(view.viewport(), kind, qt.QPointF(place), qt.Qt.LeftButton, buttons)

        self._at_row(view, row, column, double_click)

    def open_menu(self, view: Any, row: int) -> None:
        """Click a row with the right button: the context menu opens in the event loop."""

        def ask(place: Any) -> None:
            self.press(view.viewport(), place)
            event = qt.QContextMenuEvent(
                qt.QContextMenuEvent.Mouse, place, view.viewport().mapToGlobal(place)
            )
            qt.QApplication.sendEvent(view.viewport(), event)

        self._at_row(view, row, 0, ask)

    def click_header(self, view: Any, title: str) -> None:
        """Click the head of a column."""
        header, model = view.horizontalHeader(), view.model()
        columns = range(model.columnCount())
        titles = [model.headerData(column, qt.Qt.Horizontal) for column in columns]
        position = header.sectionViewportPosition(titles.index(title)) + 12
        self.press(header.viewport(), qt.QPoint(position, header.height // 2))

    def _at_row(self, view: Any, row: int, column: int, act: Any) -> None:
        self.bring_into_view(view)
        index = view.model().index(row, column)
        view.scrollTo(index)
        act(view.visualRect(index).center())

    def ids(self) -> list[str]:
        """The ids of the rows that are shown, from above."""
        ids = [self.model.imageId(row) for row in range(self.model.rowCount())]
        return [image_id for image_id in ids if image_id]  # the rows of groups have none

    def select(self, *image_ids: str) -> None:
        """Select images in the table."""
        modifiers = qt.Qt.NoModifier
        for image_id in image_ids:
            self.click_row(self.ui.imageTableView, self.model.row(image_id), modifiers)
            modifiers = qt.Qt.ControlModifier

    # The module

    def open(self) -> Iterator[Until]:
        """Choose the module, in a main window that is as large as the screen."""
        window = slicer.util.mainWindow()
        window.setGeometry(0, 0, 1600, 1000)
        window.show()
        slicer.util.selectModule(MODULE)
        yield self.until(lambda: self.widget.parent.isEntered, "the module to be entered")
        yield self.until(lambda: self.ui.connectButton.visible, "the panel to be seen")

    def open_demo(self) -> Iterator[Until]:
        """Open the module and press Demo."""
        yield from self.open()
        self.press(self.ui.demoButton)
        yield self.until_listed()

    def connect(self, port: int, host: str = "127.0.0.1") -> Iterator[Until]:
        """Type the address and press Connect."""
        self.type(self.ui.hostLineEdit, host)
        self.type(self.ui.portSpinBox, str(port))
        self.press(self.ui.connectButton)
        yield self.until_listed()

    def until_listed(self) -> Until:
        return self.until(
            lambda: self.browser.images.listing.listed_at is not None, "the list of images"
        )

    def load(self, *image_ids: str, seconds: float = 60) -> Iterator[Until]:
        """Select images, press Load, and wait for their nodes."""
        self.select(*image_ids)
        self.press(self.ui.loadButton)
        yield self.until_loaded(*image_ids, seconds=seconds)

    def until_loaded(self, *image_ids: str, seconds: float = 60) -> Until:
        images, events = self.browser.images, self.widget.panel.events

        def are_loaded() -> bool:
            # An image is in transfer until it has taken the place of its preview.
            are_there = (
                all(map(images.node, image_ids)) and images.downloads.current not in image_ids
            )
            return are_there and events.isUpToDate

        return self.until(are_loaded, f"the images {image_ids}", seconds)

    def get_trajectories(self, count: int) -> Iterator[Until]:
        """Unfold the section, press Get trajectories, and wait for their nodes."""
        self.unfold(self.ui.trajectoriesCollapsibleButton)
        self.press(self.ui.trajectoriesButton)
        yield self.until(lambda: len(lines()) >= count, f"{count} trajectories", 60)


def lines() -> list[Any]:
    """The markups nodes of the scene."""
    return list(slicer.util.getNodesByClass("vtkMRMLMarkupsNode"))


def ancestors(widget: Any) -> list[Any]:
    """The widgets that a widget is in, the innermost first."""
    found, parent = [], widget.parentWidget()
    while parent is not None:
        found.append(parent)
        parent = parent.parentWidget()
    return found


def send_mouse(
    widget: Any, kind: Any, place: Any, button: Any, buttons: Any, modifiers: Any = None
) -> None:
    """Send a mouse event to a widget, at a place in it."""
    modifiers = qt.Qt.NoModifier if modifiers is None else modifiers
    screen = qt.QPointF(widget.mapToGlobal(qt.QPoint(int(place.x()), int(place.y()))))
    event = qt.QMouseEvent(kind, place, place, screen, button, buttons, modifiers)
    qt.QApplication.sendEvent(widget, event)
