"""Scene views that hold volumes of patients who are hidden afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import slicer
from vtkmodules.vtkCommonCore import vtkWeakReference

from helpers.saved_scene import load_scene, save_scene
from helpers.scene_views import store_view, views
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import mark
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet
from IGTLMetaBrowserLib.scene.nodes.nodes_by_class import nodes_of_class

__all__ = ["views"]

METADATA = {
    "PatientName": "Lindqvist^Astrid",
    "PatientID": "W-1021",
    "SeriesDescription": "MR of Lindqvist",
    "Remark": "seen by W-1021",
    "Modality": "MR",
}
SERVER = "navigation:18944"
SECRETS = ("Lindqvist", "Astrid", "W-1021")


@pytest.fixture
def image_nodes(scene, views) -> ImageNodes:
    return of_a_browser(scene)


@pytest.fixture
def late(scene, views) -> ImageNodes:
    """Those of a browser that has shown no image of the scene."""
    return of_a_browser(scene)


def of_a_browser(scene) -> ImageNodes:
    known = StandardProviders(MetadataProviders(), lambda image_id: None)
    known.add_to_registry()
    return ImageNodes(scene, known, HiddenPatients())


def show(image_nodes: ImageNodes, image_id: str = "CT", metadata: dict[str, str] = METADATA):
    image = codec.ImageMessage(np.zeros((2, 3, 4), np.int16), metadata=metadata)
    return image_nodes.of(SERVER).show(image_id, image)


def weak_reference(node) -> vtkWeakReference:
    reference = vtkWeakReference()
    reference.Set(node)
    return reference


def hide(image_nodes: ImageNodes, is_hidden: bool = True) -> None:
    image_nodes._patients.hide(is_hidden)
    image_nodes.patients_changed()


def leaks(scene, tmp_path: Path) -> list[str]:
    """What the scene file, with its scene views, tells of the patient."""
    path = tmp_path / "scene.mrml"
    scene.SetURL(str(path))
    assert scene.Commit(str(path))
    return [secret for secret in SECRETS if secret in path.read_text(encoding="utf-8")]


def test_a_scene_view_has_no_names_while_they_are_hidden(image_nodes, views, scene, tmp_path):
    node = show(image_nodes)
    store_view(views, node)
    assert all(secret in str([*map(attributes, all_copies(scene))]) for secret in SECRETS)
    hide(image_nodes)
    assert leaks(scene, tmp_path) == []
    views.RestoreSceneView(0)  # it writes its attributes over those of the volume
    assert leaks(scene, tmp_path) == []
    assert node.GetAttribute("DICOM.PatientName") == "Patient 1"
    assert node.GetAttribute("DICOM.Modality") == "MR"


@pytest.mark.parametrize("count", [1, 2])
def test_the_volume_keeps_the_voxels_that_it_has_by_now(image_nodes, views, count):
    """Slicer brings a scene view back when it is told that what it holds has changed."""
    node = show(image_nodes)
    for _ in range(count):
        store_view(views, node)
    pixels = np.full((2, 3, 4), 7, np.int16)
    image_nodes.of(SERVER).update("CT", codec.ImageMessage(pixels, metadata=METADATA))
    for is_hidden in (True, False):
        hide(image_nodes, is_hidden)
        assert slicer.util.arrayFromVolume(node).max() == 7
        assert node.GetAttribute("DICOM.PatientName") == (
            "Patient 1" if is_hidden else "Lindqvist^Astrid"
        )


def test_restored_while_they_are_hidden_it_still_says_whose_the_volume_is(
    image_nodes, views, scene
):
    """Or the next patient's image under its ID would be taken for loaded."""
    node = show(image_nodes)
    store_view(views, node)
    hide(image_nodes)
    views.RestoreSceneView(0)
    assert image_nodes.of(SERVER).patient("CT") == ("W-1021", "Lindqvist^Astrid")
    hide(image_nodes, False)
    assert image_nodes.of(SERVER).patient("CT") == ("W-1021", "Lindqvist^Astrid")


def test_one_that_was_stored_while_they_were_hidden_says_whose_the_volume_is_as_well(
    image_nodes, views, scene
):
    node = show(image_nodes)
    hide(image_nodes)
    store_view(views, node)
    for is_hidden in (False, True, False):
        hide(image_nodes, is_hidden)
        views.RestoreSceneView(0)
        assert image_nodes.of(SERVER).patient("CT") == ("W-1021", "Lindqvist^Astrid")


def test_shown_again_it_has_them_as_before(image_nodes, views, scene):
    node = show(image_nodes)
    store_view(views, node)
    copies = [*all_copies(scene)]
    before = [attributes(one) for one in copies]
    hide(image_nodes)
    hide(image_nodes)  # told twice, as by a scene that was loaded
    assert [attributes(one) for one in copies] != before
    hide(image_nodes, False)
    assert [attributes(one) for one in copies] == before
    assert node.GetAttribute("Sequences.BaseName") == "MR of Lindqvist"


def test_of_two_patients_who_are_named_in_each_others_texts_both_are_covered(
    image_nodes, views, scene, tmp_path
):
    other_metadata = {"PatientName": "Okafor^Chidi", "PatientID": "W-2044"}
    store_view(views, show(image_nodes), show(image_nodes, "CT 2", other_metadata))
    image_nodes._patients.__init__()  # none of them is known yet, as in a scene that was loaded
    copies = volumes_in_views(scene)
    for copy in copies:
        is_other = copy.GetAttribute("DICOM.PatientName").startswith("Okafor")
        copy.SetAttribute("OpenIGTLink.Remark", "with " + ("Lindqvist" if is_other else "Okafor"))
    hide(image_nodes)
    assert [copy.GetAttribute("OpenIGTLink.Remark") for copy in copies] == ["with (hidden)"] * 2


def test_of_a_scene_view_that_is_gone_while_they_are_hidden_no_voxels_are_kept(
    image_nodes, views, scene
):
    node = show(image_nodes)
    store_view(views, node)
    [copy] = map(weak_reference, volumes_in_views(scene))
    hide(image_nodes)
    views.RemoveSceneView(0)
    gc.collect()
    assert copy.Get() is None
    hide(image_nodes, False)


def test_the_scene_views_of_older_versions_as_well(image_nodes, scene):
    node = show(image_nodes)
    view = scene.AddNewNodeByClass("vtkMRMLSceneViewNode", "Before surgery")
    view.StoreScene()
    stored = view.GetStoredScene().AddNewNodeByClass(node.GetClassName())
    stored.Copy(node)
    stored.SetName(node.GetName())
    before = attributes(stored)
    hide(image_nodes)
    assert stored.GetName() == "MR of (hidden)"
    assert not any(secret in str(attributes(stored)) for secret in SECRETS)
    hide(image_nodes, False)
    assert attributes(stored) == before


def test_whose_a_plan_is_is_hidden_there_too(image_nodes, scene):
    view = scene.AddNewNodeByClass("vtkMRMLSceneViewNode", "Before surgery")
    view.StoreScene()
    line = view.GetStoredScene().AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    mark(line, ("W-1021", "Lindqvist^Astrid"), image_nodes._patients)
    before = attributes(line)
    hide(image_nodes)
    assert not any(secret in str(attributes(line)) for secret in SECRETS)
    hide(image_nodes, False)
    assert attributes(line) == before


def test_a_label_map_is_in_them_as_it_is_in_the_scene(image_nodes, views, scene):
    """Restored with another ID, it would not be found again as that of its image."""
    show(image_nodes)
    label_maps = LabelMapSet(scene, partial(image_nodes.owner, SERVER), SERVER)
    label_maps.receive([codec.LabelMetaItem("Lindqvist", "SEG of Lindqvist", 1, owner="CT")])
    labels = codec.ImageMessage(np.ones((2, 3, 4), np.uint8))
    node = label_maps.show("SEG of Lindqvist", labels)
    store_view(views, node)
    before = attributes(node)
    hide(image_nodes)
    hidden = attributes(node)
    views.RestoreSceneView(0)
    assert attributes(node) == hidden
    assert "(hidden)" not in str([one.GetName() for one in all_copies(scene)])
    assert label_maps.adopt() == []
    hide(image_nodes, False)
    assert attributes(node) == before


def test_volumes_of_other_modules_keep_their_names_in_scene_views(image_nodes, views, scene):
    show(image_nodes)
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR of Lindqvist, segmented")
    store_view(views, other)
    before = [attributes(one) for one in all_copies(scene)]
    hide(image_nodes)
    assert [attributes(one) for one in all_copies(scene)] == before


def test_a_volume_in_a_scene_view_is_found_by_another_browser(image_nodes, late, views):
    """It is no frame of a sequence: the image would come into a second one."""
    node = show(image_nodes)
    store_view(views, node)
    assert show(late) is node


def test_of_a_browser_that_was_closed_the_volume_is_covered_with_its_copy(
    image_nodes, late, views, scene, tmp_path
):
    node = show(image_nodes)
    store_view(views, node)
    image_nodes.close()
    before = [attributes(one) for one in (node, *all_copies(scene))]
    hide(late)
    assert leaks(scene, tmp_path) == []
    hide(late, False)
    assert [attributes(one) for one in (node, *all_copies(scene))] == before


def test_restored_while_they_are_hidden_it_has_its_name_again_when_they_are_shown(
    image_nodes, late, views
):
    """Nobody else knows it: no open browser has described the volume."""
    node = show(image_nodes)
    store_view(views, node)
    image_nodes.close()
    before = attributes(node)
    hide(late)
    views.RestoreSceneView(0)
    assert node.GetAttribute("DICOM.PatientName") == "Patient 1"
    hide(late, False)
    assert attributes(node) == before


@pytest.mark.parametrize("is_restored_hidden", [True, False], ids=["hidden", "shown"])
def test_it_brings_back_the_patient_of_before_whom_the_next_one_s_image_had_replaced(
    image_nodes, views, is_restored_hidden
):
    """Of one id: the voxels that it brings back had the name of the next one."""
    node = show(image_nodes)
    store_view(views, node)
    before = attributes(node)
    show(image_nodes, "CT", {"PatientName": "Okafor^Chidi", "PatientID": "W-2044"})
    if not is_restored_hidden:
        views.RestoreSceneView(0)
    hide(image_nodes)
    views.RestoreSceneView(0)
    assert image_nodes.of(SERVER).patient("CT") == ("W-1021", "Lindqvist^Astrid")
    hide(image_nodes, False)
    # Slicer does not bring back what the node was called.
    assert attributes(node) | {"name": before["name"]} == before


def test_one_in_a_scene_that_is_opened_while_they_are_hidden_has_no_names(
    image_nodes, late, views, scene, tmp_path
):
    store_view(views, show(image_nodes))
    path = save_scene(scene, tmp_path)
    scene.Clear(0)
    hide(late)
    load_scene(scene, path)
    late.hide_more(is_all=True)
    texts = str([attributes(one) for one in all_copies(scene)])
    assert "MR of (hidden)" in texts
    assert [secret for secret in SECRETS if secret in texts] == []


def all_copies(scene) -> Iterator:
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode")):
        sequence = scene.GetNthNodeByClass(index, "vtkMRMLSequenceNode")
        yield sequence
        yield from map(sequence.GetNthDataNode, range(sequence.GetNumberOfDataNodes()))


def volumes_in_views(scene) -> list:
    return [one for one in all_copies(scene) if one.GetAttribute("IGTLMetaBrowser.Server")]


def attributes(node) -> dict[str, str]:
    names = sorted(node.GetAttributeNames())
    return {"name": node.GetName(), **{name: node.GetAttribute(name) for name in names}}


def test_a_preview_does_not_come_back_once_its_image_is_whole(image_nodes, views, scene):
    """Slicer would make a volume of it anew, which can be chosen and saved as any image."""
    images, image = image_nodes.of(SERVER), codec.ImageMessage(np.zeros((2, 3, 4), np.int16))
    preview = images.show_preview("CT", image, (1, 1, 1), "50 %")
    store_view(views, preview)
    node = images.show("CT", image)
    images.replace_preview("CT")
    assert volumes(scene) == [node]
    views.RestoreSceneView(0)
    assert volumes(scene) == [node]


def volumes(scene) -> list[slicer.vtkMRMLVolumeNode]:
    """All but the picture of a scene view."""
    found = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    return [node for node in found if node.GetClassName() == "vtkMRMLScalarVolumeNode"]
