"""Who is told what happens in a browser."""

from __future__ import annotations

import sys

from .events import BrowserEvent, Observer


class Observers:
    """Tells each event to all observers. One that fails is reported, and harms no other."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Call ``observer`` with every event from now on."""
        self._observers.append(observer)

    def remove(self, observer: Observer) -> None:
        """Call ``observer`` no longer."""
        self._observers.remove(observer)

    def tell(self, event: BrowserEvent) -> None:
        """Call all observers, in the order in which they were added."""
        for observer in [*self._observers]:
            try:
                observer(event)
            except Exception:
                # As Qt does with slots: it is printed, and what else happened is told all the same.
                sys.excepthook(*sys.exc_info())
