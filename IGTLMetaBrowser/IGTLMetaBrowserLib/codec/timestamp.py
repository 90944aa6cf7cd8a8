"""Time as OpenIGTLink writes it (``timestamp.md``)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FRACTIONS_PER_SECOND = 1 << 32
_LARGEST = (1 << 64) - 1


class Timestamp(int):
    """Time since 1970-01-01 00:00 UTC in units of 2⁻³² s, an integer from 0 to 2⁶⁴−1.

    On the wire: seconds in the high 32 bits, their fraction in the low 32. 0 means "not set".
    Kept as the integer, because a float would lose the lowest bits. The last instant is in 2106.
    """

    __slots__ = ()

    def __new__(cls, value: int = 0) -> Timestamp:
        if not 0 <= value <= _LARGEST:
            raise ValueError(f"a timestamp is a number from 0 to 2**64 - 1, not {value}")
        return super().__new__(cls, value)

    @classmethod
    def from_seconds(cls, seconds: float) -> Timestamp:
        """Return the timestamp for a number of seconds since 1970 UTC."""
        return cls(round(seconds * _FRACTIONS_PER_SECOND))

    @classmethod
    def from_datetime(cls, moment: datetime) -> Timestamp:
        """Return the timestamp for ``moment``, which must carry its time zone."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; OpenIGTLink's time is UTC")
        microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
        # Rounded up, so that ``to_datetime``, which rounds down, gives the same microsecond again.
        return cls(-(-microseconds * _FRACTIONS_PER_SECOND // 1_000_000))

    @property
    def seconds(self) -> float:
        """Seconds since 1970 UTC, to a float's precision (about 0.2 µs)."""
        return int(self) / _FRACTIONS_PER_SECOND

    def to_datetime(self) -> datetime | None:
        """Return the moment in UTC, to the microsecond, or None if it is not set."""
        if not self:
            return None
        whole, fraction = divmod(int(self), _FRACTIONS_PER_SECOND)
        return _EPOCH + timedelta(
            seconds=whole, microseconds=fraction * 1_000_000 // _FRACTIONS_PER_SECOND
        )

    def __repr__(self) -> str:
        moment = self.to_datetime()
        shown = "" if moment is None else f": {moment:%Y-%m-%d %H:%M:%S} UTC"
        return f"Timestamp({int(self)}{shown})"


NOT_SET = Timestamp(0)

# The timestamp of a u64, which needs no check: a list may have a hundred thousand.
timestamp_from_wire = partial(int.__new__, Timestamp)
