"""Images of a server as volume nodes, with what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.image_nodes import ImageNodes

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
