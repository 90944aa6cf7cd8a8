"""What follows from a matrix: the plane of DICOM, and names for orientations."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.metadata.geometry import (
    axes_of_matrix,
    axes_of_plane,
    image_plane,
    orientation_letters,
    slice_plane,
)
from IGTLMetaBrowserLib.metadata.image_modules import ImagePlane


def test_the_plane_of_an_axial_image():
    """RAS to LPS; rows run along i, so the first spacing, between rows, is that of j."""
    matrix = np.array([[-0.25, 0, 0, 10], [0, -0.5, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1]])
    assert image_plane(matrix, slices=3) == ImagePlane(
        PixelSpacing=(0.5, 0.25),
        ImageOrientationPatient=(1, 0, 0, 0, 1, 0),
        ImagePositionPatient=(-10, -20, 30),
        SpacingBetweenSlices=2,
    )


def test_a_single_slice_is_no_distance_from_the_next():
    assert image_plane(np.eye(4), slices=1).SpacingBetweenSlices is None


@pytest.mark.parametrize(
    ("matrix", "letters", "plane"),
    [
        (np.diag([-1, -1, 1]), "LPS", "axial"),
        (np.eye(3), "RAS", "axial"),
        (np.diag([-1, -1, -1]), "LPI", "axial"),
        ([[-1, 0, 0], [0, 0, 1], [0, -1, 0]], "LIA", "coronal"),
        ([[0, 0, -1], [-1, 0, 0], [0, -1, 0]], "PIL", "sagittal"),
    ],
)
def test_names_of_orientations(matrix, letters, plane):
    whole = np.eye(4)
    whole[:3, :3] = np.array(matrix) * [0.25, 0.5, 2]
    axes = axes_of_matrix(whole)
    assert (orientation_letters(axes), slice_plane(axes)) == (letters, plane)


@pytest.mark.parametrize(("degrees", "plane"), [(0, "axial"), (17, "axial"), (19, "oblique")])
def test_slices_that_are_turned_too_far_are_oblique(degrees, plane):
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    axes = axes_of_plane([1, 0, 0, 0, cosine, sine])
    assert slice_plane(axes) == plane
    assert orientation_letters(axes) == "LPS"


def test_axes_of_dicoms_orientation():
    assert axes_of_plane([0, 2, 0, 0, 0, -1]).T.tolist() == [[0, 1, 0], [0, 0, -1], [-1, 0, 0]]


def test_directions_that_span_no_plane_are_refused():
    with pytest.raises(ValueError, match="span no plane"):
        axes_of_plane([1, 0, 0, 1, 0, 0])
