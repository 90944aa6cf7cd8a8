"""Where trajectories stand: in their group, next to their image, and under its transform."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from helpers.hospital import parents
from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.scene.subject_hierarchy.hierarchy import PatientAndStudy, put_in_place
from slicerhost.scene import SubjectHierarchyItems

LINE = TrajectoryItem(
    name="Left electrode",
    group="Electrodes",
    entry=(1, 2, 3),
    target=(4, 5, 6),
    owner="IMAGE_0",
)
STUDY = PatientAndStudy("Phantom, Head", "P1", "1.2.3", "Brain")


@pytest.fixture(autouse=True, params=["slicer-core", "Slicer"])
def items_by_themselves(request, scene):
    """In Slicer nodes get and lose their items by themselves; in slicer-core they do not."""
    items = SubjectHierarchyItems(scene) if request.param == "Slicer" else None
    yield items
    scene.RemoveAllObservers()


@pytest.fixture
def trajectories(scene, images):
    return TrajectorySet(scene, images.get)


@pytest.fixture
def load(scene, images, trajectories):
    """Loads an image, as the browser does."""

    def load(image_id, place=STUDY):
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", image_id)
        put_in_place(scene, node, place)
        images[image_id] = node
        trajectories.image_shown(image_id)
        return node

    return load


def receive(trajectories, *items):
    trajectories.receive(items)
    trajectories.finish()
    return trajectories.nodes


def add_transform(scene, millimeters):
    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 3, millimeters)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "To the left")
    transform.SetMatrixTransformToParent(matrix)
    return transform


# The subject hierarchy


def test_trajectories_stand_in_the_folder_of_their_group_next_to_their_image(
    hierarchy, trajectories, load
):
    load("IMAGE_0")
    first, second, drain = receive(
        trajectories, LINE, replace(LINE, name="Right"), replace(LINE, name="D", group="Drainage")
    )
    assert parents(first) == ["Electrodes", "Brain", "Phantom, Head"]
    assert parents(drain) == ["Drainage", "Brain", "Phantom, Head"]
    folders = [
        hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in (first, second)
    ]
    assert folders[0] == folders[1]


def test_without_their_image_they_stand_at_the_top_until_it_is_loaded(
    hierarchy, trajectories, load
):
    (node,) = receive(trajectories, LINE)
    assert parents(node) == ["Electrodes"]
    load("IMAGE_0")
    assert parents(node) == ["Electrodes", "Brain", "Phantom, Head"]
    # No empty folder is left behind: patient, study, image, group, line.
    assert hierarchy.GetNumberOfItems() == 5


@pytest.mark.parametrize("owner", ["", "NO_SUCH_IMAGE"])
def test_an_owner_that_does_not_exist_does_no_harm(trajectories, load, owner):
    load("IMAGE_0")
    (node,) = receive(trajectories, replace(LINE, owner=owner))
    assert parents(node) == ["Electrodes"]
    assert node.GetTransformNodeID() is None


def test_without_a_group_they_stand_next_to_their_image(trajectories, load):
    load("IMAGE_0")
    (node,) = receive(trajectories, replace(LINE, group=""))
    assert parents(node) == ["Brain", "Phantom, Head"]


def test_one_that_the_user_puts_elsewhere_stays_there(hierarchy, trajectories, load):
    load("IMAGE_0")
    (node,) = receive(trajectories, LINE)
    mine = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Mine")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), mine)
    receive(trajectories, replace(LINE, entry=(9, 9, 9)))
    trajectories.image_shown("IMAGE_0")
    assert parents(node) == ["Mine"]


def test_a_folder_that_the_user_renames_stays_the_folder_of_its_group(
    hierarchy, trajectories, load
):
    load("IMAGE_0")
    (node,) = receive(trajectories, LINE)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    hierarchy.SetItemName(folder, "Elektroden")
    _, second = receive(trajectories, LINE, replace(LINE, name="Right"))
    assert parents(second)[0] == "Elektroden"


def test_the_folder_goes_with_the_last_that_was_in_it(hierarchy, trajectories, load):
    load("IMAGE_0")
    receive(trajectories, LINE, replace(LINE, name="Right"))
    receive(trajectories, LINE)
    trajectories.remove_gone()
    assert hierarchy.GetNumberOfItems() == 5
    receive(trajectories)
    trajectories.remove_gone()
    assert hierarchy.GetNumberOfItems() == 3  # patient, study, image


def test_a_line_that_becomes_a_point_stays_in_its_group(hierarchy, trajectories, load):
    load("IMAGE_0")
    receive(trajectories, LINE)
    (node,) = receive(trajectories, replace(LINE, type=TrajectoryType.TARGET))
    assert parents(node) == ["Electrodes", "Brain", "Phantom, Head"]
    assert hierarchy.GetNumberOfItems() == 5


# The transform of the image


def test_trajectories_follow_the_transform_of_their_image(scene, trajectories, load):
    image = load("IMAGE_0")
    (node,) = receive(trajectories, LINE)
    image.SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (101, 2, 3)
    image.SetAndObserveTransformNodeID(add_transform(scene, 1000).GetID())
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (1001, 2, 3)
    image.SetAndObserveTransformNodeID(None)
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (1, 2, 3)


def test_a_line_that_was_drawn_and_stored_stays_in_its_place_and_follows(scene, trajectories, load):
    image = load("IMAGE_0")
    image.SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    drawn = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Drawn")
    drawn.AddControlPointWorld(101, 2, 3)
    drawn.AddControlPointWorld(104, 5, 6)
    item = trajectory_item(drawn, image, "IMAGE_0")
    assert item.entry == (1, 2, 3)
    trajectories.own(drawn, item)
    assert tuple(drawn.GetNthControlPointPositionWorld(0)) == (101, 2, 3)
    assert receive(trajectories, item) == [drawn]
    assert tuple(drawn.GetNthControlPointPositionWorld(0)) == (101, 2, 3)
    image.SetAndObserveTransformNodeID(None)
    assert tuple(drawn.GetNthControlPointPositionWorld(0)) == (1, 2, 3)


def test_a_line_under_a_transform_of_its_own_stays_the_users(scene, trajectories, load):
    image, transform = load("IMAGE_0"), add_transform(scene, 100)
    drawn = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Drawn")
    drawn.SetAndObserveTransformNodeID(transform.GetID())
    drawn.AddControlPointWorld(1, 2, 3)
    drawn.AddControlPointWorld(4, 5, 6)
    assert trajectories.own(drawn, trajectory_item(drawn, image, "IMAGE_0")) is None
    assert tuple(drawn.GetNthControlPointPositionWorld(0)) == (1, 2, 3)


def test_a_transform_that_moves_moves_them_too(scene, trajectories, load):
    transform = add_transform(scene, 100)
    load("IMAGE_0").SetAndObserveTransformNodeID(transform.GetID())
    (node,) = receive(trajectories, LINE)
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (101, 2, 3)
    transform.SetMatrixTransformToParent(vtkMatrix4x4())
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (1, 2, 3)


def test_a_new_plan_is_in_the_coordinates_of_the_image(scene, trajectories, load):
    load("IMAGE_0").SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    (node,) = receive(trajectories, LINE)
    receive(trajectories, replace(LINE, entry=(7, 8, 9)))
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (107, 8, 9)


def test_a_transform_that_is_removed_is_followed_too(scene, trajectories, load):
    image, transform = load("IMAGE_0"), add_transform(scene, 100)
    (node,) = receive(trajectories, LINE)
    image.SetAndObserveTransformNodeID(transform.GetID())
    scene.RemoveNode(transform)
    assert node.GetTransformNodeID() is None
    image.SetAndObserveTransformNodeID(add_transform(scene, 7).GetID())
    assert tuple(node.GetNthControlPointPositionWorld(0)) == (8, 2, 3)


def test_a_transform_that_the_user_chose_for_a_trajectory_is_respected(scene, trajectories, load):
    image = load("IMAGE_0")
    (node,) = receive(trajectories, LINE)
    mine = add_transform(scene, 5)
    node.SetAndObserveTransformNodeID(mine.GetID())
    image.SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    receive(trajectories, replace(LINE, entry=(0, 2, 3)))
    assert node.GetTransformNodeID() == mine.GetID()


def test_it_is_respected_when_the_image_is_removed_and_loaded_again(scene, trajectories, load):
    image = load("IMAGE_0")
    mine, follower = receive(trajectories, LINE, replace(LINE, name="other"))
    image.SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    mine.SetAndObserveTransformNodeID(add_transform(scene, 5).GetID())
    scene.RemoveNode(image)
    load("IMAGE_0")
    trajectories.image_shown("IMAGE_0")
    assert tuple(mine.GetNthControlPointPositionWorld(0)) == (6, 2, 3)
    assert tuple(follower.GetNthControlPointPositionWorld(0)) == (1, 2, 3)


def test_trajectories_of_another_image_are_left_alone(scene, trajectories, load):
    image = load("IMAGE_0")
    load("IMAGE_1")
    _, other = receive(trajectories, LINE, replace(LINE, owner="IMAGE_1"))
    image.SetAndObserveTransformNodeID(add_transform(scene, 100).GetID())
    assert other.GetTransformNodeID() is None
