"""How fast a link is, and whether parts of an image arrive sooner if they are compressed."""

from __future__ import annotations

from collections.abc import Hashable

# To compress and to decompress takes about as long as 1 MB needs at this speed.
_BYTES_PER_SECOND = 30e6
# Less than this says nothing.
_FEWEST_BYTES = 64 << 10
# Of compressed parts more are needed: while the first ones come, the views draw the preview.
_FEWEST_COMPRESSED = 16 << 20
# More than this does not wait in the buffers of the sockets: it comes while it is read, and what is
# read at once takes so many seconds at most (a step of ``net.Client``).
_LARGER_THAN_BUFFERS = 2 << 20
_SECONDS_AT_ONCE = 0.004


class LinkSpeed:
    """How fast answers arrive, from their first bytes to their last. Times are of one clock.

    What a server needs to prepare an answer does not count: that says nothing of the link. If a
    small answer is there all at once, its first bytes came after the last moment of which it is
    known that nothing had arrived.
    """

    def __init__(self) -> None:
        self._answer: Hashable = None
        self._begin = (0.0, 0)
        self._finished_at = 0.0
        self._nothing_until = 0.0
        self._as_it_is = _Rate(_FEWEST_BYTES)
        self._compressed = _Rate(_FEWEST_COMPRESSED)

    @property
    def bytes_per_second(self) -> float | None:
        """The speed of what came uncompressed, so far; None if it is too early to say."""
        return self._as_it_is.bytes_per_second

    @property
    def is_slow(self) -> bool:
        """Whether compression pays, also on machines that are busy with something else."""
        speed, compressed = self.bytes_per_second, self._compressed.bytes_per_second
        if speed is None or speed >= _BYTES_PER_SECOND:
            return False
        return compressed is None or compressed > speed

    def on_progress(self, answer: Hashable, received: int, now: float) -> None:
        """So many bytes of an answer have arrived."""
        if answer != self._answer:
            self._answer, self._begin = answer, (now, received)

    def on_nothing(self, now: float) -> None:
        """Nothing of the next answer had arrived until now."""
        self._nothing_until = now

    def on_finished(
        self, answer: Hashable, size: int, whole_size: int, asked_at: float, now: float
    ) -> None:
        """An answer of so many bytes is there; ``whole_size`` are those of its voxels."""
        moment, received = max(asked_at, self._finished_at), 0
        if size < whole_size:
            # All that it takes counts, at both ends: bytes of voxels a second.
            self._compressed.add(whole_size, now - moment)
        else:
            moment = max(moment, self._nothing_until)
            if answer == self._answer:
                moment, received = self._begin
            elif size >= _LARGER_THAN_BUFFERS:
                moment = max(moment, now - _SECONDS_AT_ONCE)
            self._as_it_is.add(max(0, size - received), now - moment)
        self._finished_at = now


class _Rate:
    def __init__(self, fewest_bytes: int) -> None:
        self._fewest_bytes = fewest_bytes
        self._bytes = 0
        self._seconds = 0.0

    def add(self, count: int, seconds: float) -> None:
        self._bytes += count
        self._seconds += seconds

    @property
    def bytes_per_second(self) -> float | None:
        if self._bytes < self._fewest_bytes or not self._seconds:
            return None
        return self._bytes / self._seconds
