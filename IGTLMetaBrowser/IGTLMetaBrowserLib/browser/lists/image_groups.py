"""The images of a list by patient and study, for a table whose groups can be collapsed.

A list (IMGMETA) names no study, so the images of one patient that were scanned on one day, in local
time, are taken to be a study. All is done with arrays: a list may have 100,000 images.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from .image_list import ImageList
from .local_days import NO_DAY

GroupKey = tuple[object, int | None]
"""Patient, and day of the study; None for the patient. The same when the list is read again."""

_EPOCH = date(1970, 1, 1)
_DAYS = 1 << 32


class Group(NamedTuple):
    """A patient, or a study of one, as the list names them.

    ``level`` is 0 for a patient, 1 for a study; ``day`` is that of a study, or None if its images
    have no scan time.
    """

    key: GroupKey
    level: int
    patient_name: str
    patient_id: str
    day: date | None


class ImageGroups:
    """The groups of ``images``, numbered: first the patients, then the studies."""

    def __init__(self, images: ImageList) -> None:
        names, ids = images.column("patient_name"), images.column("patient_id")
        # As in the subject hierarchy, the ID makes a patient, or else the name.
        all_ids, id_codes = ids.codes
        all_names, name_codes = names.codes
        has_id = np.array([id_ != "" for id_ in all_ids], bool)[id_codes]
        codes = np.where(has_id, id_codes, len(all_ids) + name_codes)
        all_keys = [*all_ids, *((name,) for name in all_names)]
        is_used = np.zeros(len(all_keys), bool)
        is_used[codes] = True
        self._patient_keys = [all_keys[code] for code in np.flatnonzero(is_used).tolist()]
        self._patient_numbers = {key: number for number, key in enumerate(self._patient_keys)}
        self._patients = (np.cumsum(is_used) - 1)[codes]
        self._names, self._ids = names, ids
        days = images.local_days
        self._study_codes, self._studies = np.unique(
            self._patients * _DAYS + (days - NO_DAY), return_inverse=True
        )
        self._first_of_patient = _first_places(self._patients, self.patient_total)

    @property
    def patient_total(self) -> int:
        """How many patients there are."""
        return len(self._patient_keys)

    @property
    def total(self) -> int:
        """How many groups there are."""
        return self.patient_total + len(self._study_codes)

    def group(self, number: int) -> Group:
        """Return what is known of a group."""
        patient, day = number, None
        if number >= self.patient_total:
            patient, day = divmod(int(self._study_codes[number - self.patient_total]), _DAYS)
            day += NO_DAY
        image = int(self._first_of_patient[patient])
        when = None if day is None or day == NO_DAY else _EPOCH + timedelta(days=day)
        key = (self._patient_keys[patient], day)
        names = (self._names.text(image), self._ids.text(image))
        return Group(key, int(day is not None), *names, when)

    def number(self, key: GroupKey) -> int | None:
        """Return the number of a group, or None if the list does not have it."""
        patient = self._patient_numbers.get(key[0])
        if patient is None or key[1] is None:
            return patient
        code = patient * _DAYS + (key[1] - NO_DAY)
        study = int(np.searchsorted(self._study_codes, code))
        has_study = study < len(self._study_codes) and self._study_codes[study] == code
        return self.patient_total + study if has_study else None

    def arrange(
        self, rows: np.ndarray, are_open: bool, exceptions: Iterable[GroupKey] = ()
    ) -> GroupedRows:
        """Put images below their groups: ``rows`` are the positions to be shown, in their order.

        The groups come in the order of their first images. They are open, or collapsed; those in
        ``exceptions`` are the opposite.
        """
        total, patients, studies = len(rows), self._patients[rows], self._studies[rows]
        first = _first_places(patients, self.patient_total)[patients]
        first_of_study = _first_places(studies, len(self._study_codes))[studies]
        order = np.argsort(first * max(total, 1) + first_of_study, kind="stable")
        is_open = np.full(self.total, are_open)
        numbers = (self.number(key) for key in exceptions)
        is_open[[number for number in numbers if number is not None]] = not are_open
        return GroupedRows(
            rows[order], patients[order], studies[order] + self.patient_total, is_open
        )


class GroupedRows:
    """Images in the order of their groups, and what is to be seen of both.

    images
        The positions of all images, also of those in groups that are collapsed.
    shown
        What is shown, from above: the position of an image, or ``-1 - number`` for a group.
    """

    def __init__(
        self, images: np.ndarray, patients: np.ndarray, studies: np.ndarray, is_open: np.ndarray
    ) -> None:
        self.images = images
        self.is_open = is_open
        self._starts = np.zeros(len(is_open), int)
        self._ends = np.zeros(len(is_open), int)
        patient_starts, study_starts = _run_starts(patients), _run_starts(studies)
        for numbers, starts in ((patients, patient_starts), (studies, study_starts)):
            self._starts[numbers[starts]] = starts
            self._ends[numbers[starts]] = np.append(starts[1:], len(images))
        study_starts = study_starts[is_open[patients[study_starts]]]
        places = np.flatnonzero(is_open[patients] & is_open[studies])
        codes = (-1 - patients[patient_starts], -1 - studies[study_starts], images[places])
        keys = (patient_starts * 3, study_starts * 3 + 1, places * 3 + 2)
        self.shown = np.concatenate(codes)[np.argsort(np.concatenate(keys), kind="stable")]

    def images_of(self, number: int) -> np.ndarray:
        """Return the positions of a group's images, in their order."""
        return self.images[self._starts[number] : self._ends[number]]

    def image_total(self, number: int) -> int:
        """Return how many images a group has."""
        return int(self._ends[number] - self._starts[number])


def _run_starts(numbers: np.ndarray) -> np.ndarray:
    """Return where in an array each run of one number begins."""
    return np.flatnonzero(np.diff(numbers, prepend=-1))


def _first_places(numbers: np.ndarray, count: int) -> np.ndarray:
    """Return where each of ``count`` numbers stands first."""
    places = np.zeros(count, int)
    # Of several assignments to one element numpy keeps the last.
    places[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return places
