"""The demo as DICOM files: what is written is what the demo shows, and comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from helpers import demo_dicom
from IGTLMetaBrowserLib.sources import phantom
from IGTLMetaBrowserLib.sources.demo import DemoSource
from IGTLMetaBrowserLib.sources.dicom.fields import image_id
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

MODALITIES = ["CT", "MR", "PT"]
LARGEST_ROUNDING = {"CT": 0, "MR": 0, "PT": 32000 / 65535}  # half a PET step, and some for float32


@pytest.fixture(scope="module")
def demo():
    return DemoSource()


@pytest.fixture(scope="module")
def source(phantom_folder):
    return DicomFolderSource(phantom_folder)


@pytest.fixture
def served(source):
    """A function that fetches the image of a modality from the folder."""
    ids = {item.modality: item.id for item in source.images()}
    return lambda modality: source.image(ids[modality])


def test_the_list_is_the_demos_but_for_the_ids(source, demo):
    def without_id(item):
        return replace(item, id="")

    listed = sorted(source.images(), key=lambda item: item.modality)
    assert list(map(without_id, listed)) == list(map(without_id, demo.images()))
    assert source.refused == []


@pytest.mark.parametrize("modality", MODALITIES)
def test_voxels_and_geometry_come_back(served, demo, modality):
    original = demo.image(f"DEMO_{modality}")
    image = served(modality)
    assert image.pixels.dtype == original.pixels.dtype
    difference = np.abs(image.pixels.astype(np.float64) - original.pixels)
    assert difference.max() <= LARGEST_ROUNDING[modality]
    assert image.ijk_to_ras() == pytest.approx(original.ijk_to_ras(), abs=1e-6)


@pytest.mark.parametrize("modality", MODALITIES)
def test_each_voxel_lies_where_the_files_say(served, phantom_folder, modality):
    """Read by hand, after the equation of PS3.3 C.7.6.2.1.1, from files in any order."""
    image = served(modality)
    ras_to_ijk = np.linalg.inv(image.ijk_to_ras())
    for path in sorted((phantom_folder / modality).iterdir())[::-31]:
        file = pydicom.dcmread(path)
        row_direction, column_direction = np.reshape(file.ImageOrientationPatient, (2, 3))
        for row, column in [(0, 0), (100, 30), (255, 255)]:
            x, y, z = (
                np.array(file.ImagePositionPatient)
                + row_direction * file.PixelSpacing[1] * column
                + column_direction * file.PixelSpacing[0] * row
            )
            i, j, k = (ras_to_ijk @ (-x, -y, z, 1))[:3]
            assert (i, j) == pytest.approx((column, row), abs=1e-3)
            assert k == pytest.approx(round(k), abs=1e-3)
            stored = float(file.pixel_array[row, column])
            value = stored * float(file.get("RescaleSlope", 1)) + float(
                file.get("RescaleIntercept", 0)
            )
            assert image.pixels[round(k), round(j), round(i)] == pytest.approx(value)


@pytest.mark.parametrize("modality", MODALITIES)
def test_highdicoms_own_reader_sees_the_same_volume(served, phantom_folder, modality):
    import highdicom

    image = served(modality)
    files = [pydicom.dcmread(path) for path in (phantom_folder / modality).iterdir()]
    volume = highdicom.get_volume_from_series(files)
    assert np.allclose(volume.array[::-1], image.pixels)  # highdicom's k runs the other way
    lps = volume.affine @ (3, 5, 7, 1)  # slice, row, column
    assert image.ijk_to_ras() @ (7, 5, 127 - 3, 1) == pytest.approx(lps * (-1, -1, 1, 1))


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_marker_is_at_the_patients_left(served, modality):
    image = served(modality)
    air = phantom.CONTRAST[modality]["air"]
    for side, is_marker in ((-1, True), (1, False)):
        point = np.array([77.0 * side, 0, 0, 1])
        i, j, k = np.rint(np.linalg.inv(image.ijk_to_ras()) @ point)[:3].astype(int)
        assert (image.pixels[k, j, i] != air) == is_marker


def test_trajectories_belong_to_the_served_images(source, demo):
    ids = {item.modality: item.id for item in source.images()}
    trajectories = source.trajectories()
    assert len(trajectories) == len(demo.trajectories())
    for trajectory, original in zip(trajectories, demo.trajectories(), strict=True):
        assert trajectory.owner == ids[original.owner.removeprefix("DEMO_")]
        assert replace(trajectory, owner="") == replace(original, owner="")


def test_uids_are_the_same_each_time(phantom_folder, tmp_path):
    demo_dicom.write_series(demo_dicom.demo_images()[0], tmp_path)
    assert (tmp_path / "0007.dcm").read_bytes() == (phantom_folder / "CT" / "0007.dcm").read_bytes()


def test_the_id_is_made_from_the_series_uid(source):
    ids = {item.id for item in source.images()}
    assert image_id(demo_dicom.series_uid("DEMO_CT")) in ids


def test_pydicoms_files_come_along(tmp_path: Path):
    demo_dicom.copy_pydicom_files(tmp_path)
    assert (tmp_path / "test_files" / "CT_small.dcm").is_file()
    assert (tmp_path / "test_files" / "dicomdirtests" / "98892001" / "CT5N" / "2062").is_file()
    assert (tmp_path / "charset_files" / "chrRuss.dcm").is_file()
