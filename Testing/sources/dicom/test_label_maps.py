"""Segmentations and structure sets as label maps."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, ParametricMapStorage, RLELossless

from helpers import radiotherapy as study
from helpers.contours import square, structure_set
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.privacy.kept_texts import kept_notices
from IGTLMetaBrowserLib.sources.dicom.fields import image_id
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.colors import color_of_lab, lab_of_color
from IGTLMetaBrowserLib.sources.dicom.label_maps.structure_sets import fill


@pytest.fixture
def slices():
    return [study.ct_slice(number) for number in (1, 2, 3)]


@pytest.fixture
def ct_folder(tmp_path, slices):
    for number, dataset in enumerate(slices):
        dataset.save_as(tmp_path / f"ct{number}", enforce_file_format=True)
    return tmp_path


def segmentation_of(
    slices: list[Dataset], voxels: np.ndarray, are_frames_left_out: bool
) -> Dataset:
    """Segments S1, S2, … of masks of the shape (k, j, i, segments)."""
    names = [f"S{number}" for number in range(1, voxels.shape[-1] + 1)]
    return study.segments(slices, voxels, names, are_frames_left_out)


class TestSegmentations:
    def test_a_segmentation_is_a_label_map_of_its_image(self, ct_folder, slices):
        study.segmentation(slices).save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        (item,) = source.label_maps()
        assert (item.name, item.label, item.size) == ("Liver", 1, (128, 128, 3))
        assert item.owner == image_id(study.CT) == source.images()[0].id
        labels, ct = source.image(item.id), source.image(item.owner)
        assert labels.pixels.dtype == np.uint8
        assert labels.pixels.all()
        np.testing.assert_allclose(labels.ijk_to_ras(), ct.ijk_to_ras(), atol=1e-3)

    def test_a_server_sends_it_like_an_image(self, ct_folder, slices):
        study.segmentation(slices[:1]).save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        with ServerInThread(source) as server, server.client() as client:
            (item,) = client.wait(client.ask("LBMETA")).items
            pixels = client.get_image(item.id).pixels
        assert np.array_equal(pixels, source.image(item.id).pixels)

    def test_one_whose_pixels_are_the_numbers_of_segments(self, ct_folder, slices):
        """Label Map Segmentation Storage, which has a segment 0 for what is in none."""
        voxels = np.zeros((3, 128, 128), np.uint8)
        voxels[0, 5:20, 5:20], voxels[1, 19:30, 19:30] = 1, 2
        labels = SegmentationTypeValues.LABELMAP
        document = study.segments(slices, voxels, ["Tumor", "Vessel"], kind=labels)
        document.save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        tumor, vessel = source.label_maps()
        pixels = source.image(tumor.id).pixels
        assert np.array_equal(pixels == tumor.label, voxels == 1)
        assert np.array_equal(pixels == vessel.label, voxels == 2)

    def test_frames_that_were_left_out_are_empty(self, ct_folder, slices):
        """Of a segment in the first and the third slice, highdicom writes two frames."""
        segmentation = study.segmentation(slices)
        kept = [0, 2]
        groups = segmentation.PerFrameFunctionalGroupsSequence
        frames = segmentation.pixel_array[kept]
        segmentation.PerFrameFunctionalGroupsSequence = [groups[n] for n in kept]
        segmentation.NumberOfFrames = 2
        segmentation.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes()
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        (item,) = source.label_maps()
        image = source.image(item.id)
        assert image.pixels[[0, 2]].all()
        assert not image.pixels[1].any()
        ct = source.image(item.owner)
        np.testing.assert_allclose(image.ijk_to_ras(), ct.ijk_to_ras(), atol=1e-3)

    @pytest.mark.parametrize("kept", [[0, 1, 2], [0, 2]])
    def test_of_a_tilted_gantry_it_lies_in_its_image(self, tmp_path, slices, kept):
        for number, dataset in enumerate(slices):
            dataset.ImagePositionPatient[1] += 2.0 * number
            dataset.save_as(tmp_path / f"ct{number}", enforce_file_format=True)
        segmentation = study.segmentation([slices[number] for number in kept])
        segmentation.save_as(tmp_path / "seg", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        (item,) = source.label_maps()
        labels, ct = source.image(item.id), source.image(item.owner)
        assert labels.pixels.shape == ct.pixels.shape
        np.testing.assert_allclose(labels.ijk_to_ras(), ct.ijk_to_ras(), atol=1e-3)

    def test_a_gap_is_no_distance(self, ct_folder, slices):
        segmentation = study.segmentation(slices)
        (groups,) = segmentation.SharedFunctionalGroupsSequence
        groups.PixelMeasuresSequence[0].SpacingBetweenSlices = 1  # of slices of 5 mm
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        (item,) = DicomFolderSource(ct_folder).label_maps()
        assert item.size == (128, 128, 3)

    def test_frames_of_one_plane_may_be_a_little_apart(self, ct_folder, slices):
        """As of segments whose positions were rounded by different programs."""
        segmentation = study.segmentation(slices)
        again = deepcopy([*segmentation.PerFrameFunctionalGroupsSequence])
        for number, groups in enumerate(again):
            groups.PlanePositionSequence[0].ImagePositionPatient[2] += 0.002 * (-1) ** number
        segmentation.PerFrameFunctionalGroupsSequence.extend(again)
        frames = np.concatenate([segmentation.pixel_array] * 2)
        segmentation.NumberOfFrames = len(frames)
        segmentation.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes()
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        sizes = {item.size for item in source.label_maps()}
        assert sizes == {(128, 128, 3)}

    def test_one_whose_frames_do_not_follow_each_other_is_refused(self, tmp_path, slices):
        slices[1].ImagePositionPatient[0] += 20
        study.segmentation(slices).save_as(tmp_path / "seg", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert not source.label_maps()
        assert "do not lie along one line" in dict(source.refused)["seg"]

    def test_many_planes_do_not_drift_from_their_image(self, tmp_path):
        """Of 0.6667 mm, whose differences are 0.666 or 0.667 mm as they are rounded."""
        planes = [study.ct_slice(number) for number in range(12)]
        for number, dataset in enumerate(planes):
            dataset.ImagePositionPatient[2] = round(2 / 3 * number, 4)
        study.segmentation(planes).save_as(tmp_path / "seg", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        (item,) = source.label_maps()
        matrix = source.image(item.id).ijk_to_ras()
        assert matrix[2, 2] * 11 == pytest.approx(2 / 3 * 11, abs=1e-3)

    def test_a_segmentation_whose_image_is_not_there_has_no_owner(self, tmp_path, slices):
        study.segmentation(slices).save_as(tmp_path / "seg", enforce_file_format=True)
        (item,) = DicomFolderSource(tmp_path).label_maps()
        assert item.owner == ""

    def test_that_of_another_patient_is_not_shown_in_the_image_that_it_names(
        self, ct_folder, slices
    ):
        segmentation = study.segmentation(slices)
        segmentation.PatientID = "somebody else"
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        assert not source.label_maps()
        assert "of another patient" in dict(source.refused)["seg"]

    def test_that_of_another_frame_of_reference_has_no_owner(self, ct_folder, slices):
        segmentation = study.segmentation(slices)
        segmentation.FrameOfReferenceUID = "1.2.3"
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        (item,) = DicomFolderSource(ct_folder).label_maps()
        assert item.owner == ""

    def test_a_fractional_one_is_a_volume_from_0_to_1(self, ct_folder, slices):
        """Of the first and the third slice; in between, none of the segment."""
        segmentation = study.segmentation(slices)
        segmentation.SegmentationType = "FRACTIONAL"
        segmentation.SegmentationFractionalType = "PROBABILITY"
        segmentation.MaximumFractionalValue = 200
        segmentation.BitsAllocated = segmentation.BitsStored = 8
        segmentation.HighBit = 7
        groups = segmentation.PerFrameFunctionalGroupsSequence
        segmentation.PerFrameFunctionalGroupsSequence = [groups[0], groups[2]]
        segmentation.NumberOfFrames = 2
        segmentation.PixelData = bytes([50]) * 128**2 + bytes([200]) * 128**2
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        assert source.label_maps() == []
        ct, item = source.images()
        assert "Liver (probability)" in item.name
        assert item.scalar_type.dtype == np.float32
        image = source.image(item.id)
        assert sorted(np.unique(image.pixels).tolist()) in ([0.25, 1.0], [0.0, 0.25, 1.0])
        assert image.pixels.shape[0] == item.size[2]
        np.testing.assert_allclose(
            image.ijk_to_ras()[:3, 3], source.image(ct.id).ijk_to_ras()[:3, 3]
        )
        notice = "fractional segmentation: probability of Liver, from 0 to 1"
        assert image.metadata["Notice"] == notice

    def test_two_of_one_series_are_two_images(self, ct_folder, slices):
        for number in (1, 2):
            segmentation = study.segmentation(slices)
            segmentation.SegmentationType = "FRACTIONAL"
            segmentation.MaximumFractionalValue = 200
            segmentation.BitsAllocated = segmentation.BitsStored = 8
            segmentation.HighBit = 7
            segmentation.PixelData = bytes([100 * number]) * (3 * 128**2)
            segmentation.SOPInstanceUID = f"1.2.3.{number}"
            segmentation.save_as(ct_folder / f"seg{number}", enforce_file_format=False)
        source = DicomFolderSource(ct_folder)
        assert len(source.images()) == 3

    def test_what_cannot_be_decoded_is_refused_when_the_folder_is_opened(self, ct_folder, slices):
        segmentation = study.segmentation(slices)
        segmentation.PixelData = encapsulate([bytes(64)] * 3)
        segmentation.file_meta.TransferSyntaxUID = RLELossless
        segmentation.save_as(ct_folder / "seg", enforce_file_format=True)
        reason = dict(DicomFolderSource(ct_folder).refused)["seg"]
        assert reason == "its pixels cannot be decoded: nothing here reads RLE Lossless of 1 bit"

    def test_colors(self):
        assert color_of_lab(r"65535\32896\32896") == (255, 255, 255, 255)
        assert color_of_lab(r"0\32896\32896") == (0, 0, 0, 255)
        red, green, blue, _ = color_of_lab(r"34885\53485\50171")
        assert red > 240
        assert green < 30
        assert blue < 30
        assert color_of_lab("") is None

    @pytest.mark.parametrize("rgb", [(0, 0, 255), (221, 130, 101), (0, 0, 0), (255, 255, 255)])
    def test_a_color_that_was_stored_comes_back(self, rgb):
        lightness, a, b = lab_of_color(rgb)
        scaled = (lightness / 100, (a + 128) / 255, (b + 128) / 255)
        text = "\\".join(str(round(65535 * part)) for part in scaled)
        assert color_of_lab(text) == (*rgb, 255)


@pytest.mark.parametrize("kind", ["segmentation", "structure set"])
def test_one_that_is_written_again_after_it_was_listed_is_not_sent(ct_folder, slices, kind):
    """Its voxels would come with the place and the names of before."""

    def write(first: float) -> None:
        contour = square(slices[0], first, 20)
        document = structure_set(contour) if kind != "segmentation" else study.segmentation(slices)
        document.SeriesDescription = "x" * int(first)
        document.save_as(ct_folder / "file", enforce_file_format=True)

    write(10)
    source = DicomFolderSource(ct_folder)
    (item,) = source.label_maps()
    assert source.image(item.id).pixels.any()
    write(12)
    with pytest.raises(SourceError, match="has changed"):
        source.image(item.id)


def notice_of(folder, name: str) -> str:
    """What is said of a structure's label map beside its voxels."""
    source = DicomFolderSource(folder)
    (id_,) = {item.id for item in source.label_maps() if item.name == name}
    return source.image(id_).metadata.get("Notice", "")


class TestNotices:
    """What a user would else take for a structure that is not there."""

    @pytest.mark.parametrize("are_frames_left_out", [False, True])
    def test_segments_without_voxels_are_named(self, ct_folder, slices, are_frames_left_out):
        voxels = np.zeros((3, 128, 128, 3), np.uint8)
        voxels[1, 5:9, 5:9, 0] = voxels[1, 7:12, 7:12, 1] = 1
        document = segmentation_of(slices, voxels, are_frames_left_out)
        document.save_as(ct_folder / "seg", enforce_file_format=True)
        assert document.SegmentsOverlap == "YES"
        assert notice_of(ct_folder, "S1") == ""
        assert notice_of(ct_folder, "S3") == "the label map has no voxels"
        voxels[..., 1] = 0  # then one label map has them all
        document = segmentation_of(slices, voxels, are_frames_left_out)
        document.save_as(ct_folder / "seg", enforce_file_format=True)
        assert notice_of(ct_folder, "S1") == "structures without voxels: S2, S3"

    def test_a_segmentation_that_goes_beyond_its_image(self, ct_folder, slices):
        study.segmentation([*slices, study.ct_slice(4)]).save_as(
            ct_folder / "seg", enforce_file_format=True
        )
        assert notice_of(ct_folder, "Liver") == "parts are beyond the image"

    @pytest.mark.parametrize("first", [-3, 100])
    def test_a_structure_that_is_cut_off_where_the_image_ends(self, ct_folder, slices, first):
        structure_set(square(slices[0], first, 140 if first > 0 else 20)).save_as(
            ct_folder / "rs", enforce_file_format=True
        )
        assert notice_of(ct_folder, "Tumor") == "cut off at the end of the image"

    def test_a_structure_in_slices_that_the_image_has_not(self, ct_folder, slices):
        structure_set(square(study.ct_slice(9), 5, 20)).save_as(
            ct_folder / "rs", enforce_file_format=True
        )
        notice = "the label map has no voxels; cut off at the end of the image"
        assert notice_of(ct_folder, "Tumor") == notice
        assert kept_notices(notice) == notice  # it tells nothing of whose it is


class TestStructureSets:
    def test_a_structure_is_a_label_map_on_the_grid_of_its_ct(self, ct_folder, slices):
        contours = [square(slices[1], 9.5, 19.5), square(slices[1], 13.5, 15.5)]  # with a hole
        structure_set(*contours).save_as(ct_folder / "rs", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        (item,) = source.label_maps()
        assert (item.name, item.label, item.rgba) == ("Tumor", 1, (255, 0, 10, 255))
        assert (item.size, item.owner) == ((128, 128, 3), image_id(study.CT))
        pixels = source.image(item.id).pixels
        expected = np.zeros((3, 128, 128), np.uint8)
        expected[1, 10:20, 10:20] = 1
        expected[1, 14:16, 14:16] = 0
        np.testing.assert_array_equal(pixels, expected)

    @pytest.mark.parametrize("color", [[300, 0, 0], [-1, 0, 0]])
    def test_a_color_that_is_none_does_not_keep_all_from_being_sent(self, ct_folder, slices, color):
        dataset = structure_set(square(slices[0], 10, 20))
        dataset.ROIContourSequence[0].ROIDisplayColor = color
        dataset.save_as(ct_folder / "rs", enforce_file_format=True)
        items = DicomFolderSource(ct_folder).label_maps()
        assert codec.pack(codec.LabelMetaMessage(items=items))

    def test_one_whose_ct_is_not_there_is_refused(self, tmp_path, slices):
        contour = square(slices[1], 9.5, 19.5)
        structure_set(contour).save_as(tmp_path / "rs", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert source.label_maps() == []
        ((_, reason),) = source.refused
        assert reason.startswith("structures of an image that is not in the folder")

    def test_a_structure_in_another_frame_of_reference_is_left_out(self, ct_folder, slices, caplog):
        """A structure set can have those of a PET that is not aligned with the CT, too."""
        dataset = structure_set(square(slices[0], 10, 20))
        dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3.99"
        dataset.save_as(ct_folder / "structures", enforce_file_format=True)
        assert DicomFolderSource(ct_folder).label_maps() == []
        assert "another frame of reference" in caplog.text

    def test_contours_between_slices_are_refused(self, ct_folder, slices):
        contour = square(slices[1], 9.5, 19.5)
        contour[2::3] = [z + 2.0 for z in contour[2::3]]
        structure_set(contour).save_as(ct_folder / "rs", enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        (item,) = source.label_maps()
        with pytest.raises(SourceError, match="do not lie in the slices"):
            source.image(item.id)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"0\\0\\0\\1 ", "is not made of points"),
            (b"0\\0\\0\\1\\none\\0 ", "is not made of numbers"),
            (b"0\\0\\0\\1\\nan\\0", "is not made of points"),
            (b"", "is not made of numbers"),
            (b"0\\" * 3_000_000 + b"0 ", "has more than 1000000 points"),
        ],
    )
    def test_contours_that_are_none_are_refused_in_words(self, ct_folder, slices, content, reason):
        """Of a million of points, pydicom made objects of some gigabytes."""
        document = structure_set(square(slices[1], 9.5, 19.5))
        contour = document.ROIContourSequence[0].ContourSequence[0]
        tag = Tag("ContourData")
        contour[tag] = RawDataElement(tag, "UN", len(content), content, 0, True, True)
        document.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # lengths of 32 bits
        document.save_as(ct_folder / "rs", implicit_vr=True, enforce_file_format=True)
        source = DicomFolderSource(ct_folder)
        (item,) = source.label_maps()
        with pytest.raises(SourceError, match=f"contours of .* are damaged: one of them {reason}"):
            source.image(item.id)

    def test_a_pixel_is_inside_if_its_center_is(self):
        triangle = np.array([(0.0, 0.5), (4.2, 0.5), (0.0, 3.5)])
        assert fill(triangle, 5, 6).astype(int).tolist() == [
            [0, 0, 0, 0, 0, 0],
            [1, 1, 1, 1, 0, 0],
            [1, 1, 1, 0, 0, 0],
            [1, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ]


class TestParametricMaps:
    def test_stored_integers_become_real_world_values_with_their_units(self, tmp_path, slices):
        """ADC in 10^-6 mm²/s: stored values times slope plus intercept (PS3.3 C.7.6.16.2.11)."""
        dataset = study.segmentation(slices)
        for keyword in ("SegmentSequence", "SegmentationType"):
            del dataset[keyword]
        dataset.SOPClassUID = ParametricMapStorage
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelData = np.full(3 * 128**2, 400, np.uint16).tobytes()
        mapping, units = Dataset(), Dataset()
        units.CodeValue = "um2/s"
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 2.5, 100.0
        mapping.LUTLabel, mapping.MeasurementUnitsCodeSequence = "ADC", [units]
        dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping]
        dataset.save_as(tmp_path / "adc", enforce_file_format=False)
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        image = source.image(item.id)
        assert np.unique(image.pixels).tolist() == [1100.0]
        assert image.metadata["Units"] == "um2/s"
