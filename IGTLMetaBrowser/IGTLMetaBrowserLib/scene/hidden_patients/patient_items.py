"""Patients and studies in the subject hierarchy of which no open browser knows any image.

As where the images were removed, or a study is named after a patient who was not known before. What
``change_place`` has not written is covered when patients are hidden, and written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...privacy.hidden_patients import HIDDEN, HiddenPatients, is_pseudonym, is_uid, patient_of_uid
from ..subject_hierarchy.hierarchy import (
    OF_STUDY,
    UID_NAME,
    HierarchyItem,
    attributes_of,
    change_item,
    patient_item,
)
from ..subject_hierarchy.item_texts import read_uid
from .item_titles import given_title, hierarchy_of, items_of


class PatientItems:
    """Those of a scene, but for those under which ``nodes_of_others`` stand."""

    def __init__(
        self,
        scene: Any,
        patients: HiddenPatients,
        nodes_of_others: Callable[[], Iterable[Any]],
    ) -> None:
        self._scene = scene
        self._patients = patients
        self._nodes_of_others = nodes_of_others
        self._before: dict[str, HierarchyItem] = {}
        """What they said, by the UIDs that they have meanwhile."""

    def patients_changed(self) -> None:
        """Cover the names in all of them, or write them again."""
        if self._patients.is_hidden:
            self._cover()
            return
        if (hierarchy := hierarchy_of(self._scene)) is not None:
            for uid, before in self._before.items():
                change_item(hierarchy, uid, before)
            self._uncover()
        self._before = {}

    def _uncover(self) -> None:
        """Write those again that were made while patients were hidden, whose images are gone."""
        uids: dict[str, str] = {}
        for item in sorted(self._items(), key=_is_study):
            if not _is_study(item):
                patient = patient_of_uid(item.uid) if self._patients.has_given(item.uid) else None
                now = item if patient is None else patient_item(*patient)
            else:
                patient_uid, slash, study = item.uid.partition(OF_STUDY)
                now = item._replace(uid=uids.get(patient_uid, patient_uid) + slash + study)
            uids[item.uid] = now.uid
            if now != item:
                change_item(hierarchy_of(self._scene), item.uid, now)

    def _cover(self) -> None:
        uids: dict[str, str] = {}
        # Patients first: the UID of a study begins with that of its patient.
        for before in sorted(self._items(), key=_is_study):
            if _is_study(before):
                now = self._hidden_study(before, uids)
            else:
                now = self._hidden_patient(before)
            uids[before.uid] = now.uid
            if now.uid != before.uid or now.attributes != before.attributes:
                change_item(hierarchy_of(self._scene), before.uid, now)
                self._before[now.uid] = self._before.pop(before.uid, before)

    def register_patients(self) -> None:
        """Know the patients whom they name."""
        for item in self._items():
            if not _is_study(item) and not _is_hidden(item):
                self._patients.register(
                    item.attributes["PatientName"], item.attributes["PatientID"]
                )

    def _items(self) -> Iterator[HierarchyItem]:
        """Yield the items that this module has made."""
        if (hierarchy := hierarchy_of(self._scene)) is None:
            return
        of_others = {*_items_above(hierarchy, self._nodes_of_others())}
        for item in items_of(hierarchy):
            uid = read_uid(hierarchy, item, UID_NAME)
            if uid and item not in of_others:
                yield HierarchyItem(
                    uid, given_title(hierarchy, item), attributes_of(hierarchy, item)
                )

    def _hidden_patient(self, item: HierarchyItem) -> HierarchyItem:
        name, patient_id = item.attributes["PatientName"], item.attributes["PatientID"]
        if _is_hidden(item):
            return item
        pseudonym = self._patients.pseudonym(name, patient_id)
        attributes = {"PatientName": pseudonym, "PatientID": ""}
        # Somebody may have edited the scene file.
        uid = self._patients.uid(name, patient_id) or self._patients.covered(item.uid)
        return HierarchyItem(uid, pseudonym or HIDDEN, attributes, unique=True)

    def _hidden_study(self, item: HierarchyItem, uids: dict[str, str]) -> HierarchyItem:
        redact, (patient, slash, study) = self._patients.redact, item.uid.partition(OF_STUDY)
        covered = patient if is_uid(patient) or not patient else self._patients.covered(patient)
        uid = uids.get(patient, covered) + slash + redact(study)
        attributes = {keyword: redact(text) for keyword, text in item.attributes.items()}
        return HierarchyItem(uid, redact(item.title), attributes)


def _items_above(hierarchy: Any, nodes: Iterable[Any]) -> Iterator[int]:
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        while item and (item := hierarchy.GetItemParent(item)):
            yield item


def _is_study(item: HierarchyItem) -> bool:
    return "PatientName" not in item.attributes


def _is_hidden(patient: HierarchyItem) -> bool:
    """Whether a patient was hidden in any session."""
    is_called_so = is_pseudonym(patient.attributes["PatientName"])
    return is_uid(patient.uid) or (is_called_so and not patient.attributes["PatientID"])
