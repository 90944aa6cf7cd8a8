"""The images of a list by patient and study, for a table whose groups can be collapsed.

All is done with arrays and with pauses: a list may have a million images, and as many studies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from ...turns import InTurns
from .group_numbers import GroupNumbers, identity
from .image_list import ImageList
from .local_days import NO_DAY
from .sorting import counts_so_far, first_places, sorted_in_turns

GroupKey = tuple[tuple[str, str, str], int | None]
"""Patient (ID, name; who has given the ID, if several have), and day of the study.

The day is None for the patient. It is the same when the list is read again.
"""

_EPOCH = date(1970, 1, 1)


class Group(NamedTuple):
    """A patient, or a study of one, as the list names them.

    ``level`` is 0 for a patient, 1 for a study; ``day`` is that of a study, or None if its images
    have no scan time.
    """

    key: GroupKey
    level: int
    patient_name: str
    patient_id: str
    issuer: str
    day: date | None


class ImageGroups:
    """The groups of ``images``, numbered: first the patients, then the studies."""

    def __init__(self, images: ImageList, numbers: GroupNumbers) -> None:
        self._images, self._numbers = images, numbers
        self._names, self._ids = images.column("patient_name"), images.column("patient_id")

    @classmethod
    def of(cls, images: ImageList) -> InTurns[ImageGroups]:
        """Find the groups with pauses."""
        return cls(images, (yield from images.number_groups()))

    @property
    def patient_total(self) -> int:
        """How many patients there are."""
        return len(self._numbers.patients)

    @property
    def total(self) -> int:
        """How many groups there are."""
        return self.patient_total + len(self._numbers.studies)

    def group(self, number: int) -> Group:
        """Return what is known of a group."""
        patients, studies = self._numbers.patients, self._numbers.studies
        patient, day = number, None
        if number >= self.patient_total:
            study = number - self.patient_total
            patient = int(patients.numbers[studies.firsts[study]])
            day = int(self._numbers.days_of_studies[study])
        image = int(patients.firsts[patient])
        when = None if day is None or day == NO_DAY else _EPOCH + timedelta(days=day)
        name, patient_id = self._names.text(image), self._ids.text(image)
        issuer = self._images.issuer(image)
        key = ((patient_id, name, issuer), day)
        return Group(key, int(day is not None), name, patient_id, issuer, when)

    def number(self, key: GroupKey) -> int | None:
        """Return the number of a group, or None if the list does not have it."""
        patient = self._numbers.patient(identity(*key[0]))
        if patient is None or key[1] is None:
            return patient
        study = self._numbers.study(patient, key[1])
        return None if study is None else self.patient_total + study

    def arrange(
        self, rows: np.ndarray, are_open: bool, exceptions: Iterable[GroupKey] = ()
    ) -> InTurns[GroupedRows]:
        """Put images below their groups: ``rows`` are the positions to be shown, in their order.

        The groups come in the order of their first images. They are open, or collapsed; those in
        ``exceptions`` are the opposite.
        """
        is_open = np.full(self.total, are_open)
        numbers = (self.number(key) for key in exceptions)
        is_open[[number for number in numbers if number is not None]] = not are_open
        studies = self._numbers.studies.numbers[rows]
        yield
        shown = yield from self._studies_in_order(rows, studies)
        rank_of_study = np.zeros(len(self._numbers.studies), np.int64)
        rank_of_study[shown] = np.arange(len(shown))
        yield
        # With its place below the rank, all numbers differ.
        total = max(len(rows), 1)
        ranks_and_places = rank_of_study[studies] * total + np.arange(len(rows))
        yield
        in_order = yield from sorted_in_turns(ranks_and_places)
        images = rows[in_order % total]
        yield
        counts = np.bincount(studies, minlength=len(self._numbers.studies))[shown]
        yield
        first_images = self._numbers.studies.firsts[shown]
        yield
        patients = self._numbers.patients.numbers[first_images]
        yield
        grouped = GroupedRows(images, is_open)
        yield from grouped.set_groups(patients, shown + self.patient_total, counts)
        return grouped

    def _studies_in_order(self, rows: np.ndarray, studies: np.ndarray) -> InTurns[np.ndarray]:
        """Return the studies of images in some rows, as they stand below their patients."""
        patients = self._numbers.patients.numbers[rows]
        yield
        first_of_patient = yield from first_places(patients, self.patient_total)
        firsts = yield from first_places(studies, len(self._numbers.studies))
        firsts = np.sort(firsts[firsts >= 0])
        yield
        places = first_of_patient[patients[firsts]] * max(len(rows), 1) + firsts
        yield
        in_order = yield from sorted_in_turns(places)
        return studies[in_order % max(len(rows), 1)]


class GroupedRows:
    """Images in the order of their groups, and what is to be seen of both.

    images
        The positions of all images, also of those in groups that are collapsed.
    shown
        What is shown, from above: the position of an image, or ``-1 - number`` for a group.
    """

    def __init__(self, images: np.ndarray, is_open: np.ndarray) -> None:
        self.images = images
        self.is_open = is_open
        self.shown = images
        self._starts = np.zeros(len(is_open), int)
        self._ends = np.zeros(len(is_open), int)

    def set_groups(
        self, patients: np.ndarray, studies: np.ndarray, counts: np.ndarray
    ) -> InTurns[None]:
        """Say with pauses whose each study is, from above, and how many images it has."""
        ends = np.cumsum(counts)
        yield
        starts = ends - counts
        yield
        are_first = np.ones(len(patients), bool)
        np.not_equal(patients[1:], patients[:-1], out=are_first[1:])
        first_studies = np.flatnonzero(are_first)
        yield
        patient_starts = starts[first_studies]
        yield
        self._starts[studies] = starts
        yield
        self._ends[studies] = ends
        yield
        self._starts[patients[first_studies]] = patient_starts
        self._ends[patients[first_studies]] = np.append(patient_starts[1:], len(self.images))
        yield
        is_open = self.is_open[patients]
        open_studies = np.flatnonzero(is_open)
        yield
        is_open &= self.is_open[studies]
        yield
        places = np.flatnonzero(np.repeat(is_open, counts))
        yield
        # Of each image's place three: what stands above it, and itself.
        keys = (patient_starts * 3, starts[open_studies] * 3 + 1, places * 3 + 2)
        codes = (-1 - patients[first_studies], -1 - studies[open_studies], self.images[places])
        is_there = np.zeros(3 * len(self.images), bool)
        for some in keys:
            is_there[some] = True
        yield
        counts_there = yield from counts_so_far(is_there)
        self.shown = np.empty(sum(map(len, keys)), int)
        for key, code in zip(keys, codes, strict=True):
            self.shown[counts_there[key] - 1] = code
            yield

    def images_of(self, number: int) -> np.ndarray:
        """Return the positions of a group's images, in their order."""
        return self.images[self._starts[number] : self._ends[number]]

    def image_total(self, number: int) -> int:
        """Return how many images a group has."""
        return int(self._ends[number] - self._starts[number])

    def are_all_in(self, numbers: np.ndarray, are_in: np.ndarray) -> np.ndarray:
        """Return whether of each of these groups all images are among some positions."""
        counts = np.append(0, np.cumsum(are_in[self.images]))
        starts, ends = self._starts[numbers], self._ends[numbers]
        return counts[ends] - counts[starts] == ends - starts
