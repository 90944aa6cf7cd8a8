"""What images look like before they are loaded: asked for when somebody looks at their rows.

From a server that offers IMGTHUMB (``docs/PROTOCOL.md``), or from the volume of a loaded image.
What the disk has is shown at once, and the server is asked once in a connection whether that is
still so: the tag of its answer tells. Images come first: while one is fetched nothing is asked.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ... import codec, net
from ...lengths import is_length
from ...signal import Signal
from .previewed_images import PreviewedImages
from .thumbnail_files import ThumbnailFiles

_logger = logging.getLogger(__name__)

_SECONDS_A_TURN = 0.005
# Of 48 KB, or three times as many in color.
_MOST_KEPT = 300
# An image that the user asks for now waits for the thumbnails that are on their way. Of a server
# that needs longer than this for one, it shall be one.
_MOST_ASKED, _QUICK_SECONDS = 4, 0.05
# One after the other, of a server that breaks off, stays silent, or answers with nonsense. A
# connection that is lost with them is needed for images: the first one may be a coincidence.
_MOST_FAILURES, _FAILURES_OF_A_LOSS = 3, 2
# Of a side, and of a thumbnail: those that docs/PROTOCOL.md has.
_MOST_PIXELS, _PLANE_COUNTS = 128, (1, 3)


@dataclass(frozen=True)
class _Kept:
    key: str
    thumbnail: codec.ThumbnailMessage


class Thumbnails:
    """Those of the images of one server. ``changed`` is emitted with the id of an image."""

    def __init__(self, images: PreviewedImages) -> None:
        self.changed: Signal[[str]] = Signal()
        self._images = images
        self._connection = images.connection
        self._files: ThumbnailFiles | None = None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asked: dict[net.Query, tuple[str, str]] = {}  # id and key
        self._forget_server()

    def keep_in(self, folder: Path) -> None:
        """Keep thumbnails in a folder from now on, and show what is there."""
        self._files = ThumbnailFiles(folder)

    # What is looked at

    def want(self, image_ids: Iterable[str]) -> None:
        """These images are looked at now, and no others: what was wanted before is dropped."""
        self._wanted = [] if self._images.are_hidden else list(image_ids)
        self._queue()

    def get(self, image_id: str) -> codec.ThumbnailMessage | None:
        """Return the thumbnail of an image, or None if there is none (yet)."""
        kept = self._kept.get(image_id)
        if kept is None or self._images.are_hidden or kept.key != self._key(image_id):
            return None
        self._kept.move_to_end(image_id)
        return kept.thumbnail

    @property
    def is_asking(self) -> bool:
        """Whether some are on their way."""
        return bool(self._asked)

    @property
    def is_offer_needed(self) -> bool:
        """Whether on a new connection the server has to say again that it has some."""
        return bool(self._wanted) and self._has_offered and not self._is_given_up

    @property
    def is_busy(self) -> bool:
        """Whether ``work`` has something to do now."""
        return bool(self._to_find) or (bool(self._to_ask) and self._can_ask())

    def work(self) -> None:
        """Find some of those that are wanted, on the disk and in the scene, and ask for others."""
        end = time.monotonic() + _SECONDS_A_TURN
        while self._to_find and time.monotonic() < end:
            self._find(self._to_find.popleft())
        while self._to_ask and self._can_ask():
            self._ask(self._to_ask.popleft())

    def _queue(self) -> None:
        self._look_at_list()
        self._to_find, self._to_ask = deque(self._wanted), deque()
        in_flight = {image_id for image_id, _ in self._asked.values()}
        known = in_flight | self._current | self._refused
        self._to_ask.extend(one for one in self._wanted if one not in known)
        if self._wanted:
            self._images.notify_of_wish()

    def _find(self, image_id: str) -> None:
        key = self._key(image_id)
        if key is None or self.get(image_id) is not None:
            return
        found = None if self._files is None else self._files.read(key)
        if found is None and not self._is_offered:
            slices = self._images.slices_of_volume(image_id)
            found = None if slices is None else slices.thumbnail()
        if found is not None:
            self._keep(image_id, key, found)

    def _keep(self, image_id: str, key: str, thumbnail: codec.ThumbnailMessage) -> None:
        self._kept[image_id] = _Kept(key, thumbnail)
        self._kept.move_to_end(image_id)
        if len(self._kept) > _MOST_KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._current.discard(oldest)
        self.changed.emit(image_id)

    def _key(self, image_id: str) -> str | None:
        """Return what tells an image from all others, those of other lists too; None if unknown."""
        self._look_at_list()
        if image_id not in self._keys:
            self._keys[image_id] = self._images.key(image_id)
        return self._keys[image_id]

    def _look_at_list(self) -> None:
        """Notice another list: the images may be others, so they are asked for again."""
        if self._images.metadata.listing is not self._listing:
            self._listing = self._images.metadata.listing
            self._keys.clear()
            self._current.clear()
            self._refused.clear()

    # The server

    @property
    def _is_offered(self) -> bool:
        connection = self._connection
        return (
            not self._is_given_up
            and connection.has_server
            and connection.client.offers_thumbnails is True
        )

    def _can_ask(self) -> bool:
        has_room = len(self._asked) < self._most_asked
        return has_room and self._is_offered and self._images.can_be_asked_for

    def _ask(self, image_id: str) -> None:
        key = self._key(image_id)
        if key is not None:
            self._has_offered = True
            query = self._connection.client.ask("IMGTHUMB", image_id)
            self._asked[query] = image_id, key

    def on_connected(self) -> None:
        """Ask again for what is wanted: images may have changed meanwhile."""
        self._is_lost = False
        self._current.clear()
        self._queue()

    def on_finished(self, query: net.Query) -> bool:
        """Handle a query that is done; return whether it was one of these."""
        if query not in self._asked:
            return False
        image_id, key = self._asked.pop(query)
        now = time.monotonic()
        seconds = now - max(query.asked_at or now, self._answered_at)
        self._answered_at = now
        self._most_asked = _MOST_ASKED if seconds < _QUICK_SECONDS else 1
        thumbnail = query.answer
        if isinstance(thumbnail, codec.ThumbnailMessage) and _is_plausible(thumbnail):
            self._failures = 0
            self._on_thumbnail(image_id, key, _without_rest(thumbnail))
        else:
            self._on_failed(image_id, query)
        return True

    def _on_thumbnail(self, image_id: str, key: str, thumbnail: codec.ThumbnailMessage) -> None:
        if key != self._key(image_id):
            self._queue()  # the list has changed since, so that it may be of another image
            return
        self._current.add(image_id)
        before = self.get(image_id)
        if before is None or not thumbnail.tag or before.tag != thumbnail.tag:
            if self._files is not None:
                self._files.write(key, thumbnail)
            self._keep(image_id, key, thumbnail)

    def _on_failed(self, image_id: str, query: net.Query) -> None:
        error = query.error
        _logger.info("no thumbnail of an image: %s", error or "it has no usable planes")
        if isinstance(error, net.ConnectionFailedError):
            return  # it says nothing of thumbnails; they are asked for again when it is there
        if isinstance(error, (net.ConnectionLostError, net.TimeOutError)):
            # All that are on their way are lost together.
            self._failures += 0 if self._is_lost else _FAILURES_OF_A_LOSS
            self._is_lost = True
        else:
            self._refused.add(image_id)
            self._failures += 0 if isinstance(error, net.RefusedError) else 1
        if self._failures >= _MOST_FAILURES:
            self._is_given_up = True
            self._queue()  # those of loaded images are left

    def on_image_shown(self, image_id: str) -> None:
        """An image has come into the scene: there is something to make a thumbnail of."""
        if image_id in self._wanted and not self._is_offered:
            self._kept.pop(image_id, None)
            self._queue()

    def on_server_selected(self) -> None:
        """Begin with another server, or with none."""
        self._kept.clear()
        self._forget_server()

    def _forget_server(self) -> None:
        self._asked.clear()
        self._listing = self._images.metadata.listing
        self._keys: dict[str, str | None] = {}
        self._wanted: list[str] = []
        self._to_find: deque[str] = deque()
        self._to_ask: deque[str] = deque()
        self._current: set[str] = set()  # ids of those that this connection has brought
        self._refused: set[str] = set()
        self._failures = 0
        self._has_offered = self._is_given_up = self._is_lost = False
        self._most_asked = 1
        self._answered_at = 0.0


def _is_plausible(thumbnail: codec.ThumbnailMessage) -> bool:
    """Whether a thumbnail has planes of the sizes that are agreed on, and not larger ones."""
    return len(thumbnail.planes) in _PLANE_COUNTS and all(
        all(0 < count <= _MOST_PIXELS for count in plane.pixels.shape[:2])
        and all(map(is_length, plane.pixel_size))
        for plane in thumbnail.planes
    )


def _without_rest(thumbnail: codec.ThumbnailMessage) -> codec.ThumbnailMessage:
    """Return what is shown, without the message that it came in: its metadata can have a MiB."""
    planes = [replace(plane, pixels=plane.pixels.copy()) for plane in thumbnail.planes]
    return codec.ThumbnailMessage(planes, thumbnail.tag)
