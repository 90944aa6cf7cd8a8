"""Screenshots of Slicer's main window, after rendering has settled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import qt
import slicer

from real_slicer.inside import Step, Until

_SETTLED_SECONDS = 0.3
_PATIENCE_SECONDS = 20


def screenshot(step: Step, name: str, widget: Any = None, wait: bool = True) -> Iterator[Until]:
    """Write a picture of the main window, or of a widget: ``yield from screenshot(step, "list")``.

    It is taken when two pictures in a row are the same: nothing is drawn any more. While something
    streams, that never comes: then do not ``wait`` for it.
    """
    widget = widget if widget is not None else slicer.util.mainWindow()
    deadline = time.monotonic() + (_PATIENCE_SECONDS if wait else 0)
    before, picture = None, grab(widget)
    while (before is None or picture != before) and time.monotonic() < deadline:
        yield step.pause(_SETTLED_SECONDS)
        before, picture = picture, grab(widget)
    path = step.output / f"{step.name}-{name}.png"
    if not picture.save(str(path)):
        raise OSError(f"the picture {path} could not be written")


def grab(widget: Any) -> Any:
    """Return what the screen shows where the widget is, as a QImage: menus above it as well."""
    corner = widget.mapToGlobal(qt.QPoint(0, 0))
    screen = qt.QApplication.screens()[0]
    picture = screen.grabWindow(0, corner.x(), corner.y(), widget.width, widget.height)
    return (widget.grab() if picture.isNull() else picture).toImage()


def set_layout(layout: int) -> None:
    """Choose a layout of views, by its number in vtkMRMLLayoutNode."""
    slicer.app.layoutManager().setLayout(layout)


def four_up() -> None:
    """Show three slices and the 3D view."""
    set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
