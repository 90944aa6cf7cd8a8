"""What nodes and items of a scene say."""

from __future__ import annotations

import slicer
from vtkmodules.vtkCommonCore import vtkIdList

from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import nodes_and_copies


def texts_in(scene: slicer.vtkMRMLScene) -> dict[str, str]:
    """Names and attributes of all nodes and frames, and of the items of the subject hierarchy."""
    texts = {}
    for number, node in enumerate(nodes_and_copies(scene)):
        texts[f"{number} name"] = node.GetName()
        for name in node.GetAttributeNames():
            if "DescribedBy" not in name:
                texts[f"{number} {name}"] = node.GetAttribute(name)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    for number in range(items.GetNumberOfIds()):
        item = items.GetId(number)
        texts[f"item {item}"] = hierarchy.GetItemName(item)
        for name in ("DICOM.PatientName", "DICOM.PatientID"):
            texts[f"item {item} {name}"] = hierarchy.GetItemAttribute(item, name)
    return texts


def dicom_texts(node) -> dict[str, str]:
    """What a node says of its image, by DICOM keywords."""
    names = node.GetAttributeNames()
    return {name: node.GetAttribute(name) for name in names if name.startswith("DICOM.")}
