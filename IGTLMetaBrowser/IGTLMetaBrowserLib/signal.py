"""Callbacks that are called when something happens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Signal(Generic[P]):
    """What can be connected with callbacks; ``Signal[[str]]()`` emits a text.

    It is called as Qt calls its signals, and works without Qt: a callback that fails is reported
    through ``sys.excepthook``, and the others are called all the same.
    """

    def __init__(self) -> None:
        self._connections: list[tuple[Callable[P, object], Callable[P, bool] | None]] = []

    def connect(
        self, callback: Callable[P, object], accepts: Callable[P, bool] | None = None
    ) -> None:
        """Call ``callback`` with what is emitted from now on, or only with what it ``accepts``."""
        self._connections = [*self._connections, (callback, accepts)]

    def disconnect(self, callback: Callable[P, object]) -> None:
        """Call ``callback`` no longer."""
        self._connections = [pair for pair in self._connections if pair[0] != callback]

    def disconnect_all(self) -> None:
        """Call nobody any longer."""
        self._connections = []

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call all callbacks, in the order in which they were connected."""
        # A callback that disconnects others makes another list.
        for callback, accepts in self._connections:
            try:
                if accepts is None or accepts(*args, **kwargs):
                    callback(*args, **kwargs)
            except Exception:
                sys.excepthook(*sys.exc_info())
