"""What a list had and the next one has no more, found in turns: it may be a million images."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..lists.listing import Listing

# To tell of one that it has failed takes 10 µs.
_MOST_A_TURN = 1000
# A list is looked through in pieces of 1,000 rows, each of which takes 0.1 ms.
_PIECES_A_TURN = 40


class Withdrawn:
    """The ids that are missing in the last list, and in those before it."""

    def __init__(self) -> None:
        self._pieces: deque[Iterator[list[str]]] = deque()

    @property
    def is_being_found(self) -> bool:
        """Whether ``take_some`` may have more."""
        return bool(self._pieces)

    def look(self, before: Listing, now: Listing) -> None:
        """Look for what is in a list, and not in the next one."""
        self._pieces.append(before.ids_missing_in(now))

    def take_some(self) -> list[str]:
        """Return some of them, none of which was returned before, or none."""
        ids: list[str] = []
        for _ in range(_PIECES_A_TURN):
            while self._pieces and (piece := next(self._pieces[0], None)) is None:
                self._pieces.popleft()
            if not self._pieces:
                break
            ids += piece
            if len(ids) >= _MOST_A_TURN:
                break
        return ids

    def forget(self) -> None:
        """Look for nothing any more."""
        self._pieces.clear()
