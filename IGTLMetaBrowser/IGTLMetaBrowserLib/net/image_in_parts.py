"""A whole image in parts, for scripts: if the connection is lost, it goes on where it stopped.

All parts are of one version of the image (their tag), or it begins anew. Parts are compressed if
the network turns out to be slower than that takes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .. import codec
from .client import Client, ProgressCallback
from .errors import (
    AnswerError,
    ConnectionFailedError,
    ConnectionLostError,
    NetworkError,
    RefusedError,
    TimeOutError,
)
from .query import Query

# The server works on one part while another is on its way.
_AT_ONCE = 2
# The first slab is small, as it shows how fast the network is; few large ones are the fastest then,
# and compressed ones are as large as the server compresses them.
_FIRST_SLAB, _SLAB, _COMPRESSED_SLAB = 1 << 20, 16 << 20, 2 << 20
# Bytes a second. Both ends compress and decompress about 100 MB/s, so that it pays below this.
_SLOW = 60e6
# Before each attempt in which nothing more has come.
_DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0)
_LOST = (ConnectionLostError, ConnectionFailedError, TimeOutError)
_DELTAS = (codec.PartEncoding.ZIGZAG_DELTAS,)


def get_image_in_parts(
    client: Client,
    image_id: str,
    progress: ProgressCallback | None = None,
    on_lost: Callable[[NetworkError], None] | None = None,
) -> codec.ImageMessage:
    """Return an image of a server that ``offers_parts``; ``on_lost`` is called when it goes on.

    ``progress`` counts bytes of voxels, as they are in memory. The coordinates are those of the
    client's settings. Raises ``NetworkError``: ``RefusedError`` if the server sends no parts of it.
    """
    fetch = _Fetch(client, image_id, progress)
    failures = changes = 0
    while True:
        before = fetch.received
        try:
            fetch.run()
        except _LOST as error:
            failures = 1 if fetch.received > before else failures + 1
            if failures > len(_DELAYS):
                raise
            if on_lost is not None:
                on_lost(error)
            time.sleep(_DELAYS[failures - 1])
        except RefusedError:
            # It has changed meanwhile; who refuses the first part, or again and again, means it.
            changes += 1
            if not fetch.has_begun or changes > 1:
                raise
            fetch = _Fetch(client, image_id, progress)
        else:
            image, coordinates = fetch.image, client.settings.coordinates
            return image if coordinates is None else replace(image, coordinates=coordinates)


class _Fetch:
    """The parts of one version of an image; ``run`` goes on after an interruption."""

    def __init__(self, client: Client, image_id: str, progress: ProgressCallback | None) -> None:
        self._client = client
        self._image_id = image_id
        self._progress = progress
        self._first: codec.ImagePartMessage | None = None
        self._waiting: deque[Query] = deque()
        # Of each slice: whether its voxels have come; whether they have, or are on their way.
        self._is_there = self._is_asked = np.zeros(0, bool)
        self._bytes_a_second: float | None = None
        self.received = 0
        self.image: codec.ImageMessage

    @property
    def has_begun(self) -> bool:
        """Whether a part has come."""
        return self._first is not None

    def run(self) -> None:
        """Get what is missing. Raises ``NetworkError``."""
        self._client.find_capability()
        if self._first is None:
            self._begin()
        try:
            while not self._is_there.all():
                self._ask()
                self._take(self._waiting.popleft())
        finally:
            for query in self._waiting:
                self._client.cancel(query)
            self._waiting.clear()
            self._is_asked = self._is_there.copy()

    def _begin(self) -> None:
        """Ask for one voxel, which tells all that the whole image has in common."""
        largest = (0xFFFF, 0xFFFF, 0xFFFF)
        request = codec.GetImagePartMessage(stride=largest, device_name=self._image_id)
        first = self._client.get_image_part(request)
        geometry = first.whole_geometry()
        i, j, k = first.image_size
        shape = (k, j, i) if first.components == 1 else (k, j, i, first.components)
        size = int(np.prod(shape, dtype=np.int64)) * geometry.pixels.itemsize
        if size > (most := self._client.settings.max_body_size):
            raise AnswerError(
                f"the image has {size} bytes; the limit is {most}; allow larger images",
                "max_body_size",
            )
        self.image = codec.ImageMessage(
            np.empty(shape, first.scalar_type.dtype),
            first.matrix,
            first.coordinates,
            device_name=first.device_name,
            timestamp=first.timestamp,
            header_version=first.header_version,
            metadata=first.metadata,
        )
        self._is_there, self._is_asked = np.zeros(k, bool), np.zeros(k, bool)
        self._first = first

    def _ask(self) -> None:
        """Keep queries on their way."""
        at_once = 1 if self._bytes_a_second is None else _AT_ONCE
        while len(self._waiting) < at_once and not self._is_asked.all():
            start, count = self._next_slab()
            request = codec.GetImagePartMessage(
                start=(0, 0, start),
                size=(0, 0, count),
                tag=self._first.tag,
                encodings=_DELTAS if self._is_slow else (),
                device_name=self._image_id,
            )
            self._waiting.append(self._client.ask_part(request))
            self._is_asked[start : start + count] = True

    @property
    def _is_slow(self) -> bool:
        return self._bytes_a_second is not None and self._bytes_a_second < _SLOW

    def _next_slab(self) -> tuple[int, int]:
        """Return first slice and number of slices of what to ask for next."""
        if self._bytes_a_second is None:
            most = _FIRST_SLAB
        else:
            most = _COMPRESSED_SLAB if self._is_slow else _SLAB
        pixels = self.image.pixels
        start = int(np.argmin(self._is_asked))
        until = start + max(1, most // (pixels.nbytes // len(pixels)))
        is_missing = ~self._is_asked[start:until]
        return start, len(is_missing) if is_missing.all() else int(np.argmin(is_missing))

    def _take(self, query: Query) -> None:
        moments: list[float] = []
        part = self._client.wait(query, lambda _received, _size: moments.append(time.monotonic()))
        if self._bytes_a_second is None:
            # From its first bytes on: how long it is decoded says nothing of the network.
            self._bytes_a_second = query.answer_size / max(moments[-1] - moments[0], 1e-6)
        if not isinstance(part, codec.ImagePartMessage) or not part.is_of_same_image(self._first):
            raise AnswerError(f"{query} does not belong to the parts before; load it again")
        try:
            self.image.pixels[part.slices()] = part.voxels()
        except codec.DecodeError as error:
            raise AnswerError(f"{query} cannot be read: {error}") from error
        self._is_there[part.slices()[0]] = True
        self.received += part.byte_count
        if self._progress is not None:
            self._progress(self.received, self.image.pixels.nbytes)
