"""Lists of a scene with many nodes are made in turns, between which the window answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import slicer

from helpers.counted_calls import counted_calls
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.scene.images.volumes import image_data
from IGTLMetaBrowserLib.scene.markups.trajectory_markups import OWNER_ATTRIBUTE
from IGTLMetaBrowserLib.sources.scene import SceneSource

VOLUME = "vtkMRMLScalarVolumeNode"
LISTS: dict[str, tuple[str, Callable[[SceneSource], Sequence[Any]]]] = {
    "images": (VOLUME, SceneSource.images),
    "trajectories": ("vtkMRMLMarkupsLineNode", SceneSource.trajectories),
    "points": ("vtkMRMLMarkupsFiducialNode", SceneSource.points),
    "label maps": ("vtkMRMLLabelMapVolumeNode", SceneSource.label_maps),
}


@pytest.fixture
def source(scene: Any) -> SceneSource:
    """Pauses whenever it can."""
    return SceneSource(scene, seconds_a_turn=0.0)


def add(scene: Any, class_name: str, count: int) -> list[Any]:
    nodes = [scene.AddNewNodeByClass(class_name, f"Node {number}") for number in range(count)]
    for node in nodes:
        if node.IsA("vtkMRMLVolumeNode"):
            node.SetAndObserveImageData(image_data(np.ones((2, 3, 4), np.int16)))
        else:
            for point in ((1, 2, 3), (4, 5, 6)):
                node.AddControlPoint(*point)
            node.SetAttribute(OWNER_ATTRIBUTE, "ScalarVolume1")
    return nodes


def turn(make: Callable[[SceneSource], Sequence[Any]], source: SceneSource) -> Any:
    """Return the list, or None if it is not ready."""
    try:
        return make(source)
    except net.NotReadyError:
        return None


@pytest.mark.parametrize(("class_name", "make"), LISTS.values(), ids=LISTS)
def test_a_turn_looks_at_one_node(
    scene: Any,
    source: SceneSource,
    class_name: str,
    make: Callable[[SceneSource], Sequence[Any]],
) -> None:
    add(scene, VOLUME, 20)
    add(scene, class_name, 20)
    whole = make(SceneSource(scene))
    items, turns = None, []
    while items is None:
        with counted_calls() as counts:
            items = turn(make, source)
        turns.append(counts)
    assert items == whole
    for name in ("_image_item", "trajectory_item", "point_items", "label_items", "scalar_type"):
        assert max(counts[name] for counts in turns) <= 2


@pytest.mark.parametrize("name", ["trajectories", "points"])
def test_whose_markups_are_is_found_without_looking_at_all_volumes_for_each(
    scene: Any, name: str
) -> None:
    class_name, make = LISTS[name]
    add(scene, VOLUME, 20)
    add(scene, class_name, 20)
    with counted_calls() as counts:
        items = make(SceneSource(scene))
    assert {item.owner for item in items} == {"ScalarVolume1"}
    assert counts["scalar_type"] <= 2 * 20


def test_what_volumes_stand_under_is_read_once(scene: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Doe")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientID", "P7")
    for volume in add(scene, VOLUME, 20):
        hierarchy.CreateItem(patient, volume)
    with counted_calls() as counts:
        items = SceneSource(scene).images()
    assert {item.patient_id for item in items} == {"P7"}
    assert counts["GetItemByDataNode"] == 20
    assert counts["GetItemAttribute"] == 3 * (20 + 1)


def test_no_list_is_older_than_its_question(scene: Any, source: SceneSource) -> None:
    first, _ = add(scene, VOLUME, 2)
    source.require_lists_since(1.0)
    assert turn(SceneSource.images, source) is None
    first.SetName("Renamed")
    source.require_lists_since(2.0)
    while (later := turn(SceneSource.images, source)) is None:
        pass
    assert [item.name for item in later] == ["Renamed", "Node 1"]


def test_what_is_removed_between_two_turns_is_left_out(scene: Any, source: SceneSource) -> None:
    _, removed, _ = add(scene, VOLUME, 3)
    assert turn(SceneSource.images, source) is None
    scene.RemoveNode(removed)
    while (items := turn(SceneSource.images, source)) is None:
        pass
    assert [item.name for item in items] == ["Node 0", "Node 2"]


def test_only_so_many_lists_are_made_at_a_time(scene: Any, source: SceneSource) -> None:
    add(scene, VOLUME, 2)
    for asked_at in range(8):
        source.require_lists_since(float(asked_at))
        assert turn(SceneSource.images, source) is None
    source.require_lists_since(9.0)
    with pytest.raises(net.NotReadyError) as raised:
        source.images()
    assert raised.value.retry_after > 0
