"""The series of an archive that are open: those that were used last, and what lists need."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Set

from .fetched_series import OpenedSeries

_MOST = 32


class SeriesInUse(Mapping[str, OpenedSeries]):
    """Series that were fetched and are open, by their UIDs."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, OpenedSeries] = OrderedDict()

    def __getitem__(self, uid: str) -> OpenedSeries:
        return self._opened[uid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    def use(self, uid: str) -> OpenedSeries:
        """Return a series, which is the last to be closed then, and to leave the cache."""
        self._opened.move_to_end(uid)
        self._opened[uid].cached.use()
        return self._opened[uid]

    def add(self, uid: str, opened: OpenedSeries, needed: Set[str]) -> None:
        """Add a series, and close those that were used longest ago.

        Not those that are ``needed``: a list of overlays is made of all its series at a time.
        """
        refused = [uid for uid, other in self._opened.items() if other.is_refused]
        for other in self._opened.values():
            other.source.forget_pixels()  # of an image that nobody has asked for
        for other_uid in refused:  # what the disk does not take shall not fill the memory
            self.close_one(other_uid)
        self._opened[uid] = opened
        others = [uid for uid in self._opened if uid not in needed]
        for other_uid in others[: max(0, len(others) - _MOST)]:
            self.close_one(other_uid)

    def close_one(self, uid: str) -> None:
        """Close a series, if it is open."""
        if uid in self._opened:
            self._opened.pop(uid).source.close()

    def close(self) -> None:
        """Close all, when their files are written."""
        for opened in self._opened.values():
            opened.close()
