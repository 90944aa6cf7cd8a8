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
        self._callbacks: list[Callable[P, object]] = []

    def connect(self, callback: Callable[P, object]) -> None:
        """Call ``callback`` with what is emitted from now on."""
        self._callbacks.append(callback)

    def disconnect(self, callback: Callable[P, object]) -> None:
        """Call ``callback`` no longer. Raises ``ValueError`` if it is not connected."""
        self._callbacks.remove(callback)

    def disconnect_all(self) -> None:
        """Call nobody any longer."""
        self._callbacks.clear()

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call all callbacks, in the order in which they were connected."""
        # A copy: a callback may disconnect itself.
        for callback in [*self._callbacks]:
            try:
                callback(*args, **kwargs)
            except Exception:
                sys.excepthook(*sys.exc_info())
