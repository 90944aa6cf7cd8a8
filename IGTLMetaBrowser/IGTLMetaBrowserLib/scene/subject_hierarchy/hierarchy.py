"""Where nodes stand in the subject hierarchy: an image under its study, that under its patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import slicer
from vtkmodules.vtkCommonCore import vtkIdList

from ...person_names import spellings
from ..hidden_patients.item_titles import set_title
from .item_texts import item_of_uid, read_attribute, write_attribute, write_uid

# Slicer's names for its own DICOM items (vtkMRMLSubjectHierarchyConstants).
_PATIENT_LEVEL = "Patient"
_STUDY_LEVEL = "Study"
_ATTRIBUTE_PREFIX = "DICOM."
# A system of UIDs of our own: these patients and studies are not in Slicer's DICOM database.
UID_NAME = "IGTLMetaBrowser"
OF_STUDY = " / study "
"""In the UID of a study, between that of its patient and what tells the study from others."""


@dataclass(frozen=True)
class PatientAndStudy:
    """Whose image it is and from which study; empty texts if that is not known.

    ``patient_uid`` is what the items are found again by; by id and name where it is empty.
    """

    patient_name: str = ""
    patient_id: str = ""
    study_instance_uid: str = ""
    study_description: str = ""
    patient_uid: str = ""


def put_in_place(scene: Any, node: Any, place: PatientAndStudy) -> None:
    """Put a node under the items of its patient and study, which are made if there are none.

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


def change_place(scene: Any, before: PatientAndStudy, now: PatientAndStudy) -> None:
    """Give the items of a patient and a study if there are any, what ``now`` says of them."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    change_item(hierarchy, _patient_uid(before), _patient(now))
    change_item(hierarchy, _study_uid(before), _study(now))


class HierarchyItem(NamedTuple):
    """What is written onto an item: its UID, its title, and attributes by DICOM keyword.

    A title that is to be ``unique`` gets a number if another item has it already: of another
    session's ``Patient 1`` nobody knows whether that is the same one.
    """

    uid: str
    title: str
    attributes: dict[str, str]
    unique: bool = False


def patient_item(patient_id: str, name: str) -> HierarchyItem:
    """Return what is written onto the item of a patient who is not hidden."""
    return _patient(PatientAndStudy(name, patient_id))


def _patient(place: PatientAndStudy) -> HierarchyItem:
    attributes = {"PatientName": place.patient_name, "PatientID": place.patient_id}
    title = place.patient_name or place.patient_id
    return HierarchyItem(_patient_uid(place), title, attributes, unique=bool(place.patient_uid))


def _study(place: PatientAndStudy) -> HierarchyItem:
    uid, description = place.study_instance_uid, place.study_description
    attributes = {"StudyInstanceUID": uid, "StudyDescription": description}
    return HierarchyItem(_study_uid(place), description or uid, attributes)


def _patient_item(hierarchy: Any, place: PatientAndStudy) -> int:
    """Return a patient's item, or 0 if neither name nor id is known."""
    patient = _patient(place)
    return _item(hierarchy, hierarchy.GetSceneItemID(), _PATIENT_LEVEL, patient)


def _study_item(hierarchy: Any, place: PatientAndStudy, patient: int) -> int:
    """Return a study's item, or 0 if neither UID nor description is known."""
    parent = patient or hierarchy.GetSceneItemID()
    return _item(hierarchy, parent, _STUDY_LEVEL, _study(place))


def _patient_uid(place: PatientAndStudy) -> str:
    if place.patient_uid:
        return place.patient_uid
    # Two hospitals, or two phantoms, have given one ID to two patients.
    name = f"name {'='.join(spellings(place.patient_name))}" if place.patient_name else ""
    return " ".join(filter(None, (place.patient_id and f"id {place.patient_id}", name)))


def _study_uid(place: PatientAndStudy) -> str:
    """Return a study's UID within its patient, or an empty text if the study is not known.

    So no server's mistake puts images of two patients together.
    """
    study = place.study_instance_uid or place.study_description
    return f"{_patient_uid(place)}{OF_STUDY}{study}" if study else ""


def _item(hierarchy: Any, parent: int, level: str, wanted: HierarchyItem) -> int:
    """Return the item of a UID, made if there is none; 0 if the UID is empty."""
    if not wanted.uid:
        return 0
    item = item_of_uid(hierarchy, UID_NAME, wanted.uid)
    if not item:
        title = _title(hierarchy, wanted)
        item = hierarchy.CreateSubjectItem(parent, title)
        set_title(hierarchy, item, title)
        hierarchy.SetItemLevel(item, level)
        _describe(hierarchy, item, wanted)
    return item


def _title(hierarchy: Any, wanted: HierarchyItem) -> str:
    return hierarchy.GenerateUniqueItemName(wanted.title) if wanted.unique else wanted.title


def _describe(hierarchy: Any, item: int, wanted: HierarchyItem) -> None:
    write_uid(hierarchy, item, UID_NAME, wanted.uid)
    for keyword, value in wanted.attributes.items():
        write_attribute(hierarchy, item, _ATTRIBUTE_PREFIX + keyword, value)


def attributes_of(hierarchy: Any, item: int) -> dict[str, str]:
    """Return the attributes of an item of a patient or a study, by DICOM keyword."""
    is_patient = hierarchy.GetItemLevel(item) == _PATIENT_LEVEL
    keywords = [*(_patient if is_patient else _study)(PatientAndStudy()).attributes]
    return {one: read_attribute(hierarchy, item, _ATTRIBUTE_PREFIX + one) for one in keywords}


def change_item(hierarchy: Any, uid_before: str, now: HierarchyItem) -> None:
    """Give the item of a UID, if there is one, what is written ``now``, or make one of the two."""
    item = item_of_uid(hierarchy, UID_NAME, uid_before)
    if not item or (uid_before == now.uid and now.attributes == attributes_of(hierarchy, item)):
        return
    other = item_of_uid(hierarchy, UID_NAME, now.uid)
    if other and other != item:  # as from a scene that was saved before
        children = vtkIdList()
        hierarchy.GetItemChildren(item, children)
        for number in range(children.GetNumberOfIds()):
            hierarchy.SetItemParent(children.GetId(number), other)
        hierarchy.RemoveItem(item, False, False)
        return
    set_title(hierarchy, item, _title(hierarchy, now))
    _describe(hierarchy, item, now)
