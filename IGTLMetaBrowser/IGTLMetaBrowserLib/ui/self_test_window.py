"""A window of the module for its self-tests, beside that of the user."""

from __future__ import annotations

import time

import qt
import slicer

_PATIENCE_SECONDS = 60


class SelfTestWindow:
    """A widget of ``widgetClass``, in a window that is not shown, and what a user does with it."""

    def __init__(self, widgetClass):
        self._parent = slicer.qMRMLWidget()
        self._parent.setLayout(qt.QVBoxLayout())
        self._parent.setMRMLScene(slicer.mrmlScene)
        self._widget = widgetClass(self._parent)
        self._widget.setup()
        self.ui = self._widget.ui
        self.browser = self._widget.logic.browser
        self.table = self.ui.imageTableView.model()

    def close(self):
        """Close it as Slicer does when it exits; also if it is closed already."""
        widget, self._widget = self._widget, None
        if widget is not None:
            widget._onModuleAboutToBeUnloaded(widget.moduleName)
            # Not deleteLater(): what the connected signals then release would be the last that
            # holds the window, and delete it a second time.
            self._parent.delete()

    def connectToDemo(self):
        """Press Demo and wait for the list of its images."""
        self.ui.demoButton.click()
        waitFor(lambda: len(self.browser.images.listing.entries) == 3, "the list of images")

    def load(self, imageId):
        """Select an image in the table, press Load, and return its node."""
        self.ui.imageTableView.selectRow(self.table.row(imageId))
        self.ui.loadButton.click()
        waitFor(lambda: self.browser.images.node(imageId) is not None, "the image")
        return self.browser.images.node(imageId)


def waitFor(condition, what):
    """Let the event loop run until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {_PATIENCE_SECONDS} s")
        slicer.app.processEvents()
