"""A folder of DICOM files as a source: what becomes of a series that is not regular."""

from __future__ import annotations

import tracemalloc
from contextlib import closing

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless, generate_uid

from helpers.folder_source import REGULAR, fetch_all, names
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.pixels import pixels
from IGTLMetaBrowserLib.sources.dicom.volumes.spacing import even_parts


def test_a_missing_slice_leaves_two_parts(tmp_path, write_series):
    write_series(tmp_path, [(-10, -20, z) for z in (30, 32, 34, 38, 40)])
    source = DicomFolderSource(tmp_path)
    assert names(source) == ["Thin slices volume 1 of 2", "Thin slices volume 2 of 2"]
    assert [item.size[2] for item in source.images()] == [3, 2]
    words = "offered in parts: a slice is missing between z = 34 and z = 38 mm"
    assert source.refused == [("Thin slices (1.2.3.4)", words)]
    for image in fetch_all(source):
        assert image.metadata["Notice"] == words
        assert image.ijk_to_ras()[:3, 2].tolist() == [0, 0, 2]


def test_a_spacing_that_changes_leaves_two_parts(tmp_path, write_series):
    write_series(tmp_path, [(-10, -20, z) for z in (0, 2, 4, 6, 11, 16, 21)])
    source = DicomFolderSource(tmp_path)
    assert [item.size[2] for item in source.images()] == [4, 3]
    assert "its spacing changes from 2 mm, between z = 6 and z = 11" in source.refused[0][1]


def test_slices_at_any_distance_are_offered_slice_by_slice(tmp_path, write_series):
    write_series(tmp_path, [(-10, -20, z) for z in (0, 1, 3, 7, 15, 31)])
    source = DicomFolderSource(tmp_path)
    assert names(source) == [f"Thin slices slice {number} of 6" for number in range(1, 7)]
    ((series, why),) = source.refused
    assert series == "Thin slices (1.2.3.4)"
    assert "6 slices from 1 to 16 mm apart" in why
    assert len({item.id for item in source.images()}) == 6
    assert [image.pixels[0, 1, 1] for image in fetch_all(source)] == [*range(6)]


@pytest.mark.parametrize("degrees", [15, 2, -15])
def test_a_tilted_gantry_is_a_sheared_volume(tmp_path, write_series, degrees):
    """Even at 2 degrees: an upright volume's last slice would lie 1.4 mm off."""
    shift = 2 * np.tan(np.radians(degrees))
    positions = [(-10, -20 + n * shift, 30 + 2 * n) for n in range(20)]
    write_series(tmp_path, positions)
    source = DicomFolderSource(tmp_path)
    (image,) = fetch_all(source)
    for k, (x, y, z) in enumerate(positions):
        assert image.ijk_to_ras() @ (0, 0, k, 1) == pytest.approx([-x, -y, z, 1])
        assert image.pixels[k, 1, 1] == k
    assert f"tilted gantry: its slices follow each other {abs(degrees)}.0" in source.refused[0][1]
    assert image.metadata["Notice"] == source.refused[0][1]


@pytest.mark.parametrize("shift", [0.75, -0.5])
def test_a_tilted_gantry_can_be_resampled(tmp_path, make_slice, shift):
    """A straight rod along z: in the slices it moves, in the upright volume it does not."""
    for n in range(4):
        dataset = make_slice((-10, -20 + n * shift, 30 + 2 * n))
        pixels = np.zeros((9, 7), np.uint16)
        # Rows are 0.5 mm apart. Two rows share what lies between them.
        row = 4 - n * shift / 0.5 if shift > 0 else 2 - n * shift / 0.5
        low = int(np.floor(row))
        part = row - low
        if 0 <= low < 8:
            pixels[low, 3] = round(1000 * (1 - part))
            pixels[low + 1, 3] = round(1000 * part)
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        dataset.save_as(tmp_path / str(n), enforce_file_format=True)
    source = DicomFolderSource(tmp_path, is_upright=True)
    (item,) = source.images()
    image = source.image(item.id)
    assert image.subvolume_size == item.size
    matrix = image.ijk_to_ras()
    assert matrix[:3, 2] == pytest.approx([0, 0, 2])
    rod = [-10 + 3 * 0.25, -20 + (4 if shift > 0 else 2) * 0.5, 30]  # LPS
    i, j, k, _ = np.linalg.inv(matrix) @ (-rod[0], -rod[1], rod[2], 1)
    assert (i, k) == pytest.approx((3, 0))
    profile = image.pixels[:, :, 3].astype(float)
    rows = np.arange(profile.shape[1])
    is_there = profile.sum(axis=1) > 900
    centers = (profile @ rows)[is_there] / profile.sum(axis=1)[is_there]
    assert centers == pytest.approx([j] * len(centers), abs=0.01)
    assert len(centers) >= 2
    assert "resampled to an upright volume" in image.metadata["Notice"]


def test_a_slice_that_is_there_twice_counts_once(tmp_path, write_series):
    write_series(tmp_path, REGULAR)
    copy = pydicom.dcmread(tmp_path / "1.dcm")
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    copy.save_as(tmp_path / "copy.dcm", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert names(source) == ["Thin slices"]
    assert source.images()[0].size == (7, 5, 3)
    assert "1 of its slices are there twice" in source.refused[0][1]


def test_several_slices_in_one_place_that_nothing_tells_apart(tmp_path, write_series):
    write_series(tmp_path, [REGULAR[0], REGULAR[0], REGULAR[0], REGULAR[1]])
    source = DicomFolderSource(tmp_path)
    assert names(source) == [f"Thin slices slice {number} of 4" for number in range(1, 5)]
    assert "several lie in the same place" in source.refused[0][1]


def test_several_orientations(tmp_path, write_series, make_slice):
    write_series(tmp_path, REGULAR)
    sagittal = make_slice(REGULAR[0], 77, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    sagittal.save_as(tmp_path / "scout", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert names(source) == ["Thin slices volume 1 of 2", "Thin slices slice 2 of 2"]
    assert "of 2 orientations" in source.refused[0][1]


def test_no_position_in_space(tmp_path, write_series):
    write_series(tmp_path, REGULAR[:1], ImagePositionPatient=None)
    source = DicomFolderSource(tmp_path)
    (image,) = fetch_all(source)
    assert image.ijk_to_ras().tolist() == np.diag([-0.25, -0.5, 1, 1]).tolist()
    assert "lies axially" in image.metadata["Position"]


def test_pixels_without_a_size_have_no_position(tmp_path, write_series):
    write_series(tmp_path, REGULAR, PixelSpacing=[0, 0])
    source = DicomFolderSource(tmp_path)
    assert len(source.images()) == 3
    assert "3 images without a position in space" in source.refused[0][1]


def test_an_orientation_that_is_none(tmp_path, write_series):
    write_series(tmp_path, REGULAR, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    source = DicomFolderSource(tmp_path)
    assert names(source) == []
    assert "is not two perpendicular unit vectors" in source.refused[0][1]


def test_thousands_of_slices_at_any_distance_take_little_memory():
    """A file of 550 kB has as many frames; a table of all pairs of them took 1.6 GiB."""
    depths = np.cumsum(np.random.default_rng(1).uniform(0.1, 3, 3000))
    tracemalloc.start()
    try:
        assert len(even_parts(depths)) == 3000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_nothing_but_names_of_files_tells_volumes_apart(tmp_path, make_slice):
    """By name, the first volume would have slices of both."""
    for name, z, value in (("a", 0, 1), ("b", 0, 2), ("c", 2, 2), ("d", 2, 1)):
        dataset = make_slice((0, 0, z), value, InstanceNumber=None)
        dataset.save_as(tmp_path / f"{name}.dcm", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert [item.size[2] for item in source.images()] == [1, 1, 1, 1]
    assert "several lie in the same place, and nothing tells" in source.refused[0][1]


def test_a_scan_goes_on_after_midnight(tmp_path, make_slice):
    """Nothing but the time tells the volumes apart; by the time alone, the last would be first."""
    moments = [("20240514", "235958"), ("20240515", "000001.5")]
    for value, (date, time) in enumerate(moments, start=1):
        for z in (0, 2):
            times = {"AcquisitionDate": date, "AcquisitionTime": time, "InstanceNumber": None}
            dataset = make_slice((0, 0, z), value, **times)
            dataset.save_as(tmp_path / f"{3 - value}{z}.dcm", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    (sequence,) = source.sequences()
    assert (sequence.unit, sequence.values) == ("s", ("0", "3.5"))
    voxels = [source.image(image_id).pixels[:, 1, 1].tolist() for image_id in sequence.ids]
    assert voxels == [[1, 1], [2, 2]]


class TestTwoFilesOfOneUid:
    def test_other_pixels_under_the_same_header_are_another_image(
        self, tmp_path, write_series, make_slice
    ):
        """As after a file was anonymized, or damaged: nothing tells which of the two is right."""
        write_series(tmp_path, REGULAR)
        other = pydicom.dcmread(tmp_path / "1.dcm")
        other.PixelData = bytes(len(other.PixelData))
        other.save_as(tmp_path / "other")
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert source.metadata(item.id)["Notice"] == "1 of its files cannot be used"
        assert "another image than 1.dcm" in dict(source.refused)["other"]

    def test_a_compressed_copy_is_the_same_image(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        copy = pydicom.dcmread(tmp_path / "1.dcm")
        copy.compress(RLELossless, generate_instance_uid=False)
        copy.save_as(tmp_path / "copy")
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert "Notice" not in source.metadata(item.id)
        assert "the same image as 1.dcm" in dict(source.refused)["copy"]

    def test_a_server_has_them_decoded_by_its_processes(self, tmp_path, make_slice, monkeypatch):
        """A damaged file may end what decodes it, or keep it busy for ever."""
        dataset = make_slice((0, 0, 0))
        dataset.compress(RLELossless, generate_instance_uid=False)
        for name in ("0", "copy"):
            dataset.save_as(tmp_path / name, enforce_file_format=True)
        monkeypatch.delattr(pixels, "decode_frames")
        with closing(DicomFolderSource(tmp_path, jobs=2)) as source:
            assert "the same image as 0" in dict(source.refused)["copy"]

    @pytest.mark.parametrize("changed", [0, 11])
    def test_of_many_frames_all_are_compared(self, tmp_path, make_slice, monkeypatch, changed):
        monkeypatch.setattr(pixels, "_PIXELS_AT_ONCE", 5 * 35)
        dataset = make_slice((0, 0, 0), NumberOfFrames=12)
        voxels = bytearray(12 * 70)
        for name in ("0", "copy", "other"):
            if name == "other":
                voxels[changed * 70] = 1
            dataset.PixelData = bytes(voxels)
            dataset.save_as(tmp_path / name, enforce_file_format=True)
        refused = dict(DicomFolderSource(tmp_path).refused)
        assert "the same image as 0" in refused["copy"]
        assert "another image than 0" in refused["other"]

    def test_one_that_cannot_be_read_is_like_no_other(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        for name in ("copy", "twin"):
            dataset = pydicom.dcmread(tmp_path / "1.dcm")
            dataset.compress(RLELossless, generate_instance_uid=False)
            dataset.PixelData = dataset.PixelData[:-20] + bytes(20)
            dataset.save_as(tmp_path / name)
        refused = dict(DicomFolderSource(tmp_path).refused)
        assert "another image than 1.dcm" in refused["copy"]
        assert "another image than 1.dcm" in refused["twin"]
