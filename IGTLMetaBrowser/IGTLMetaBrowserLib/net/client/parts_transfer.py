"""Fetches the voxels of an image, or of a box of it, in parts of one version."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from ... import codec
from ...codec.part_encoding import LARGEST_ENCODED
from ..errors import (
    AnswerError,
    ConnectionFailedError,
    DamagedAnswerError,
    NetworkError,
    RefusedError,
)
from .base_client import BaseClient
from .link_speed import LinkSpeed
from .partial_image import Box, PartialImage
from .query import Query

# What is on its way while the server works on what comes next, and while the views draw.
_BYTES_AT_ONCE = 4 << 20
# Before anything is known of the link: enough to measure it.
_FIRST_SLAB_BYTES = 1 << 20
# 5 ms of decompression: part of a turn of the event loop, in which a view may be drawn as well.
_COMPRESSED_SLAB_BYTES = 512 << 10
# A turn of the event loop, in which other things are done, too.
_SECONDS_A_TURN = 0.005
# How often a connection may be lost, or a part be damaged, with nothing new in between.
_MOST_RESTARTS = 2
# One that changes more often than this while it is fetched, as a live one, would never be whole.
_MOST_CHANGES = 2


class Outcome(Enum):
    """What an answer, or its failure, means for a transfer."""

    GOES_ON = "goes on"
    LOST = "lost"
    """The connection is; what has come is kept, and the rest can be asked for on another one."""
    CHANGED = "changed"
    """The image is another one now: nothing of what has come can be used."""
    FAILED = "failed"
    """Parts of this image are of no use."""
    FAST = "fast"
    """The link is: the image is there as soon as a whole, with less work."""


class PartsTransfer:
    """One image, or a box of it; ``choose_box`` says which, by the first part.

    ``first`` is asked for first: it tells size, type, geometry and version of the image. From then
    on ``partial`` has the voxels. ``error`` says why the transfer has failed. Parts of
    ``bytes_at_once`` are on their way if the link is not slow: few large ones are the fastest, but
    a window wants to show what has come.

    What has come is written for a few ms at a time: whoever calls ``on_finished`` calls
    ``write_some`` as long as it ``is_writing``, and then ``ask``.
    """

    def __init__(
        self,
        first: codec.GetImagePartMessage,
        choose_box: Callable[[codec.ImagePartMessage], Box],
        most_bytes: int,
        bytes_at_once: int = _BYTES_AT_ONCE,
    ) -> None:
        self.image_id = first.device_name
        self.partial: PartialImage | None = None
        self.error: Exception | None = None
        self.speed = LinkSpeed()
        self.first_at = 0.0
        """When the first part came, in ``time.monotonic`` seconds."""
        self._first = first
        self._choose_box = choose_box
        self._most_bytes = most_bytes
        self._bytes_at_once = bytes_at_once
        self._asked: dict[Query, Box | None] = {}
        self._restarts = 0
        self._changes = 0

    def __contains__(self, query: Query) -> bool:
        return query in self._asked

    @property
    def queries(self) -> list[Query]:
        """The questions that wait for an answer, oldest first."""
        return list(self._asked)

    @property
    def is_whole(self) -> bool:
        """Whether all voxels have come."""
        return self.partial is not None and self.partial.is_whole

    @property
    def is_writing(self) -> bool:
        """Whether voxels that have come are still to be written to their place."""
        return self.partial is not None and self.partial.slabs_to_write > 0

    @property
    def is_all_here(self) -> bool:
        """Whether nothing has to come any more."""
        return self.partial is not None and self.partial.is_all_here

    @property
    def received(self) -> int:
        """Bytes of the voxels that have come, uncompressed."""
        return 0 if self.partial is None else int(self.partial.fraction * self.partial.byte_count)

    def ask(self, client: BaseClient) -> None:
        """Ask for what comes next, if there is a connection."""
        if not client.offers_parts:
            return
        if not self._asked:
            self.watch(client)
            self.speed.on_asked(time.monotonic())
        if self.partial is None:
            if not self._asked:
                self._asked[client.ask_part(self._first)] = None
            return
        slab_bytes, count = self._next_slabs()
        is_encoded = self.speed.is_slow and self.partial.slice_bytes <= LARGEST_ENCODED
        encodings = (codec.PartEncoding.ZIGZAG_DELTAS,) if is_encoded else ()
        # What is not written yet lies in memory, as what is on its way will.
        while len(self._asked) + self.partial.slabs_to_write < count:
            box = self.partial.next_slab(slab_bytes)
            if box is None:
                return
            request = codec.GetImagePartMessage(
                start=box.start,
                size=box.size,
                tag=self.partial.first.tag,
                encodings=encodings,
                device_name=self.image_id,
            )
            self._asked[client.ask_part(request)] = box

    def _next_slabs(self) -> tuple[int, int]:
        """Return how large slabs are to be, and how many are to be on their way."""
        if self.speed.is_slow:
            return _COMPRESSED_SLAB_BYTES, max(2, _BYTES_AT_ONCE // _COMPRESSED_SLAB_BYTES)
        if self.partial.is_arriving:
            # Small slabs would tell how fast the server gets slices; of large ones, much is left to
            # be sent when it has the last.
            return self._bytes_at_once // 4, 4
        if self.speed.bytes_per_second is None:
            return _FIRST_SLAB_BYTES, 2
        return self._bytes_at_once // 2, 2

    def watch(self, client: BaseClient) -> None:
        """Measure how fast the parts arrive; called after each step of the client."""
        if (reading := client.reading) is not None:
            self.speed.on_read(reading)

    def on_finished(self, query: Query, is_connected: bool) -> Outcome:
        """Handle the answer to one of the questions."""
        box = self._asked.pop(query)
        part = query.answer
        if not isinstance(part, codec.ImagePartMessage):
            self._put_back(box)
            error = query.error or AnswerError(f"{query} came as {part}")
            return self._on_error(error, is_connected)
        asked_at = query.asked_at or time.monotonic()
        sizes = len(part.data), part.byte_count
        self.speed.on_finished(*sizes, asked_at, time.monotonic())
        try:
            if self.partial is None:
                self.first_at = time.monotonic()
                _require_tag(part)
                self.partial = PartialImage(part, self._choose_box(part), self._most_bytes)
            else:
                self.partial.write(part)
                self.write_some()
        except (ValueError, NetworkError, MemoryError) as error:
            self.error = error
            return Outcome.FAILED
        self._restarts = 0
        return Outcome.GOES_ON

    def write_some(self, seconds: float | None = None) -> None:
        """Go on writing what has come to its place, for a turn or for about ``seconds``."""
        if self.partial is not None:
            self.partial.write_some(_SECONDS_A_TURN if seconds is None else seconds)

    def cancel(self, client: BaseClient) -> set[Query]:
        """Wait for nothing any more; what has come stays, the rest can be asked for again.

        Returns the questions that have failed already, of which nobody has been notified yet.
        """
        asked, self._asked = self._asked, {}
        failed = {query for query in asked if query.is_done}
        for query, box in asked.items():
            client.cancel(query)
            self._put_back(box)
        return failed

    def start_anew(self) -> None:
        """Forget what has come: it is of a version that is no longer."""
        self.partial = None

    def _put_back(self, box: Box | None) -> None:
        if box is not None and self.partial is not None:
            self.partial.put_back(box)

    def _on_error(self, error: Exception, is_connected: bool) -> Outcome:
        self.error = error
        if isinstance(error, ConnectionFailedError):
            return Outcome.LOST  # the server has not even heard of the question
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            return Outcome.FAILED
        # After damage there is another connection, too.
        if not is_connected or isinstance(error, DamagedAnswerError):
            return Outcome.LOST
        if self.partial is None or not isinstance(error, RefusedError):
            return Outcome.FAILED
        self._changes += 1
        return Outcome.FAILED if self._changes > _MOST_CHANGES else Outcome.CHANGED


def _require_tag(part: codec.ImagePartMessage) -> None:
    """Raise ``AnswerError`` for a part that other parts cannot be known to belong to."""
    if not part.tag:
        raise AnswerError("its parts have no tag, so that they may be of different images")
