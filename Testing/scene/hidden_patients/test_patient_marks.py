"""Whether what nodes say of their patients can be of one."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import Patient, is_same_patient


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (("P-1", "SMITH^JOHN"), True),
        (("P-1", "John Smith"), True),
        (("P-1", "Smith^Jo"), True),  # as in a field that is too short
        (("P-1", ""), True),
        (("P-1", "Jones^Anne"), False),
        (("P-2", "Smith^John"), False),
        (("", "Smith^John"), False),
        (("", ""), False),
    ],
)
def test_a_patient_is_known_by_the_id_unless_the_name_is_quite_another(
    other: Patient, is_same: bool
) -> None:
    smith = ("P-1", "Smith^John")
    assert is_same_patient(smith, other) is is_same_patient(other, smith) is is_same


@pytest.mark.parametrize(
    ("other", "is_same"), [("JOHN SMITH", True), ("Smith", False), ("Jones", False), ("", False)]
)
def test_without_an_id_by_the_words_of_the_name(other: str, is_same: bool) -> None:
    assert is_same_patient(("", "Smith^John"), ("", other)) is is_same
