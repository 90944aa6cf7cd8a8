"""The images that are to be fetched, one at a time, and how long that will take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set

from ..events import Transfer
from .transfer_rate import TransferRate


class DownloadQueue:
    """What waits, in the order in which it was asked for, and what is in transfer.

    A batch is what is asked for from an idle state until everything has arrived, failed or been
    cancelled. Sizes are bytes, 0 if they are not known. Times are seconds of one clock.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        # Before all those: to put one at the front of a million would take 0.2 s.
        self._put_back: dict[str, int] = {}
        self._bytes_waiting = 0
        self._unknown_sizes = 0
        self._begin_batch()

    def _begin_batch(self) -> None:
        self.current: str | None = None
        self._size = self._received = 0
        self._bytes_before = 0  # of the images of this batch that came before
        self._done = self._total = 0
        self._rate = TransferRate()

    def __contains__(self, image_id: str) -> bool:
        return self._is_waiting(image_id) or image_id == self.current

    def _is_waiting(self, image_id: str) -> bool:
        return image_id in self._waiting or image_id in self._put_back

    @property
    def waiting(self) -> list[str]:
        """The ids that wait, first in first out."""
        return [*self._put_back, *self._waiting]

    def waiting_of(self, image_ids: Iterable[str]) -> list[str]:
        """Return those of these ids that wait, each once."""
        return [*filter(self._is_waiting, dict.fromkeys(image_ids))]

    @property
    def first_waiting(self) -> str | None:
        """The id of what is next, or None."""
        return next(iter(self._put_back or self._waiting), None)

    @property
    def has_waiting(self) -> bool:
        """Whether an image waits."""
        return bool(self._waiting or self._put_back)

    def byte_count(self, but: Set[str]) -> int:
        """Return the bytes of all that wait or are in transfer, but for some."""
        left_out = (one.get(id_, 0) for one in (self._put_back, self._waiting) for id_ in but)
        counted = self._bytes_waiting - sum(left_out)
        return counted if self.current is None or self.current in but else counted + self._size

    def add(self, sizes: Mapping[str, int]) -> None:
        """Let images wait that are not there yet; their sizes are what the list says."""
        if not self.has_waiting and self.current is None:
            self._begin_batch()
        self._total += len(sizes)
        self._waiting.update(sizes)
        self._bytes_waiting += sum(sizes.values())
        self._unknown_sizes += sum(size == 0 for size in sizes.values())

    def remove(self, image_ids: Collection[str]) -> None:
        """Let images that wait do so no more."""
        self._done += len(image_ids)
        if len(image_ids) == len(self._waiting) + len(self._put_back):
            self._waiting, self._put_back = {}, {}
            self._bytes_waiting = self._unknown_sizes = 0
            return
        for image_id in image_ids:
            self._count_size(self._pop(image_id), -1)

    def begin_next(self, now: float) -> str:
        """Take the first of those that wait into transfer, and return its id."""
        image_id = next(iter(self._put_back or self._waiting))
        self._size = self._pop(image_id)
        self._count_size(self._size, -1)
        self.current, self._received = image_id, 0
        self._rate.add(self._bytes_before, now)
        return image_id

    def _pop(self, image_id: str) -> int:
        waiting = self._put_back if image_id in self._put_back else self._waiting
        return waiting.pop(image_id)

    def put_back(self) -> None:
        """Let the image in transfer wait again, before all others."""
        if self.current is not None:
            self._put_back = {self.current: self._size, **self._put_back}
            self._count_size(self._size, 1)
        self.current = None
        self._rate = TransferRate()

    def arrived(self, received: int, size: int, now: float) -> bool:
        """So much of the image in transfer is there; return whether it is more than before.

        ``size`` counts more than the list's.
        """
        is_more = received > self._received
        self._received, self._size = received, size
        if is_more:
            self._rate.add(self._bytes_before + received, now)
        return is_more

    def begin_again(self) -> None:
        """The image in transfer is asked for once more: nothing of it counts."""
        self._received = 0

    def finish(self) -> None:
        """The image in transfer has arrived, failed or been cancelled."""
        self._bytes_before += self._received
        self._done += 1
        self.current = None

    def transfer(self, now: float) -> Transfer | None:
        """Return the transfer as it stands, or None if there is none."""
        if self.current is None:
            return None
        rate = self._rate.bytes_per_second(now)
        return Transfer(
            image_id=self.current,
            received=self._received,
            size=self._size,
            bytes_per_second=rate,
            seconds_left=self._bytes_left / rate if rate and self._is_size_known else None,
            done=self._done,
            total=self._total,
        )

    @property
    def _bytes_left(self) -> int:
        return max(0, self._size - self._received) + self._bytes_waiting

    @property
    def _is_size_known(self) -> bool:
        return self._size > 0 and not self._unknown_sizes

    def _count_size(self, size: int, sign: int) -> None:
        """Keep the sum: a batch may have 100,000 images, and is asked after many times."""
        self._bytes_waiting += sign * size
        self._unknown_sizes += sign * (size == 0)
