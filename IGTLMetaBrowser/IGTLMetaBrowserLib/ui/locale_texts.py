"""Numbers, times, sizes and durations as the user's country writes them."""

from __future__ import annotations

import math
from datetime import timezone

import qt
from slicer.i18n import tr as _

# From how many bytes on which unit is used. Figures with two digits say enough.
_UNITS = ((10**10, 10**9, "GB"), (10**6, 10**6, "MB"), (10**3, 10**3, "kB"))
_MINUTE, _HOUR = 60, 3600


class LocaleTexts:
    """Writes for a ``qt.QLocale``; without one, for that of the user's system.

    Not for Qt's default locale: in Slicer that is the locale "C", whatever the user's is.
    """

    def __init__(self, locale=None):
        self._locale = qt.QLocale.system() if locale is None else locale
        self._momentFormat = _momentFormat(self._locale)
        self._timeFormat = _timeFormat(self._locale)
        self._dayFormat = _dayFormat(self._locale)

    def number(self, value):
        """Return a whole number: ``100,000``."""
        return self._locale.toString(int(value))

    def moment(self, moment):
        """Return date and time of a ``datetime`` that knows its time zone, in the local one."""
        local = qt.QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
        return self._locale.toString(local, self._momentFormat)

    def recentMoment(self, moment):
        """Return the same without the date where that is today's."""
        local = qt.QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
        if local.date() != qt.QDate.currentDate():
            return self.moment(moment)
        return self._locale.toString(local.time(), self._timeFormat)

    def day(self, day):
        """Return a ``date``."""
        return self._locale.toString(qt.QDate(day.year, day.month, day.day), self._dayFormat)

    def exactMoment(self, moment):
        """Return the same to the microsecond, in UTC, alike in all countries."""
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f UTC")

    def byteCount(self, count):
        """Return a number of bytes: ``157 MB``."""
        for smallest, unit, name in _UNITS:
            if count >= smallest:
                return f"{self.number(count / unit)} {name}"
        return _("{count} bytes").format(count=self.number(count))

    def duration(self, seconds):
        """Return a time to wait: ``32 s``, ``5 min``, ``2 h 5 min``."""
        seconds = math.ceil(seconds)
        if seconds < 2 * _MINUTE:
            return _("{seconds} s").format(seconds=self.number(seconds))
        minutes = round(seconds / _MINUTE)
        if seconds < 2 * _HOUR:
            return _("{minutes} min").format(minutes=self.number(minutes))
        hours, minutes = divmod(minutes, 60)
        return _("{hours} h {minutes} min").format(hours=self.number(hours), minutes=minutes)


def _timeFormat(locale):
    if locale.language() == qt.QLocale.C:
        return "HH:mm:ss"
    return locale.timeFormat(qt.QLocale.ShortFormat)


def _dayFormat(locale):
    if locale.language() == qt.QLocale.C:
        return "yyyy-MM-dd"
    return _withWholeYear(locale.dateFormat(qt.QLocale.ShortFormat))


def _momentFormat(locale):
    if locale.language() == qt.QLocale.C:
        return "yyyy-MM-dd HH:mm:ss"
    return _withWholeYear(locale.dateTimeFormat(qt.QLocale.ShortFormat))


def _withWholeYear(shortest):
    # A year of two digits could be a day or a month as well, and 2106 could be 2006.
    return shortest if "yyyy" in shortest else shortest.replace("yy", "yyyy")
