"""Where an image lies: the matrix of IMAGE has the center, most software wants the first voxel."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import Coordinates, ImageMessage

PIXELS = np.zeros((5, 3, 4), np.uint8)  # i: 4 voxels, j: 3, k: 5

# i goes 2 mm to the right, j 3 mm to the back, k 5 mm up: as in a common axial scan.
AXES = np.array([[2.0, 0.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, 5.0]])
CENTER = np.array([10.0, 20.0, 30.0])
MATRIX = np.column_stack([AXES, CENTER])

# The first voxel lies 1.5 steps of i, 1 of j, 2 of k before the center:
#   right 10 - 1.5·2 = 7,  front 20 + 1·3 = 23,  up 30 - 2·5 = 20
IJK_TO_RAS = np.array(
    [
        [2.0, 0.0, 0.0, 7.0],
        [0.0, -3.0, 0.0, 23.0],
        [0.0, 0.0, 5.0, 20.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
# The same place, with the first two axes of space turned round.
IN_LPS = np.array(
    [
        [-2.0, 0.0, 0.0, -7.0],
        [0.0, 3.0, 0.0, -23.0],
        [0.0, 0.0, 5.0, 20.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def test_from_the_center_to_the_first_voxel():
    np.testing.assert_array_equal(ImageMessage(PIXELS, MATRIX).ijk_to_ras(), IJK_TO_RAS)


def test_from_the_first_voxel_to_the_center():
    message = ImageMessage.from_ijk_to_ras(PIXELS, IJK_TO_RAS, device_name="IMAGE_0")
    np.testing.assert_array_equal(message.matrix, MATRIX)
    assert message.device_name == "IMAGE_0"


@pytest.mark.parametrize("shape", [(3, 3), (3, 4), (16,)])
def test_a_matrix_of_another_shape_is_refused_in_words(shape: tuple[int, ...]):
    with pytest.raises(codec.EncodeError, match=r"has the shape \(4, 4\), not"):
        ImageMessage.from_ijk_to_ras(PIXELS, np.ones(shape))


def test_the_center_is_in_the_middle_between_the_outermost_voxels():
    affine = ImageMessage(PIXELS, MATRIX).ijk_to_ras()
    first, last = affine @ (0, 0, 0, 1), affine @ (3, 2, 4, 1)
    np.testing.assert_array_equal((first + last)[:3] / 2, CENTER)


def test_of_one_voxel_the_center_is_that_voxel():
    affine = ImageMessage(np.zeros((1, 1, 1), np.uint8), MATRIX).ijk_to_ras()
    np.testing.assert_array_equal(affine[:3, 3], CENTER)


def test_lps_is_turned_into_ras():
    message = ImageMessage(PIXELS, MATRIX, Coordinates.LPS)
    np.testing.assert_array_equal(message.ijk_to_ras(), IN_LPS)


def test_written_in_lps_it_is_the_same_place():
    message = ImageMessage.from_ijk_to_ras(PIXELS, IJK_TO_RAS, coordinates=Coordinates.LPS)
    np.testing.assert_array_equal(message.matrix[:, 3], [-10.0, -20.0, 30.0])
    np.testing.assert_array_equal(message.ijk_to_ras(), IJK_TO_RAS)


@pytest.mark.parametrize("written", list(Coordinates))
def test_a_reader_can_overrule_the_coordinates(written: Coordinates):
    # Some peers send RAS marked as LPS.
    message = ImageMessage(PIXELS, MATRIX, written)
    np.testing.assert_array_equal(message.ijk_to_ras(Coordinates.RAS), IJK_TO_RAS)
    np.testing.assert_array_equal(message.ijk_to_ras(Coordinates.LPS), IN_LPS)


def test_the_place_of_a_subvolume_is_that_of_the_whole_image():
    whole = ImageMessage(PIXELS, MATRIX)
    part = ImageMessage(PIXELS[2:4, 1:3, 1:2], MATRIX, size=(4, 3, 5), offset=(1, 1, 2))
    np.testing.assert_array_equal(part.ijk_to_ras(), whole.ijk_to_ras())


def test_an_oblique_image():
    # Turned by 3-4-5 triangles, so that the numbers stay exact. Two voxels along each axis:
    # the first lies half a step of each before the center.
    ijk_to_ras = [[3.0, -8.0, 0.0, 2.5], [4.0, 6.0, 0.0, -5.0], [0.0, 0.0, 2.0, -1.0], [0, 0, 0, 1]]
    message = ImageMessage.from_ijk_to_ras(np.zeros((2, 2, 2), np.uint8), ijk_to_ras)
    np.testing.assert_array_equal(message.matrix[:, 3], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(message.ijk_to_ras(), ijk_to_ras)


def test_a_vector_image_lies_where_a_scalar_one_would():
    colors = np.zeros((*PIXELS.shape, 3), np.uint8)
    message = ImageMessage.from_ijk_to_ras(colors, IJK_TO_RAS)
    np.testing.assert_array_equal(message.matrix, MATRIX)


@pytest.mark.parametrize("coordinates", list(Coordinates))
def test_the_place_survives_the_wire(coordinates: Coordinates):
    message = ImageMessage.from_ijk_to_ras(PIXELS, IJK_TO_RAS, coordinates=coordinates)
    received = codec.unpack(codec.pack(message))
    assert received.coordinates is coordinates
    np.testing.assert_array_equal(received.ijk_to_ras(), IJK_TO_RAS)


def test_without_a_matrix_voxels_are_1_mm_and_the_center_is_the_origin():
    affine = ImageMessage(PIXELS).ijk_to_ras()
    np.testing.assert_array_equal(affine[:3, :3], np.eye(3))
    np.testing.assert_array_equal(affine[:3, 3], [-1.5, -1.0, -2.0])


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ({"matrix": np.eye(4)}, r"shape \(3, 4\), not \(4, 4\)"),
        ({"matrix": np.full((3, 4), 1e39)}, "too large for float32"),
        ({"matrix": None}, "numbers of the matrix"),
        ({"matrix": np.full((3, 4), "1")}, "are numbers, not"),
        ({"matrix": [[1, 2], [3]]}, "are not an array"),
        ({"coordinates": 3}, "coordinates 3 is not a whole number from 1 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(field: dict, why: str):
    with pytest.raises(codec.EncodeError, match=why):
        codec.pack(ImageMessage(PIXELS, **field))


@pytest.mark.parametrize(
    ("spacing", "center"),
    [(1e-6, 0.0), (0.3, 5000.0), (1e3, -1e5)],
    ids=["of a microscope", "of a tracker some meters away", "of a building"],
)
def test_lengths_that_images_have_are_kept(spacing: float, center: float):
    """They are of float32 on the wire: 1e-6 becomes a bit less."""
    matrix = np.column_stack([AXES * spacing, np.full(3, center)])
    message = codec.unpack(codec.pack(ImageMessage(PIXELS, matrix)))
    np.testing.assert_array_equal(message.usable_ijk_to_ras(), message.ijk_to_ras())


@pytest.mark.parametrize(
    ("spacing", "center", "words"),
    [
        ((3e38, 1, 1), 0.0, "its voxels are 3e\\+38 x 1 x 1 mm large"),
        ((1, 1e7, 1), 0.0, "its voxels are 1 x 1e\\+07 x 1 mm large"),
        ((1e-38, 1e-38, 1e-38), 0.0, "its voxels are 1e-38 x 1e-38 x 1e-38 mm large"),
        ((1, 1, 1), 3e38, "the first at 3e\\+38 3e\\+38 3e\\+38 mm"),
        ((1, 1, 1), -2e6, "and lie within 1e\\+06 mm"),
    ],
)
def test_lengths_that_no_image_has_are_refused_in_words(spacing, center: float, words: str):
    """Given what the wire can say, and Slicer cannot show: bits that are damaged, other units."""
    matrix = np.column_stack([np.diag(spacing), np.full(3, center)])
    message = codec.unpack(codec.pack(ImageMessage(PIXELS, matrix)))
    with pytest.raises(codec.GeometryError, match=words):
        message.usable_ijk_to_ras()
