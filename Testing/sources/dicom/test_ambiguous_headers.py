"""Headers of which readers make different images, or parts of which cannot be read: refused."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.tag import Tag
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGLSLossless,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    RTDoseStorage,
)

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

ITEM = b"\xfe\xff\x00\xe0"


def alone(make_slice, **attributes):
    """A slice of a series of its own."""
    return make_slice((0, 0, 0), SeriesInstanceUID="1.2.9", **attributes)


def content_of(dataset: Dataset) -> bytes:
    """Return a file in explicit little endian."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def refusal(folder: Path, dataset: Dataset) -> str:
    """Return why a file is not offered."""
    (folder / "bad").write_bytes(content_of(dataset))
    source = DicomFolderSource(folder)
    assert source.images() == ()
    return dict(source.refused)["bad"]


def element_in(data: bytes, keyword: str) -> tuple[bytes, int]:
    """Return the bytes of an element of a file, and where it ends."""
    begin = data.index(struct.pack("<HH", Tag(keyword).group, Tag(keyword).element), 132)
    end = begin + 8 + int.from_bytes(data[begin + 6 : begin + 8], "little")
    return data[begin:end], end


class TestFramesThatAreNotDescribed:
    """Their rescale and place would be those of another frame, or none."""

    @pytest.mark.parametrize("groups", [1, 3, 5])
    def test_other_functional_groups_than_frames(self, tmp_path, make_slice, groups):
        dataset = alone(make_slice, NumberOfFrames=4, PerFrameFunctionalGroupsSequence=[])
        dataset.PixelData = bytes(4 * 5 * 7 * 2)
        for number in range(groups):
            group, values = Dataset(), Dataset()
            values.RescaleSlope, values.RescaleIntercept = number + 1, 0
            group.PixelValueTransformationSequence = [values]
            dataset.PerFrameFunctionalGroupsSequence.append(group)
        reason = refusal(tmp_path, dataset)
        assert reason == (
            f"its header says 4 frames, and describes {groups}: which is which is not known"
        )

    @pytest.mark.parametrize("offsets", [[0, 1], [0, 1, 2, 3]])
    def test_other_planes_of_a_dose_than_frames(self, tmp_path, make_slice, offsets):
        dose = alone(make_slice, SOPClassUID=RTDoseStorage, NumberOfFrames=3, DoseGridScaling=1)
        dose.GridFrameOffsetVector = offsets
        dose.PixelData = bytes(3 * 5 * 7 * 2)
        reason = refusal(tmp_path, dose)
        assert reason.startswith(f"its header says 3 frames, and describes {len(offsets)}: ")


class TestSequencesThatAreDamaged:
    """Without them an image would be served with other values, or in another place."""

    @pytest.mark.parametrize("damaged", [(0x5200, 0x9229), (0x5200, 0x9230), (0x28, 0x9145)])
    def test_functional_groups(self, tmp_path, make_slice, damaged):
        shared, own, values, place = Dataset(), Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = 2, -1000
        shared.PixelValueTransformationSequence = [values]
        place.ImagePositionPatient = [0, 0, 0]
        own.PlanePositionSequence = [place]
        groups = {"SharedFunctionalGroupsSequence": [shared], "NumberOfFrames": 1}
        dataset = alone(make_slice, PerFrameFunctionalGroupsSequence=[own], **groups)
        self.expect_refusal(tmp_path, dataset, damaged)

    def test_a_modality_table(self, tmp_path, make_slice):
        table = Dataset()
        table.LUTDescriptor, table.LUTData = [2, 0, 16], bytes([1, 0, 2, 0])
        for element in ("LUTDescriptor", "LUTData"):
            table[element].VR = "US" if element == "LUTDescriptor" else "OW"
        self.expect_refusal(
            tmp_path, alone(make_slice, ModalityLUTSequence=[table]), (0x28, 0x3000)
        )

    @staticmethod
    def expect_refusal(folder, dataset, tag):
        data = content_of(dataset)
        item = data.index(ITEM, data.index(struct.pack("<HH", *tag) + b"SQ"))
        for place, bit in ((item, 1), (item + 4, 0x80)):  # the tag of its first item, the length
            damaged = bytearray(data)
            damaged[place] ^= bit
            (folder / "bad").write_bytes(damaged)
            source = DicomFolderSource(folder)
            assert source.images() == ()
            assert dict(source.refused)["bad"].endswith("cannot be read: it is damaged")


class TestTwoValuesOfOneAttribute:
    """pydicom takes the last, dcmtk the first: an archive may know it as another patient's."""

    @pytest.mark.parametrize("keyword", ["PatientID", "RescaleSlope", "ImagePositionPatient"])
    def test_the_file_is_refused(self, tmp_path, make_slice, keyword):
        data = content_of(alone(make_slice, PatientID="JANE", RescaleSlope=2, RescaleIntercept=0))
        element, end = element_in(data, keyword)
        other = element[:8] + b"1" * (len(element) - 8)
        (tmp_path / "bad").write_bytes(data[:end] + other + data[end:])
        source = DicomFolderSource(tmp_path)
        tag = f"({Tag(keyword).group:04X},{Tag(keyword).element:04X})"
        assert source.images() == ()
        assert source.refused == [("bad", f"has {tag} twice, with different values")]

    def test_in_a_functional_group(self, tmp_path, make_slice):
        shared, values = Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = 2, 3
        shared.PixelValueTransformationSequence = [values]
        data = content_of(alone(make_slice, SharedFunctionalGroupsSequence=[shared]))
        begin, _, end = data.rpartition(b"\x28\0\x52\x10DS")  # of the intercept, a second slope
        (tmp_path / "bad").write_bytes(begin + b"\x28\0\x53\x10DS" + end)
        ((_, reason),) = DicomFolderSource(tmp_path).refused
        assert reason.endswith("cannot be read: it is damaged")

    @pytest.mark.parametrize("is_compressed", [True, False])
    def test_of_two_images_the_first_counts(self, tmp_path, make_slice, is_compressed):
        contents = []
        for value in (3, 7):
            dataset = alone(make_slice)
            dataset.PixelData = bytes([value, 0] * 35)
            if is_compressed:
                dataset.compress(RLELossless, generate_instance_uid=False)
            contents.append(content_of(dataset))
        pixels = contents[1][contents[1].index(b"\xe0\x7f\x10\0O") :]
        (tmp_path / "a").write_bytes(contents[0] + pixels)
        source = DicomFolderSource(tmp_path)
        assert source.image(source.images()[0].id).pixels[0, 0, 0] == 3

    def test_the_same_value_twice_is_no_harm(self, tmp_path, make_slice):
        data = content_of(alone(make_slice, PatientID="JANE"))
        element, end = element_in(data, "PatientID")
        (tmp_path / "a").write_bytes(data[:end] + element + data[end:])
        assert [item.patient_id for item in DicomFolderSource(tmp_path).images()] == ["JANE"]


class TestColorsThatAreNotRedGreenAndBlue:
    @pytest.mark.parametrize(
        ("colors", "samples"), [("HSV", 3), ("CMYK", 4), ("ARGB", 4), ("YBR_RCT", 3)]
    )
    def test_they_are_not_taken_for_these(self, tmp_path, make_slice, colors, samples):
        dataset = alone(make_slice, SamplesPerPixel=samples, PhotometricInterpretation=colors)
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.PixelData = bytes(5 * 7 * samples + 5 * 7 * samples % 2)
        reason = refusal(tmp_path, dataset)
        assert reason == f"its colors are {colors}, which nothing here makes red, green and blue of"

    @pytest.mark.parametrize(
        ("samples", "colors"), [(1, "RGB"), (1, "YBR_FULL"), (3, "MONOCHROME2"), (3, "")]
    )
    def test_nor_are_grays_that_may_be_colors(self, tmp_path, make_slice, samples, colors):
        dataset = alone(make_slice, SamplesPerPixel=samples, PhotometricInterpretation=colors)
        dataset.PlanarConfiguration = 0
        dataset.PixelData = bytes(5 * 7 * 2 * samples)
        assert refusal(tmp_path, dataset).startswith("whether it has colors is not known: ")


class TestHalfARescale:
    """pydicom and dcmtk take the stored values then, dcm2niix and GDCM 1 or 0 for the other."""

    @pytest.mark.parametrize(
        ("slope", "intercept", "said"),
        [
            (2, None, "RescaleSlope is 2.0, and RescaleIntercept is missing"),
            (2, "", "RescaleSlope is 2.0, and RescaleIntercept is missing"),
            (None, -1024, "RescaleIntercept is -1024.0, and RescaleSlope is missing"),
            ([1, 2], 0, "RescaleSlope is 1.0\\2.0, two numbers or more"),
            (1, [0, 5], "RescaleIntercept is 0.0\\5.0, two numbers or more"),
        ],
    )
    def test_the_file_is_refused(self, tmp_path, make_slice, slope, intercept, said):
        dataset = alone(make_slice)
        self.set_rescale(dataset, slope, intercept)
        assert refusal(tmp_path, dataset) == f"its values are not known: {said}"

    def test_of_one_frame(self, tmp_path, make_slice):
        dataset = alone(make_slice, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=[])
        dataset.PixelData = bytes(2 * 5 * 7 * 2)
        self.set_rescale(dataset, None, None)
        for intercept in (0, None):
            group, values = Dataset(), Dataset()
            self.set_rescale(values, 2, intercept)
            group.PixelValueTransformationSequence = [values]
            dataset.PerFrameFunctionalGroupsSequence.append(group)
        assert refusal(tmp_path, dataset).startswith("its values are not known: RescaleSlope is 2")

    @pytest.mark.parametrize(("slope", "intercept"), [(1, None), (0, None), (None, 0), ("", "")])
    def test_that_changes_nothing(self, tmp_path, make_slice, slope, intercept):
        dataset = alone(make_slice)
        self.set_rescale(dataset, slope, intercept)
        assert self.values_of(tmp_path, dataset) == {0, 1}

    def test_the_intercept_of_a_pet_is_always_0(self, tmp_path, make_slice):
        dataset = alone(make_slice, SOPClassUID=PositronEmissionTomographyImageStorage)
        self.set_rescale(dataset, 2, None)
        assert self.values_of(tmp_path, dataset) == {0, 2}

    def test_a_dose_has_its_own_scaling(self, tmp_path, make_slice):
        dataset = alone(make_slice, SOPClassUID=RTDoseStorage, DoseGridScaling=0.5)
        self.set_rescale(dataset, 2, None)
        assert self.values_of(tmp_path, dataset) == {0, 0.5}

    @pytest.mark.parametrize("scaling", [0, 0.001])
    def test_what_is_of_a_dose_counts_in_doses_alone(self, tmp_path, make_slice, scaling):
        dataset = alone(make_slice, DoseGridScaling=scaling)
        self.set_rescale(dataset, 2, -10)
        assert self.values_of(tmp_path, dataset) == {-10, -8}

    @staticmethod
    def set_rescale(dataset, slope, intercept):
        for keyword, value in (("RescaleSlope", slope), ("RescaleIntercept", intercept)):
            if value is None:
                dataset.pop(keyword, None)
            else:
                setattr(dataset, keyword, value)

    @staticmethod
    def values_of(folder, dataset):
        (folder / "good").write_bytes(content_of(dataset))
        source = DicomFolderSource(folder)
        return {*source.image(source.images()[0].id).pixels.ravel().tolist()}


class TestBitsThatMakeNoSense:
    """Read without their sign, -1000 HU would be 64536."""

    @pytest.mark.parametrize("sign", [None, 2])
    def test_nothing_says_whether_values_have_a_sign(self, tmp_path, make_slice, sign):
        reason = refusal(tmp_path, alone(make_slice, PixelRepresentation=sign))
        assert reason.startswith("whether its values have a sign is not known: ")

    @pytest.mark.parametrize("stored", [None, 0, 17])
    def test_more_bits_are_stored_than_there_are_or_none(self, tmp_path, make_slice, stored):
        reason = refusal(tmp_path, alone(make_slice, BitsStored=stored))
        assert reason.startswith("its header makes no sense: BitsStored is ")
        assert reason.endswith(", of 16 bits")


class TestNumbersThatOnlyPythonReads:
    """Of 1_5 it reads 15, others 1."""

    def test_a_rescale(self, tmp_path, make_slice):
        dataset = alone(make_slice, RescaleIntercept=0)
        dataset[Tag("RescaleSlope")] = number_in_text("RescaleSlope", "1_5")
        reason = refusal(tmp_path, dataset)
        assert reason == "its header makes no sense: RescaleSlope is 1_5"

    def test_a_spacing_counts_as_not_known(self, tmp_path, make_slice):
        dataset = alone(make_slice)
        dataset[Tag("PixelSpacing")] = number_in_text("PixelSpacing", "1_5\\1_5")
        (tmp_path / "a").write_bytes(content_of(dataset))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert "mm not known" in item.name


def number_in_text(keyword: str, text: str) -> RawDataElement:
    """Return an element that pydicom would not make."""
    value = text.encode()
    value += b" " * (len(value) % 2)
    return RawDataElement(Tag(keyword), "DS", len(value), value, 0, False, True)


class TestTablesOfOffsets:
    """dcmtk and GDCM take frames as they lie, and would have other slices in their places."""

    @pytest.mark.parametrize("is_extended", [False, True])
    @pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [2, 1, 0], [0, 0, 0]])
    def test_frames_in_another_order_are_not_decoded(
        self, tmp_path, make_slice, order, is_extended
    ):
        dataset = alone(make_slice, NumberOfFrames=3, FrameTime=10)
        dataset.PixelData = b"".join(bytes([value, 0] * 35) for value in (4, 5, 6))
        dataset.compress(RLELossless, encapsulate_ext=is_extended, generate_instance_uid=False)
        form = "<3Q" if is_extended else "<3I"
        table = dataset.ExtendedOffsetTable if is_extended else dataset.PixelData[8:20]
        offsets = struct.unpack(form, table)
        changed = struct.pack(form, *(offsets[number] for number in order))
        if is_extended:
            dataset.ExtendedOffsetTable = changed
        else:
            dataset.PixelData = dataset.PixelData[:8] + changed + dataset.PixelData[20:]
        (tmp_path / "a").write_bytes(content_of(dataset))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        if order == [0, 1, 2]:
            assert source.image(item.id).pixels[:, 0, 0].tolist() == [4, 5, 6]
            return
        with pytest.raises(SourceError, match="in another order than they lie in"):
            source.image(item.id)

    @pytest.mark.parametrize("is_extended", [False, True])
    @pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
    @pytest.mark.parametrize("kept", [[0, 1, 3], [0, 2, 3], [0, 1]])
    def test_a_table_that_passes_over_a_picture_is_not_believed(
        self, tmp_path, make_slice, kept, syntax, is_extended
    ):
        """The picture would be taken for the end of the one before, which decoders pass over."""
        pictures = ("<4Q", "<Q") if is_extended else ("<4I", "<I")
        dataset = film_of_four(make_slice, syntax, is_extended)
        table = dataset.ExtendedOffsetTable if is_extended else dataset.PixelData[8:24]
        offsets = struct.unpack(pictures[0], table)
        changed = b"".join(struct.pack(pictures[1], offsets[number]) for number in kept)
        if is_extended:
            lengths = struct.unpack("<4Q", dataset.ExtendedOffsetTableLengths)
            dataset.ExtendedOffsetTable = changed
            dataset.ExtendedOffsetTableLengths = struct.pack(
                f"<{len(kept)}Q", *(lengths[number] for number in kept)
            )
        else:
            head = dataset.PixelData[:4] + struct.pack("<I", len(changed))
            dataset.PixelData = head + changed + dataset.PixelData[24:]
        dataset.NumberOfFrames = len(kept)
        check_not_decoded(tmp_path, dataset, f"it has 4 pictures, and its header says {len(kept)}")

    @pytest.mark.parametrize("is_extended", [False, True])
    def test_nor_is_one_that_points_between_pictures(self, tmp_path, make_slice, is_extended):
        dataset = film_of_four(make_slice, JPEG2000Lossless, is_extended)
        if is_extended:
            first, second, *rest = struct.unpack("<4Q", dataset.ExtendedOffsetTable)
            dataset.ExtendedOffsetTable = struct.pack("<4Q", first, second + 2, *rest)
        else:
            first, second, *rest = struct.unpack("<4I", dataset.PixelData[8:24])
            changed = struct.pack("<4I", first, second + 2, *rest)
            dataset.PixelData = dataset.PixelData[:8] + changed + dataset.PixelData[24:]
        check_not_decoded(tmp_path, dataset, "its table of offsets passes over some")

    def test_nor_are_lengths_that_cut_a_picture_off(self, tmp_path, make_slice):
        """Decoders fill the rest of it with gray."""
        dataset = film_of_four(make_slice, JPEG2000Lossless, is_extended=True)
        first, *rest = struct.unpack("<4Q", dataset.ExtendedOffsetTableLengths)
        dataset.ExtendedOffsetTableLengths = struct.pack("<4Q", first - 10, *rest)
        check_not_decoded(tmp_path, dataset, "its table of lengths has others than its pictures")

    def test_lengths_may_leave_out_what_fills_a_fragment_up(self, tmp_path, make_slice):
        """As of a writer that rounds up to 16 bytes: dcmtk reads these too, pydicom does not."""
        dataset = film_of_filled_fragments(make_slice, bytes(16))
        (tmp_path / "a").write_bytes(content_of(dataset))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert source.image(item.id).pixels[:, 0, 0].tolist() == [4, 5, 6, 7]

    def test_but_not_what_is_more_than_that(self, tmp_path, make_slice):
        """As another picture: dcmtk reads the whole fragment, pydicom the first one."""
        dataset = film_of_filled_fragments(make_slice, bytes(14) + b"\1\0")
        check_not_decoded(tmp_path, dataset, "its table of lengths has others than its pictures")

    @pytest.mark.parametrize("has_table", [False, True])
    def test_a_picture_in_several_fragments_is_one(self, tmp_path, make_slice, has_table):
        """PS3.5 A.4: fragments need not be pictures."""
        dataset = film_of_four(make_slice, JPEG2000Lossless, is_extended=False)
        frames = [*generate_frames(dataset.PixelData, number_of_frames=4)]
        dataset.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=has_table)
        (tmp_path / "a").write_bytes(content_of(dataset))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert source.image(item.id).pixels[:, 0, 0].tolist() == [4, 5, 6, 7]

    @pytest.mark.parametrize("fragments", [[100], [64, 70], []])
    def test_also_one_of_rle_which_should_have_one_fragment(self, tmp_path, make_slice, fragments):
        """PS3.5 A.4.2; other readers take them together, and nothing behind them for nothing."""
        dataset = alone(make_slice)
        before = dataset.PixelData
        dataset.compress(RLELossless, generate_instance_uid=False)
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        places = [0, *fragments, len(frame)]
        parts = [frame[begin:end] for begin, end in pairwise(places)] + [b""] * (not fragments)
        items = (b"\xfe\xff\x00\xe0" + struct.pack("<I", len(part)) + part for part in parts)
        dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + b"".join(items)
        (tmp_path / "a").write_bytes(content_of(dataset))
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert source.image(item.id).pixels.tobytes() == before


def film_of_filled_fragments(make_slice, behind: bytes):
    """A film with bytes behind each picture that its table of lengths leaves out."""
    dataset = film_of_four(make_slice, JPEG2000Lossless, is_extended=False)
    frames = [*generate_frames(dataset.PixelData, number_of_frames=4)]
    pixels, offsets, _ = encapsulate_extended([frame + behind for frame in frames])
    dataset.PixelData, dataset.ExtendedOffsetTable = pixels, offsets
    sizes = [frame.rindex(b"\xff\xd9") + 2 for frame in frames]
    dataset.ExtendedOffsetTableLengths = struct.pack("<4Q", *sizes)
    return dataset


def film_of_four(make_slice, syntax, is_extended):
    """Four compressed frames, of the values 4, 5, 6 and 7."""
    dataset = alone(make_slice, NumberOfFrames=4, FrameTime=10, Rows=64, Columns=64)
    dataset.PixelData = b"".join(bytes([value, 0] * 4096) for value in (4, 5, 6, 7))
    dataset.compress(syntax, encapsulate_ext=is_extended, generate_instance_uid=False)
    return dataset


def check_not_decoded(folder, dataset, words):
    (folder / "a").write_bytes(content_of(dataset))
    source = DicomFolderSource(folder)
    (item,) = source.images()
    with pytest.raises(SourceError, match=words):
        source.image(item.id)
