"""Files that lie, are cut off, or are something else: the rest of the folder is served."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, RTDoseStorage

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.dicom_index.headers import limited_file
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.pixels.codestreams import picture_size

JPEG_2000 = "1.2.840.10008.1.2.4.90"
JPEG_LS = "1.2.840.10008.1.2.4.80"
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

    def test_a_million_frames_of_one_pixel(self, open_beside, make_slice):
        dataset = alone(make_slice, Rows=1, Columns=1, NumberOfFrames=1_000_000)
        dataset.PixelData = bytes(2_000_000)
        _, reason = open_beside(dataset)
        assert reason.endswith("no more than 100000 frames are read of a file")

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


class TestMoreBytesThanPixels:
    """Behind the pixels of the header there is another frame, or padding."""

    def test_a_file_whose_last_block_was_filled_up_is_read_as_others_read_it(self, open_beside):
        """By 128 zeros, as many bytes as each of its 64 rows has."""
        dataset = pydicom.dcmread(get_testdata_file("MR_small_padded.dcm"))
        source, reason = open_beside(dataset)
        assert reason == ""
        item = next(item for item in source.images() if item.size == (64, 64, 1))
        image = source.image(item.id)
        first = np.frombuffer(dataset.PixelData, "<i2")[: 64 * 64]
        np.testing.assert_array_equal(image.pixels.ravel(), first)
        assert "its files have more bytes than voxels" in image.metadata["Notice"]

    def test_pixels_of_twice_the_bytes_that_the_header_says_are_refused(
        self, open_beside, make_slice
    ):
        counts = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
        _, reason = open_beside(alone(make_slice, **counts))
        assert reason.startswith("its header says 1 frames of ")
        assert reason.endswith("bytes of pixels more than that; get it again")

    def test_a_frame_more_is_refused(self, open_beside, make_slice):
        dataset = alone(make_slice)
        dataset.PixelData += dataset.PixelData
        _, reason = open_beside(dataset)
        assert "and it has 70 bytes of pixels more than that" in reason

    @pytest.mark.parametrize(("byte_count", "is_said"), [(1, False), (3, True), (5, True)])
    def test_what_is_no_frame_is_padding_and_but_for_an_even_number_it_is_said(
        self, open_beside, make_slice, byte_count, is_said
    ):
        """5 × 7 pixels of a byte, which PS3.5 8.1.1 has padded to 36."""
        dataset = alone(make_slice, BitsAllocated=8, BitsStored=8, HighBit=7)
        dataset.PixelData = bytes(range(35)) + bytes(byte_count)
        dataset["PixelData"].VR = "OB"
        source, reason = open_beside(dataset)
        assert reason == ""
        item = next(item for item in source.images() if item.size == (7, 5, 1))
        image = source.image(item.id)
        np.testing.assert_array_equal(image.pixels.ravel(), np.arange(35))
        notice = image.metadata.get("Notice", "")
        assert ("its files have more bytes than voxels" in notice) == is_said


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

    @pytest.mark.parametrize("text", ["nan", "inf", "none", "1e38"])
    @pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
    def test_values_that_would_all_be_wrong(self, open_beside, make_slice, keyword, text):
        """Without the rescale, a CT would be shown with other Hounsfield units."""
        dataset = alone(make_slice)
        value = text.ljust(4).encode()
        dataset[keyword] = RawDataElement(Tag(keyword), "DS", 4, value, 0, False, True)
        _, reason = open_beside(dataset)
        assert reason == f"its header makes no sense: {keyword} is {text}"

    @pytest.mark.parametrize("value", [[-1, -1], [0, 0], [0.5, -0.5]])
    def test_a_spacing_of_nothing_or_less_is_called_unknown(self, tmp_path, make_slice, value):
        """In many files it stands for that."""
        alone(make_slice, PixelSpacing=value).save_as(tmp_path / "1", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        image = source.image(item.id)
        assert item.name.endswith("(mm not known)")
        assert np.linalg.norm(image.ijk_to_ras()[:3, :2], axis=0).tolist() == [1, 1]
        assert image.metadata["Position"].startswith("of no use without the size of the pixels")


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
    def test_replaced_by_something_else(self, tmp_path, write_series, content, monkeypatch):
        """After the list was made: refused in words, and the connection goes on."""
        write_series(tmp_path, [(0, 0, z) for z in range(3)])
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        (tmp_path / "1.dcm").write_bytes(content)
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read"):
            source.image(item.id)
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
        assert all(source.image(entry.id).pixels.size for entry in source.images())
        assert {name for name, _ in source.refused} >= {"1.dcm"}


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


class TestFilesThatBecomeLarge:
    """What is small on the disk, or in the network, and large in memory."""

    @pytest.mark.parametrize("tag", [0x7FDF1000, 0x7FE11010], ids=["before pixels", "behind"])
    def test_a_deflated_gigabyte(self, tmp_path, make_slice, write_series, tag):
        write_series(tmp_path, [(0, 0, z) for z in range(3)])
        bomb = deflated(alone(make_slice), tag, 1 << 30)
        assert len(bomb) < 2 << 20
        (tmp_path / "bad").write_bytes(bomb)
        source = DicomFolderSource(tmp_path)
        assert dict(source.refused) == {"bad": "it inflates to more than 256 MiB"}
        assert [item.size for item in source.images()] == [(7, 5, 3)]

    def test_a_deflated_image_is_still_read(self, tmp_path, make_slice):
        (tmp_path / "one").write_bytes(deflated(alone(make_slice, value=7), 0x7FE11010, 1 << 20))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert source.image(item.id).pixels[0, 1].tolist() == [7] * 7

    @pytest.mark.parametrize("length", [0xF0000000, 0xFFFFFFFF], ids=["4 GiB", "undefined"])
    @pytest.mark.parametrize("tag", [0x00080060, 0x7FDF1001], ids=["needed", "private"])
    def test_a_sparse_file(self, tmp_path, make_slice, write_series, monkeypatch, tag, length):
        """Its zeros take no room on the disk; read into memory, they would."""
        write_series(tmp_path, [(0, 0, z) for z in range(3)])
        data = bytes_of(alone(make_slice))
        start = data.index(struct.pack("<HH", 8, 0x60))
        element = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"OB", 0, length)
        path = tmp_path / "bad"
        path.write_bytes(data[:start] + element)
        os.truncate(path, 20 << 30)
        monkeypatch.setattr(limited_file, "LONGEST", 4 << 20)
        tracemalloc.start()
        try:
            source = DicomFolderSource(tmp_path)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert "bad" in dict(source.refused)
        assert [item.size for item in source.images()] == [(7, 5, 3)]
        assert most < 40 << 20

    def test_a_million_elements(self, open_beside, make_slice, monkeypatch):
        monkeypatch.setattr(limited_file, "_MOST_ELEMENTS", 1000)
        item = Dataset()
        item.FrameType = "ORIGINAL"
        _, reason = open_beside(alone(make_slice, PerFrameFunctionalGroupsSequence=[item] * 1001))
        assert reason == "its header has more than 1000 elements"

    @pytest.mark.parametrize("has_length", [True, False])
    def test_half_a_million_empty_items(self, tmp_path, make_slice, has_length):
        """They took 4 MB, and 15 s to be read."""
        length, end = (0, b"") if has_length else (0xFFFFFFFF, struct.pack("<HHI", *END_OF_ITEM, 0))
        items = (struct.pack("<HHI", *ITEM[:2], length) + end) * 490_000
        sequence = struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, len(items)) + items
        data = bytes_of(alone(make_slice))
        pixels = data.index(struct.pack("<HH", 0x7FE0, 0x10))
        (tmp_path / "bad").write_bytes(data[:pixels] + sequence + data[pixels:])
        source = DicomFolderSource(tmp_path)
        assert dict(source.refused) == {"bad": "its header has more than 10000 empty items"}

    @pytest.mark.parametrize("is_followed", [False, True], ids=["last", "trailing padding"])
    def test_compressed_pixels_that_are_cut_off(self, tmp_path, make_slice, is_followed):
        """Some decoders fill the rest of a picture with gray."""
        dataset = alone(make_slice)
        dataset.set_pixel_data(
            np.zeros((64, 64), np.uint16), "MONOCHROME2", 12, generate_instance_uid=False
        )
        dataset.compress(JPEG_2000, generate_instance_uid=False)
        if is_followed:
            dataset.add_new(0xFFFCFFFC, "OB", bytes(6))
        data = bytes_of(dataset, JPEG_2000)
        end = data.rindex(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
        for name, content in (("whole", data), ("cut", data[:end]), ("half", data[: end - 20])):
            (tmp_path / name).write_bytes(content)
        source = DicomFolderSource(tmp_path)
        assert len(source.images()) == 1
        reason = "it is cut off: its pixels have no end; get it again"
        assert dict(source.refused) == {"cut": reason, "half": reason}

    def test_compressed_pixels_that_are_more_bytes_than_pixels(self, tmp_path, make_slice):
        data = bytes_of(alone(make_slice), JPEG_2000)
        path = tmp_path / "bad"
        path.write_bytes(data)
        os.truncate(path, 1 << 30)
        source = DicomFolderSource(tmp_path)
        assert "bytes are too many" in dict(source.refused)["bad"]

    @pytest.mark.parametrize("depth", [900, 100_000])
    def test_sequences_within_sequences(self, tmp_path, make_slice, write_series, depth):
        write_series(tmp_path, [(0, 0, z) for z in range(3)])
        data = bytes_of(alone(make_slice))
        start = data.index(struct.pack("<HH", 0x7FE0, 0x10))
        begin = struct.pack("<HH2sHIHHI", 0x40, 0xA730, b"SQ", 0, 0xFFFFFFFF, *ITEM)
        (tmp_path / "bad").write_bytes(data[:start] + begin * depth + data[start:])
        source = DicomFolderSource(tmp_path)
        reason = dict(source.refused)["bad"]
        assert reason == "it has more than 64 sequences within each other"
        assert [item.size for item in source.images()] == [(7, 5, 3)]


class TestPicturesOfAnotherSizeThanTheFileSays:
    """Decoders make room for what a picture's own header says, or end the process."""

    @pytest.mark.parametrize(
        ("syntax", "marker", "layout", "places"),
        [
            (JPEG_2000, b"\xff\x51", ">II", (6, 22)),  # the picture, and its only tile
            (JPEG_LS, b"\xff\xf7", ">HH", (5,)),
        ],
        ids=["JPEG 2000", "JPEG-LS"],
    )
    def test_refused_in_words(self, tmp_path, make_slice, syntax, marker, layout, places):
        dataset = alone(make_slice)
        dataset.set_pixel_data(
            np.zeros((64, 64), np.uint16), "MONOCHROME2", 12, generate_instance_uid=False
        )
        dataset.compress(syntax, generate_instance_uid=False)
        data = bytearray(bytes_of(dataset, syntax))
        for place in places:
            struct.pack_into(layout, data, data.index(marker) + place, 60_000, 60_000)
        (tmp_path / "bad").write_bytes(data)
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        with pytest.raises(SourceError, match="60000 × 60000 pixels of 1 samples, not 64 × 64"):
            source.image(item.id)

    def test_sizes_of_jpeg(self):
        size = struct.pack(">BBHBHHB", 0xFF, 0xC1, 11, 12, 480, 640, 3)
        jpeg = b"\xff\xd8\xff\xe0\x00\x04ab" + b"\xff\xff" + size[1:]
        assert picture_size(jpeg) == (480, 640, 3)
        for length in range(len(jpeg) - 1):
            assert picture_size(jpeg[:length]) is None
        assert picture_size(b"\xff\xd8\xff\xda" + bytes(20)) is None


class TestVolumesThatAreMostlyEmpty:
    def test_a_segmentation_whose_frames_are_far_from_each_other(self, open_beside):
        slices = [study.ct_slice(number) for number in (1, 2, 3)]
        dataset = study.segmentation(slices)
        frames = dataset.PerFrameFunctionalGroupsSequence
        for z, frame in zip((0, 0.02, 400), frames, strict=True):
            frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, z]
        source, _ = open_beside(dataset, "seg")
        assert source.label_maps() == []
        assert (
            "volume of (128, 128, 20001) voxels, most of which are" in dict(source.refused)["seg"]
        )

    def test_two_slices_that_are_tilted_out_of_all_proportion(self, tmp_path, make_slice):
        for number, x in enumerate((0, 60)):
            place = (x, x, number)
            dataset = make_slice(place, PixelSpacing=[0.001, 0.001])
            dataset.save_as(tmp_path / str(number), enforce_file_format=True)
        source = DicomFolderSource(tmp_path, is_upright=True)
        assert source.images() == ()
        ((_, tilted), (_, reason)) = source.refused
        assert "tilted gantry" in tilted
        assert "most of which are empty" in reason


ITEM = (0xFFFE, 0xE000, 0xFFFFFFFF)
END_OF_ITEM = (0xFFFE, 0xE00D)


def bytes_of(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file; its pixels have no length if the syntax is a compressed one."""
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == JPEG_2000 and not dataset["PixelData"].is_undefined_length:
        dataset.PixelData = encapsulate([dataset.PixelData])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def deflated(dataset: Dataset, tag: int, size: int) -> bytes:
    """Return a deflated file that has a private element of so many zeros, too."""
    plain = bytes_of(dataset)
    dataset.file_meta.TransferSyntaxUID = DEFLATED
    empty = io.BytesIO()
    pydicom.dcmwrite(empty, dataset, enforce_file_format=True)
    meta_size = 144 + struct.unpack_from("<I", empty.getvalue(), 140)[0]
    content = plain[144 + struct.unpack_from("<I", plain, 140)[0] :]
    pixels = content.index(struct.pack("<HH", 0x7FE0, 0x10))
    place = pixels if tag < 0x7FE00010 else len(content)
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    parts = [compressor.compress(content[:place])]
    element = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"OB", 0, size)
    parts.append(compressor.compress(element))
    # Flushed, a block says the same wherever it is: it need not be compressed again.
    parts += [compressor.flush(zlib.Z_FULL_FLUSH)]
    block = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    parts += [block] * (size >> 20)
    parts += [compressor.compress(content[place:]), compressor.flush()]
    return empty.getvalue()[:meta_size] + b"".join(parts)
