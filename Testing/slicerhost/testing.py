"""For tests: wait for something in Qt's event loop, see the exceptions of slots, take pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType

from helpers.patience import Patience
from slicerhost.pythonqt_lifetime import release_destroyed

slot_errors: list[BaseException] = []
"""What slots, virtual methods and VTK observers raised: printed, while the caller went on."""


def collect_slot_errors() -> None:
    """From now on note in `slot_errors` what is printed because nobody can catch it."""
    printing_hook = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        slot_errors.append(error)
        printing_hook(kind, error, trace)

    sys.excepthook = hook


def wait_until(condition: Callable[[], bool], timeout_seconds: float, what: str) -> None:
    """Let Qt's event loop run until the condition holds.

    Raises TimeoutError that names `what` was waited for. What the condition raises is raised.
    """
    import qt

    patience = Patience(timeout_seconds)
    wake_up = qt.QTimer()
    wake_up.start(5)  # ms; processEvents waits for an event, so the condition is seen this often
    while not condition():
        if patience.is_over:
            raise TimeoutError(f"Waited {timeout_seconds} s in vain for {what}.")
        qt.QCoreApplication.processEvents(qt.QEventLoop.WaitForMoreEvents)
        qt.QCoreApplication.sendPostedEvents(None, qt.QEvent.DeferredDelete)
        release_destroyed()


def screenshot(widget: object, path: str | os.PathLike[str]) -> None:
    """Write a picture of the widget, as it looks now, to a PNG file. Raises OSError on failure."""
    import qt

    for _ in range(3):  # layouts settle in the event loop, the inner ones after the outer ones
        qt.QCoreApplication.processEvents()
    if not widget.grab().save(os.fspath(path), "PNG"):
        raise OSError(f"Could not write the picture {os.fspath(path)}. Does the folder exist?")
