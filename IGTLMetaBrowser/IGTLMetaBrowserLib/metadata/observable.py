"""Providers that notify of changes of their answers, so that the registry can keep the answers."""

from __future__ import annotations

from collections.abc import Hashable

from ..signal import Signal


class ObservableProvider:
    """Base of providers whose answers change only when they say so.

    ``name`` is what a user reads beside a value that came from this provider. ``changed`` is
    emitted with the query whose answers have changed, or with None if any may have.
    """

    name = ""

    def __init__(self) -> None:
        self.changed: Signal[[Hashable]] = Signal()

    def notify_changed(self, query: Hashable = None) -> None:
        """Notify that what is answered for ``query`` has changed, or, without one, for any."""
        self.changed.emit(query)
