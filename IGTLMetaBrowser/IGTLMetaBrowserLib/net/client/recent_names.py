"""Names that a server has sent, of which it can invent any number."""

from __future__ import annotations

from collections.abc import Hashable

# A server can send any number of names; the oldest are forgotten.
MOST_NAMES = 10_000


class RecentNames:
    """The last ``MOST_NAMES`` names; those that were added longest ago are forgotten."""

    def __init__(self) -> None:
        self._names: dict[Hashable, None] = {}

    def add(self, name: Hashable) -> None:
        """Remember a name, as the last one."""
        self._names.pop(name, None)
        self._names[name] = None
        if len(self._names) > MOST_NAMES:
            del self._names[next(iter(self._names))]

    def __contains__(self, name: Hashable) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)
