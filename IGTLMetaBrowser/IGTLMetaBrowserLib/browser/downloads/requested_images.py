"""Images that are asked for, and not in the queue yet: of a million, some come there in a turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence


class RequestedImages:
    """Their ids in the order in which they were asked for; one may be there twice."""

    def __init__(self) -> None:
        self._batches: deque[Sequence[str]] = deque()
        self._taken = 0  # of the first batch
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        taken = self._taken
        for batch in self._batches:
            yield from batch[taken:]
            taken = 0

    def add(self, image_ids: Sequence[str]) -> None:
        """Add some, which are looked at when they are taken."""
        if len(image_ids):
            self._batches.append(image_ids)
            self._count += len(image_ids)

    def take(self, most: int) -> list[str]:
        """Return the first of them, which are asked for no more."""
        ids: list[str] = []
        while self._batches and len(ids) < most:
            some = self._batches[0][self._taken : self._taken + most - len(ids)]
            self._taken += len(some)
            if self._taken == len(self._batches[0]):
                self._batches.popleft()
                self._taken = 0
            ids += some
        self._count -= len(ids)
        return ids

    def remove(self, image_ids: Collection[str] | None) -> list[str]:
        """Ask for these no more, or for none at all; return those that were asked for."""
        ids = [*self]
        removed = ids if image_ids is None else [one for one in ids if one in image_ids]
        self._batches.clear()
        self._taken = self._count = 0
        if image_ids is not None:
            self.add([one for one in ids if one not in image_ids])
        return removed
