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
    """Put a node under its patient's item, made where there is none; no patient, no change."""
    uid = patient_id or patient_name
    if not uid:
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.GetItemByUID(_UID_NAME, uid)
    if not patient:
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), patient_name or uid)
        hierarchy.SetItemLevel(patient, _PATIENT_LEVEL)
        hierarchy.SetItemUID(patient, _UID_NAME, uid)
        hierarchy.SetItemAttribute(patient, _PATIENT_NAME, patient_name)
        hierarchy.SetItemAttribute(patient, _PATIENT_ID, patient_id)
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        item = hierarchy.CreateItem(patient, node)
    hierarchy.SetItemParent(item, patient)
