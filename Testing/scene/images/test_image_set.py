"""Images of a server as volume nodes, with what is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.server_nodes.attributes import (
    IMAGE_ID_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    TIMESTAMP_ATTRIBUTE,
)

SERVER = "navigation:18944"


def make_image(metadata=None, device_name="CT"):
    pixels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    return codec.ImageMessage(pixels, device_name=device_name, metadata=metadata or {})


@pytest.fixture
def image_nodes(scene):
    known = StandardProviders(MetadataProviders(), lambda image_id: None)
    known.add_to_registry()
    return ImageNodes(scene, known, HiddenPatients())


def test_the_window_in_the_metadata_of_a_message_is_that_of_the_volume(image_nodes):
    metadata = {"Modality": "CT", "WindowCenter": "12\\40", "WindowWidth": "6\\80"}
    display = image_nodes.of(SERVER).show("CT", make_image(metadata)).GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (6, 12)


def test_the_time_of_the_message_is_on_the_node_and_that_of_the_next_takes_its_place(image_nodes):
    image = make_image()
    node = image_nodes.of(SERVER).show("CT", image)
    assert node.GetAttribute(TIMESTAMP_ATTRIBUTE) is None
    moment = datetime(2024, 5, 14, 8, 30, 0, 250_000, tzinfo=timezone.utc)
    for seconds in range(2):
        at = codec.Timestamp.from_datetime(moment + timedelta(seconds=seconds))
        image_nodes.of(SERVER).update("CT", replace(image, timestamp=at))
        text = f"2024-05-14T08:30:0{seconds}.250000+00:00"
        assert node.GetAttribute(TIMESTAMP_ATTRIBUTE) == text


def test_the_server_is_on_the_node(image_nodes):
    node = image_nodes.of(SERVER).show("CT", make_image())
    assert node.GetAttribute(SERVER_ATTRIBUTE) == SERVER
    assert node.GetAttribute(IMAGE_ID_ATTRIBUTE) == "CT"


def test_the_views_look_once_at_the_next_frame_of_a_stream(image_nodes):
    image = make_image()
    node = image_nodes.of(SERVER).show("CT", image)
    events = []
    node.AddObserver("ModifiedEvent", lambda _node, event: events.append(event))
    image_nodes.of(SERVER).update("CT", replace(image, timestamp=codec.Timestamp.from_seconds(1e9)))
    assert events == ["ModifiedEvent"]


# What the user has changed


def of_patient(patient_id, description="T1"):
    return make_image({"SeriesDescription": description, "PatientID": patient_id})


def test_what_the_user_calls_an_image_stays_when_it_comes_again(image_nodes):
    node = image_nodes.of(SERVER).show("CT", of_patient("1"))
    node.SetName("before surgery")
    assert image_nodes.of(SERVER).show("CT", of_patient("1")) is node
    image_nodes.of(SERVER).update("CT", of_patient("1"))
    assert node.GetName() == "before surgery"


@pytest.mark.parametrize("other", [of_patient("2"), of_patient("1", "T2 & PD")])
def test_another_image_of_its_id_has_the_name_of_the_server(image_nodes, other):
    node = image_nodes.of(SERVER).show("CT", of_patient("1"))
    node.SetName("before surgery")
    image_nodes.of(SERVER).show("CT", other)
    assert node.GetName() == other.metadata["SeriesDescription"].replace("&", "+")


def test_a_renamed_image_whose_node_has_to_be_another_one_keeps_its_name(image_nodes):
    image_nodes.of(SERVER).show("CT", make_image()).SetName("mine")
    colors = codec.ImageMessage(np.zeros((2, 3, 4, 3), np.uint8), device_name="CT")
    for image in (colors, make_image()):
        assert image_nodes.of(SERVER).show("CT", image).GetName() == "mine"


def test_the_name_of_a_patient_stays_hidden_in_a_renamed_image(image_nodes):
    metadata = {"SeriesDescription": "Head of Doe", "PatientName": "Doe^Jane", "PatientID": "7"}
    node = image_nodes.of(SERVER).show("CT", make_image(metadata))
    node.SetName("mine")
    image_nodes._patients.hide(True)
    image_nodes.patients_changed()
    assert not [name for name in node.GetAttributeNames() if "Doe" in node.GetAttribute(name)]
    image_nodes.of(SERVER).show("CT", make_image(metadata))
    assert node.GetName() == "mine"


def test_an_image_whose_display_the_user_has_removed_can_be_seen_when_it_comes_again(
    image_nodes, scene
):
    node = image_nodes.of(SERVER).show("CT", make_image())
    scene.RemoveNode(node.GetDisplayNode())
    image_nodes.of(SERVER).show("CT", make_image())
    assert node.GetDisplayNode() is not None
