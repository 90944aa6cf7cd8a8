"""A folder of DICOM files as a source: regular series, what is refused, and files that change."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage, generate_uid

from helpers.folder_source import REGULAR, fetch_all, names
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource


def fetch_in_turns(source: DicomFolderSource) -> None:
    for _ in range(100):
        with suppress(NotReadyError):
            fetch_all(source)


class TestRegularSeries:
    def test_slices_become_one_volume_in_the_order_of_their_positions(self, tmp_path, write_series):
        write_series(tmp_path, [REGULAR[1], REGULAR[2], REGULAR[0]])
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert (item.name, item.size) == ("Thin slices", (7, 5, 3))
        assert source.image(item.id).pixels[:, 1, 1].tolist() == [2, 0, 1]
        assert source.refused == []

    def test_geometry_is_in_ras(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert image.ijk_to_ras().tolist() == [
            [-0.25, 0, 0, 10],
            [0, -0.5, 0, 20],
            [0, 0, 2, 30],
            [0, 0, 0, 1],
        ]

    def test_names_of_files_and_folders_do_not_matter(self, tmp_path, make_slice):
        for name, position in zip(["IM1", "b/scan.bak", "c/d/x.txt"], REGULAR, strict=True):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            make_slice(position).save_as(path, enforce_file_format=True)
        assert DicomFolderSource(tmp_path).images()[0].size == (7, 5, 3)

    def test_files_without_preamble_are_found_too(self, tmp_path, make_slice):
        for number, position in enumerate(REGULAR):
            dataset = make_slice(position)
            del dataset.file_meta
            dataset.save_as(tmp_path / str(number), implicit_vr=number == 0, little_endian=True)
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert image.subvolume_size == (7, 5, 3)

    def test_positions_rounded_by_the_scanner_still_make_a_volume(self, tmp_path, write_series):
        write_series(tmp_path, [(-10, -20, 30), (-10.001, -20, 32.003), (-10, -20.001, 33.998)])
        assert names(DicomFolderSource(tmp_path)) == ["Thin slices"]

    def test_one_slice_is_as_thick_as_it_says(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR[:1], SliceThickness=5)
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert image.ijk_to_ras()[:3, 2].tolist() == [0, 0, 5]

    def test_time_points_become_volumes(self, tmp_path, write_series):
        for time in (1, 2):
            folder = tmp_path / str(time)
            folder.mkdir()
            write_series(folder, REGULAR, TemporalPositionIdentifier=time)
        source = DicomFolderSource(tmp_path)
        assert names(source) == ["Thin slices time 1 of 2", "Thin slices time 2 of 2"]
        assert {item.size for item in source.images()} == {(7, 5, 3)}

    def test_an_enhanced_multi_frame_file_is_the_volume_of_its_frames(
        self, tmp_path, phantom_folder
    ):
        from highdicom.legacy import LegacyConvertedEnhancedMRImage

        files = [pydicom.dcmread(path) for path in sorted((phantom_folder / "MR").iterdir())[60:64]]
        for file in files:  # what highdicom 0.27 makes of it fails
            del file.AcquisitionDate
        converted = LegacyConvertedEnhancedMRImage(
            files,
            series_instance_uid="1.2.9",
            series_number=9,
            sop_instance_uid="1.2.9.1",
            instance_number=1,
        )
        converted.save_as(tmp_path / "enhanced", enforce_file_format=True)
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert image.subvolume_size == (256, 256, 4)
        for k, file in enumerate(files):
            assert np.array_equal(image.pixels[k], file.pixel_array)
            x, y, z = file.ImagePositionPatient
            assert image.ijk_to_ras() @ (0, 0, k, 1) == pytest.approx([-x, -y, z, 1])


class TestFilesThatAreNoImages:
    def test_each_is_named_with_the_reason(self, tmp_path, make_slice):
        (tmp_path / "empty").touch()
        (tmp_path / "notes.txt").write_text("nothing to see")
        (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
        report = make_slice(REGULAR[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Rows=None)
        report.save_as(tmp_path / "report", enforce_file_format=True)
        slide = make_slice(REGULAR[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6")
        slide.save_as(tmp_path / "slide", enforce_file_format=True)
        source = DicomFolderSource(tmp_path)
        assert names(source) == []
        assert dict(source.refused) == {
            "empty": "not a DICOM file",
            "gone": "cannot be read: No such file or directory",
            "notes.txt": "not a DICOM file",
            "slide": "a whole slide microscopy image, not an image",
            "report": "not an image: Basic Text SR Storage, without rows and columns of pixels",
        }

    @pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
    def test_a_file_cut_off_in_its_header(self, tmp_path, make_slice):
        path = tmp_path / "0"
        make_slice(REGULAR[0]).save_as(path, enforce_file_format=True)
        path.write_bytes(path.read_bytes()[:400])
        ((name, reason),) = DicomFolderSource(tmp_path).refused
        assert name == "0"
        assert reason

    def test_the_same_image_stored_twice_is_offered_once(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        (tmp_path / "copy").write_bytes((tmp_path / "1.dcm").read_bytes())
        source = DicomFolderSource(tmp_path)
        assert names(source) == ["Thin slices"]
        ((name, reason),) = source.refused
        assert name == "copy"
        assert "the same image as 1.dcm" in reason
        assert "Notice" not in source.metadata(source.images()[0].id)

    def test_images_of_one_uid_that_are_not_the_same_are_not_left_out_silently(
        self, tmp_path, write_series, make_slice
    ):
        """From faulty software: each slice has the UID of the first, or of another patient's."""
        write_series(tmp_path, REGULAR, SOPInstanceUID="1.2.9")
        source = DicomFolderSource(tmp_path)
        (item,) = source.images()
        assert item.size[2] == 1
        count = len(REGULAR) - 1
        assert source.metadata(item.id)["Notice"] == f"{count} of its files cannot be used"
        assert "another image than 0.dcm" in source.refused[0][1]

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(SourceError, match=r"no folder .*nowhere"):
            DicomFolderSource(tmp_path / "nowhere")


class TestFetching:
    def test_an_unknown_id(self, tmp_path):
        with pytest.raises(SourceError, match="There is no image with the ID 'IMAGE_0'"):
            DicomFolderSource(tmp_path).image("IMAGE_0")

    def test_a_file_removed_since_it_was_listed(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        (tmp_path / "1.dcm").unlink()
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read"):
            fetch_all(source)

    def test_pixels_cut_off(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR[:1])
        path = tmp_path / "0.dcm"
        path.write_bytes(path.read_bytes()[:-20])
        source = DicomFolderSource(tmp_path)
        assert names(source) == []
        reason = "it is cut off: 20 bytes of its pixels are missing; get it again"
        assert source.refused == [("0.dcm", reason)]

    def test_a_volume_without_its_last_slice_says_so(self, tmp_path, write_series):
        """There is no gap in it by which anybody would see that it is not whole."""
        write_series(tmp_path, REGULAR)
        path = tmp_path / "2.dcm"
        path.write_bytes(path.read_bytes()[:-20])
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert len(image.pixels) == 2
        assert image.metadata["Notice"] == "1 of its files cannot be used"

    def test_pixels_cut_off_since_the_file_was_listed(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        path = tmp_path / "1.dcm"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read: it has changed"):
            fetch_all(source)

    def test_another_image_in_the_place_of_a_file_is_not_served(
        self, tmp_path, write_series, make_slice
    ):
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        path = tmp_path / "1.dcm"
        foreign = make_slice(REGULAR[1], 99)
        uid = pydicom.dcmread(path).SOPInstanceUID
        foreign.SOPInstanceUID = uid[:-1] + ("1" if uid[-1] == "2" else "2")
        foreign.file_meta.MediaStorageSOPInstanceUID = foreign.SOPInstanceUID
        size = path.stat().st_size
        foreign.save_as(path, enforce_file_format=True)
        assert path.stat().st_size == size
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read: it has changed"):
            fetch_all(source)

    def test_a_file_of_a_time_that_the_index_cannot_hold_is_served(self, tmp_path, write_series):
        """It counts ns, up to 2262; one file must not keep the others from being read."""
        write_series(tmp_path, REGULAR)
        os.utime(next(tmp_path.iterdir()), (2**34 - 1, 2**34 - 1))  # 2514, or as late as there is
        (image,) = fetch_all(DicomFolderSource(tmp_path))
        assert image.subvolume_size[2] == len(REGULAR)

    @pytest.mark.parametrize("when", ["before it is read", "while it is read", "since 1970"])
    def test_a_file_that_is_written_again_is_not_served_in_the_place_of_before(
        self, tmp_path, write_series, make_slice, when
    ):
        """With the same UIDs and as many bytes: other voxels, and another position."""
        write_series(tmp_path, REGULAR[:2])
        path = tmp_path / "0.dcm"
        if when == "since 1970":  # as all files of some images of containers
            os.utime(path, ns=(0, 0))
        source = DicomFolderSource(tmp_path, seconds_a_turn=0.0)
        image_id = source.images()[0].id
        if when == "while it is read":
            with pytest.raises(NotReadyError):
                source.image(image_id)
        before, size = pydicom.dcmread(path), path.stat().st_size
        again = make_slice(REGULAR[1], 99, SOPInstanceUID=before.SOPInstanceUID)
        again.file_meta = before.file_meta
        again.save_as(path, enforce_file_format=True)
        assert path.stat().st_size == size
        with pytest.raises(SourceError, match=r"0\.dcm' can no longer be read: it has changed"):
            fetch_in_turns(source)

    def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        (tmp_path / "1.dcm").unlink()
        os.mkfifo(tmp_path / "1.dcm")
        with pytest.raises(SourceError, match=r"1\.dcm' can no longer be read: it is a pipe"):
            fetch_all(source)

    def test_a_compression_that_no_decoder_is_installed_for(self, tmp_path, make_slice):
        dataset = make_slice(REGULAR[0])
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
        dataset.PixelData = pydicom.encaps.encapsulate([b"no film"])
        dataset.save_as(tmp_path / "0", enforce_file_format=True)
        ((_, reason),) = DicomFolderSource(tmp_path).refused
        assert reason.startswith("its pixels cannot be decoded: nothing here reads MPEG2 Main")

    def test_metadata_hold_the_dictionary_and_its_keywords(self, tmp_path, write_series):
        write_series(tmp_path, REGULAR, StudyDescription="Kopf nativ")
        source = DicomFolderSource(tmp_path)
        (image,) = fetch_all(source)
        first = pydicom.dcmread(tmp_path / "0.dcm")
        axial = r"1.0\0.0\0.0\0.0\1.0\0.0"
        assert image.metadata == source.metadata(source.images()[0].id)
        assert image.metadata == {
            "PhotometricInterpretation": "MONOCHROME2",
            **{"patient_ID": "42", "PatientID": "42"},
            **{"study": "1.2.3", "StudyInstanceUID": "1.2.3"},
            **{"study_description": "Kopf nativ", "StudyDescription": "Kopf nativ"},
            **{"series": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4"},
            **{"series_description": "Thin slices", "SeriesDescription": "Thin slices"},
            **{"modality": "CT", "Modality": "CT", "SOPClassUID": CTImageStorage},
            **{"subseries": "default", "instances": "3"},
            **{"reference_frame": "1.2.3.5", "FrameOfReferenceUID": "1.2.3.5"},
            **{"orientation": axial, "ImageOrientationPatient": axial},
            "instance_uid": first.SOPInstanceUID,
        }
        assert image.header_version == 1


class TestFolderThatChanges:
    def test_new_studies_appear_and_what_is_gone_goes(
        self, tmp_path, write_series, make_slice, monkeypatch
    ):
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        assert source.images() is source.images()
        new = make_slice(REGULAR[0], SeriesInstanceUID="1.2.9", SeriesDescription="New")
        new.save_as(tmp_path / "new", enforce_file_format=True)
        (tmp_path / "2.dcm").unlink()
        assert [(item.name, item.size[2]) for item in source.images()] == [
            ("Thin slices", 2),
            ("New", 1),
        ]
        assert source.image(source.images()[1].id).metadata["SeriesInstanceUID"] == "1.2.9"

    def test_the_list_stays_while_the_folder_is_away(
        self, tmp_path, write_series, monkeypatch, caplog
    ):
        """As a share of the network; when it is back, no file is read again."""
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
        share, away = tmp_path / "share", tmp_path / "away"
        share.mkdir()
        write_series(share, REGULAR)
        with DicomIndex(share) as index:
            index.update()
            source = DicomFolderSource(share, index=index)
            share.rename(away)
            assert [item.name for item in source.images()] == ["Thin slices"]
            assert "cannot be listed: No such file or directory" in caplog.text
            away.rename(share)
            assert index.update() == 0
            assert source.image(source.images()[0].id).pixels[:, 1, 1].tolist() == [0, 1, 2]

    def test_a_link_that_leads_elsewhere_now_is_followed(
        self, tmp_path, write_series, monkeypatch, caplog
    ):
        """As one to the newest export, which is turned to the next when that is there."""
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
        newest, exports = tmp_path / "newest", [tmp_path / "monday", tmp_path / "tuesday"]
        for export, count in zip(exports, (3, 2), strict=True):
            export.mkdir()
            write_series(export, REGULAR[:count])
        newest.symlink_to("monday")
        source = DicomFolderSource(newest)
        (tmp_path / "next").symlink_to("tuesday")
        (tmp_path / "next").rename(newest)
        (item,) = source.images()
        assert item.size == (7, 5, 2)
        assert source.image(item.id).pixels[:, 1, 1].tolist() == [0, 1]
        newest.unlink()
        newest.symlink_to("newest")
        assert [*source.images()] == [item]
        assert "the list is as it was before: the files in " in caplog.text

    def test_a_list_that_cannot_be_refreshed_stays(
        self, tmp_path, write_series, monkeypatch, caplog
    ):
        """As if the disk of the index were full."""
        write_series(tmp_path, REGULAR)
        source = DicomFolderSource(tmp_path)
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
        source.close()
        assert [item.name for item in source.images()] == ["Thin slices"]
        assert "the list is as it was before" in caplog.text

    def test_what_was_read_is_kept_between_runs(self, tmp_path, write_series):
        folder = tmp_path / "data"
        folder.mkdir()
        write_series(folder, REGULAR)
        for count in (3, 0):
            with DicomIndex(folder, tmp_path / "index.sqlite") as index:
                assert index.update() == count
                source = DicomFolderSource(folder, index=index)
                assert source.images()[0].size == (7, 5, 3)
                assert fetch_all(source)[0].pixels[:, 1, 1].tolist() == [0, 1, 2]


def test_images_of_two_patients_in_one_series_are_never_one_volume(tmp_path, make_slice):
    for number, position in enumerate(REGULAR):
        for patient in ("42", "43"):
            dataset = make_slice(position, int(patient), PatientID=patient)
            dataset.save_as(tmp_path / f"{number} {patient}", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    found = {item.patient_id: source.image(item.id).pixels[:, 1, 1] for item in source.images()}
    assert {patient: set(values.tolist()) for patient, values in found.items()} == {
        "42": {42},
        "43": {43},
    }
    notices = source.metadata(source.images()[0].id)
    assert "images of 2 patients have its SeriesInstanceUID" in str(notices)


@pytest.mark.parametrize(
    ("one", "other", "notice"),
    [
        (
            {"PatientID": "", "PatientName": "Doe^Jane"},
            {"PatientID": None, "PatientName": "Roe^Jack"},
            "images of 2 patients have its SeriesInstanceUID",
        ),
        (
            {"StudyInstanceUID": "1.2.3"},
            {"StudyInstanceUID": "1.2.4"},
            "images of 2 studies have its SeriesInstanceUID",
        ),
        (
            {"Modality": "CT"},
            {"Modality": "OT"},
            "images of 2 modalities have its SeriesInstanceUID",
        ),
        ({"Units": "BQML"}, {"Units": "CNTS"}, ""),
    ],
    ids=["no ID", "studies", "modalities", "units"],
)
def test_slices_of_different_things_lie_between_each_other_in_one_series(
    tmp_path, make_slice, one, other, notice
):
    """All of them at even distances: nothing but these attributes tells them apart."""
    for number in range(6):
        dataset = make_slice((0, 0, 2.0 * number), number % 2, **(other if number % 2 else one))
        dataset.save_as(tmp_path / str(number), enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    values = [set(source.image(item.id).pixels[:, 1, 1]) for item in source.images()]
    assert values == [{0}, {1}]
    assert notice in source.metadata(source.images()[0].id).get("Notice", "")


@pytest.mark.parametrize(
    ("one", "other", "whole"), [("NO", "YES", "YES"), ("NO", "NO", "NO"), ("NO", None, None)]
)
def test_names_may_be_in_the_pixels_of_any_slice(
    tmp_path, write_series, make_slice, one, other, whole
):
    """By what the first one says alone, a de-identified server would send the others."""
    write_series(tmp_path, REGULAR, BurnedInAnnotation=one)
    last = make_slice(REGULAR[-1], BurnedInAnnotation="NO")
    if other is None:
        del last.BurnedInAnnotation
    else:
        last.BurnedInAnnotation = other
    last.SOPClassUID = SecondaryCaptureImageStorage
    last.save_as(tmp_path / f"{len(REGULAR) - 1}.dcm", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    (item,) = source.images()
    metadata = source.metadata(item.id)
    assert metadata.get("BurnedInAnnotation") == whole
    assert metadata["SOPClassUID"].split("\\") == [CTImageStorage, SecondaryCaptureImageStorage]


def test_one_patient_of_two_names_is_one_volume_that_says_so(tmp_path, make_slice):
    for number in range(4):
        name = ("Doe^Jane", "DOE^JANE^^", "Roe^Jane")[min(number, 2)]
        dataset = make_slice((0, 0, 2.0 * number), number, PatientName=name)
        dataset.save_as(tmp_path / str(number), enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    (item,) = source.images()
    assert "name 2 patients under one ID: check whose" in source.metadata(item.id)["Notice"]


def test_without_pydicom_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(SourceError, match='pip install "pydicom>=3"'):
        DicomFolderSource(tmp_path)


def test_ids_do_not_depend_on_the_folder(tmp_path, write_series):
    uid = str(generate_uid())
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_series(tmp_path / name, REGULAR, SeriesInstanceUID=uid)
    here, there = (DicomFolderSource(tmp_path / name) for name in ("here", "there"))
    assert here.images()[0].id == there.images()[0].id
