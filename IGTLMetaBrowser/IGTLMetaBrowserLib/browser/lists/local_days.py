"""On which days, in local time, many images were scanned."""

from __future__ import annotations

from datetime import datetime

import numpy as np

SECONDS_A_DAY = 86_400
NO_DAY = -(1 << 31)


def local_days(seconds: np.ndarray) -> np.ndarray:
    """Return the days since 1970 on which these moments were in local time.

    ``seconds`` are since 1970 UTC; 0 is no moment, whose day is ``NO_DAY``.
    """
    days = np.full(len(seconds), NO_DAY, np.int64)
    is_known = seconds > 0
    known = seconds[is_known].astype(np.int64)
    utc_days, day_of = np.unique(known // SECONDS_A_DAY, return_inverse=True)
    # Within a day the difference from UTC changes at most once, when daylight saving time does.
    offsets = np.array([_utc_offset(day * SECONDS_A_DAY) for day in utc_days.tolist()], np.int64)
    after = [_utc_offset((day + 1) * SECONDS_A_DAY - 1) for day in utc_days.tolist()]
    offset = offsets[day_of]
    for moment in np.flatnonzero((offsets != np.array(after, np.int64))[day_of]).tolist():
        offset[moment] = _utc_offset(int(known[moment]))
    days[is_known] = (known + offset) // SECONDS_A_DAY
    return days


def _utc_offset(seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds).astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
