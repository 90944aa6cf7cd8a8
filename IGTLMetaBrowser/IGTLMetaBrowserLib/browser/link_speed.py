"""Whether a link is so slow that compressed parts of an image arrive sooner."""

from __future__ import annotations

from collections.abc import Hashable

# To compress and to decompress takes about as long as 1 MB needs at this speed.
_BYTES_PER_SECOND = 30e6
# Less than this comes out of the buffers of the sockets.
_FEWEST_BYTES = 64 << 10


class LinkSpeed:
    """How fast answers arrive, from their first bytes to their last. Times are of one clock.

    What a server needs to prepare an answer does not count: that says nothing of the link. Unless
    an answer is there all at once: then nobody knows when its first bytes came.
    """

    def __init__(self) -> None:
        self._answer: Hashable = None
        self._begin = (0.0, 0)
        self._finished_at = 0.0
        self._seconds = 0.0
        self._bytes = 0

    @property
    def bytes_per_second(self) -> float | None:
        """The speed so far; None if it is too early to say."""
        if self._bytes < _FEWEST_BYTES or not self._seconds:
            return None
        return self._bytes / self._seconds

    @property
    def is_slow(self) -> bool:
        """Whether compression pays."""
        speed = self.bytes_per_second
        return speed is not None and speed < _BYTES_PER_SECOND

    def on_progress(self, answer: Hashable, received: int, now: float) -> None:
        """So many bytes of an answer have arrived."""
        if answer != self._answer:
            self._answer, self._begin = answer, (now, received)

    def on_finished(self, answer: Hashable, size: int, asked_at: float, now: float) -> None:
        """An answer of so many bytes is there."""
        moment, received = max(asked_at, self._finished_at), 0
        if answer == self._answer:
            moment, received = self._begin
        self._seconds += now - moment
        self._bytes += max(0, size - received)
        self._finished_at = now
