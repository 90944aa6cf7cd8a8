"""Calibrated pixel spacing: said, changed and taken back for one image."""

from __future__ import annotations

import math

import pytest

from IGTLMetaBrowserLib.metadata.modules import (
    CALIBRATION,
    IMAGE_PLANE,
    PATIENT,
    Calibration,
    ImagePlane,
    known_module,
)
from IGTLMetaBrowserLib.metadata.providers.calibration import (
    CalibratedSpacing,
    CalibrationProvider,
)
from IGTLMetaBrowserLib.metadata.registry import NOTHING

DETECTOR = ImagePlane(PixelSpacing=(0.2, 0.2), SliceThickness=1.0)


@pytest.fixture
def calibration(providers):
    """In a registry where the file of each image says how far pixels are apart at the detector."""
    provider = CalibrationProvider()
    providers.add_provider(lambda type_, _: DETECTOR if type_ == IMAGE_PLANE else NOTHING)
    providers.add_provider(provider, 1)
    return provider


def spacing(providers, image_id):
    return known_module(providers, IMAGE_PLANE, image_id).PixelSpacing


def test_the_image_s_own_spacing_counts_at_first(providers, calibration):
    assert spacing(providers, "A") == (0.2, 0.2)
    assert calibration.calibration("A") is None
    assert providers.get(CALIBRATION, "A") is NOTHING


def test_a_calibration_counts_more_for_its_image_alone(providers, calibration):
    calibration.calibrate("A", 0.15, 0.16)
    assert spacing(providers, "A") == (0.15, 0.16)
    assert spacing(providers, "B") == (0.2, 0.2)
    assert known_module(providers, IMAGE_PLANE, "A").SliceThickness == 1.0


def test_one_number_is_for_both_directions(providers, calibration):
    calibration.calibrate("A", 0.15)
    assert spacing(providers, "A") == (0.15, 0.15)


def test_it_can_be_changed_and_taken_back(providers, calibration):
    calibration.calibrate("A", 0.15)
    calibration.calibrate("A", 0.14)
    assert spacing(providers, "A") == (0.14, 0.14)
    calibration.forget("A")
    calibration.forget("A")
    assert spacing(providers, "A") == (0.2, 0.2)


def test_a_calibrated_image_is_marked_as_such(providers, calibration):
    calibration.calibrate("A", 0.15)
    assert providers.get(CALIBRATION, "A") == Calibration("FIDUCIAL", "typed in by the user")
    assert calibration.calibration("A") == CalibratedSpacing(0.15, 0.15)
    assert calibration(PATIENT, "A") is NOTHING


@pytest.mark.parametrize("spacing_", [(0, 1), (1, -1), (math.nan, 1), (1, math.inf), (1e9, 1)])
def test_what_is_no_distance_is_refused_and_changes_nothing(providers, calibration, spacing_):
    calibration.calibrate("A", 0.15)
    with pytest.raises(ValueError, match=r"the spacing of 'A' cannot be .* mm; give the distance"):
        calibration.calibrate("A", *spacing_)
    assert spacing(providers, "A") == (0.15, 0.15)
