"""Where images stand in the subject hierarchy."""

from __future__ import annotations

import pytest
import slicer

from IGTLMetaBrowserLib.scene.hierarchy import place_under_patient


@pytest.fixture
def hierarchy(scene):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


@pytest.fixture
def new_volume(scene):
    """Makes volume nodes, as yet without an item in the hierarchy."""
    return lambda: scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")


def patient_of(hierarchy, node):
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_an_image_stands_under_its_patient(scene, hierarchy, new_volume):
    node = new_volume()
    place_under_patient(scene, node, "Phantom, Head", "P1")
    patient = patient_of(hierarchy, node)
    assert hierarchy.GetItemName(patient) == "Phantom, Head"
    assert hierarchy.GetItemLevel(patient) == "Patient"
    assert hierarchy.GetItemAttribute(patient, "DICOM.PatientName") == "Phantom, Head"
    assert hierarchy.GetItemAttribute(patient, "DICOM.PatientID") == "P1"
    assert hierarchy.GetItemParent(patient) == hierarchy.GetSceneItemID()


def test_images_of_one_patient_stand_under_one_item(scene, hierarchy, new_volume):
    nodes = [new_volume(), new_volume()]
    for node in [*nodes, nodes[0]]:
        place_under_patient(scene, node, "Phantom, Head", "P1")
    assert patient_of(hierarchy, nodes[0]) == patient_of(hierarchy, nodes[1])
    assert hierarchy.GetNumberOfItems() == 3  # the patient and two images


def test_patients_of_the_same_name_are_told_apart_by_their_id(scene, hierarchy, new_volume):
    first, second = new_volume(), new_volume()
    place_under_patient(scene, first, "Smith, A", "P1")
    place_under_patient(scene, second, "Smith, A", "P2")
    assert patient_of(hierarchy, first) != patient_of(hierarchy, second)


@pytest.mark.parametrize(("name", "id_"), [("Phantom", ""), ("", "P1")])
def test_a_name_or_an_id_alone_is_enough(scene, hierarchy, new_volume, name, id_):
    node = new_volume()
    place_under_patient(scene, node, name, id_)
    assert hierarchy.GetItemName(patient_of(hierarchy, node)) == name or id_


def test_an_item_that_the_image_has_already_is_moved(scene, hierarchy, new_volume):
    node = new_volume()
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)  # as Slicer does by itself
    place_under_patient(scene, node, "Phantom", "P1")
    assert hierarchy.GetItemByDataNode(node) == item
    assert hierarchy.GetItemName(patient_of(hierarchy, node)) == "Phantom"


def test_an_image_without_a_patient_stays_where_it_is(scene, hierarchy, new_volume):
    place_under_patient(scene, new_volume(), "", "")
    assert hierarchy.GetNumberOfItems() == 0
