"""Keeping Slicer's views from drawing while many nodes change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import slicer


class RenderPause:
    """A pause of all views that can last over several turns of the event loop.

    Where there are no views, as outside Slicer, nothing is paused.
    """

    def __init__(self) -> None:
        self._began_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long the views have been paused; 0 if they are not."""
        return 0.0 if self._began_at is None else time.monotonic() - self._began_at

    def begin(self) -> None:
        """Let nothing be drawn until ``end``."""
        # Slicer counts pauses: one that is begun twice would have to be ended twice.
        if self._began_at is None and hasattr(slicer, "app"):
            slicer.app.pauseRender()
            self._began_at = time.monotonic()

    def end(self) -> None:
        """Let what has changed be drawn."""
        if self._began_at is not None:
            self._began_at = None
            slicer.app.resumeRender()


@contextmanager
def views_paused() -> Iterator[None]:
    """Let nothing be drawn meanwhile: Slicer draws within a loop that changes what is seen."""
    pause = RenderPause()
    pause.begin()
    try:
        yield
    finally:
        pause.end()
