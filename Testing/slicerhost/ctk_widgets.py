"""Simple stand-ins for widgets of CTK, and of Slicer, that a module's .ui file may name.

The properties and signals that modules use have the names and types of the originals; looks and the
finer behavior do not matter here. Needs `qt`, see `pythonqt.install`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import qt
from PySide6.QtCore import Property, Signal

from slicerhost.pythonqt import loading_ui, stands_in_for_cxx

_HEADER_HEIGHT = 24


@stands_in_for_cxx
class ctkCollapsibleButton(qt.QAbstractButton):
    """A header with a title; what lies below it is hidden while the button is collapsed."""

    contentsCollapsed = Signal(bool)

    def __init__(self, title: str | qt.QWidget = "", parent: qt.QWidget | None = None) -> None:
        if not isinstance(title, str):  # (parent), as the .ui loader calls it
            title, parent = "", title
        super().__init__(parent)
        self.text = title
        self.checkable = True
        self.checked = True
        self.setContentsMargins(0, _HEADER_HEIGHT, 0, 0)
        self.toggled.connect(self._on_toggled)

    def _get_collapsed(self) -> bool:
        return not self.checked

    def _set_collapsed(self, collapsed: bool) -> None:
        self.checked = not collapsed

    collapsed = Property(bool, _get_collapsed, _set_collapsed, notify=contentsCollapsed)

    def _get_collapsed_height(self) -> int:
        return vars(self).get("_collapsed_height", 10)

    def _set_collapsed_height(self, height: int) -> None:
        vars(self)["_collapsed_height"] = height

    collapsedHeight = Property(int, _get_collapsed_height, _set_collapsed_height)

    def _on_toggled(self, checked: bool) -> None:
        unlimited = (1 << 24) - 1
        self.maximumHeight = unlimited if checked else _HEADER_HEIGHT + self.collapsedHeight
        for child in self.children():
            if child.isWidgetType():
                child.visible = checked
        self.contentsCollapsed.emit(not checked)

    def hitButton(self, position: qt.QPoint) -> bool:
        return bool(position.y() < _HEADER_HEIGHT)

    def paintEvent(self, event: qt.QPaintEvent) -> None:
        header = qt.QStyleOptionButton()
        header.initFrom(self)
        header.rect = qt.QRect(0, 0, self.width, _HEADER_HEIGHT)
        header.text = ("▼ " if self.checked else "▶ ") + self.text
        painter = qt.QPainter(self)
        self.style().drawControl(qt.QStyle.CE_PushButton, header, painter, self)
        painter.end()


@stands_in_for_cxx
class ctkCollapsibleGroupBox(qt.QGroupBox):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.checkable = True
        self.toggled.connect(self._on_toggled)

    def _get_collapsed(self) -> bool:
        return not self.checked

    def _set_collapsed(self, collapsed: bool) -> None:
        self.checked = not collapsed

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def _on_toggled(self, checked: bool) -> None:
        for child in self.children():
            if child.isWidgetType():
                child.visible = checked


@stands_in_for_cxx
class ctkComboBox(qt.QComboBox):
    """A combo box that shows `defaultText` while nothing is chosen."""

    def _get_default_text(self) -> str:
        return self.placeholderText

    def _set_default_text(self, text: str) -> None:
        self.placeholderText = text

    defaultText = Property(str, _get_default_text, _set_default_text)


@stands_in_for_cxx
class ctkCheckableComboBox(qt.QComboBox):
    pass


@stands_in_for_cxx
class ctkSearchBox(qt.QLineEdit):
    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.clearButtonEnabled = True
        self.placeholderText = "Search..."


@stands_in_for_cxx
class ctkDoubleSpinBox(qt.QDoubleSpinBox):
    pass


@stands_in_for_cxx
class ctkMenuButton(qt.QPushButton):
    pass


@stands_in_for_cxx
class ctkMessageBox(qt.QMessageBox):
    pass


@stands_in_for_cxx
class ctkPathLineEdit(qt.QLineEdit):
    currentPathChanged = Signal(str)

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.textChanged.connect(self.currentPathChanged)

    def _get_path(self) -> str:
        return self.text

    def _set_path(self, path: str) -> None:
        self.text = path

    currentPath = Property(str, _get_path, _set_path, notify=currentPathChanged)


@stands_in_for_cxx
class ctkSliderWidget(qt.QDoubleSpinBox):
    """Without the slider: the spin box beside it has the same properties and the same signal."""


@stands_in_for_cxx
class ctkColorPickerButton(qt.QPushButton):
    colorChanged = Signal(qt.QColor)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        vars(self)["_color"] = qt.QColor()

    def _get_color(self) -> qt.QColor:
        return vars(self)["_color"]

    def _set_color(self, color: qt.QColor) -> None:
        vars(self)["_color"] = color
        self.colorChanged.emit(color)

    color = Property(qt.QColor, _get_color, _set_color, notify=colorChanged)


@stands_in_for_cxx
class qMRMLWidget(qt.QWidget):
    """The usual top-level class of a module's .ui file: a widget that knows the scene."""

    def mrmlScene(self) -> Any:
        return vars(self).get("_scene")

    def setMRMLScene(self, scene: Any) -> None:
        vars(self)["_scene"] = scene


CTK_CLASSES = (
    ctkCheckableComboBox,
    ctkCollapsibleButton,
    ctkCollapsibleGroupBox,
    ctkColorPickerButton,
    ctkComboBox,
    ctkDoubleSpinBox,
    ctkMenuButton,
    ctkMessageBox,
    ctkPathLineEdit,
    ctkSearchBox,
    ctkSliderWidget,
)


class UiLoader(qt.QUiLoader):
    """`qt.QUiLoader` that knows the classes above.

    A real Slicer knows many more. A class that is missing here is an error, where Qt would put its
    base class instead.
    """

    def load(self, device: qt.QIODevice, parent: qt.QWidget | None = None) -> qt.QWidget:
        content = device.readAll()
        self._know_classes(content.data())
        buffer = qt.QBuffer(content)
        buffer.open(qt.QIODevice.ReadOnly)
        with loading_ui():
            return super().load(buffer, parent)

    def _know_classes(self, content: bytes) -> None:
        """Register those that the file names; all of them would take as long as to load it."""
        named = {element.get("class") for element in ElementTree.fromstring(content).iter("widget")}
        for cls in (*CTK_CLASSES, qMRMLWidget):
            if cls.__name__ in named:
                self.registerCustomWidget(cls)
        for name in sorted(named - {*self.availableWidgets(), "Line"}):
            raise NotImplementedError(
                f"The .ui file names the widget class {name}; slicerhost has no stand-in for it. "
                "Add one to slicerhost/ctk_widgets.py, or check the spelling."
            )


def install() -> None:
    """Put the module `ctk` into sys.modules and the loader into `qt`."""
    ctk = ModuleType("ctk", __doc__)
    vars(ctk).update({cls.__name__: cls for cls in CTK_CLASSES})
    sys.modules["ctk"] = ctk
    qt.QUiLoader = UiLoader
