"""What series are compared with: patterns of QIDO and C-FIND (PS3.18 8.3.4.1, PS3.4 C.2.2.2)."""

from __future__ import annotations

from functools import partial

from ....person_names import plain_name, spellings
from ..archive import LONGEST_PATTERN, NAMES, Query, Series

RANGES = ("PatientBirthDate", "StudyDate", "SeriesDate", "StudyTime", "SeriesTime")
"""Keywords of days and times, whose patterns are ranges."""

_DATE_OF = {"StudyTime": "StudyDate", "SeriesTime": "SeriesDate"}
_LAST_DAY = "99999999"
_FIRST_MOMENT, _LAST_MOMENT = "000000.000000", "235959.999999"  # of a day (PS3.5 6.2, TM)


def matches(series: Series, query: Query) -> bool:
    """Whether a series is what a query asks for.

    Archives may pass over what they do not search by (PS3.18 8.3.4): what comes is looked at.
    """
    return all(
        _matches(keyword, series[keyword], pattern) or _is_moment(series, query, keyword)
        for keyword, pattern in query.items()
    )


def is_within(keyword: str, pattern: str, others: str) -> bool:
    """Whether all that matches a pattern matches the ``others``, too; False if that is not clear.

    Its ? is one character for both, its * none, or more than those of the others can be.
    """
    texts = (pattern.replace("*", some) for some in ("", "*" * (len(others) + 1)))
    return all(_matches(keyword, text, others) for text in texts)


def as_asked(query: Query) -> dict[str, str]:
    """Return a query as archives are asked: times have no colons in DICOM (PS3.5 6.2, TM).

    Orthanc compares them as texts, and finds others, or nothing.
    """
    return {key: text.replace(":", "") if key in RANGES else text for key, text in query.items()}


def common_range(keyword: str, first: str, second: str) -> str | None:
    """Return the range of days, or of times, that are in both ranges; None if there are none."""
    ranges = [_ends_of(pattern) for pattern in (first, second)]
    begin = max((begin for begin, _ in ranges), key=partial(_first_in, keyword))
    end = min((end for _, end in ranges), key=partial(_last_in, keyword))
    if _first_in(keyword, begin) > _last_in(keyword, end):
        return None
    return begin if begin == end and begin in ("", first, second) else f"{begin}-{end}"


def _ends_of(pattern: str) -> tuple[str, str]:
    """Return the first and the last day, or time, of a range; empty where it has none.

    Times may have colons, as in ACR-NEMA, before DICOM.
    """
    text = "" if pattern == "*" else pattern.replace(":", "")
    begin, dash, end = text.partition("-")
    return (begin, end) if dash else (begin, begin)


def _first_in(keyword: str, text: str) -> str:
    """Return the first moment in a time of day, of which a part may not be said; or the day."""
    return text + _FIRST_MOMENT[len(text) :] if keyword in _DATE_OF else text


def _last_in(keyword: str, text: str) -> str:
    return text + _LAST_MOMENT[len(text) :] if keyword in _DATE_OF else text or _LAST_DAY


def _matches(keyword: str, value: str, pattern: str) -> bool:
    if pattern in ("", "*"):
        return True
    if keyword in RANGES:
        begin, end = _ends_of(pattern)
        text = value.replace(":", "")
        is_in = _first_in(keyword, begin) <= _first_in(keyword, text) <= _last_in(keyword, end)
        return is_in and (bool(text) or keyword not in _DATE_OF)
    if keyword not in NAMES:
        return _is_like(value, pattern)
    return any(_is_like(part, plain_name(pattern)) for part in spellings(value))


def _is_moment(series: Series, query: Query, keyword: str) -> bool:
    """Whether a time is on a day that is in the range from the first day's time to the last's.

    So some archives take two ranges of the same form (combined datetime matching, PS3.4 C.2.2.2.5);
    others take the range of times as one of each day.
    """
    days, times = query.get(_DATE_OF.get(keyword, ""), ""), query[keyword]
    day, time = series[_DATE_OF.get(keyword, "")], series[keyword].replace(":", "")
    if not (day and time and "-" in days and "-" in times):
        return False
    (first_day, last_day), (first, last) = _ends_of(days), _ends_of(times)
    if (bool(first_day), bool(last_day)) != (bool(first), bool(last)):
        return False
    begin = first_day + _first_in(keyword, first)
    return (
        begin <= day + _first_in(keyword, time) <= (last_day or _LAST_DAY) + _last_in(keyword, last)
    )


def _is_like(value: str, pattern: str) -> bool:
    """Whether a text matches a pattern with the wild cards * and ?.

    Not by a regular expression: of twenty wild cards, it would try all ways to place them.
    """
    if len(pattern) > LONGEST_PATTERN:
        return False
    begin, *pieces = pattern.split("*")
    if not pieces:
        return _is_piece(value, 0, begin) and len(value) == len(begin)
    *middle, end = pieces
    place, last = len(begin), len(value) - len(end)
    if place > last or not (_is_piece(value, 0, begin) and _is_piece(value, last, end)):
        return False
    for piece in middle:  # each where it is found first: so there is most room for those behind it
        found = range(place, last - len(piece) + 1)
        place = next((at + len(piece) for at in found if _is_piece(value, at, piece)), -1)
        if place < 0:
            return False
    return True


def _is_piece(value: str, begin: int, piece: str) -> bool:
    """Whether a text has there what ``piece`` says, in which ? is any character."""
    there = value[begin : begin + len(piece)]
    return len(there) == len(piece) and all(
        wanted in ("?", found) for wanted, found in zip(piece, there, strict=True)
    )
