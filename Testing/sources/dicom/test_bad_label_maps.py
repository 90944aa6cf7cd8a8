"""Segmentations and structure sets that contradict themselves: no voxel gets a wrong name."""

from __future__ import annotations

import errno
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from pydicom import Dataset

from helpers import radiotherapy as study
from helpers.contours import square, structure_set
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps import structure_sets

Change = Callable[[Dataset], None]


@pytest.fixture
def slices() -> list[Dataset]:
    return [study.ct_slice(number) for number in (1, 2, 3)]


@pytest.fixture
def ct_folder(tmp_path: Path, slices: list[Dataset]) -> Path:
    write_ct(tmp_path, slices)
    return tmp_path


def write_ct(folder: Path, slices: list[Dataset]) -> None:
    for number, dataset in enumerate(slices):
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)


def write(folder: Path, document: Dataset, name: str = "document") -> DicomFolderSource:
    document.file_meta.MediaStorageSOPInstanceUID = document.SOPInstanceUID
    document.save_as(folder / name, enforce_file_format=True)
    return DicomFolderSource(folder)


def two_segments(slices: list[Dataset]) -> Dataset:
    """One in the first slice and one in the last."""
    voxels = np.zeros((3, 128, 128, 2), np.uint8)
    voxels[0, 5:20, 5:20, 0] = voxels[2, 5:20, 5:20, 1] = 1
    return study.segments(slices, voxels, ["Tumor", "Vessel"], are_frames_left_out=True)


def number_of_frame(number: int | list[int]) -> Change:
    """Return what gives the first frame another ReferencedSegmentNumber."""

    def change(document: Dataset) -> None:
        groups = document.PerFrameFunctionalGroupsSequence[0]
        groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber = number

    return change


def number_of_segments(document: Dataset) -> None:
    for segment in document.SegmentSequence:
        segment.SegmentNumber = 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (number_of_segments, "2 segments have the number 1"),
        (number_of_frame(9), "frame 1 is of segment 9, which is not described"),
        (number_of_frame([1, 2]), "frame 1 is of segment 1"),
        (number_of_frame([]), "frame 1 is of no segment"),
    ],
)
def test_segments_of_which_it_is_not_clear_whose_frames_are_whose(
    ct_folder: Path, slices: list[Dataset], change: Change, reason: str
) -> None:
    """The vessel would be shown as the tumor, or part of one would not be there."""
    document = two_segments(slices)
    change(document)
    source = write(ct_folder, document)
    assert not source.label_maps()
    assert reason in dict(source.refused)["document"]


@pytest.mark.parametrize("is_numbered", [False, True], ids=["frames", "numbers as pixels"])
def test_segments_with_one_number_are_left_out_of_which_the_others_tell(
    ct_folder: Path, slices: list[Dataset], is_numbered: bool
) -> None:
    """Nobody knows which of the two a voxel is of; the third is offered all the same."""
    names = ["Tumor", "Vessel", "Liver"]
    if is_numbered:
        voxels = np.zeros((3, 128, 128), np.uint8)
        voxels[0, :9], voxels[1, :9], voxels[2, 9:20] = 1, 2, 3
        document = study.segments(slices, voxels, names, kind=SegmentationTypeValues.LABELMAP)
    else:
        voxels = np.zeros((3, 128, 128, 3), np.uint8)
        voxels[0, :9, :, 0] = voxels[1, :9, :, 1] = voxels[2, 9:20, :, 2] = 1
        document = study.segments(slices, voxels, names, are_frames_left_out=True)
    *_, tumor, vessel, _liver = document.SegmentSequence
    vessel.SegmentNumber = tumor.SegmentNumber
    if not is_numbered:
        number_of_frame(1)(document)
        identification = document.PerFrameFunctionalGroupsSequence[1].SegmentIdentificationSequence
        identification[0].ReferencedSegmentNumber = 1
    source = write(ct_folder, document)
    (item,) = source.label_maps()
    assert item.name == "Liver"
    image = source.image(item.id)
    assert np.count_nonzero(image.pixels) == 11 * 128
    notice = "left out, as they share a number with another structure: Tumor, Vessel"
    assert notice in image.metadata["Notice"]


@pytest.mark.parametrize("number", [2, -1])
def test_voxels_whose_number_no_segment_has_are_left_out_of_which_a_notice_tells(
    ct_folder: Path, slices: list[Dataset], number: int
) -> None:
    """Each is to be described (PS3.3 C.8.20.2): nobody would know that something is missing."""
    voxels = np.zeros((3, 128, 128), np.uint8)
    voxels[0, :9], voxels[1, :9] = 1, 2
    kind = SegmentationTypeValues.LABELMAP
    document = study.segments(slices, voxels, ["Tumor", "Vessel"], kind=kind)
    del document.SegmentSequence[-1]
    document.PixelRepresentation = int(number < 0)
    document.PixelData = document.PixelData.replace(b"\2", np.int8(number).tobytes())
    source = write(ct_folder, document)
    (item,) = source.label_maps()
    image = source.image(item.id)
    assert np.array_equal(image.pixels != 0, voxels == 1)
    assert f"left out, as no structure has their number: {number}" in image.metadata["Notice"]


@pytest.mark.parametrize("is_last_first", [False, True], ids=["in order", "last segment first"])
def test_segments_that_overlap_though_their_file_denies_it(
    ct_folder: Path, slices: list[Dataset], is_last_first: bool
) -> None:
    """In one label map, the last would hide the others."""
    voxels = np.zeros((3, 128, 128, 2), np.uint8)
    voxels[1, 5:20, 5:20, 0] = voxels[1, 19:30, 19:30, 1] = 1
    document = study.segments(slices, voxels, ["Tumor", "Vessel"])
    document.SegmentsOverlap = "NO"
    if is_last_first:
        groups = document.PerFrameFunctionalGroupsSequence
        size = len(document.PixelData) // len(groups)
        frames = [document.PixelData[n * size :][:size] for n in range(len(groups))]
        document.PixelData = b"".join(frames[::-1])
        document.PerFrameFunctionalGroupsSequence = groups[::-1]
    source = write(ct_folder, document)
    first, second = source.label_maps()
    assert first.id == second.id
    with pytest.raises(SourceError, match="has segments that overlap, and denies it"):
        source.image(first.id)


def test_frames_of_numbers_in_one_plane_that_are_not_the_same(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    """Of Label Map Segmentation Storage; the last would hide the others here, too."""
    voxels = np.zeros((3, 128, 128), np.uint8)
    voxels[0, 5:20, 5:20], voxels[1, 5:20, 5:20] = 1, 2
    labels = SegmentationTypeValues.LABELMAP
    document = study.segments(slices, voxels, ["Tumor", "Vessel"], kind=labels)
    groups = document.PerFrameFunctionalGroupsSequence
    groups[2].PlanePositionSequence = deepcopy(groups[1].PlanePositionSequence)
    source = write(ct_folder, document)
    with pytest.raises(SourceError, match="has segments that overlap, and denies it"):
        source.image(source.label_maps()[0].id)


def test_two_frames_of_a_fractional_segment_in_one_plane(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    document = study.segmentation(slices)
    document.SegmentationType = "FRACTIONAL"
    document.MaximumFractionalValue = 200
    document.BitsAllocated = document.BitsStored = 8
    document.HighBit = 7
    document.PixelData = b"".join(bytes([value]) * 128**2 for value in (50, 100, 200))
    groups = document.PerFrameFunctionalGroupsSequence
    groups[1].PlanePositionSequence = deepcopy(groups[0].PlanePositionSequence)
    source = write(ct_folder, document)
    assert len(source.images()) == 1
    assert "two frames of 'Liver' lie in one plane" in dict(source.refused)["document"]


@pytest.mark.parametrize("most", [None, 0])
def test_a_fractional_segmentation_that_does_not_say_what_stands_for_1(
    ct_folder: Path, slices: list[Dataset], most: int | None
) -> None:
    """It is required then (PS3.3 C.8.20.2): of 100, nobody knows which part it is."""
    document = study.segmentation(slices)
    document.SegmentationType = "FRACTIONAL"
    if most is not None:
        document.MaximumFractionalValue = most
    document.BitsAllocated = document.BitsStored = 8
    document.HighBit = 7
    document.PixelData = bytes([100]) * (3 * 128**2)
    source = write(ct_folder, document)
    assert len(source.images()) == 1
    assert "does not say which value stands for 1" in dict(source.refused)["document"]


def test_structures_with_one_number_are_left_out(ct_folder: Path, slices: list[Dataset]) -> None:
    """Each would have the contours of both; another structure is offered all the same."""
    document = structure_set(square(slices[0], 10, 20))
    for number, name in ((7, "Vessel"), (8, "Liver")):
        again = structure_set(square(slices[0], 15, 30))
        again.StructureSetROISequence[0].ROIName = name
        again.StructureSetROISequence[0].ROINumber = number
        again.ROIContourSequence[0].ReferencedROINumber = number
        document.StructureSetROISequence.extend(again.StructureSetROISequence)
        document.ROIContourSequence.extend(again.ROIContourSequence)
    source = write(ct_folder, document)
    (item,) = source.label_maps()
    assert item.name == "Liver"
    notice = "left out, as they share a number with another structure: Tumor, Vessel"
    assert source.image(item.id).metadata["Notice"] == notice


def test_structures_that_all_have_one_number_are_refused(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    document = structure_set(square(slices[0], 10, 20))
    again = structure_set(square(slices[0], 15, 30))
    document.StructureSetROISequence.extend(again.StructureSetROISequence)
    document.ROIContourSequence.extend(again.ROIContourSequence)
    source = write(ct_folder, document)
    assert not source.label_maps()
    assert "share a number with another" in dict(source.refused)["document"]


@pytest.mark.parametrize("again", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [1, 0, 3, 2, 1]])
def test_a_contour_that_is_there_twice_is_no_hole_in_itself(
    ct_folder: Path, slices: list[Dataset], again: list[int]
) -> None:
    """From another point on, the other way round, or with its first point at the end."""
    contour = square(slices[1], 9.5, 19.5)
    points = np.reshape(contour, (-1, 3))[again]
    source = write(ct_folder, structure_set(contour, points.ravel().tolist()))
    (item,) = source.label_maps()
    assert source.image(item.id).pixels.sum() == 100


@pytest.mark.parametrize("kind", ["segmentation", "structure set"])
@pytest.mark.parametrize(("of_image", "of_document"), [("", ""), ("", "7"), ("7", "")])
def test_without_two_patient_ids_the_names_tell_whose_it_is(
    tmp_path: Path, slices: list[Dataset], kind: str, of_image: str, of_document: str
) -> None:
    for dataset in slices:
        dataset.PatientID, dataset.PatientName = of_image, "Doe^Jane"
    write_ct(tmp_path, slices)
    is_segmentation = kind == "segmentation"
    document = (
        study.segmentation(slices) if is_segmentation else structure_set(square(slices[0], 10, 20))
    )
    document.PatientID, document.PatientName = of_document, "DOE^JANE^"
    assert write(tmp_path, document).label_maps()
    document.PatientName = "Roe^Rick"
    source = write(tmp_path, document)
    assert not source.label_maps()
    assert "of another patient" in dict(source.refused)["document"]


def test_a_label_map_that_would_have_the_id_of_its_image(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    """Who asks for it would get the image."""
    document = study.segmentation(slices)
    document.SOPInstanceUID = study.CT
    source = write(ct_folder, document)
    assert not source.label_maps()
    assert dict(source.refused)["document"] == "its SOPInstanceUID is that of an image"


def test_of_two_documents_with_one_uid_the_second_does_not_take_the_place_of_the_first(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    write(ct_folder, structure_set(square(slices[0], 10, 20)), "a")
    source = write(ct_folder, structure_set(square(slices[0], 40, 50)), "b")
    (item,) = source.label_maps()
    assert source.image(item.id).pixels[0, 15, 15]
    assert dict(source.refused)["b"] == "'a' has its SOPInstanceUID, too"


def test_structures_for_which_there_were_no_descriptors_are_read_for_the_next_list(
    ct_folder: Path, slices: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1.0)
    source = write(ct_folder, structure_set(square(slices[0], 10, 20)))
    with monkeypatch.context() as busy:
        busy.setattr(structure_sets, "open_limited", refuse)
        assert source.label_maps() == []
    source.images()
    assert len(source.label_maps()) == 1


def test_structures_that_cannot_be_read_any_more_are_refused_without_the_servers_path(
    ct_folder: Path, slices: list[Dataset]
) -> None:
    source = write(ct_folder, structure_set(square(slices[0], 10, 20)))
    (item,) = source.label_maps()
    (ct_folder / "document").unlink()
    with pytest.raises(SourceError) as refusal:
        source.image(item.id)
    assert str(refusal.value) == "'document' cannot be read: No such file or directory"
