"""Of which patient and which study each image of a list is.

A list (IMGMETA) names no study, so the images of one patient that were scanned on one day, in local
time, are taken to be a study.
"""

from __future__ import annotations

import numpy as np

from ...codec.text_rows import hashes_of, pieces
from ...turns import InTurns
from .local_days import NO_DAY
from .sorting import NumberedValues

_FIELD = "S64"  # as of patients' names and IDs in IMGMETA
_DAY_BITS = 32
_ALL_BITS = (1 << 64) - 1
_OF_NAME = 0x9E3779B97F4A7C15
"""Any odd number: an ID that is as the name would give 0, whoever it is."""


class GroupNumbers:
    """The numbers of ``patients`` and ``studies``, in the order of their first rows each.

    days_of_studies
        The day of each study, or ``NO_DAY``.
    """

    def __init__(
        self, patients: NumberedValues, studies: NumberedValues, days_of_studies: np.ndarray
    ) -> None:
        self.patients, self.studies = patients, studies
        self.days_of_studies = days_of_studies

    @classmethod
    def of(cls, identities: np.ndarray, days: np.ndarray) -> InTurns[GroupNumbers]:
        """Number with pauses what ``identities`` and ``local_days`` have of each row."""
        patients = yield from NumberedValues.of(identities)
        studies = yield from NumberedValues.of(_studies(patients.numbers, days))
        return cls(patients, studies, days[studies.firsts])

    def with_more(self, identities: np.ndarray, days: np.ndarray) -> GroupNumbers:
        """Return the same with a few more rows below."""
        count = len(self.patients.numbers)
        patients = self.patients.with_more(identities)
        studies = self.studies.with_more(_studies(patients.numbers[count:], days))
        days_of_new = days[studies.firsts[len(self.studies) :] - count]
        return GroupNumbers(patients, studies, np.append(self.days_of_studies, days_of_new))

    def patient(self, identity: int) -> int | None:
        """Return the number of a patient, or None if there is no image of them."""
        return self.patients.number(identity)

    def study(self, patient: int, day: int) -> int | None:
        """Return the number of a study, or None if there is no image of it."""
        return self.studies.number((patient << _DAY_BITS) + day - NO_DAY)


def identities(ids: np.ndarray, names: np.ndarray) -> InTurns[np.ndarray]:
    """Return with pauses 64 bits for each row, which are the same for one patient.

    As in the subject hierarchy, ID and name make a patient. See ``with_issuer``.
    """
    found = np.empty(len(ids), np.uint64)
    for piece in pieces(len(ids)):
        found[piece] = _hashes(ids[piece]) ^ (_hashes(names[piece]) * np.uint64(_OF_NAME))
        yield
    return found


def identity(patient_id: str, name: str, issuer: str = "") -> int:
    """Return the same for one row."""
    return with_issuer(_hash(patient_id) ^ (_hash(name) * _OF_NAME & _ALL_BITS), issuer)


def with_issuer(patient: int, issuer: str) -> int:
    """Return the same for a patient whose ID others have, too, that another issuer has given."""
    return patient ^ _hash(f"issuer {issuer}") if issuer else patient


def _hash(text: str) -> int:
    return int(_hashes(np.array([text.encode("utf-8", "surrogateescape")], _FIELD))[0])


def _hashes(texts: np.ndarray) -> np.ndarray:
    # Of one size, as those of another column are compared with them.
    return hashes_of(texts.astype(_FIELD))


def _studies(patients: np.ndarray, days: np.ndarray) -> np.ndarray:
    return (patients.astype(np.int64) << _DAY_BITS) + (days.astype(np.int64) - NO_DAY)
