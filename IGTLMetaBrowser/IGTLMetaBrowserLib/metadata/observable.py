"""Providers that notify of changes of their answers, so that the registry can keep the answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Set
from typing import Generic

from ..signal import Signal
from .bounded import BoundedCache, Value


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


class ImageProvider(ObservableProvider, Generic[Value]):
    """Base of providers that keep something of images, by their ids; asked with one of these.

    ``most`` and ``weigh`` are those of ``BoundedCache``.
    """

    def __init__(
        self, most: int = sys.maxsize, weigh: Callable[[Value], int] = lambda _: 1
    ) -> None:
        super().__init__()
        self._kept: BoundedCache[str, Value] = BoundedCache(most, weigh)

    def _keep(self, image_id: str, value: Value) -> None:
        if value != self._kept.get(image_id):  # not one of many of a stream
            for changed in (*self._kept.keep(image_id, value), image_id):
                self.notify_changed(changed)

    def forget(self, image_id: str) -> None:
        """Forget what is known of an image, if there is anything."""
        if self._kept.forget(image_id):
            self.notify_changed(image_id)

    @property
    def ids(self) -> Set[str]:
        """The ids of the images of which something is known."""
        return {*self._kept}
