"""Work that is done in turns, and begun for somebody who comes again until it is done.

A limited number at a time: who wants something else waits until one is done. If its work took the
place of another's, so would the next, and none would ever be done.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from ..net.source import NotReadyError
from .background import RETRY_SECONDS
from .turn_clock import TurnClock

Work = TypeVar("Work")

# Clients may leave while something is done for them: it is not kept for long.
_SECONDS_KEPT = 2.0


class BegunWork(Generic[Work]):
    """At most ``most`` works, by what they are of; those that nobody waits for give way."""

    def __init__(self, most: int, clock: TurnClock) -> None:
        self._most = most
        self._clock = clock
        # With when it was asked for; None if nobody was told to come again for it.
        self._works: dict[Hashable, tuple[Work, float | None]] = {}

    def take(self, key: Hashable) -> Work | None:
        """Return what was begun, to be kept again if it is not done."""
        work, _ = self._works.pop(key, (None, None))
        return work

    def keep(self, key: Hashable, work: Work, *, is_awaited: bool) -> None:
        """Keep what is begun; whether somebody comes again for it."""
        self._works[key] = work, self._clock.now() if is_awaited else None

    def make_room(self) -> None:
        """Have room for one more. Raises ``NotReadyError`` if another must be done first."""
        left_before = self._clock.now() - _SECONDS_KEPT
        while len(self._works) >= self._most:
            asked = ((key, asked_at) for key, (_, asked_at) in self._works.items())
            left = (key for key, asked_at in asked if asked_at is None or asked_at < left_before)
            forgotten = next(left, None)  # the one that was asked for first
            if forgotten is None:
                raise NotReadyError(RETRY_SECONDS)
            del self._works[forgotten]

    def forget(self, *keys: Hashable) -> None:
        """Forget works that nobody comes for."""
        for key in keys:
            self._works.pop(key, None)

    def items(self) -> list[tuple[Hashable, Work]]:
        """Return all that is begun; also while another thread begins something."""
        return [(key, work) for key, (work, _) in [*self._works.items()]]
