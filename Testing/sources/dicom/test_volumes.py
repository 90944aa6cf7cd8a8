"""Series in which several frames lie at each place, or whose place and size is said elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from helpers.folder_source import names
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

PLACES = [(-10, -20, z) for z in (30, 32, 34)]


def sizes(source: DicomFolderSource) -> list[tuple[int, int, int]]:
    return [item.size for item in source.images()]


@pytest.fixture
def write(tmp_path, make_slice):
    """Writes slices, numbered as they come; the pixels of number n hold n."""
    count = 0

    def write(position, **attributes):
        nonlocal count
        dataset = make_slice(position, count, InstanceNumber=count + 1, **attributes)
        dataset.save_as(tmp_path / f"{count:04}.dcm", enforce_file_format=True)
        count += 1

    return write


class TestSeveralFramesAtEachPlace:
    def test_echoes_and_parts_make_volumes_that_are_named_by_them(self, tmp_path, write):
        for echo in (4.92, 9.84):
            for part in "MP":
                for place in PLACES:
                    write(place, EchoTime=echo, ImageType=["ORIGINAL", "PRIMARY", part, "ND"])
        assert names(DicomFolderSource(tmp_path)) == [
            "Thin slices magnitude TE 4.92 ms",
            "Thin slices phase TE 4.92 ms",
            "Thin slices magnitude TE 9.84 ms",
            "Thin slices phase TE 9.84 ms",
        ]

    def test_directions_of_one_b_value_are_numbered(self, tmp_path, write):
        for direction in range(4):
            for place in PLACES:
                write(place, DiffusionBValue=1000.0 if direction else 0.0)
        assert names(DicomFolderSource(tmp_path)) == [
            "Thin slices b=0",
            "Thin slices b=1000 1 of 3",
            "Thin slices b=1000 2 of 3",
            "Thin slices b=1000 3 of 3",
        ]

    def test_a_trigger_time_that_differs_in_every_frame(self, tmp_path, write):
        """Place by place, all phases of each: the n-th of each place is phase n."""
        for k, place in enumerate(PLACES):
            for phase in range(4):
                write(place, TriggerTime=phase * 40.0 + k)
        source = DicomFolderSource(tmp_path)
        assert names(source) == [f"Thin slices t={n * 40} ms" for n in range(4)]
        second = source.image(source.images()[1].id)
        assert second.pixels[:, 1, 1].tolist() == [1, 5, 9]

    def test_phases_that_come_in_another_order_in_one_place(self, tmp_path, write):
        """The n-th of each place would be a heart of which parts are at rest and others not."""
        for place in PLACES:
            times = [80.0, 40.0, 0.0] if place == PLACES[1] else [0.0, 40.0, 80.0]
            for time in times:
                write(place, TriggerTime=time)
        source = DicomFolderSource(tmp_path)
        assert names(source) == [f"Thin slices t={n * 40} ms" for n in range(3)]
        first = source.image(source.images()[0].id)
        assert first.pixels[:, 1, 1].tolist() == [0, 5, 6]

    def test_times_are_told_from_the_first(self, tmp_path, write):
        for moment in (0, 10, 22.5):
            for place in PLACES:
                write(place, ContentDate="20240514", ContentTime=f"{100000 + moment:06.1f}")
        assert names(DicomFolderSource(tmp_path)) == [
            "Thin slices t=0 s",
            "Thin slices t=10 s",
            "Thin slices t=22.5 s",
        ]

    def test_a_scan_that_was_interrupted(self, tmp_path, write):
        for _ in range(2):
            for place in PLACES:
                write(place)
        write(PLACES[0])
        write(PLACES[1])
        source = DicomFolderSource(tmp_path)
        assert [size[2] for size in sizes(source)] == [3, 3, 2]
        assert source.image(source.images()[1].id).pixels[:, 1, 1].tolist() == [3, 4, 5]

    def test_volumes_with_names_of_their_own_have_ids_of_their_own(self, tmp_path, write):
        for time in range(3):
            for place in PLACES:
                write(place, TemporalPositionIdentifier=time + 1)
        first, again = (
            [item.id for item in DicomFolderSource(tmp_path).images()] for _ in range(2)
        )
        assert first == again
        assert len({*first}) == 3


class TestHeadersThatAreNotTrue:
    def test_a_sequence_that_reverses_rows_is_pointed_out(self, tmp_path, make_slice):
        for n, place in enumerate(PLACES):
            dataset = make_slice(place, Modality="MR")
            block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
            block.add_new(0x9C, "LO", "research/epi_pepolar")
            dataset.save_as(tmp_path / str(n), enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert "rows may be in reverse order" in source.refused[0][1]
        image = source.image(source.images()[0].id)
        assert "rows may be in reverse order" in image.metadata["Notice"]


class TestOrientation:
    def test_noise_in_the_direction_cosines_does_not_matter(self, tmp_path, write):
        """At the edge of these 7 × 5 pixels it is 0.0003 mm."""
        for k, place in enumerate(PLACES):
            write(place, ImageOrientationPatient=[1, 0, 0, 0, 1, 0.0002 * (k % 2)])
        assert sizes(DicomFolderSource(tmp_path)) == [(7, 5, 3)]

    def test_a_tenth_of_a_pixel_at_the_edge_is_another_orientation(self, tmp_path, write):
        for k, place in enumerate(PLACES):
            angle = 0.02 * (k % 2)
            write(place, ImageOrientationPatient=[1, 0, 0, 0, np.cos(angle), np.sin(angle)])
        assert len(sizes(DicomFolderSource(tmp_path))) == 2


class TestSizes:
    def spacing(self, tmp_path, make_slice, **attributes):
        """Write a picture without a place; return its spacing along i and j, and its source."""
        none = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
        dataset = make_slice(PLACES[0], **none, **{"PixelSpacing": None, **attributes})
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        image = source.image(source.images()[0].id)
        lengths = np.linalg.norm(image.ijk_to_ras()[:3, :2], axis=0)
        return lengths.round(6).tolist(), source, image

    def test_nothing_is_known(self, tmp_path, make_slice):
        spacing, source, image = self.spacing(tmp_path, make_slice)
        assert spacing == [1, 1]
        assert names(source) == ["Thin slices (mm not known)"]
        assert "the pixel size is not known" in image.metadata["Notice"]
        assert "PixelSpacing" not in image.metadata

    @pytest.mark.parametrize(
        "attributes",
        [
            {"ImagerPixelSpacing": [-1, -1]},
            {"NominalScannedPixelSpacing": [0, 1]},
            {"PixelAspectRatio": ["2000000000", "1"]},
            {"PixelAspectRatio": ["-1", "1"]},
        ],
    )
    def test_what_no_pixel_can_have_counts_as_unknown(self, tmp_path, make_slice, attributes):
        spacing, _, image = self.spacing(tmp_path, make_slice, **attributes)
        assert spacing == [1, 1]
        assert "the pixel size is not known" in image.metadata["Notice"]

    def test_nobody_is_magnified_to_nothing(self, tmp_path, make_slice):
        spacing, _, image = self.spacing(
            tmp_path,
            make_slice,
            ImagerPixelSpacing=[0.1, 0.1],
            EstimatedRadiographicMagnificationFactor="1e38",
        )
        assert spacing == [0.1, 0.1]
        assert "mm at the detector" in image.metadata["Notice"]

    @pytest.mark.parametrize("delta", [np.nan, np.inf, 1e38, 1e-30, 0.0])
    def test_regions_of_no_size(self, tmp_path, make_slice, delta):
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType = 1, 1
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
        region.PhysicalDeltaX, region.PhysicalDeltaY = delta, 0.03
        spacing, _, _ = self.spacing(tmp_path, make_slice, SequenceOfUltrasoundRegions=[region])
        assert spacing == [1, 1]

    def test_regions_of_an_ultrasound_image(self, tmp_path, make_slice):
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType = 1, 1
        region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 6, 4
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
        region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
        spacing, source, image = self.spacing(
            tmp_path, make_slice, SequenceOfUltrasoundRegions=[region]
        )
        assert spacing == [0.2, 0.3]
        assert names(source) == ["Thin slices"]
        assert image.metadata["PixelSpacing"] == r"0.3\0.2"
        rule = image.metadata["PixelSpacingCalibrationDescription"]
        assert rule == "SequenceOfUltrasoundRegions"

    def test_a_detector_with_a_magnification(self, tmp_path, make_slice):
        spacing, _, image = self.spacing(
            tmp_path,
            make_slice,
            ImagerPixelSpacing=[0.15, 0.15],
            EstimatedRadiographicMagnificationFactor=1.5,
        )
        assert spacing == [0.1, 0.1]
        assert image.metadata["PixelSpacingCalibrationType"] == "GEOMETRY"

    def test_a_detector_without_one(self, tmp_path, make_slice):
        spacing, source, image = self.spacing(tmp_path, make_slice, ImagerPixelSpacing=[0.15, 0.15])
        assert spacing == [0.15, 0.15]
        assert names(source) == ["Thin slices (mm at detector)"]
        assert image.metadata["Notice"].startswith("mm at the detector")

    def test_a_film_that_was_scanned(self, tmp_path, make_slice):
        spacing, _, image = self.spacing(
            tmp_path, make_slice, NominalScannedPixelSpacing=[0.1, 0.2]
        )
        assert spacing == [0.2, 0.1]
        assert image.metadata["Notice"] == "mm on the film that was scanned"

    def test_a_ratio_alone(self, tmp_path, make_slice):
        spacing, _, image = self.spacing(tmp_path, make_slice, PixelAspectRatio=[2, 1])
        assert spacing == [1, 2]
        assert "2 mm high (PixelAspectRatio)" in image.metadata["Notice"]


class TestFramesOfOneFile:
    def several(self, make_slice, **attributes):
        dataset = make_slice(PLACES[0], **attributes)
        pixels = np.stack([np.full((5, 7), n, np.uint16) for n in range(4)])
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        return dataset

    def test_one_position_for_all_is_not_believed(self, tmp_path, make_slice):
        self.several(make_slice).save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert len(source.images()) == 4
        positions = [source.metadata(item.id).get("Position", "") for item in source.images()]
        assert positions[0] == ""
        assert all("may lie elsewhere" in words for words in positions[1:])

    def test_unless_they_follow_each_other_in_time(self, tmp_path, make_slice):
        dataset = self.several(make_slice, FrameTime=33.3)
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert sizes(source) == [(7, 5, 4)]
        image = source.image(source.images()[0].id)
        assert image.pixels[:, 1, 1].tolist() == [0, 1, 2, 3]
        assert "along k in time, 33.3 ms apart" in image.metadata["Notice"]

    def test_slices_without_a_voxel_at_several_times_are_no_doubles(self, tmp_path, make_slice):
        """As outside the head, where nothing but their order tells the times apart."""
        dataset = make_slice(PLACES[0], ImagePositionPatient=None)
        values = [1, 2, 0, 11, 12, 0]
        pixels = np.stack([np.full((5, 7), value, np.uint16) for value in values])
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        dataset.PerFrameFunctionalGroupsSequence = [Dataset() for _ in values]
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.PlanePositionSequence = [Dataset()]
            group.PlanePositionSequence[0].ImagePositionPatient = [0, 0, number % 3]
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        volumes = [source.image(item.id).pixels[:, 1, 1].tolist() for item in source.images()]
        assert volumes == [[1, 2, 0], [11, 12, 0]]

    @pytest.mark.parametrize(
        ("time", "words"), [(33.3, "in time, 33.3 ms apart"), (None, "nothing tells their place")]
    )
    def test_frames_without_a_place_are_a_film_only_if_they_have_times(
        self, tmp_path, make_slice, time, words
    ):
        dataset = self.several(make_slice, ImagePositionPatient=None)
        if time is not None:
            dataset.FrameTime = time
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert words in source.metadata(source.images()[0].id)["Notice"]

    def test_the_place_of_a_tomogram_is_with_its_detector(self, tmp_path, make_slice):
        """A negative spacing leads against the normal (PS3.3 C.8.4.15)."""
        detector = Dataset()
        detector.ImagePositionPatient = [-150, -150, 80]
        detector.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset = self.several(
            make_slice,
            ImagePositionPatient=None,
            ImageOrientationPatient=None,
            SpacingBetweenSlices=-4,
            ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
            SliceVector=[1, 2, 3, 4],
            DetectorInformationSequence=[detector],
        )
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        image = source.image(source.images()[0].id)
        assert image.pixels[:, 1, 1].tolist() == [3, 2, 1, 0]
        assert image.ijk_to_ras() @ (0, 0, 3, 1) == pytest.approx([150, 150, 80, 1])
        assert image.ijk_to_ras() @ (0, 0, 0, 1) == pytest.approx([150, 150, 68, 1])
        assert "DetectorInformationSequence" in image.metadata["Position"]

    def test_a_dose_lies_by_its_offsets_and_has_its_unit(self, tmp_path, make_slice):
        dataset = self.several(
            make_slice,
            SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2",
            Modality="RTDOSE",
            GridFrameOffsetVector=[0, 3, 6, 9],
            DoseGridScaling=0.25,
            DoseUnits="GY",
            RescaleSlope=None,
            RescaleIntercept=None,
        )
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        image = source.image(source.images()[0].id)
        assert image.pixels.dtype == np.float32
        assert image.pixels[:, 1, 1].tolist() == [0, 0.25, 0.5, 0.75]
        assert image.ijk_to_ras()[:3, 2].tolist() == [0, 0, 3]
        assert image.metadata["DoseUnits"] == "GY"

    def test_a_dose_without_a_grid_is_refused(self, tmp_path, make_slice):
        dataset = self.several(make_slice, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2")
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        ((_, reason),) = DicomFolderSource(tmp_path).refused
        assert reason.startswith("a dose without a grid")

    @pytest.mark.parametrize("scaling", [{}, {"DoseGridScaling": 0}])
    def test_a_dose_whose_values_have_no_meaning_is_refused(self, tmp_path, make_slice, scaling):
        dataset = self.several(
            make_slice,
            SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2",
            Modality="RTDOSE",
            GridFrameOffsetVector=[0, 3, 6, 9],
            **scaling,
            DoseUnits="GY",
        )
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert not source.images()
        ((_, reason),) = source.refused
        assert reason.endswith("its DoseGridScaling is missing or 0")


class TestBits:
    @pytest.mark.parametrize(("stored", "value"), [(0xF113, 0x113), (0xFFFF, 0xFFF), (7, 7)])
    def test_overlays_in_unused_bits_are_left_out(self, tmp_path, make_slice, stored, value):
        dataset = make_slice(PLACES[0])
        dataset.set_pixel_data(np.full((5, 7), stored, np.uint16), "MONOCHROME2", 16)
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert source.image(source.images()[0].id).pixels[0, 1, 1] == value

    def test_bits_that_are_stored_high_are_moved_down(self, tmp_path, make_slice):
        dataset = make_slice(PLACES[0])
        dataset.set_pixel_data(np.full((5, 7), 7 << 4, np.uint16), "MONOCHROME2", 16)
        dataset.BitsStored, dataset.HighBit = 12, 15
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert source.image(source.images()[0].id).pixels[0, 1, 1] == 7
