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
from IGTLMetaBrowserLib.scene.server_nodes import (
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
    display = image_nodes.show(SERVER, "CT", make_image(metadata)).GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (6, 12)


def test_the_time_of_the_message_is_on_the_node_and_that_of_the_next_takes_its_place(image_nodes):
    image = make_image()
    node = image_nodes.show(SERVER, "CT", image)
    assert node.GetAttribute(TIMESTAMP_ATTRIBUTE) is None
    moment = datetime(2024, 5, 14, 8, 30, 0, 250_000, tzinfo=timezone.utc)
    for seconds in range(2):
        at = codec.Timestamp.from_datetime(moment + timedelta(seconds=seconds))
        image_nodes.update(SERVER, "CT", replace(image, timestamp=at))
        text = f"2024-05-14T08:30:0{seconds}.250000+00:00"
        assert node.GetAttribute(TIMESTAMP_ATTRIBUTE) == text


def test_the_server_is_on_the_node(image_nodes):
    node = image_nodes.show(SERVER, "CT", make_image())
    assert node.GetAttribute(SERVER_ATTRIBUTE) == SERVER
    assert node.GetAttribute(IMAGE_ID_ATTRIBUTE) == "CT"


def test_the_views_look_once_at_the_next_frame_of_a_stream(image_nodes):
    image = make_image()
    node = image_nodes.show(SERVER, "CT", image)
    events = []
    node.AddObserver("ModifiedEvent", lambda _node, event: events.append(event))
    image_nodes.update(SERVER, "CT", replace(image, timestamp=codec.Timestamp.from_seconds(1e9)))
    assert events == ["ModifiedEvent"]
