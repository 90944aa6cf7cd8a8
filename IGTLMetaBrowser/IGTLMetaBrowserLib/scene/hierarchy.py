"""Where nodes stand in the subject hierarchy: an image under its patient."""

from __future__ import annotations

from typing import Any

import slicer

# Slicer's names for its own DICOM items (vtkMRMLSubjectHierarchyConstants).
_PATIENT_LEVEL = "Patient"
_PATIENT_NAME = "DICOM.PatientName"
_PATIENT_ID = "DICOM.PatientID"
# A system of UIDs of our own: these patients are not in Slicer's DICOM database.
_UID_NAME = "IGTLMetaBrowser"


def place_under_patient(scene: Any, node: Any, patient_name: str, patient_id: str) -> None:
    """Put a node under its patient's item, which is made where there is none.

    A node that is there already, at whatever depth, stays where the user has put it. Without name
    and id it goes to the top, so that it stands under no other patient.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = _patient_item(hierarchy, patient_name, patient_id)
    item = hierarchy.GetItemByDataNode(node)
    if item and hierarchy.GetItemAncestorAtLevel(item, _PATIENT_LEVEL) != patient:
        hierarchy.SetItemParent(item, patient or hierarchy.GetSceneItemID())
    elif not item and patient:
        hierarchy.CreateItem(patient, node)


def _patient_item(hierarchy: Any, patient_name: str, patient_id: str) -> int:
    """Return a patient's item, or 0 where neither name nor id is known."""
    if not (patient_name or patient_id):
        return 0
    uid = f"id {patient_id}" if patient_id else f"name {patient_name}"
    patient = hierarchy.GetItemByUID(_UID_NAME, uid)
    if not patient:
        title = patient_name or patient_id
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), title)
        hierarchy.SetItemLevel(patient, _PATIENT_LEVEL)
        hierarchy.SetItemUID(patient, _UID_NAME, uid)
        hierarchy.SetItemAttribute(patient, _PATIENT_NAME, patient_name)
        hierarchy.SetItemAttribute(patient, _PATIENT_ID, patient_id)
    return patient
