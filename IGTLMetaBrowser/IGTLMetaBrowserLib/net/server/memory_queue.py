"""Whose turn it is, when clients wait for memory that images of others take.

Whoever asks first after some is free would have it: of two hundred connections of one address, and
one of another, that other would wait for hours. So would one who wants an image that is not in
memory, as long as others read one that is, and ask for it again and again.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection

from ..limits import Network, origin_of
from .packed_images import NoRoomError
from .served_client import ServedClient

# Of thousands of clients, each asks for its turn 20 times a second.
_SECONDS_BETWEEN_LOOKS = 0.01


class MemoryQueue:
    """Of those of ``clients`` who have waited for some seconds, the first is one whose address
    holds the fewest images; of several, that has held none for longest; then, who has waited
    longest.
    """

    def __init__(self, clients: Callable[[], Collection[ServedClient]]) -> None:
        self._clients = clients
        self._first: ServedClient | None = None
        self._look_at = 0.0
        # When an address of theirs was last seen to hold an image.
        self._held_at: dict[Network, float] = {}

    def require_turn(self, client: ServedClient) -> None:
        """Raise ``NoRoomError`` if a client that holds no image has to wait for another.

        Also for what is in memory already: it would be for longer.
        """
        now = time.monotonic()
        if now >= self._look_at:
            self._first, self._look_at = self._find_first(now), now + _SECONDS_BETWEEN_LOOKS
        first = self._first
        if first not in (None, client) and first.is_without_room(now):
            raise NoRoomError

    def _find_first(self, now: float) -> ServedClient | None:
        clients = self._clients()
        waiting = [client for client in clients if client.is_without_room(now)]
        if not waiting:
            self._held_at.clear()
            return None
        held = Counter(origin_of(client.host) for client in clients if client.holds_image)
        there = {origin_of(client.host) for client in clients}
        known = {**self._held_at, **dict.fromkeys(held, now)}
        self._held_at = {origin: moment for origin, moment in known.items() if origin in there}

        def place(client: ServedClient) -> tuple[int, float, float]:
            origin, since = origin_of(client.host), client.without_room_since
            held_at = self._held_at.get(origin, -math.inf)
            return held[origin], held_at, now if since is None else since

        return min(waiting, key=place)
