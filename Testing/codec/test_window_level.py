"""Window and level in which an image is shown first: by header, by modality, or by its voxels."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec.window_level import VoiWindow, window_level

HOUNSFIELD = np.arange(-1000, 3000, dtype=np.int16)


def test_outliers_do_not_decide_window_and_level():
    pixels = np.tile(np.arange(1000, dtype=np.uint16), 100)
    pixels[:10] = 65535
    window, level = window_level(pixels)
    assert (window, level) == (pytest.approx(990, abs=2), pytest.approx(500, abs=2))


def test_a_large_image_is_judged_by_a_sample_that_sees_all_columns():
    pixels = np.zeros((64, 128, 128), np.int16)
    pixels[..., ::2] = 1000
    assert window_level(pixels) == (1000, 500)


def test_of_two_values_a_voxel_the_one_that_is_shown_decides():
    """As of a magnitude and its phase."""
    magnitude = np.linspace(0, 1000, 5000, dtype=np.float32).reshape(5, 20, 50)
    pixels = np.stack([magnitude, np.full_like(magnitude, 1e6)], axis=3)
    assert window_level(pixels) == window_level(magnitude)


def test_a_ct_that_is_not_in_hounsfield_units_is_judged_by_its_pixels():
    assert window_level(np.arange(4096, dtype=np.uint16), "CT")[0] > 4000


def test_a_ct_with_air_is_shown_as_soft_tissue_and_an_mr_of_the_same_values_is_not():
    assert window_level(HOUNSFIELD, "CT") == (350, 40)
    assert window_level(HOUNSFIELD, "ct") == (350, 40)
    assert window_level(HOUNSFIELD, "MR")[0] > 3900


@pytest.mark.parametrize("modality", ["PT", "pt ", "PET", "NM"])
def test_the_brightest_lesion_of_a_pet_is_below_the_top_of_the_window(modality):
    """Percentiles would put it above: a lesion is less than half a percent of the voxels."""
    uptake = np.full((40, 100, 100), 1000, np.float32)
    uptake[20, 50:55, 50:60] = 32000
    assert window_level(uptake, modality) == (32000, 16000)


def test_a_lesion_of_one_cubic_centimeter_is_not_missed_in_a_large_pet():
    uptake = np.zeros((300, 200, 200), np.float32)  # 2 mm: 96 MB
    uptake[150:155, 100:105, 100:105] = 9000
    width, level = window_level(uptake, "PT")
    assert (width, level) == (9000, 4500)


def test_a_pet_below_zero_begins_at_zero_all_the_same():
    assert window_level(np.linspace(-5, 10, 1000), "PT") == (10, 5)


def test_a_pet_without_any_uptake_has_a_window_all_the_same():
    assert window_level(np.zeros(1000, np.float32), "PT").width > 0


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", ""])
def test_the_window_of_the_header_counts_before_the_modality(modality):
    window = VoiWindow((600.0, 40.0), (1600.0, 350.0))  # bone first, then soft tissue
    assert window_level(HOUNSFIELD, modality, window) == (1600, 600)


@pytest.mark.parametrize(
    ("center", "width"),
    [(40.0, 0.0), (40.0, -5.0), (40.0, float("nan")), (float("inf"), 100.0), (9000.0, 100.0)],
    ids=["no width", "negative", "NaN", "infinite", "all voxels black"],
)
def test_a_window_that_shows_nothing_is_passed_over(center, width):
    assert window_level(HOUNSFIELD, "CT", VoiWindow((center,), (width,))) == (350, 40)


def test_a_header_without_a_window_says_nothing():
    assert window_level(HOUNSFIELD, "CT", VoiWindow()) == (350, 40)
