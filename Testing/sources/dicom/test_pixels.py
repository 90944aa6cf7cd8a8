"""What the pixels of a folder's images mean: rescaled, in colors."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.folder_source import REGULAR, fetch_all
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype", "values"),
    [
        (1, 0, "uint16", [0, 1, 2]),
        (1, -1024, "int16", [-1024, -1023, -1022]),
        (2, 0, "uint16", [0, 2, 4]),
        (1000, 0, "int32", [0, 1000, 2000]),
        (0.5, 10, "float32", [10, 10.5, 11]),
    ],
)
def test_rescale_is_applied_in_the_smallest_type(
    tmp_path, write_series, slope, intercept, dtype, values
):
    write_series(tmp_path, REGULAR, RescaleSlope=slope, RescaleIntercept=intercept)
    source = DicomFolderSource(tmp_path)
    assert source.images()[0].scalar_type.dtype == dtype
    (image,) = fetch_all(source)
    assert image.pixels.dtype == dtype
    assert image.pixels[:, 1, 1].tolist() == values


def test_each_slice_has_its_own_slope(tmp_path, make_slice):
    for number, position in enumerate(REGULAR):
        dataset = make_slice(position, 10, RescaleSlope=0.5 * (number + 1))
        dataset.save_as(tmp_path / str(number), enforce_file_format=True)
    (image,) = fetch_all(DicomFolderSource(tmp_path))
    assert image.pixels[:, 1, 1].tolist() == [5, 10, 15]


def test_16_bits_with_an_offset_are_int16_where_the_values_fit(tmp_path, write_series):
    write_series(tmp_path, REGULAR, BitsStored=16, HighBit=15, RescaleIntercept=-1024)
    source = DicomFolderSource(tmp_path)
    assert source.images()[0].scalar_type == codec.ScalarType.INT16
    assert source.image(source.images()[0].id).pixels.dtype == np.int16


def test_16_bits_with_an_offset_are_int32_where_they_do_not_fit(tmp_path, make_slice):
    large = make_slice(REGULAR[0], RescaleIntercept=-1024)
    large.set_pixel_data(np.full((5, 7), 60000, np.uint16), "MONOCHROME2", 16)
    large.save_as(tmp_path / "0", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert source.images()[0].scalar_type == codec.ScalarType.INT16
    image = source.image(source.images()[0].id)
    assert image.pixels.dtype == np.int32
    assert image.pixels.max() == 58976


def test_colors_have_three_components(tmp_path, make_slice):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    dataset = make_slice(REGULAR[0])
    dataset.set_pixel_data(pixels, "RGB", 8)
    dataset.save_as(tmp_path / "0", enforce_file_format=True)
    (image,) = fetch_all(DicomFolderSource(tmp_path))
    assert image.pixels.dtype == np.uint8
    assert np.array_equal(image.pixels, pixels[np.newaxis])
