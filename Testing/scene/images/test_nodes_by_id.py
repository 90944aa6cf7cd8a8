"""Which node an image comes into that has none of its own yet: that of another browser, or none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from helpers.turns import result_of
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet

SERVER = "s:1"
# Pairs that look alike when they are shown: control characters do not, nor do undecodable bytes.
ALIKE = [("A\x01", "A\x02"), ("A\x01", "A\ufffd"), ("A\udcff", "Aÿ")]


def image(value: int) -> codec.ImageMessage:
    return codec.ImageMessage.from_ijk_to_ras(np.full((2, 3, 4), value, np.int16), np.eye(4))


def first_voxel(node: Any) -> int:
    return slicer.util.arrayFromVolume(node).flat[0]


def image_nodes(scene: slicer.vtkMRMLScene, patients: HiddenPatients | None = None) -> ImageNodes:
    known = StandardProviders(MetadataProviders(), lambda _image_id: None)
    return ImageNodes(scene, known, patients or HiddenPatients())


@pytest.fixture
def nodes(scene: slicer.vtkMRMLScene) -> ImageNodes:
    return image_nodes(scene)


@pytest.mark.parametrize("ids", ALIKE, ids=ascii)
def test_images_whose_ids_look_alike_have_a_node_each(nodes: ImageNodes, ids: tuple) -> None:
    for value, image_id in enumerate(ids):
        nodes.of(SERVER).show(image_id, image(value))
    assert [first_voxel(nodes.of(SERVER).node(image_id)) for image_id in ids] == [0, 1]


@pytest.mark.parametrize("ids", ALIKE, ids=ascii)
def test_label_maps_whose_ids_look_alike_have_a_node_each(
    scene: slicer.vtkMRMLScene, ids: tuple
) -> None:
    label_maps = LabelMapSet(scene, server=SERVER)
    for value, image_id in enumerate(ids):
        label_maps.show(image_id, image(value))
    assert [first_voxel(label_maps.node(image_id)) for image_id in ids] == [0, 1]


@pytest.mark.parametrize("ids", ALIKE, ids=ascii)
def test_regions_of_images_whose_ids_look_alike_have_a_node_each(
    nodes: ImageNodes, ids: tuple
) -> None:
    regions = [
        nodes.of(SERVER).show_region(image_id, image(value), (0, 0, 0))
        for value, image_id in enumerate(ids)
    ]
    assert [*map(first_voxel, regions)] == [0, 1]


def test_pseudonyms_of_another_browser_say_nothing(scene: slicer.vtkMRMLScene) -> None:
    """Whom one browser calls "Patient 1", another may call "Patient 2"."""
    shown = []
    for value, patient in enumerate(("DOE", "SMITH")):
        patients = HiddenPatients()
        patients.register(patient, "")
        patients.hide(True)
        shown.append(image_nodes(scene, patients).of(SERVER).show(f"{patient}_CT", image(value)))
    assert [*map(first_voxel, shown)] == [0, 1]


def test_what_replays_a_sequence_is_not_the_image_of_its_frame(
    scene: slicer.vtkMRMLScene, nodes: ImageNodes
) -> None:
    """It says which image it shows at the moment, and is another one when the user moves on."""
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    for value, image_id in enumerate("ABC"):
        nodes.of(SERVER).show(image_id, image(value))
    player = result_of(nodes.of(SERVER).make_sequence([*"ABC"], "time", "s", [*"123"]))
    volume = player.GetProxyNode(player.GetMasterSequenceNode())
    assert nodes.of(SERVER).show("A", image(0)) is not volume
    nodes.of(SERVER).select_frame("B")
    logic.UpdateProxyNodesFromSequences(player)
    assert first_voxel(nodes.of(SERVER).node("A")) == 0
    assert first_voxel(volume) == 1
