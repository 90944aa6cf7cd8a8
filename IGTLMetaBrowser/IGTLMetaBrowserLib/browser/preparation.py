"""What takes long of a message that came, done in turns before the message is handled.

Until then it stays the first of those that wait, and nothing more is read: the server waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from .. import codec, net
from .images.image_metadata import ImageMetadata
from .overlays import Overlays


class Preparation:
    """Prepares one message at a time: a list is looked through, labels are read."""

    def __init__(self, metadata: ImageMetadata, overlays: Overlays) -> None:
        self._metadata = metadata
        self._overlays = overlays
        self._event: net.ClientEvent | None = None
        self._work: Iterator[None] = iter(())

    def go_on(self, event: net.ClientEvent, seconds: float) -> bool:
        """Go on for about ``seconds``; return whether what came can be handled."""
        end = time.monotonic() + seconds
        if event is not self._event:
            self._event, self._work = event, self._prepare(event)
        for _ in self._work:
            if time.monotonic() >= end:
                return False
        self.forget()
        return True

    def forget(self) -> None:
        """Prepare nothing any more: what came will not be handled."""
        self._event, self._work = None, iter(())

    def _prepare(self, event: net.ClientEvent) -> Iterator[None]:
        query = event.query if isinstance(event, net.Finished) else None
        message = event.message if isinstance(event, net.Unsolicited) else query and query.answer
        if isinstance(message, codec.ImageMetaMessage):
            return self._metadata.prepare(message)
        if isinstance(message, codec.ImageMessage):
            name = message.device_name if query is None else query.device_name
            if self._overlays.is_label_map(name):
                return self._overlays.prepare_label_map(message)
        return iter(())
