"""Files that lie, are cut off, or are something else: the rest of the folder is served."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import RTDoseStorage

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom_folder import DicomFolderSource

JPEG_2000 = "1.2.840.10008.1.2.4.90"
DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.fixture
def open_beside(tmp_path, make_slice, write_series):
    """Opens a folder with a good series of three slices and one file that is not as it should be.

    Returns the source and why that file is not offered.
    """

    def open_folder(dataset, name="bad"):
        (tmp_path / "good").mkdir()
        write_series(tmp_path / "good", [(0, 0, z) for z in range(3)])
        dataset.save_as(tmp_path / name, enforce_file_format=False)
        source = DicomFolderSource(tmp_path)
        good = next(item for item in source.images() if item.size == (7, 5, 3))
        assert source.image(good.id).pixels[2, 1, 1] == 2
        return source, dict(source.refused).get(name, "")

    return open_folder


def alone(make_slice, **attributes):
    """A slice of a series of its own."""
    return make_slice((0, 0, 0), SeriesInstanceUID="1.2.9", **attributes)


class TestCountsBeyondTheBytes:
    @pytest.mark.parametrize(
        "counts",
        [
            {"NumberOfFrames": 2147483647},
            {"NumberOfFrames": 2},
            {"Rows": 65535, "Columns": 65535},
            {"Rows": 6},
            {"BitsAllocated": 32},
            {"SamplesPerPixel": 3},
        ],
    )
    def test_more_pixels_than_there_are_bytes(self, open_beside, make_slice, counts):
        _, reason = open_beside(alone(make_slice, **counts))
        assert "bytes cannot hold" in reason

    @pytest.mark.parametrize("syntax", [JPEG_2000, DEFLATED])
    @pytest.mark.parametrize(
        "counts", [{"NumberOfFrames": 2147483647}, {"Rows": 65535, "Columns": 65535}]
    )
    def test_compressed(self, tmp_path, make_slice, write_series, counts, syntax):
        dataset = alone(make_slice)
        if syntax == JPEG_2000:
            dataset.set_pixel_data(
                np.zeros((64, 64), np.uint16), "MONOCHROME2", 12, generate_instance_uid=False
            )
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.file_meta.TransferSyntaxUID = syntax
        for keyword, count in counts.items():
            setattr(dataset, keyword, count)
        write_series(tmp_path, [(0, 0, 1), (0, 0, 2)])
        dataset.save_as(tmp_path / "bad", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert "bytes cannot hold" in dict(source.refused)["bad"]
        assert [item.size for item in source.images()] == [(7, 5, 2)]

    @pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated", "SamplesPerPixel"])
    def test_a_count_of_zero(self, open_beside, make_slice, keyword):
        _, reason = open_beside(alone(make_slice, **{keyword: 0}))
        assert reason == f"its header makes no sense: {keyword} is '0'"

    def test_a_mosaic_of_more_slices_than_pixels(self, open_beside, make_slice):
        dataset = alone(make_slice, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
        block = dataset.private_block(0x19, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0A, "US", 65535)
        _, reason = open_beside(dataset)
        assert "tiles of one picture, which cannot be split" in reason


class TestLengthsBeyondSense:
    @pytest.mark.parametrize(
        ("keyword", "value"),
        [
            ("PixelSpacing", [1e38, 1e38]),
            ("PixelSpacing", [1e-38, 1]),
            ("ImagePositionPatient", [0, 0, 1e38]),
            ("SliceThickness", 1e38),
            ("SpacingBetweenSlices", 1e30),
        ],
    )
    def test_the_file_is_refused(self, open_beside, make_slice, keyword, value):
        _, reason = open_beside(alone(make_slice, **{keyword: value}))
        assert reason.startswith(f"its header makes no sense: {keyword} is ")

    @pytest.mark.parametrize("text", ["nan", "inf", "1e999"])
    def test_no_number(self, tmp_path, make_slice, text):
        path = tmp_path / "bad"
        alone(make_slice, SliceThickness="12345678").save_as(path, enforce_file_format=True)
        path.write_bytes(path.read_bytes().replace(b"12345678", text.encode().ljust(8)))
        source = DicomFolderSource(tmp_path)
        assert source.images() == ()
        ((_, reason),) = source.refused
        assert reason.startswith("its header makes no sense: SliceThickness is ")


class TestWhileBeingRead:
    def test_cut_anywhere_a_file_is_refused_or_right(self, tmp_path, make_slice):
        """Whatever length is left of it, no exception, and no image with other pixels."""
        whole = tmp_path / "whole"
        make_slice((0, 0, 0), 7).save_as(whole, enforce_file_format=True)
        data = whole.read_bytes()
        whole.unlink()
        (tmp_path / "cut").mkdir()
        for length in range(0, len(data), 7):
            (tmp_path / "cut" / str(length)).write_bytes(data[:length])
        source = DicomFolderSource(tmp_path)
        assert source.images() == ()
        assert len(source.refused) == len(range(0, len(data), 7))

    @pytest.mark.parametrize("content", [b"", b"another file", b"\0" * 100_000])
    def test_replaced_by_something_else(self, tmp_path, write_series, content):
        """After the list was made: refused in words, and the connection goes on."""
        write_series(tmp_path, [(0, 0, z) for z in range(3)])
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        (tmp_path / "1.dcm").write_bytes(content)
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read"):
            source.image(item.id)
        source.refresh()
        assert {name for name, _ in source.refused} >= {"1.dcm"}
        assert all(source.image(entry.id).pixels.size for entry in source.images())


class TestOtherImagesThatAreNotThere:
    def test_a_dose_without_a_grid(self, open_beside, make_slice):
        dose = alone(make_slice, SOPClassUID=RTDoseStorage, Modality="RTDOSE", NumberOfFrames=3)
        dose.PixelData = bytes(3 * 5 * 7 * 2)
        _, reason = open_beside(dose)
        assert reason == "a dose without a grid: GridFrameOffsetVector does not place its planes"

    def test_a_segmentation_of_images_that_are_not_there_is_still_a_label_map(self, open_beside):
        slices = [study.ct_slice(number) for number in (1, 2, 3)]
        source, _ = open_beside(study.segmentation(slices), "seg")
        assert [item.owner for item in source.label_maps()] == [""]

    def test_structures_of_images_that_are_not_there(self, open_beside):
        source, _ = open_beside(study.structure_set(), "rs")
        assert source.label_maps() == []
        assert dict(source.refused)["rs"].startswith("structures of an image that is not in")
