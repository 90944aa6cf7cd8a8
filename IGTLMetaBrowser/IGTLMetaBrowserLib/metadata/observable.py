"""Providers that tell when their answers change, so that the registry can keep the answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable

Observer = Callable[[Hashable], None]
"""Called with the query whose answers have changed, or with None where any may have."""


class ObservableProvider:
    """Base of providers whose answers change only when they say so.

    ``name`` is what a user reads beside a value that came from this provider.
    """

    name = ""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def add_observer(self, observer: Observer) -> None:
        """Call ``observer`` at each change from now on."""
        self._observers.append(observer)

    def remove_observer(self, observer: Observer) -> None:
        """Call ``observer`` no longer."""
        self._observers.remove(observer)

    def tell_changed(self, query: Hashable = None) -> None:
        """Tell that what is answered for ``query`` has changed, or, without one, for any."""
        for observer in tuple(self._observers):
            observer(query)
