"""The colors in which images are shown first."""

from __future__ import annotations

from IGTLMetaBrowserLib.scene.images.modality_colors import color_node_id


def test_only_emission_images_are_inverted():
    assert color_node_id("PT") == "vtkMRMLColorTableNodeInvertedGrey"
    assert color_node_id("CT") == ""
