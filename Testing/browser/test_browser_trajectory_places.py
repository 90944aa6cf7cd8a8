"""Trajectories in a browser: next to their image, and as the user left them."""

from __future__ import annotations

from dataclasses import replace

import slicer

from helpers.hospital import step_until_event
from helpers.peers import TRAJECTORY, ScriptedServer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import TrajectoriesShown

PLAN = replace(TRAJECTORY, owner="MR")


def folder_and_above(scene, node):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    return hierarchy.GetItemName(folder), hierarchy.GetItemParent(folder)


def item_above(scene, node):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_trajectories_stand_next_to_their_image_whichever_is_loaded_first(browser, hospital, scene):
    hospital.trajectories_ = [PLAN]
    node = browser.load_trajectories()[0]
    assert folder_and_above(scene, node) == ("Trajectory", item_above_top(scene))
    image = browser.load_image(PLAN.owner)
    assert folder_and_above(scene, node) == ("Trajectory", item_above(scene, image))
    scene.RemoveNode(node)
    again = browser.load_trajectories()[0]
    assert folder_and_above(scene, again) == ("Trajectory", item_above(scene, image))


def item_above_top(scene):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene).GetSceneItemID()


def test_trajectories_follow_their_image(browser, hospital, scene):
    hospital.trajectories_ = [PLAN]
    image = browser.load_image(PLAN.owner)
    node = browser.load_trajectories()[0]
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    image.SetAndObserveTransformNodeID(transform.GetID())
    assert node.GetTransformNodeID() == transform.GetID()


def test_one_that_the_user_removed_stays_away_when_the_server_pushes_it(unconnected, events, scene):
    def push(peer):
        peer.send(codec.TrajectoryMessage([TRAJECTORY]))
        peer.receive()  # the list is asked for
        moved = replace(TRAJECTORY, entry=(7.0, 8.0, 9.0))
        peer.send(codec.ImageMetaMessage(), codec.TrajectoryMessage([moved]))
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        unconnected.connect("127.0.0.1", server.port)
        shown = step_until_event(unconnected, events, TrajectoriesShown)
        scene.RemoveNode(shown.nodes[0])
        events.clear()
        unconnected.images.request_list()
        shown = step_until_event(unconnected, events, TrajectoriesShown)
        unconnected.disconnect()
    assert shown.nodes == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0


def test_trajectories_do_not_follow_another_patients_image(browser, hospital, scene):
    """It has the ID that they name: that of the next patient's image, which is not loaded yet."""
    hospital.trajectories_ = [PLAN]
    image = browser.load_image(PLAN.owner)
    (node,) = browser.load_trajectories()
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    image.SetAndObserveTransformNodeID(transform.GetID())
    assert node.GetTransformNodeID() == transform.GetID()
    hospital.entries[0] = replace(hospital.entries[0], patient_id="P2", patient_name="Roe, Jack")
    hospital.trajectories_ = [replace(PLAN, target=(1.0, 2.0, 3.0))]
    browser.list_images()
    (again,) = browser.load_trajectories()
    assert folder_and_above(scene, again) == ("Trajectory", item_above_top(scene))
    assert again.GetTransformNodeID() is None
    image = browser.load_image(PLAN.owner)
    assert folder_and_above(scene, again) == ("Trajectory", item_above(scene, image))
