"""A calibrated spacing changes how far voxels are apart, and nothing else of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.modules import IMAGE_PLANE, known_module
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes

ADDRESS = "server:18944"
SPACING = np.array([0.8, 1.2, 3.0])
FIRST_VOXEL = np.array([10.0, -20.0, 30.0])
PIXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


@pytest.fixture
def known() -> StandardProviders:
    return StandardProviders(MetadataProviders(), lambda image_id: None)


@pytest.fixture
def nodes(scene, known) -> ImageNodes:
    return ImageNodes(scene, known, HiddenPatients())


def oblique() -> np.ndarray:
    """Directions of i, j and k that are turned about two axes, and mirrored."""
    turned, tilted = np.deg2rad((20, 35))
    about_s = [[np.cos(turned), -np.sin(turned), 0], [np.sin(turned), np.cos(turned), 0], [0, 0, 1]]
    about_r = [[1, 0, 0], [0, np.cos(tilted), -np.sin(tilted)], [0, np.sin(tilted), np.cos(tilted)]]
    return np.array(about_s) @ np.array(about_r) @ np.diag([-1, -1, 1])


def image(pixels=PIXELS, **fields) -> codec.ImageMessage:
    affine = np.eye(4)
    affine[:3, :3] = oblique() * SPACING
    affine[:3, 3] = FIRST_VOXEL
    return codec.ImageMessage.from_ijk_to_ras(pixels, affine, **fields)


def ijk_to_ras(node) -> np.ndarray:
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def assert_spacing(node, *spacing: float) -> None:
    """The first voxel is where it was, and the directions are what they were."""
    matrix = ijk_to_ras(node)
    np.testing.assert_allclose(matrix[:3, :3], oblique() * spacing, atol=1e-5)
    np.testing.assert_allclose(matrix[:3, 3], FIRST_VOXEL, atol=1e-4)


def test_a_volume_is_made_with_it(nodes, known):
    known.calibration.calibrate("A", 0.5, 0.25)
    assert_spacing(nodes.of(ADDRESS).show("A", image()), 0.25, 0.5, 3.0)


def test_a_volume_gets_it_and_loses_it(nodes, known):
    node = nodes.of(ADDRESS).show("A", image())
    known.calibration.calibrate("A", 0.5, 0.25, slice_spacing=2)
    nodes.of(ADDRESS).calibrate("A", known.calibration.calibration("A"))
    assert_spacing(node, 0.25, 0.5, 2.0)
    nodes.of(ADDRESS).calibrate("A", None)
    assert_spacing(node, *SPACING)
    assert node.GetAttribute("IGTLMetaBrowser.SpacingBeforeCalibration") is None


def test_every_frame_of_a_stream_has_it(nodes, known):
    known.calibration.calibrate("A", 0.5)
    node = nodes.of(ADDRESS).show("A", image())
    for _ in range(3):
        assert nodes.of(ADDRESS).update("A", image()) is node
        assert_spacing(node, 0.5, 0.5, 3.0)
    nodes.of(ADDRESS).calibrate("A", None)
    assert_spacing(node, *SPACING)


def test_a_part_of_a_calibrated_image_goes_into_its_voxels(nodes, known):
    known.calibration.calibrate("A", 0.5)
    node = nodes.of(ADDRESS).show("A", image())
    part = image(np.full((2, 3, 4), 7, np.int16))
    part.pixels, part.size, part.offset = part.pixels[:1], (4, 3, 2), (0, 0, 1)
    assert nodes.of(ADDRESS).update("A", part) is node
    assert_spacing(node, 0.5, 0.5, 3.0)
    assert node.GetImageData().GetScalarComponentAsDouble(0, 0, 0, 0) == 0
    assert node.GetImageData().GetScalarComponentAsDouble(0, 0, 1, 0) == 7


def test_a_color_image_has_it_too(nodes, known):
    known.calibration.calibrate("A", 0.5)
    node = nodes.of(ADDRESS).show("A", image(np.zeros((2, 3, 4, 3), np.uint8)))
    assert_spacing(node, 0.5, 0.5, 3.0)


def test_the_position_that_the_providers_tell_stays_true(nodes, known):
    known.calibration.calibrate("A", 0.5)
    nodes.of(ADDRESS).show("A", image())
    plane = known_module(known.registry, IMAGE_PLANE, "A")
    assert plane.PixelSpacing == (0.5, 0.5)
    # LPS has the signs of R and A turned.
    np.testing.assert_allclose(plane.ImagePositionPatient, FIRST_VOXEL * (-1, -1, 1), atol=1e-4)
