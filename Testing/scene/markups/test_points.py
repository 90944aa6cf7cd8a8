"""The points of a server as markups point lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
import slicer

from helpers.kept_memory import bytes_kept
from helpers.saved_scene import save_and_load
from IGTLMetaBrowserLib.codec import Coordinates, PointItem
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import point_items
from IGTLMetaBrowserLib.scene.markups.points import MOST_LISTS, MOST_POINTS, PointSet

NASION = PointItem("Nasion", "Landmarks", (255, 51, 0, 102), (1.0, 90.0, -3.5), 4.0, "IMAGE_0")
EAR = replace(NASION, name="Left ear", position=(-80.0, 0.0, -10.0))
SEED = PointItem("Seed", "Seeds", (0, 0, 255, 255), (5.0, 6.0, 7.0))
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture
def points(scene, images) -> PointSet:
    return PointSet(scene, images.get)


def receive(points, *items):
    points.receive(items)
    points.finish()
    return points.nodes


def places(node):
    """Labels and positions (RAS mm) of a list's points."""
    return [
        (node.GetNthControlPointLabel(index), tuple(node.GetNthControlPointPosition(index)))
        for index in range(node.GetNumberOfControlPoints())
    ]


def test_points_of_one_group_are_one_locked_list(points):
    landmarks, seeds = receive(points, NASION, SEED, EAR)
    assert (landmarks.GetClassName(), landmarks.GetName()) == (
        "vtkMRMLMarkupsFiducialNode",
        "Landmarks",
    )
    assert places(landmarks) == [("Nasion", (1, 90, -3.5)), ("Left ear", (-80, 0, -10))]
    assert places(seeds) == [("Seed", (5, 6, 7))]
    assert landmarks.GetLocked()


def test_they_have_their_color_opacity_and_size(points):
    landmarks, seeds = receive(points, NASION, SEED)
    display = landmarks.GetDisplayNode()
    assert display.GetSelectedColor() == pytest.approx((1, 0.2, 0))
    assert display.GetOpacity() == pytest.approx(0.4)
    assert (display.GetUseGlyphScale(), display.GetGlyphSize()) == (False, 4)
    assert display.GetPointLabelsVisibility()
    assert seeds.GetDisplayNode().GetUseGlyphScale()  # a diameter of 0


def test_a_point_of_one_millimeter_is_seen_and_goes_out_as_it_came(points):
    (node,) = receive(points, replace(SEED, diameter=1.0))
    assert node.GetDisplayNode().GetGlyphSize() == 3
    assert [item.diameter for item in point_items(node)] == [1]


def test_one_of_another_color_or_size_is_in_a_list_of_its_own(points):
    nodes = receive(points, NASION, replace(EAR, rgba=(1, 2, 3, 4)), replace(EAR, diameter=1.0))
    assert [node.GetName() for node in nodes] == ["Landmarks"] * 3


def test_without_a_group_the_list_is_called_points(points):
    (node,) = receive(points, replace(SEED, group=""))
    assert node.GetName() == "Points"


@pytest.mark.parametrize("diameter", [-1.0, NAN, INFINITY])
def test_an_unusable_diameter_is_that_of_slicer(points, diameter):
    (node,) = receive(points, replace(SEED, diameter=diameter))
    assert node.GetDisplayNode().GetUseGlyphScale()
    assert receive(points, replace(SEED, diameter=diameter)) == [node]


def test_points_that_come_again_move_and_keep_the_users_display(points):
    (node,) = receive(points, NASION, EAR)
    node.GetDisplayNode().SetSelectedColor(0, 0, 1)
    moved = replace(EAR, position=(-81.0, 0.0, 0.0))
    assert receive(points, NASION, moved) == [node]
    assert places(node) == [("Nasion", (1, 90, -3.5)), ("Left ear", (-81, 0, 0))]
    assert node.GetDisplayNode().GetSelectedColor() == (0, 0, 1)


def test_an_answer_in_which_nothing_changed_touches_no_node(points):
    (node,) = receive(points, NASION, EAR)
    before = node.GetMTime(), node.GetDisplayNode().GetMTime()
    receive(points, NASION, EAR)
    assert (node.GetMTime(), node.GetDisplayNode().GetMTime()) == before


def test_a_list_becomes_longer_and_shorter(points):
    (node,) = receive(points, NASION)
    receive(points, NASION, EAR)
    assert [label for label, _ in places(node)] == ["Nasion", "Left ear"]
    receive(points, EAR)
    assert [label for label, _ in places(node)] == ["Left ear"]


def test_a_point_that_the_user_removed_comes_back_in_its_place(points):
    (node,) = receive(points, NASION, EAR)
    node.RemoveNthControlPoint(0)
    receive(points, NASION, EAR)
    assert [label for label, _ in places(node)] == ["Nasion", "Left ear"]


def test_points_that_the_user_adds_to_a_list_stay_as_that_becomes_longer_and_shorter(points):
    (node,) = receive(points, NASION)
    node.AddControlPoint(1.0, 2.0, 3.0, "mine")
    receive(points, NASION)
    assert places(node)[1:] == [("mine", (1, 2, 3))]
    receive(points, NASION, EAR)
    assert [label for label, _ in places(node)] == ["Nasion", "Left ear", "mine"]
    receive(points, EAR)
    assert places(node) == [("Left ear", (-80, 0, -10)), ("mine", (1, 2, 3))]


def test_so_they_do_in_a_scene_that_was_saved(scene, tmp_path):
    before = PointSet(scene, server="host:18944")
    (node,) = receive(before, NASION)
    node.AddControlPoint(1.0, 2.0, 3.0, "mine")
    after = PointSet(save_and_load(scene, tmp_path), server="host:18944")
    (node,) = after.adopt()
    assert receive(after, NASION, EAR) == [node]
    assert [label for label, _ in places(node)] == ["Nasion", "Left ear", "mine"]


def test_a_list_of_an_earlier_version_has_none_of_the_users(scene, images):
    before = PointSet(scene, images.get, server="host:18944")
    (node,) = receive(before, NASION, EAR)
    node.RemoveAttribute("IGTLMetaBrowser.PointIDs")
    after = PointSet(scene, images.get, server="host:18944")
    after.adopt()
    receive(after, EAR)
    assert [label for label, _ in places(node)] == ["Left ear"]


def test_a_list_of_which_no_point_comes_any_more_is_gone_until_it_is_removed(scene, points):
    landmarks, seeds = receive(points, NASION, SEED)
    assert receive(points, SEED) == [seeds]
    assert points.gone == [landmarks]
    assert landmarks.GetScene() is scene
    points.remove_gone()
    assert points.gone == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1


def test_a_list_that_the_user_removed_comes_back(scene, points):
    (node,) = receive(points, NASION)
    scene.RemoveNode(node)
    (new,) = receive(points, NASION)
    assert places(new) == [("Nasion", (1, 90, -3.5))]


def test_one_that_is_pushed_again_stays_away_until_it_is_asked_for(scene, points):
    (node,) = receive(points, NASION)
    scene.RemoveNode(node)
    points.receive([NASION], is_pushed=True)
    assert points.waiting == 0
    assert len(receive(points, NASION)) == 1


def test_in_another_scene_one_that_is_pushed_is_shown(scene, points):
    receive(points, NASION)
    scene.Clear()
    points.stop()
    points.receive([NASION], is_pushed=True)
    points.finish()
    assert len(points.nodes) == 1


def test_so_it_is_if_the_scene_is_closed_by_who_hears_of_the_new_list(scene, points):
    def close_scene(*_):
        if scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode"):
            scene.RemoveObserver(tag)
            scene.Clear()
            points.stop()

    tag = scene.AddObserver(scene.NodeAddedEvent, close_scene)
    for _ in range(2):
        points.receive([NASION, SEED], is_pushed=True)
        points.finish()
    assert len(points.nodes) == 2


@pytest.mark.parametrize("place", [(NAN, 0, 0), (0, INFINITY, 0), (0, 0, -3e38)])
def test_a_point_that_is_no_place_is_refused_and_the_others_are_shown(points, place):
    (node,) = receive(points, replace(NASION, position=place), EAR)
    assert [label for label, _ in places(node)] == ["Left ear"]
    (problem,) = points.problems
    assert "the point 'Nasion' is" in problem
    receive(points, EAR)
    assert points.problems == []


def test_of_ten_thousand_points_the_first_are_shown(points):
    items = [replace(SEED, name=str(n), position=(n, 0.0, 0.0)) for n in range(10_000)]
    (node,) = receive(points, *items)
    assert node.GetNumberOfControlPoints() == MOST_POINTS
    assert points.problems == ["8000 more points came; at most 2000 in 100 lists are shown"]


def test_points_in_ever_new_groups_make_a_hundred_lists_at_most(points):
    items = [replace(SEED, group=f"Group {number}") for number in range(MOST_LISTS + 20)]
    assert len(receive(points, *items)) == MOST_LISTS
    assert points.problems == ["20 more points came; at most 2000 in 100 lists are shown"]


def test_lists_come_into_the_scene_one_a_step(points):
    points.receive([NASION, SEED])
    assert points.nodes == []
    assert not points.step()
    assert [node.GetName() for node in points.nodes] == ["Landmarks"]
    assert points.step()
    assert len(points.nodes) == 2


def test_what_was_pushed_and_is_gone_is_removed_what_was_asked_for_is_not(points, scene):
    (asked,) = receive(points, NASION)
    for number in range(5):
        points.receive([replace(SEED, group=f"Pushed {number}")], is_pushed=True)
        points.finish()
        assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 2
    assert points.gone == [asked]


def test_points_that_the_user_adds_to_what_was_pushed_stay_when_that_is_gone(points, scene):
    points.receive([NASION, EAR], is_pushed=True)
    points.finish()
    (node,) = points.nodes
    node.AddControlPoint(1.0, 2.0, 3.0, "The user's")
    points.receive([SEED], is_pushed=True)
    points.finish()
    assert node.GetScene() is scene
    assert places(node) == [("The user's", (1, 2, 3))]
    # What comes again has a list of its own.
    points.receive([NASION], is_pushed=True)
    points.finish()
    assert points.nodes != [node]
    assert places(node) == [("The user's", (1, 2, 3))]


def test_such_points_do_not_follow_their_image_any_more(points, images, scene):
    image = images["IMAGE_0"] = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    image.SetAndObserveTransformNodeID(transform.GetID())
    points.receive([NASION], is_pushed=True)
    points.finish()
    (node,) = points.nodes
    node.AddControlPoint(1.0, 2.0, 3.0, "The user's")
    points.receive([], is_pushed=True)
    points.finish()
    image.SetAndObserveTransformNodeID(None)  # as the next patient's comes into its volume
    assert node.GetParentTransformNode() is transform


def test_of_two_browsers_none_takes_such_points_away(scene):
    both = [PointSet(scene, server="host:1") for _ in range(2)]
    for one in both:
        one.receive([NASION], is_pushed=True)
        one.finish()
    (node,) = both[0].nodes
    node.AddControlPoint(1.0, 2.0, 3.0, "The user's")
    for one in both:
        one.receive([SEED], is_pushed=True)
        one.finish()
    assert places(node) == [("The user's", (1, 2, 3))]
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 2


def test_of_ever_new_groups_none_is_remembered(points):
    def receive_group(number: int) -> None:
        points.receive([replace(NASION, group=f"Group {number}")], is_pushed=True)
        points.finish()

    assert bytes_kept(receive_group) < 200


def test_a_plan_that_comes_in_parts_stays_and_shares_the_limits(points):
    points.receive([NASION], is_pushed=True, is_whole=False)
    points.receive([SEED], is_pushed=True, is_whole=False)
    points.finish()
    assert len(points.nodes) == 2
    points.receive([SEED] * MOST_POINTS, is_pushed=True, is_whole=False)
    points.finish()
    assert points.point_count == MOST_POINTS
    assert "1 more points came" in points.problems[0]


def test_what_the_user_has_removed_leaves_room_for_what_comes_from_others(scene, points):
    (node,) = receive(points, *[SEED] * MOST_POINTS)
    assert (points.point_count, points.list_count) == (MOST_POINTS, 1)
    scene.RemoveNode(node)
    assert (points.point_count, points.list_count) == (0, 0)


def test_lists_of_a_saved_scene_count(scene):
    before = PointSet(scene, server="clinic:18944")
    receive(before, NASION, SEED)
    found = PointSet(scene, server="clinic:18944")
    found.adopt()
    assert (found.point_count, found.list_count) == (2, 2)


def test_points_that_wait_come_into_the_list_that_another_browser_has_made_meanwhile(scene):
    first, second = (PointSet(scene, server="clinic:18944") for _ in range(2))
    for points in (first, second):
        points.receive([NASION, SEED])
    first.finish()
    second.adopt()
    second.finish()
    assert [places(node) for node in second.nodes] == [places(node) for node in first.nodes]
    assert second.nodes == first.nodes
    assert second.point_count == 2


def test_two_that_know_nothing_of_each_other_make_one_list(scene):
    first, second = (PointSet(scene, server="clinic:18944") for _ in range(2))
    for points in (first, second):
        receive(points, NASION, SEED)
    assert second.nodes == first.nodes
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 2
    assert [len(places(node)) for node in first.nodes] == [1, 1]


def test_the_points_of_a_server_that_sends_lps_are_turned(scene):
    points = PointSet(scene)
    points.coordinates = Coordinates.LPS
    (node,) = receive(points, NASION)
    assert places(node) == [("Nasion", (-1, -90, -3.5))]


def test_they_stand_next_to_their_image_and_follow_it(scene, images, points):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    (node,) = receive(points, NASION)
    images["IMAGE_0"] = image = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Brain")
    hierarchy.CreateItem(study, image)
    points.image_shown("IMAGE_0")
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    assert hierarchy.GetItemName(folder) == "Landmarks"
    assert hierarchy.GetItemParent(folder) == study
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    image.SetAndObserveTransformNodeID(transform.GetID())
    assert node.GetTransformNodeID() == transform.GetID()
