"""What takes long of a message that came, done in turns before the message is handled.

Until then it stays the first of those that wait, and nothing more is read: the server waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from .. import codec, net
from .images.image_metadata import ImageMetadata
from .images.scene_images import SceneImages

# After the last bytes of so large an image were read and checked, it comes into the scene in
# another step.
_LARGE_BYTES = 4 << 20
# So large a part of an image may take 3 ms to be decompressed.
_LARGE_PART_BYTES = 256 << 10


class Preparation:
    """Prepares one message at a time: a list is looked through, labels are read.

    A large part of an image is put together with the voxels around it.
    """

    def __init__(self, metadata: ImageMetadata, in_scene: SceneImages) -> None:
        self._metadata = metadata
        self._in_scene = in_scene
        self._event: net.ClientEvent | None = None
        self._work: Iterator[None] = iter(())

    def go_on(self, event: net.ClientEvent, seconds: float) -> bool:
        """Go on for about ``seconds``; return whether what came can be handled."""
        end = time.monotonic() + seconds
        if event is not self._event:
            self._event, self._work = event, self._prepare(event)
        return all(time.monotonic() < end for _ in self._work)

    def forget(self) -> None:
        """Let go of what was prepared: what came was handled, or will not be."""
        self._event, self._work = None, iter(())
        self._in_scene.forget_prepared()

    def _prepare(self, event: net.ClientEvent) -> Iterator[None]:
        query = event.query if isinstance(event, net.Finished) else None
        message = event.message if isinstance(event, net.Unsolicited) else query and query.answer
        if isinstance(message, codec.ImageMetaMessage):
            # A list that nobody has asked for is not shown: nothing of it is to be kept.
            return iter(()) if query is None else self._metadata.prepare(message)
        if isinstance(message, codec.ImageMessage):
            name = message.device_name if query is None else query.device_name
            return self._in_scene.prepare(name, message)
        return iter(())


def is_large(event: net.ClientEvent) -> bool:
    """Whether an event brings an image, or a part of one, that takes long to be handled."""
    if isinstance(event, net.Finished):
        message = event.query.answer
    else:
        message = event.message if isinstance(event, net.Unsolicited) else None
    if isinstance(message, codec.ImagePartMessage):
        return message.byte_count >= _LARGE_PART_BYTES
    return isinstance(message, codec.ImageMessage) and message.pixels.nbytes >= _LARGE_BYTES
