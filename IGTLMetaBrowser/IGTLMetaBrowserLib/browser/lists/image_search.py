"""What images are searched for: of an archive by its server, or else in the list that came."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from .natural_order import fold_for_search

_DAY = re.compile(r"(\d{4})(?:-?(\d\d)(?:-?(\d\d))?)?")
# Of the timestamps of OpenIGTLink: 32 bits of seconds.
_FIRST_YEAR, _LAST_YEAR = 1970, 2106
_WILD = re.compile(r"[*?]")
# Of a name as people write it, and as DICOM does (PS3.5 6.2.1.1); with the wild cards of QIDO.
_BETWEEN_NAMES = re.compile(r"[\s,^*?]+")
_BETWEEN_WORDS = re.compile(r"[\s*?]+")


@dataclass(frozen=True)
class ImageSearch:
    """What the images have in common that are searched for; what is empty does not matter.

    patient
        Parts of the patient's name, the family name first.
    patient_id, description
        A part of the ID; of the name that the list gives an image.
    modality
        As DICOM writes it, such as ``CT``.
    first_day, last_day
        When they were acquired, both days included.

    In texts, ``*`` is any number of characters and ``?`` is one, as in PS3.4 C.2.2.2.4.
    """

    patient: str = ""
    patient_id: str = ""
    modality: str = ""
    first_day: date | None = None
    last_day: date | None = None
    description: str = ""

    def attributes(self, keywords: Collection[str]) -> dict[str, str]:
        """Return those by which a server can search: values as in QIDO (PS3.18 8.3.4.1)."""
        values = {
            "PatientName": _pattern(self.patient, _BETWEEN_NAMES),
            "PatientID": _pattern(self.patient_id),
            "Modality": self.modality.strip().upper(),
            "StudyDate": self._days,
            "SeriesDescription": _pattern(self.description),
        }
        return {key: value for key, value in values.items() if value and key in keywords}

    def words(self) -> dict[str, list[str]]:
        """Return the folded words that the texts of an entry have, by the fields of IMGMETA."""
        return {
            "patient_name": [*filter(None, _BETWEEN_NAMES.split(fold_for_search(self.patient)))],
            "patient_id": [*filter(None, _BETWEEN_WORDS.split(fold_for_search(self.patient_id)))],
            "name": [*filter(None, _BETWEEN_WORDS.split(fold_for_search(self.description)))],
        }

    def seconds(self) -> tuple[float, float] | None:
        """Return the time between the days, in seconds since 1970 UTC, without its end; or None.

        Days are those of this computer's time zone, as an archive's are taken to be.
        """
        if self.first_day is None and self.last_day is None:
            return None
        begin = 1.0 if self.first_day is None else max(1.0, _begin_of(self.first_day))
        return begin, float("inf") if self.last_day is None else _begin_of(self.last_day, 1)

    @property
    def _days(self) -> str:
        if self.first_day is None and self.last_day is None:
            return ""
        days = (self.first_day, self.last_day)
        first, last = (day.isoformat().replace("-", "") if day else "" for day in days)
        return first if first == last else f"{first}-{last}"


NO_SEARCH = ImageSearch()


def parse_day(text: str, *, is_last: bool = False) -> date | None:
    """Return the day that a text means: 2024-05-14, 20240514, 2024-05 or 2024; None if empty.

    Of a month or a year it is the first day, or the last one. Raises ``ValueError`` in words.
    """
    text = text.strip()
    if not text:
        return None
    match = _DAY.fullmatch(text)
    try:
        year, month, day = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
        if is_last:
            month = month or 12
            return date(year, month, day or calendar.monthrange(year, month)[1])
        return date(year, month or 1, day or 1)
    except (ValueError, calendar.IllegalMonthError) as error:
        raise ValueError(f"{text!r} is not a day such as 2024-05-14, 2024-05 or 2024") from error


def _pattern(text: str, between: re.Pattern[str] | None = None) -> str:
    """Return what finds a text anywhere; one with wild cards as it is."""
    text = text.strip()
    if not text or _WILD.search(text):
        return text
    words = text if between is None else "*".join(filter(None, between.split(text)))
    return f"*{words}*" if words else ""


def _begin_of(day: date, days_later: int = 0) -> float:
    # Lists have no times beyond these years, and not all systems know them.
    if not _FIRST_YEAR < day.year < _LAST_YEAR:
        return 0.0 if day.year <= _FIRST_YEAR else float("inf")
    return datetime.combine(day + timedelta(days=days_later), time()).timestamp()
