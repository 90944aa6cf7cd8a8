"""Ids with bytes beyond UTF-8, or with characters that nobody sees: what is theirs is found again.

A screen shows such bytes and characters as U+FFFD, so that two ids may look the same; a scene file
holds neither.
"""

from __future__ import annotations

import numpy as np
import pytest

from helpers.saved_scene import save_and_load, save_scene
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import LabelMetaItem, PointItem, TrajectoryItem
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import shown_trajectory
from IGTLMetaBrowserLib.scene.markups.trajectory_markups import OWNER_ATTRIBUTE, show_trajectory
from IGTLMetaBrowserLib.scene.overlay_nodes import OverlayNodes
from IGTLMetaBrowserLib.scene.server_nodes.attributes import (
    IMAGE_ID_ATTRIBUTE,
    read_id,
    written_id,
)

SERVER = "navigation:18944"
BYTES, OTHER_BYTES = "CT\udcff\udcfe ä", "CT\udcff\udcfd ä"
IDS = [BYTES, "\u202eTC", "CT\u200e", '"CT"', "CT\x1b\n"]


class Session:
    """The images and label maps that a session knows of a scene."""

    def __init__(self, scene, patients=None):
        known = StandardProviders(MetadataProviders(), lambda image_id: None)
        known.add_to_registry()
        self.scene = scene
        self.images = ImageNodes(scene, known, patients or HiddenPatients())
        self.overlays = OverlayNodes(scene, self.images.owner)
        self.labels = self.overlays.label_maps(SERVER)

    def show(self, image_id, **metadata):
        pixels = np.ones((2, 3, 4), np.int16)
        image = codec.ImageMessage(pixels, device_name=image_id, metadata=metadata)
        return self.images.of(SERVER).show(image_id, image)

    def show_labels(self, image_id, owner):
        self.labels.receive([LabelMetaItem("Tumor", image_id, 1, (255, 0, 0, 255), owner=owner)])
        image = codec.ImageMessage(np.ones((2, 3, 4), np.uint8))
        return self.overlays.label_maps(SERVER).show(image_id, image)

    def adopt(self):
        return self.images.of(SERVER).adopt(), self.overlays.adopt(SERVER)


@pytest.fixture
def session(scene):
    return Session(scene)


@pytest.mark.parametrize("image_id", IDS, ids=ascii)
def test_an_image_of_a_saved_scene_gets_its_voxels(session, tmp_path, image_id):
    session.show(image_id)
    later = Session(save_and_load(session.scene, tmp_path))
    assert later.adopt() == ([image_id], [])
    node = later.images.of(SERVER).node(image_id)
    assert later.show(image_id) is node


@pytest.mark.parametrize("image_id", IDS, ids=ascii)
def test_a_label_map_of_a_saved_scene_is_found_and_belongs_to_its_image(
    session, tmp_path, image_id
):
    session.show(image_id)
    session.show_labels(f"L{image_id}", image_id)
    later = Session(save_and_load(session.scene, tmp_path))
    assert later.adopt() == ([image_id], [f"L{image_id}"])
    assert later.labels.owner_ids == {image_id}
    node = later.labels.node(f"L{image_id}")
    assert later.show_labels(f"L{image_id}", image_id) is node


@pytest.mark.parametrize("image_id", IDS, ids=ascii)
def test_another_browser_finds_them(session, image_id):
    node, labels = session.show(image_id), session.show_labels(f"L{image_id}", image_id)
    other = Session(session.scene)
    assert other.show(image_id) is node
    assert other.show_labels(f"L{image_id}", image_id) is labels


def test_ids_that_look_the_same_are_two_images(session, tmp_path):
    for image_id in (BYTES, OTHER_BYTES):
        session.show(image_id)
    later = Session(save_and_load(session.scene, tmp_path))
    assert later.adopt() == ([BYTES, OTHER_BYTES], [])
    nodes = [later.images.of(SERVER).node(image_id) for image_id in (BYTES, OTHER_BYTES)]
    assert [later.show(image_id) for image_id in (BYTES, OTHER_BYTES)] == nodes


def test_an_id_that_looks_like_a_written_one_is_none():
    assert read_id('"CT"') == '"CT"'  # as a scene of an earlier version has it
    assert read_id(written_id('"CT"')) == '"CT"'
    assert read_id('"') == '"'
    assert read_id(None) == ""


def test_a_trajectory_is_sent_with_the_image_that_it_came_with(session):
    item = TrajectoryItem("Left", "Drains", entry=(0, 0, 9), owner=BYTES)
    node = show_trajectory(session.scene, shown_trajectory(item))
    assert node.GetAttribute(OWNER_ATTRIBUTE).isascii()
    assert trajectory_item(node) == item


def test_points_are_of_the_image_that_they_came_with(session):
    item = PointItem("Nasion", "Landmarks", position=(1, 2, 3), owner=BYTES)
    session.overlays.points.receive(SERVER, [item], None, is_pushed=False)
    while session.overlays.points.is_working:
        session.overlays.points.work()
    (node,) = session.overlays.points.of(SERVER).nodes
    assert read_id(node.GetAttribute(OWNER_ATTRIBUTE)) == BYTES


def test_an_id_that_names_a_hidden_patient_is_not_written(scene, tmp_path):
    """In Latin-1 the bytes are a name, which a screen would show."""
    patients = HiddenPatients()
    patients.hide()
    node = Session(scene, patients).show("M\udcfcller CT", PatientName="Müller", PatientID="P1")
    written = node.GetAttribute(IMAGE_ID_ATTRIBUTE)
    assert "ller" not in written
    assert "udcfcller" not in save_scene(scene, tmp_path).read_text()
