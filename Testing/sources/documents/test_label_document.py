"""A label map as a DICOM Segmentation, and back."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from cli.command import igtlmeta
from helpers import radiotherapy as study
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.nrrd_file import write_nrrd
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.label_map import Structure
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import replaced_by
from IGTLMetaBrowserLib.sources.documents import other_segments
from IGTLMetaBrowserLib.sources.documents.label_document import (
    replace_segments,
    write_segmentation,
)
from IGTLMetaBrowserLib.sources.documents.label_file import (
    LabelMapToStore,
    read_label_file,
    write_label_file,
)

RED = (255, 0, 0, 255)


@pytest.fixture
def images() -> list[Dataset]:
    return [study.ct_slice(number) for number in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path: Path, images: list[Dataset]) -> Path:
    folder = tmp_path / "ct"
    folder.mkdir()
    for number, dataset in enumerate(images):
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)
    return folder


@pytest.fixture
def ijk_to_ras(folder: Path) -> np.ndarray:
    source = DicomFolderSource(folder)
    return source.image(source.images()[0].id).ijk_to_ras()


@pytest.fixture
def labels() -> np.ndarray:
    """Two structures of the labels 3 and 7, which are in no order of the planes."""
    labels = np.zeros((3, 128, 128), np.uint8)
    labels[0, 10:20, 30:50] = 7
    labels[2, 60:70, 5:9] = 3
    return labels


def test_what_is_written_is_a_label_map_of_its_image(images, folder, labels, ijk_to_ras):
    structures = [Structure("Lebér", 3, (221, 130, 101, 255)), Structure("Tumor", 7, RED)]
    # In whatever order the archive gives the images.
    document = write_segmentation(LabelMapToStore(labels, ijk_to_ras, structures), images[::-1])
    document.save_as(folder / "seg", enforce_file_format=True)
    source = DicomFolderSource(folder)
    liver, tumor = sorted(source.label_maps(), key=lambda item: item.name)
    assert (liver.name, tumor.name) == ("Lebér", "Tumor")
    # Colors are stored in CIELab.
    np.testing.assert_allclose(liver.rgba, (221, 130, 101, 255), atol=1)
    assert liver.owner == tumor.owner == source.images()[0].id
    image = source.image(liver.id)
    np.testing.assert_allclose(image.ijk_to_ras(), ijk_to_ras, atol=1e-3)
    np.testing.assert_array_equal(image.pixels == liver.label, labels == 3)
    np.testing.assert_array_equal(image.pixels == tumor.label, labels == 7)


def test_by_the_command(folder, labels, ijk_to_ras, tmp_path):
    path = tmp_path / "labels.nrrd"
    write_nrrd(path, codec.ImageMessage.from_ijk_to_ras(labels, ijk_to_ras), {})
    result = igtlmeta("store", path, "--images", folder, "-o", folder)
    assert result.returncode == 0, result.stderr
    assert [item.name for item in DicomFolderSource(folder).label_maps()] == ["Label 3", "Label 7"]
    again = igtlmeta("store", path, "--images", folder, "-o", tmp_path)
    assert again.returncode == 0, again.stderr  # a segmentation beside the images is none of them


def test_a_file_of_the_window_by_the_command(folder, labels, ijk_to_ras, tmp_path):
    path = tmp_path / "labels.npz"
    write_label_file(path, LabelMapToStore(labels, ijk_to_ras, [Structure("Tumor", 7, RED)]))
    result = igtlmeta("store", path, "--images", folder, "-o", folder)
    assert result.returncode == 0, result.stderr
    assert [item.name for item in DicomFolderSource(folder).label_maps()] == ["Label 3", "Tumor"]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SourceError, match=r"cannot be read: it is no file of numpy's \(.npz\)"):
        read_label_file(path)


def test_structures_that_overlap_are_segments_that_overlap(images, folder, labels, ijk_to_ras):
    inner = np.where(labels == 7, 9, 0)
    inner[0, 15:] = 0
    structures = [Structure(f"S{label}", label, RED) for label in (3, 7, 9)]
    document = write_segmentation(
        LabelMapToStore(np.stack([labels, inner]), ijk_to_ras, structures), images
    )
    assert document.SegmentsOverlap == "YES"
    document.save_as(folder / "seg", enforce_file_format=True)
    source = DicomFolderSource(folder)
    voxels = {item.name: source.image(item.id).pixels != 0 for item in source.label_maps()}
    for name, expected in {"S3": labels == 3, "S7": labels == 7, "S9": inner == 9}.items():
        np.testing.assert_array_equal(voxels[name], expected)


def test_one_that_replaces_another_is_offered_in_its_place(images, folder, labels, ijk_to_ras):
    liver = LabelMapToStore(labels, ijk_to_ras, [Structure("Liver", 3, RED)])
    first = write_segmentation(liver, images)
    second = write_segmentation(liver, images, predecessor=first)
    third = write_segmentation(liver, images, predecessor=second)
    for number, document in enumerate((first, second, third)):
        document.save_as(folder / f"seg{number}", enforce_file_format=True)
        source = DicomFolderSource(folder)
        (label_map,) = {item.id for item in source.label_maps()}
        # The image says of which document it is: who changes it can replace that.
        metadata = source.image(label_map).metadata
        assert (metadata["SOPInstanceUID"], metadata["Modality"]) == (
            document.SOPInstanceUID,
            "SEG",
        )
    by_uid = lambda one: {item.TrackingID: item.TrackingUID for item in one.SegmentSequence}  # noqa: E731
    assert by_uid(first) == by_uid(third)


def masks_in(folder: Path) -> dict[str, np.ndarray]:
    """Where the structures are that a folder offers, by their names."""
    source = DicomFolderSource(folder)
    return {item.name: source.image(item.id).pixels == item.label for item in source.label_maps()}


@pytest.fixture
def overlapping(labels, ijk_to_ras) -> LabelMapToStore:
    """Three structures, of which the last lies within the second."""
    inner = np.where(labels == 7, 9, 0)
    inner[0, 15:] = 0
    structures = [Structure(f"S{label}", label, RED) for label in (3, 7, 9)]
    return LabelMapToStore(np.stack([labels, inner]), ijk_to_ras, structures)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_segment_of_several_that_overlap_is_replaced(
    images, folder, overlapping, ijk_to_ras, number
):
    """The others are in the new document as they were, with all that was said of them."""
    first = write_segmentation(overlapping, images)
    for item in first.SegmentSequence:
        item.SegmentDescription = f"of {item.SegmentLabel}"
    first.save_as(folder / "seg1", enforce_file_format=True)
    before = masks_in(folder)
    parts = {
        item.name: DicomFolderSource(folder).image(item.id).metadata
        for item in DicomFolderSource(folder).label_maps()
    }
    name = f"S{(3, 7, 9)[number - 1]}"
    # It says of which segment of which document it is, but not that it is the document.
    assert "SOPInstanceUID" not in parts[name]
    assert parts[name]["ReferencedSOPInstanceUID"] == first.SOPInstanceUID
    assert parts[name]["ReferencedSegmentNumber"] == str(number)
    changed = np.zeros((3, 128, 128), np.uint8)
    changed[1, 50:60, 50:60], changed[1, 70:75, 50:60] = 1, 2
    structures = [Structure(name, 1, RED), Structure("New", 2, RED)]
    stored = pydicom.dcmread(folder / "seg1")
    labels = LabelMapToStore(changed, ijk_to_ras, structures)
    second, numbers = replace_segments(labels, images, stored, [number])
    assert numbers == [number, number + 1]
    second.save_as(folder / "seg2", enforce_file_format=True)
    assert replaced_by(second) == [first.SOPInstanceUID]
    after = masks_in(folder)
    assert after.keys() == {*before, "New"}
    for other in before.keys() - {name}:
        np.testing.assert_array_equal(voxels(after[other]), voxels(before[other]))
    assert after[name].sum() == 100
    tracked = lambda one: {item.SegmentLabel: item.TrackingUID for item in one.SegmentSequence}  # noqa: E731
    assert tracked(first).items() <= tracked(second).items()
    said = {item.SegmentLabel: item.get("SegmentDescription") for item in second.SegmentSequence}
    assert all(said[other] == f"of {other}" for other in before.keys() - {name})
    assert [item.SegmentNumber for item in second.SegmentSequence] == [1, 2, 3, 4]


def test_frames_that_begin_within_a_byte(images, tmp_path):
    """Of 5 × 7 pixels of one bit; what is read and taken over is what was written."""
    rng = np.random.default_rng(0)
    for image in images:
        image.Rows, image.Columns, image.PixelData = 5, 7, bytes(70)
        image.save_as(tmp_path / f"ct{image.InstanceNumber}", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    matrix = source.image(source.images()[0].id).ijk_to_ras()
    layers = rng.integers(0, 3, (2, 3, 5, 7))
    layers[1][layers[1] > 0] += 2
    first = write_segmentation(LabelMapToStore(layers, matrix), images)
    first.save_as(tmp_path / "seg", enforce_file_format=True)
    changed = rng.integers(0, 2, (3, 5, 7))
    read = pydicom.dcmread(tmp_path / "seg")
    labels = LabelMapToStore(changed, matrix, [Structure("Label 2", 1, RED)])
    second, _ = replace_segments(labels, images, read, [2])
    second.save_as(tmp_path / "seg2", enforce_file_format=True)
    found = masks_in(tmp_path)
    expected = {"Label 1": layers[0] == 1, "Label 2": changed == 1}
    expected |= {f"Label {label}": layers[1] == label for label in (3, 4)}
    for name, mask in expected.items():
        np.testing.assert_array_equal(found[name], mask)


def test_segments_are_replaced_one_after_the_other(images, folder, overlapping, ijk_to_ras):
    """By somebody who knows the first version only, in which the numbers were others."""

    def stored(document: Dataset) -> Dataset:
        document.save_as(folder / "seg", enforce_file_format=True)
        return pydicom.dcmread(folder / "seg")

    def changed(*names: str) -> LabelMapToStore:
        labels = np.zeros((3, 128, 128), np.uint8)
        labels[1, 50 : 50 + len(names), 50:60] = 1 + np.arange(len(names))[:, np.newaxis]
        structures = [Structure(name, label, RED) for label, name in enumerate(names, start=1)]
        return LabelMapToStore(labels, ijk_to_ras, structures)

    first = stored(write_segmentation(overlapping, images))
    second = stored(replace_segments(changed("New", "Newer"), images, first, [1])[0])
    third, numbers = replace_segments(changed("Another"), images, second, [2], known=first)
    assert [item.SegmentLabel for item in third.SegmentSequence] == [
        "New",
        "Newer",
        "Another",
        "S9",
    ]
    assert (numbers, replaced_by(third)) == ([3], [second.SOPInstanceUID])
    both, _ = replace_segments(changed("One"), images, second, [1, 2])
    assert [item.SegmentLabel for item in both.SegmentSequence] == ["One", "S7", "S9"]
    # Of what was changed by somebody else, nothing is lost.
    with pytest.raises(SourceError, match="the segment 1 was replaced meanwhile"):
        replace_segments(changed("Another"), images, second, [1], known=first)


def test_a_segment_whose_others_cannot_be_taken_over(images, overlapping, ijk_to_ras):
    """Nothing is stored that has lost some of them."""
    first = deepcopy(write_segmentation(overlapping, images))
    one = LabelMapToStore(overlapping.labels[1], ijk_to_ras)
    with pytest.raises(SourceError, match=r"has no segment 4, but 1, 2, 3; get the list"):
        replace_segments(one, images, first, [4])
    with pytest.raises(SourceError, match="planes of which there is no image; store this one as"):
        replace_segments(one, images[:2], first, [2])
    first.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1, 1]
    with pytest.raises(SourceError, match="does not lie on the grid of the images; store this"):
        replace_segments(one, images, first, [2])
    first.PixelData = first.PixelData[:100]
    with pytest.raises(SourceError, match=r"taken over: it has pixels that cannot be read"):
        replace_segments(one, images, first, [2])
    first.SegmentSequence.append(first.SegmentSequence[0])
    with pytest.raises(SourceError, match="has segments that share a number"):
        replace_segments(one, images, first, [2])
    first.SegmentationType = "FRACTIONAL"
    with pytest.raises(SourceError, match="is no binary segmentation"):
        replace_segments(one, images, first, [2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda it: delattr(it, "SharedFunctionalGroupsSequence"), "lacks what each has"),
        (lambda it: delattr(it.SegmentSequence[0], "SegmentNumber"), "lacks what each has"),
        (lambda it: delattr(it.SegmentSequence[0], "SegmentLabel"), "lacks what each has"),
        (
            lambda it: setattr(it.SegmentSequence[0], "SegmentNumber", 7),
            "has frames of a segment 1, which it does not describe",
        ),
    ],
)
def test_a_segmentation_of_others_whose_segments_make_no_sense(
    images, overlapping, ijk_to_ras, change, words
):
    """It is not the images that are to be corrected; and nothing of it is lost."""
    first = deepcopy(write_segmentation(overlapping, images))
    change(first)
    with pytest.raises(SourceError, match=f"be taken over: it {words}"):
        replace_segments(LabelMapToStore(overlapping.labels[1], ijk_to_ras), images, first, [2])


def test_what_a_segment_is_of_is_not_lost(images, labels, ijk_to_ras):
    """That it is a liver, says the document of others that is replaced."""
    document = write_segmentation(
        LabelMapToStore(labels, ijk_to_ras, [Structure("Liver", 3, RED)]),
        images,
        study.segmentation(images),
    )
    liver, other = document.SegmentSequence
    assert liver.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Liver"
    assert other.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"


def test_the_command_replaces_one_segment(images, folder, overlapping, ijk_to_ras, tmp_path):
    first, labels = tmp_path / "seg.dcm", tmp_path / "labels.npz"
    write_segmentation(overlapping, images).save_as(first, enforce_file_format=True)
    write_label_file(
        labels, LabelMapToStore(overlapping.labels[1], ijk_to_ras, [Structure("New", 9, RED)])
    )
    options = ["--images", folder, "-o", tmp_path, "--replaces", first]
    result = igtlmeta("store", labels, *options, "--segment", "2")
    path, numbers = result.stdout.splitlines()
    document = pydicom.dcmread(path)
    assert [item.SegmentLabel for item in document.SegmentSequence] == ["S3", "New", "S9"]
    assert numbers == "2"
    result = igtlmeta("store", labels, *options[:-2], "--segment", "2")
    assert (result.returncode, "of a document: --replaces" in result.stderr) == (2, True)


def test_more_segments_than_there_is_memory_for(images, overlapping, monkeypatch):
    monkeypatch.setattr(other_segments, "_MOST_BYTES", 3 * 128 * 128 * 2)
    with pytest.raises(SourceError, match=r"3 segments that may overlap need .* at most 2 of them"):
        write_segmentation(overlapping, images)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_more_labels_than_can_be_read_are_refused_before_the_work(images, ijk_to_ras, dtype):
    labels = np.arange(3 * 128 * 128, dtype=dtype).reshape(3, 128, 128)
    with pytest.raises(SourceError, match="more than 255 labels, and each would be a segment"):
        write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)


def test_labels_of_any_number(images, folder, ijk_to_ras):
    """Atlases number structures by hundreds of millions."""
    labels = np.zeros((3, 128, 128), np.int32)
    labels[1, 5:9, 5:9], labels[1, 20:23, 5:9] = 614454277, -1
    document = write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)
    assert [item.SegmentLabel for item in document.SegmentSequence] == ["Label 614454277"]


def voxels(mask: np.ndarray) -> np.ndarray:
    """Where a mask is in the planes in which it is: a document leaves out those without any."""
    return mask[mask.any(axis=(1, 2))]


def test_what_may_not_be_replaced(images, labels, ijk_to_ras):
    map_ = LabelMapToStore(labels, ijk_to_ras)
    for keyword, words in (
        ("PatientID", "of another patient"),
        ("PatientName", "of another patient than the images, by the name"),
        ("StudyInstanceUID", "of another study"),
        ("FrameOfReferenceUID", "of another frame of reference"),
        ("SOPClassUID", "of another kind"),
    ):
        other = write_segmentation(map_, deepcopy(images))  # highdicom shares elements with them
        setattr(other, keyword, "1.2.3")
        with pytest.raises(SourceError, match=words):
            write_segmentation(map_, images, predecessor=other)


@pytest.mark.parametrize("change", ["moved", "flipped", "larger"])
def test_another_grid_is_refused(images, labels, ijk_to_ras, change):
    matrix = ijk_to_ras.copy()
    if change == "moved":
        matrix[0, 3] += 0.5 * abs(matrix[0, 0])
    elif change == "flipped":
        matrix[:3, 3] += matrix[:3, 0] * 127
        matrix[:3, 0] *= -1
    else:
        labels = np.pad(labels, ((0, 0), (0, 1), (0, 0)))
    with pytest.raises(SourceError, match="not on the grid of the images"):
        write_segmentation(LabelMapToStore(labels, matrix), images)


def test_images_with_two_numbers_of_frames(images, labels, ijk_to_ras):
    for image in images:
        image.NumberOfFrames = [1, 1]
    assert write_segmentation(LabelMapToStore(labels, ijk_to_ras), images).SegmentSequence


def test_label_maps_and_images_of_which_no_segmentation_can_be_made(images, labels, ijk_to_ras):
    with pytest.raises(SourceError, match="no voxel has a label"):
        write_segmentation(LabelMapToStore(np.zeros_like(labels), ijk_to_ras), images)
    with pytest.raises(SourceError, match="planes of which there is no image"):
        write_segmentation(LabelMapToStore(labels, ijk_to_ras), images[:2])
    words = r"this has float32 of the shape \(3, 128, 128\); save it with whole numbers"
    with pytest.raises(SourceError, match=words):
        write_segmentation(LabelMapToStore(labels.astype(np.float32), ijk_to_ras), images)
    images[0].NumberOfFrames = 3
    with pytest.raises(SourceError, match="a multi-frame one"):
        write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("PatientID", "of one patient, not of 2"),
        ("PatientName", "of one patient: these name several"),
        ("SeriesInstanceUID", "of one series, not of 2"),
        ("FrameOfReferenceUID", "no frame of reference, or several"),
    ],
)
def test_images_that_do_not_belong_together(images, labels, ijk_to_ras, keyword, words):
    setattr(images[2], keyword, "1.2.3")
    with pytest.raises(SourceError, match=words):
        write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)


def test_images_that_cannot_be_referred_to(images, labels, ijk_to_ras):
    del images[1].SOPClassUID
    with pytest.raises(SourceError, match="they have no SOPClassUID"):
        write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)


def test_images_that_do_not_say_how_thick_they_are(images, labels, ijk_to_ras):
    for image in images:
        del image.SliceThickness
    document = write_segmentation(LabelMapToStore(labels, ijk_to_ras), images)
    (groups,) = document.SharedFunctionalGroupsSequence
    assert groups.PixelMeasuresSequence[0].SliceThickness == 5
