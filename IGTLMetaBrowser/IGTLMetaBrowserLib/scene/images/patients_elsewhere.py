"""Patients who are named elsewhere than in the volumes that a browser describes."""

from __future__ import annotations

from typing import Any

from ...privacy.hidden_patients import HiddenPatients
from ..hidden_patients.patient_items import PatientItems
from .describer import Describer
from .file_names import FileNames
from .sequence_names import SequenceNames
from .undescribed_volumes import UndescribedVolumes


class PatientsElsewhere:
    """In undescribed volumes of a scene, scene views, sequences and subject hierarchy.

    What other open browsers describe is theirs to hide.
    """

    def __init__(self, scene: Any, patients: HiddenPatients, describer: Describer) -> None:
        self._patients = patients
        self._undescribed = UndescribedVolumes(scene, patients)
        self.sequence_names = SequenceNames(scene, patients)
        self._file_names = FileNames(scene, patients)
        self._items = PatientItems(scene, patients, describer.nodes_of_others)

    def register_patients(self) -> None:
        """Know them, if they are hidden: what names one may stand in another's text."""
        if self._patients.is_hidden:
            self._undescribed.register_patients()
            self._items.register_patients()

    def patients_changed(self) -> None:
        """Cover their names, or write them again."""
        self._undescribed.patients_changed()
        self.sequence_names.patients_changed()
        self._file_names.patients_changed()
        self._items.patients_changed()
