"""Where images stand in the subject hierarchy: under patient and study."""

from __future__ import annotations

import pytest
import slicer

from helpers.hospital import parents
from helpers.saved_scene import save_and_load
from IGTLMetaBrowserLib.scene.markups.new_markups import LINE_CLASS
from IGTLMetaBrowserLib.scene.subject_hierarchy.group_folders import (
    folder_parent,
    is_in_group,
    put_in_group,
)
from IGTLMetaBrowserLib.scene.subject_hierarchy.hierarchy import (
    PatientAndStudy,
    attributes_of,
    put_in_place,
)


@pytest.fixture
def new_volume(scene):
    """Makes volume nodes, as yet without an item in the hierarchy."""
    return lambda: scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")


def patient_of(hierarchy, node):
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_an_image_stands_under_its_patient(scene, hierarchy, new_volume):
    node = new_volume()
    put_in_place(scene, node, PatientAndStudy("Phantom, Head", "P1"))
    patient = patient_of(hierarchy, node)
    assert hierarchy.GetItemName(patient) == "Phantom, Head"
    assert hierarchy.GetItemLevel(patient) == "Patient"
    assert hierarchy.GetItemAttribute(patient, "DICOM.PatientName") == "Phantom, Head"
    assert hierarchy.GetItemAttribute(patient, "DICOM.PatientID") == "P1"
    assert hierarchy.GetItemParent(patient) == hierarchy.GetSceneItemID()


def test_images_of_one_patient_stand_under_one_item(scene, hierarchy, new_volume):
    nodes = [new_volume(), new_volume()]
    for node in [*nodes, nodes[0]]:
        put_in_place(scene, node, PatientAndStudy("Phantom, Head", "P1"))
    assert patient_of(hierarchy, nodes[0]) == patient_of(hierarchy, nodes[1])
    assert hierarchy.GetNumberOfItems() == 3  # the patient and two images


def test_patients_of_the_same_name_are_told_apart_by_their_id(scene, hierarchy, new_volume):
    first, second = new_volume(), new_volume()
    put_in_place(scene, first, PatientAndStudy("Smith, A", "P1"))
    put_in_place(scene, second, PatientAndStudy("Smith, A", "P2"))
    assert patient_of(hierarchy, first) != patient_of(hierarchy, second)


def test_patients_of_the_same_id_are_told_apart_by_their_name(scene, new_volume):
    first, second = new_volume(), new_volume()
    put_in_place(scene, first, PatientAndStudy("Doe^John", "1"))
    put_in_place(scene, second, PatientAndStudy("Roe^Jane", "1"))
    assert (parents(first), parents(second)) == (["Doe^John"], ["Roe^Jane"])


def test_by_case_and_by_parts_that_a_name_does_not_have_they_are_not(scene, new_volume):
    first, second = new_volume(), new_volume()
    put_in_place(scene, first, PatientAndStudy("Doe^Jane", "1"))
    put_in_place(scene, second, PatientAndStudy("DOE^JANE^^", "1"))
    assert parents(second) == ["Doe^Jane"]


@pytest.mark.parametrize(("name", "id_"), [("Phantom", ""), ("", "P1")])
def test_a_name_or_an_id_alone_is_enough(scene, hierarchy, new_volume, name, id_):
    node = new_volume()
    put_in_place(scene, node, PatientAndStudy(name, id_))
    assert hierarchy.GetItemName(patient_of(hierarchy, node)) == name or id_


def test_an_item_that_the_image_has_already_is_moved(scene, hierarchy, new_volume):
    node = new_volume()
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)  # as Slicer does by itself
    put_in_place(scene, node, PatientAndStudy("Phantom", "P1"))
    assert hierarchy.GetItemByDataNode(node) == item
    assert hierarchy.GetItemName(patient_of(hierarchy, node)) == "Phantom"


def test_an_image_without_a_patient_stays_where_it_is(scene, hierarchy, new_volume):
    put_in_place(scene, new_volume(), PatientAndStudy("", ""))
    assert hierarchy.GetNumberOfItems() == 0


# Studies

STUDY = PatientAndStudy("Phantom, Head", "P1", "1.2.3", "Brain with contrast")


def study_of(hierarchy, node):
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_an_image_stands_under_its_study_and_that_under_its_patient(scene, hierarchy, new_volume):
    node = new_volume()
    put_in_place(scene, node, STUDY)
    assert parents(node) == ["Brain with contrast", "Phantom, Head"]
    study = study_of(hierarchy, node)
    assert hierarchy.GetItemLevel(study) == "Study"
    assert hierarchy.GetItemAttribute(study, "DICOM.StudyInstanceUID") == "1.2.3"
    assert hierarchy.GetItemAttribute(study, "DICOM.StudyDescription") == "Brain with contrast"


def test_images_of_one_study_stand_under_one_item(scene, hierarchy, new_volume):
    nodes = [new_volume(), new_volume()]
    for node in [*nodes, nodes[0]]:
        put_in_place(scene, node, STUDY)
    assert study_of(hierarchy, nodes[0]) == study_of(hierarchy, nodes[1])
    assert hierarchy.GetNumberOfItems() == 4  # the patient, the study and two images


@pytest.mark.parametrize(
    ("uid", "description", "title"), [("1.2.3", "", "1.2.3"), ("", "Brain", "Brain")]
)
def test_a_uid_or_a_description_alone_is_enough(scene, new_volume, uid, description, title):
    node = new_volume()
    put_in_place(scene, node, PatientAndStudy("Phantom, Head", "P1", uid, description))
    assert parents(node) == [title, "Phantom, Head"]


def test_studies_of_one_description_are_told_apart_by_their_uid(scene, hierarchy, new_volume):
    first, second = new_volume(), new_volume()
    put_in_place(scene, first, STUDY)
    put_in_place(
        scene, second, PatientAndStudy("Phantom, Head", "P1", "1.2.4", "Brain with contrast")
    )
    assert study_of(hierarchy, first) != study_of(hierarchy, second)


def test_one_study_uid_never_puts_two_patients_together(scene, hierarchy, new_volume):
    first, second = new_volume(), new_volume()
    put_in_place(scene, first, STUDY)
    put_in_place(scene, second, PatientAndStudy("Smith, A", "P2", "1.2.3", "Brain with contrast"))
    assert parents(second) == ["Brain with contrast", "Smith, A"]
    assert study_of(hierarchy, first) != study_of(hierarchy, second)


def test_a_study_of_nobody_stands_at_the_top(scene, new_volume):
    node = new_volume()
    put_in_place(scene, node, PatientAndStudy(study_instance_uid="1.2.3"))
    assert parents(node) == ["1.2.3"]


def test_an_image_whose_study_becomes_known_moves_there(scene, new_volume):
    node = new_volume()
    put_in_place(scene, node, PatientAndStudy("Phantom, Head", "P1"))
    put_in_place(scene, node, STUDY)
    assert parents(node) == ["Brain with contrast", "Phantom, Head"]
    put_in_place(scene, node, PatientAndStudy())
    assert parents(node) == []


def test_a_folder_of_the_users_within_the_study_is_respected(scene, hierarchy, new_volume):
    node = new_volume()
    put_in_place(scene, node, STUDY)
    folder = hierarchy.CreateFolderItem(study_of(hierarchy, node), "Good ones")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), folder)
    put_in_place(scene, node, STUDY)
    assert parents(node) == ["Good ones", "Brain with contrast", "Phantom, Head"]


# In a scene that is saved


@pytest.mark.parametrize("patient_id", ["7|8", "100 %7C", "50 %25 | 1"])
def test_a_patient_is_found_again_whatever_the_id_is(scene, tmp_path, patient_id):
    """Slicer puts a bar between the texts of an item, and takes one in a text for that."""
    place = PatientAndStudy("Doe^Jane|1", patient_id, "1.2|3", "Head | neck")
    put_in_place(scene, scene.AddNewNodeByClass(LINE_CLASS), place)
    loaded = save_and_load(scene, tmp_path)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(loaded)
    (line,) = loaded.GetNodesByClass(LINE_CLASS)
    patient = hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(line), "Patient")
    assert attributes_of(hierarchy, patient) == {
        "PatientName": "Doe^Jane|1",
        "PatientID": patient_id,
    }
    another = loaded.AddNewNodeByClass(LINE_CLASS)
    count = hierarchy.GetNumberOfItems()
    put_in_place(loaded, another, place)
    assert hierarchy.GetNumberOfItems() == count + 1  # no patient, no study


def test_so_is_the_folder_of_a_group(scene, tmp_path):
    line = scene.AddNewNodeByClass(LINE_CLASS)
    put_in_group(scene, line, "left | right", folder_parent(scene, None))
    loaded = save_and_load(scene, tmp_path)
    (line,) = loaded.GetNodesByClass(LINE_CLASS)
    assert is_in_group(loaded, line, "left | right", folder_parent(loaded, None))
