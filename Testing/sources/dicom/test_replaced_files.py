"""Another patient's file in the place of one that was listed, of the same size and time.

``cp -p`` and exports set a time, and headers of even lengths are often as long as each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import RLELossless

from helpers import radiotherapy as study
from helpers.replaced_files import replace_with_time
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.file_version import FileVersion
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.files import find_images
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.pixels import decoding
from IGTLMetaBrowserLib.sources.dicom.pixels.stored_pixels import open_unchanged

JANE = {"PatientName": "Doe^Jane", "PatientID": "P1"}
RICK = {"PatientName": "Roe^Rick", "PatientID": "P2"}


@pytest.fixture
def write(make_slice) -> Callable[..., Path]:
    """A function that writes a slice with the given attributes, and returns its path."""

    def write_slice(path: Path, value: int, uid: str, **attributes) -> Path:
        dataset = make_slice((0, 0, 0), value, SOPInstanceUID=uid, **attributes)
        dataset.file_meta.MediaStorageSOPInstanceUID = uid or "1.1"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write_slice


@pytest.mark.parametrize(
    ("uid", "other_uid"),
    [("1.2.3.1", "1.2.3.10"), ("1.2.3.1", "1.2.3.1"), ("1.2.3.1", "1.2.3.2"), ("", "")],
    ids=["the beginning of the other", "the same", "another", "none"],
)
def test_another_patients_file_is_sent_under_its_own_name_only(
    write, tmp_path: Path, monkeypatch, uid, other_uid
):
    path = write(tmp_path / "CT", 3, uid, **JANE)
    source = DicomFolderSource(tmp_path)
    (jane,) = source.images()
    version = source.image_version(jane.id)
    replace_with_time(path, write(tmp_path / "other", 7, other_uid, **RICK))

    with pytest.raises(SourceError, match="has changed; refresh the list"):
        source.image(jane.id)
    assert source.image_version(jane.id) != version

    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    (rick,) = source.images()
    assert rick.patient_name == "Roe, Rick"
    image = source.image(rick.id)
    assert image.metadata["PatientID"] == "P2"
    assert image.pixels[0, 1, 1] == 7


def test_what_a_process_has_read_of_the_file_before_is_not_decoded(tmp_path: Path, make_slice):
    """A process that decodes keeps the last file in memory, of which it may be asked for more."""
    paths = [tmp_path / name for name in ("CT", "other")]
    for path, value in zip(paths, (3, 7), strict=True):
        dataset = make_slice((0, 0, 0), value)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path, enforce_file_format=True)
    assert decoding._decode(paths[0], [0], are_labels=False)[0][1, 1] == 3
    replace_with_time(*paths)
    assert decoding._decode(paths[0], [0], are_labels=False)[0][1, 1] == 7


def test_voxels_of_one_file_do_not_come_with_the_metadata_of_the_next(write, tmp_path: Path):
    """The index may know a file before the list of images is made anew of it."""
    path = write(tmp_path / "CT", 3, "1.2.3.1", **JANE)
    with DicomIndex(tmp_path) as index:
        index.update()
        source = DicomFolderSource(tmp_path, index=index)
        (item,) = source.images()
        replace_with_time(path, write(tmp_path / "other", 7, "1.2.3.1", **RICK))
        index.update()
        assert source.metadata(item.id)["PatientID"] == JANE["PatientID"]
        with pytest.raises(SourceError, match="has changed; refresh the list"):
            source.image(item.id)


def test_contours_of_another_patients_file_are_not_drawn(tmp_path: Path):
    """The folder's index says whose they are, and the file may be another's by now."""
    study.write_study(tmp_path)
    with DicomIndex(tmp_path) as index:
        index.update()
        source = DicomFolderSource(tmp_path, index=index)
        other = tmp_path / "other"
        other.write_bytes((tmp_path / "rtstruct").read_bytes())
        replace_with_time(tmp_path / "rtstruct", other)
        source.label_maps()
        assert "has changed since it was listed" in dict(source.refused)["rtstruct"]


class TestOfAFileThatWasReadBeforeItWasWritten:
    """Its size is known, as of those that an archive sends: they are told by their UIDs."""

    @pytest.fixture
    def is_it(self, write, tmp_path: Path) -> Callable[..., bool]:
        write(tmp_path / "CT", 3, "1.2.3.1")
        with DicomIndex(tmp_path) as index:
            index.update()
            (image,) = find_images(index, lambda file: b"").images

        def opens(path: Path) -> bool:
            name, size = path.name, path.stat().st_size
            known = type(image)(name, FileVersion(size), image.header)
            try:
                open_unchanged(path.parent, known).close()
            except SourceError:
                return False
            return True

        return opens

    def test_a_uid_that_begins_as_another_is_another(self, write, tmp_path: Path, is_it):
        assert is_it(tmp_path / "CT")
        assert not is_it(write(tmp_path / "other", 3, "1.2.3.10"))
        assert not is_it(write(tmp_path / "other", 3, "1.2.3.2"))

    @pytest.mark.parametrize("is_implicit", [False, True])
    @pytest.mark.parametrize("is_little", [False, True])
    def test_it_is_found_in_each_encoding(
        self, make_slice, tmp_path: Path, is_it, is_implicit, is_little
    ):
        """Without file meta information, as old files are."""
        for uid in ("1.2.3.1", "1.2.3.10"):
            dataset = make_slice((0, 0, 0), SOPInstanceUID=uid)
            del dataset.file_meta
            path = tmp_path / uid
            if is_implicit and not is_little:
                continue  # there is no such encoding
            dataset.save_as(path, implicit_vr=is_implicit, little_endian=is_little)
            assert is_it(path) == (uid == "1.2.3.1")

    def test_a_reference_to_it_is_none(self, make_slice, tmp_path: Path, is_it):
        from pydicom import Dataset

        reference = Dataset()
        reference.ReferencedSOPInstanceUID = "1.2.3.1"
        dataset = make_slice((0, 0, 0), ReferencedImageSequence=[reference])
        dataset.save_as(tmp_path / "other", enforce_file_format=True)
        assert not is_it(tmp_path / "other")
