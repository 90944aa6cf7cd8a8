"""A scene that was saved and loaded again: what comes from the server goes into the nodes there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer

from helpers.saved_scene import save_and_load, save_scene
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import LabelMetaItem, PointItem, TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images import edited_voxels
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.markups.received_plans import ReceivedPlans
from IGTLMetaBrowserLib.scene.markups.trajectory_nodes import TrajectoryNodes
from IGTLMetaBrowserLib.scene.overlay_nodes import OverlayNodes
from IGTLMetaBrowserLib.scene.server_nodes.attributes import KEY_ATTRIBUTE

SERVER, OTHER_SERVER = "navigation:18944", "navigation:18945"
LINE = TrajectoryItem(
    name='Left "A"; <entry> ä',
    group="Electrodes",
    rgba=(255, 51, 0, 102),
    entry=(10.0, -20.0, 30.5),
    target=(-1.5, 2.0, 8.25),
    diameter=float(np.float32(1.3)),
    owner="CT",
)
BURR_HOLE = replace(LINE, name="Burr hole", type=TrajectoryType.ENTRY)
NASION = PointItem(name="Nasion", group="Landmarks", position=(1, 90, -3.5), diameter=0.1)
TUMOR = LabelMetaItem("Tumor", "LABELS", 1, (241, 214, 145, 255), (4, 3, 2), "CT")


class Session:
    """All that a session knows of a scene."""

    def __init__(self, scene):
        known = StandardProviders(MetadataProviders(), lambda image_id: None)
        known.add_to_registry()
        self.scene = scene
        self.images = ImageNodes(scene, known, HiddenPatients())
        self.overlays = OverlayNodes(scene, self.images.owner)
        self.trajectories = TrajectoryNodes(scene, self.images.owner)

    def adopt(self, server=SERVER):
        """What a browser does when it turns to a server, and when a scene was loaded."""
        return (
            self.images.of(server).adopt(),
            self.overlays.adopt(server),
            len(self.trajectories.adopt(server)),
        )

    def show_image(self, image_id, value=1, server=SERVER):
        pixels = np.full((2, 3, 4), value, np.int16)
        image = codec.ImageMessage(pixels, device_name=image_id)
        node = self.images.of(server).show(image_id, image)
        edited_voxels.check()  # as a browser does
        return node

    def show_trajectories(self, *items, server=SERVER):
        self.trajectories.receive(server, items)
        while self.trajectories.is_working:
            self.trajectories.work()
        return self.trajectories.of(server).nodes

    def show_points(self, *items, server=SERVER):
        self.overlays.points.receive(server, items, None, is_pushed=False)
        while self.overlays.points.is_working:
            self.overlays.points.work()
        return self.overlays.points.of(server).nodes

    def show_labels(self, server=SERVER):
        self.overlays.label_maps(server).receive([TUMOR])
        image = codec.ImageMessage(np.ones((2, 3, 4), np.uint8))
        return self.overlays.label_maps(server).show("LABELS", image)

    def count(self, *class_names):
        return [self.scene.GetNumberOfNodesByClass(name) for name in class_names]


@pytest.fixture
def session(scene):
    return Session(scene)


@pytest.fixture
def load_again(scene, tmp_path):
    """Saves the scene and returns a session with what was loaded again."""
    return lambda: Session(save_and_load(scene, tmp_path))


def test_an_image_that_comes_again_goes_into_the_node_of_the_saved_scene(session, load_again):
    session.show_image("CT").GetDisplayNode().SetWindowLevel(123, 45)
    later = load_again()
    assert later.images.of(SERVER).node("CT") is None
    assert later.adopt() == (["CT"], [], 0)
    node = later.images.of(SERVER).node("CT")
    assert later.show_image("CT", 7) is node
    assert later.count("vtkMRMLScalarVolumeNode") == [1]
    assert slicer.util.arrayFromVolume(node).max() == 7
    assert node.GetDisplayNode().GetWindow() == 123


def test_an_image_whose_file_is_missing_is_not_loaded_but_keeps_its_node(session, scene):
    session.show_image("CT").SetAndObserveImageData(None)
    later = Session(scene)
    assert later.adopt() == ([], [], 0)
    node = later.show_image("CT")
    assert node is session.images.of(SERVER).node("CT")
    assert node.GetImageData() is not None


def test_the_same_id_of_another_server_is_another_image(session, load_again):
    session.show_image("CT")
    later = load_again()
    assert later.adopt(OTHER_SERVER) == ([], [], 0)
    later.show_image("CT", server=OTHER_SERVER)
    assert later.count("vtkMRMLScalarVolumeNode") == [2]


def test_what_is_known_already_is_not_adopted_again(session):
    node = session.show_image("CT")
    session.show_trajectories(LINE)
    assert session.adopt() == ([], [], 0)
    assert session.images.of(SERVER).node("CT") is node


def test_trajectories_move_the_lines_of_the_saved_scene(session, load_again):
    session.show_trajectories(LINE, BURR_HOLE)
    later = load_again()
    assert later.adopt() == ([], [], 2)
    nodes = later.trajectories.of(SERVER).nodes
    moved = replace(LINE, entry=(1.0, 2.0, 3.0))
    assert later.show_trajectories(moved, BURR_HOLE) == nodes
    assert nodes[0].GetNthControlPointPosition(0) == (1, 2, 3)
    assert later.count("vtkMRMLMarkupsLineNode", "vtkMRMLMarkupsFiducialNode") == [1, 1]


def test_until_an_answer_comes_they_are_listed_as_they_are(session, load_again):
    session.show_trajectories(LINE)
    later = load_again()
    later.adopt()
    (one,) = later.trajectories.of(SERVER).trajectories
    assert one.item == replace(LINE, diameter=1.3)  # the file has six digits
    assert not one.is_gone
    assert later.trajectories.of(SERVER).is_shown(one)


def test_those_that_the_server_has_no_more_are_gone(session, load_again):
    session.show_trajectories(LINE, BURR_HOLE)
    later = load_again()
    later.adopt()
    later.show_trajectories(BURR_HOLE)
    assert [one.item.name for one in later.trajectories.of(SERVER).gone] == [LINE.name]


@pytest.fixture
def load_without_markups(scene, tmp_path):
    """Does the same, but the markups' files are lost meanwhile."""

    def load():
        path = save_scene(scene, tmp_path)
        for file in tmp_path.glob("*.mrk.json"):
            file.unlink()
        loaded = slicer.vtkMRMLScene()
        slicer.vtkMRMLApplicationLogic().SetMRMLScene(loaded)
        loaded.RegisterNodeClass(slicer.vtkMRMLMarkupsJsonStorageNode())
        loaded.SetURL(str(path))
        loaded.Import()  # says that it has failed
        return Session(loaded)

    return load


def test_lines_whose_files_are_missing_get_their_points_when_they_come(
    session, load_without_markups
):
    session.show_trajectories(LINE, BURR_HOLE, replace(LINE, entry=(5.0, 5.0, 5.0)))
    session.show_points(NASION)
    later = load_without_markups()
    later.adopt()
    listed = later.trajectories.of(SERVER).trajectories
    nodes = later.trajectories.of(SERVER).nodes
    assert [node.GetNumberOfControlPoints() for node in nodes] == [0, 0, 0]
    assert {one.problem.partition(";")[0] for one in listed} == {"its points are not in the scene"}
    assert [later.trajectories.of(SERVER).world_points(one) for one in listed] == [[], [], []]
    later.show_points(NASION)
    shown = later.show_trajectories(LINE, BURR_HOLE, replace(LINE, entry=(5.0, 5.0, 5.0)))
    assert {*shown} == {*nodes}
    assert [node.GetNthControlPointPosition(0) for node in shown] == [LINE.entry] * 2 + [(5, 5, 5)]
    assert later.count("vtkMRMLMarkupsLineNode", "vtkMRMLMarkupsFiducialNode") == [2, 2]


def test_those_of_them_that_the_server_has_no_more_can_be_removed(session, load_without_markups):
    session.show_trajectories(LINE, BURR_HOLE)
    later = load_without_markups()
    later.adopt()
    later.show_trajectories(BURR_HOLE)
    later.trajectories.of(SERVER).remove_gone()
    assert later.count("vtkMRMLMarkupsLineNode", "vtkMRMLMarkupsFiducialNode") == [0, 1]


def test_what_a_client_sends_again_goes_into_the_line_whose_file_is_missing(
    session, load_without_markups
):
    shown = []
    message = codec.TrajectoryMessage([LINE], device_name="Robot")
    for scene in (session.scene, None):
        scene = scene or load_without_markups().scene
        plans = ReceivedPlans(scene, lambda *_: None, lambda *_: None)
        plans.handle(message)
        while plans.next_turn is not None:
            plans.work()
        assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 1
        shown.append(scene.GetFirstNodeByClass("vtkMRMLMarkupsLineNode"))
    assert [node.GetNthControlPointPosition(0) for node in shown] == [LINE.entry] * 2


def test_those_that_the_user_has_hidden_stay_hidden(session, load_again):
    (node,) = session.show_trajectories(LINE)
    node.SetDisplayVisibility(False)
    later = load_again()
    later.adopt()
    (node,) = later.show_trajectories(replace(LINE, entry=(1.0, 2.0, 3.0)))
    assert not node.GetDisplayVisibility()


def test_namesakes_are_told_apart(session, load_again):
    session.show_trajectories(LINE, replace(LINE, entry=(5.0, 5.0, 5.0)))
    later = load_again()
    later.adopt()
    before = later.trajectories.of(SERVER).nodes
    assert later.show_trajectories(LINE, replace(LINE, entry=(5.0, 5.0, 5.0))) == before
    assert [node.GetNthControlPointPosition(0) for node in before] == [LINE.entry, (5, 5, 5)]


def test_what_a_client_sends_under_the_name_of_a_server_is_not_that_servers(session):
    plans = ReceivedPlans(session.scene, lambda *_: None, lambda *_: None)
    plans.handle(codec.TrajectoryMessage([LINE], device_name=SERVER))
    plans.handle(codec.PointMessage([NASION], device_name=SERVER))
    while plans.next_turn is not None:
        plans.work()
    nodes = session.scene.GetNodesByClass("vtkMRMLMarkupsNode")
    nodes.UnRegister(None)
    assert nodes.GetNumberOfItems() == 2
    assert session.adopt() == ([], [], 0)


def test_points_come_into_their_lists(session, load_again):
    (node,) = session.show_points(NASION)
    later = load_again()
    assert later.adopt() == ([], [], 0)
    moved = replace(NASION, position=(2, 2, 2))
    (node,) = later.show_points(moved)
    assert node.GetNthControlPointPosition(0) == (2, 2, 2)
    assert later.count("vtkMRMLMarkupsFiducialNode") == [1]


def test_label_maps_and_their_segmentations_are_found(session, load_again):
    owner = session.show_image("CT")
    session.show_labels()
    session.overlays.label_maps(SERVER).show_segmentation("LABELS")
    later = load_again()
    assert later.adopt() == (["CT"], ["LABELS"], 0)
    node = later.overlays.label_maps(SERVER).node("LABELS")
    assert later.show_labels() is node
    segmentation = later.overlays.label_maps(SERVER).segmentation("LABELS")
    assert later.overlays.label_maps(SERVER).show_segmentation("LABELS") is segmentation
    assert later.count("vtkMRMLLabelMapVolumeNode", "vtkMRMLSegmentationNode") == [1, 1]
    assert owner.GetName() == later.images.of(SERVER).node("CT").GetName()


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_segmentation_that_was_edited_before_it_was_saved_stays_as_it_is(
    session, load_again, tmp_path, is_edited
):
    session.show_labels()
    saved = session.overlays.label_maps(SERVER).show_segmentation("LABELS")
    if is_edited:
        saved.GetSegmentation().GetNthSegment(0).SetName("Margin")
    saved.AddDefaultStorageNode()
    saved.GetStorageNode().SetFileName(str(tmp_path / "labels.seg.nrrd"))
    assert saved.GetStorageNode().WriteData(saved)
    later = load_again()
    later.adopt()
    label_maps = later.overlays.label_maps(SERVER)
    segmentation = label_maps.segmentation("LABELS")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    later.show_labels()
    assert (label_maps.show_segmentation("LABELS") is not segmentation) == is_edited
    name = segmentation.GetSegmentation().GetNthSegment(0).GetName()
    assert name == ("Margin" if is_edited else "Tumor")


def test_what_belongs_to_an_adopted_image_follows_its_transform(session, load_again):
    session.show_image("CT")
    session.show_trajectories(LINE)
    later = load_again()
    later.adopt()
    transform = later.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    later.images.of(SERVER).node("CT").SetAndObserveTransformNodeID(transform.GetID())
    (node,) = later.trajectories.of(SERVER).nodes
    assert node.GetTransformNodeID() == transform.GetID()


def test_a_transform_that_the_user_chose_for_a_trajectory_is_kept(session, load_again):
    session.show_image("CT")
    (line,) = session.show_trajectories(LINE)
    transform = session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Mine")
    line.SetAndObserveTransformNodeID(transform.GetID())
    later = load_again()
    later.adopt()
    (node,) = later.trajectories.of(SERVER).nodes
    assert node.GetParentTransformNode().GetName() == "Mine"


def test_what_stands_elsewhere_than_beside_or_below_its_image_stays_there(session):
    """The user has put it there; or it is the next patient's, whose image has the ID now."""
    image = session.show_image("CT")
    transform = session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Of the image")
    image.SetAndObserveTransformNodeID(transform.GetID())
    points = session.show_points(NASION, replace(NASION, owner="CT"))
    nodes = [*session.show_trajectories(LINE), *points, session.show_labels()]
    hierarchy = session.scene.GetSubjectHierarchyNode()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Mine")
    for node in nodes:
        node.SetAndObserveTransformNodeID(None)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), folder)
    later = Session(session.scene)
    assert later.adopt() == (["CT"], ["LABELS"], 1)
    for node in nodes:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder
        assert node.GetTransformNodeID() is None


def test_a_trajectory_that_was_saved_without_its_image_goes_where_that_comes(session, load_again):
    image = session.show_image("CT")
    session.show_trajectories(LINE)
    transform = session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Of the image")
    image.SetAndObserveTransformNodeID(transform.GetID())
    session.scene.RemoveNode(image)
    later = load_again()
    later.adopt()
    (node,) = later.trajectories.of(SERVER).nodes
    assert node.GetTransformNodeID()
    later.show_image("CT")
    later.trajectories.of(SERVER).image_shown("CT")
    assert node.GetTransformNodeID() is None


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", '{"a": 1}', "[1, 2, 3, 4]", "null"])
def test_a_key_that_somebody_has_edited_is_nobodys(session, load_again, text):
    (line,) = session.show_trajectories(LINE)
    (points,) = session.show_points(NASION)
    for node in (line, points):
        node.SetAttribute(KEY_ATTRIBUTE, text)
    later = load_again()
    assert later.adopt() == ([], [], 0)
    assert later.overlays.points.of(SERVER).nodes == []


def test_two_sessions_of_one_scene_make_one_node_of_an_image(session, scene):
    """Such as the panel's and a script's: neither is told what the other brings in."""
    other = Session(scene)
    volume, labels = session.show_image("CT"), session.show_labels()
    assert other.show_image("CT", 7) is volume
    assert other.show_labels() is labels
    segmentation = session.overlays.label_maps(SERVER).show_segmentation("LABELS")
    assert other.overlays.label_maps(SERVER).show_segmentation("LABELS") is segmentation
    assert other.show_image("CT", server=OTHER_SERVER) is not volume


@pytest.mark.parametrize(("patient", "rest"), [("P1", 1), ("P2", 0)])
def test_around_a_part_of_an_image_there_are_no_voxels_of_another_patient(
    session, scene, patient, rest
):
    """The server was started again for the next one, and gives the id to another image."""
    whole = codec.ImageMessage(np.ones((2, 3, 4), np.int16), metadata={"PatientID": "P1"})
    node = session.images.of(SERVER).show("CT", whole)
    part = codec.ImageMessage(
        np.full((1, 3, 4), 7, np.int16),
        offset=(0, 0, 1),
        size=(4, 3, 2),
        metadata={"PatientID": patient},
    )
    other = Session(scene)
    assert other.images.of(SERVER).show("CT", part) is node
    first, second = slicer.util.arrayFromVolume(node)
    assert (first.max(), second.min()) == (rest, 7)
