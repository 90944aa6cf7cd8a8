"""How fast bytes arrive, over the last seconds."""

from __future__ import annotations

from collections import deque

# Long enough for a number that can be read, short enough to follow a network that slows down.
_WINDOW = 3.0
# A rate over less time says more of the socket's buffers than of the network.
_SHORTEST_SPAN = 0.25


class TransferRate:
    """A rate over a sliding window, so that it follows a network that becomes slower or stalls.

    Times are seconds of one clock.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, total: int, now: float) -> None:
        """``total`` bytes have arrived until ``now``, those of earlier calls included."""
        self._samples.append((now, total))
        # The oldest sample is at least as old as the window, once there are any that old.
        while len(self._samples) > 1 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()

    def bytes_per_second(self, now: float) -> float | None:
        """Return the rate until ``now``, or None if it is too early to say."""
        if not self._samples or now - self._samples[0][0] < _SHORTEST_SPAN:
            return None
        begin, first = self._samples[0]
        return (self._samples[-1][1] - first) / (now - begin)
