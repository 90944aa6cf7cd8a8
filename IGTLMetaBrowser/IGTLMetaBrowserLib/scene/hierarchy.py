"""Where nodes stand in the subject hierarchy: an image under its study, that under its patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

# Slicer's names for its own DICOM items (vtkMRMLSubjectHierarchyConstants).
_PATIENT_LEVEL = "Patient"
_STUDY_LEVEL = "Study"
_ATTRIBUTE_PREFIX = "DICOM."
# A system of UIDs of our own: these patients and studies are not in Slicer's DICOM database.
_UID_NAME = "IGTLMetaBrowser"


@dataclass(frozen=True)
class Place:
    """Whose image it is and from which study; empty texts where that is not known."""

    patient_name: str = ""
    patient_id: str = ""
    study_instance_uid: str = ""
    study_description: str = ""


def put_in_place(scene: Any, node: Any, place: Place) -> None:
    """Put a node under the items of its patient and study, which are made where there are none.

    A node that is under them already, at whatever depth, stays where the user has put it. Where
    nothing is known it goes to the top, so that it stands under no other patient.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = _patient_item(hierarchy, place)
    study = _study_item(hierarchy, place, patient)
    parent = study or patient or hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        if study or patient:
            hierarchy.CreateItem(parent, node)
    elif (
        hierarchy.GetItemAncestorAtLevel(item, _PATIENT_LEVEL) != patient
        or hierarchy.GetItemAncestorAtLevel(item, _STUDY_LEVEL) != study
    ):
        hierarchy.SetItemParent(item, parent)


def _patient_item(hierarchy: Any, place: Place) -> int:
    """Return a patient's item, or 0 where neither name nor id is known."""
    uid = _patient_uid(place)
    if not uid:
        return 0
    attributes = {"PatientName": place.patient_name, "PatientID": place.patient_id}
    title = place.patient_name or place.patient_id
    return _item(hierarchy, hierarchy.GetSceneItemID(), _PATIENT_LEVEL, uid, title, attributes)


def _study_item(hierarchy: Any, place: Place, patient: int) -> int:
    """Return a study's item, or 0 where neither UID nor description is known.

    Its UID is within its patient, so that no server's mistake puts images of two patients together.
    """
    uid, description = place.study_instance_uid, place.study_description
    if not (uid or description):
        return 0
    attributes = {"StudyInstanceUID": uid, "StudyDescription": description}
    within = f"{_patient_uid(place)} / study {uid or description}"
    parent = patient or hierarchy.GetSceneItemID()
    return _item(hierarchy, parent, _STUDY_LEVEL, within, description or uid, attributes)


def _patient_uid(place: Place) -> str:
    if place.patient_id:
        return f"id {place.patient_id}"
    return f"name {place.patient_name}" if place.patient_name else ""


def _item(
    hierarchy: Any, parent: int, level: str, uid: str, title: str, attributes: dict[str, str]
) -> int:
    """Return the item of that UID, made where there is none."""
    item = hierarchy.GetItemByUID(_UID_NAME, uid)
    if not item:
        item = hierarchy.CreateSubjectItem(parent, title)
        hierarchy.SetItemLevel(item, level)
        hierarchy.SetItemUID(item, _UID_NAME, uid)
        for keyword, value in attributes.items():
            hierarchy.SetItemAttribute(item, _ATTRIBUTE_PREFIX + keyword, value)
    return item
