"""How fast a link is, and whether parts of an image arrive sooner if they are compressed."""

from __future__ import annotations

from collections import deque
from itertools import accumulate

from ..connection import Reading

# To compress and to decompress takes about as long as 1 MB needs at this speed.
_BYTES_PER_SECOND = 30e6
# Of compressed parts so many are needed: while the first ones come, the views draw the preview.
_FEWEST_COMPRESSED = 16 << 20
# So many bytes are timed together: a network brings some of them at once. Fewer at the end of an
# answer, but no fewer than these.
_TIMED_TOGETHER = 256 << 10
_FEWEST_TIMED = 64 << 10
# How many of these count, the last ones; and how many it takes to say that a link is slow.
_MOST_TIMED = 32
_FEWEST_OF_SLOW = 3
# More than this does not wait in the buffers of the sockets: it comes while it is read, and what is
# read at once takes so many seconds at most (a step of ``net.Client``).
_LARGER_THAN_BUFFERS = 2 << 20
_SECONDS_AT_ONCE = 0.004


class LinkSpeed:
    """How fast bytes arrive while an answer comes. Times are of ``time.monotonic``.

    What a server needs to prepare an answer does not count: the first bytes that come after all
    answers were there only show that the link is at least so fast. Neither does what was there
    already when the socket was read. A window that draws, or a machine that does something else,
    keeps bytes waiting that are here: so half of the bytes were faster than ``bytes_per_second``,
    half slower, and few that were late do not make a link slow.
    """

    def __init__(self) -> None:
        self._last: Reading | None = None
        # From when on, and after how many bytes, what comes is timed; what each read has brought.
        self._begin = (0.0, 0)
        self._counts: list[int] = []
        self._is_between = True
        # Bytes a second, and how many bytes these were.
        self._timed: deque[tuple[float, int]] = deque(maxlen=_MOST_TIMED)
        self._at_least = 0.0
        self._finished_at = 0.0
        self._compressed = _Rate(_FEWEST_COMPRESSED)

    @property
    def bytes_per_second(self) -> float | None:
        """The speed of the link, so far; None if it is too early to say."""
        half = sum(count for _, count in self._timed) / 2
        if 2 * half < _TIMED_TOGETHER:
            return self._at_least or None
        fastest = sorted(self._timed, reverse=True)
        sums = accumulate(count for _, count in fastest)
        return fastest[sum(count < half for count in sums)][0]

    @property
    def is_slow(self) -> bool:
        """Whether compression pays, also on machines that are busy with something else."""
        speed, compressed = self.bytes_per_second, self._compressed.bytes_per_second
        is_known = speed is not None and len(self._timed) >= _FEWEST_OF_SLOW
        if not is_known or speed >= _BYTES_PER_SECOND:
            return False
        return compressed is None or compressed > speed

    def on_asked(self, now: float) -> None:
        """Something is asked for, and nothing else is to come."""
        if self._is_between:
            self._begin = now, self._begin[1]

    def on_read(self, reading: Reading) -> None:
        """The socket was read."""
        last, self._last = self._last, reading
        if last is None or reading.received < last.received:  # that was another connection
            self._time_from(reading.emptied_at, reading)
        elif reading.received == last.received:
            if reading.is_between and reading.is_empty:
                self._time_from(reading.emptied_at, reading)
        else:
            self._counts.append(reading.received - last.received)
            self._time(reading)

    def _time(self, reading: Reading) -> None:
        count, seconds = reading.received - self._begin[1], reading.at - self._begin[0]
        if count >= _LARGER_THAN_BUFFERS:
            for part in self._counts:
                self._add(part, _SECONDS_AT_ONCE)
            self._counts.clear()
        elif not reading.is_empty:
            return  # what is there would seem to come in no time
        elif self._is_between:
            if count >= _FEWEST_TIMED and seconds > 0:
                self._at_least = max(self._at_least, count / seconds)
        elif count >= _TIMED_TOGETHER or (reading.is_between and count >= _FEWEST_TIMED):
            self._add(count, seconds)
        elif not reading.is_between:
            return
        if reading.is_empty:
            self._time_from(reading.at, reading)

    def _add(self, count: int, seconds: float) -> None:
        if seconds > 0:
            self._timed.append((count / seconds, count))

    def _time_from(self, moment: float, reading: Reading) -> None:
        self._begin = moment, reading.received
        self._counts.clear()
        self._is_between = reading.is_between

    def on_finished(self, size: int, whole_size: int, asked_at: float, now: float) -> None:
        """An answer of so many bytes is there; ``whole_size`` are those of its voxels."""
        if size < whole_size:
            # All that it takes counts, at both ends: bytes of voxels a second.
            self._compressed.add(whole_size, now - max(asked_at, self._finished_at))
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
