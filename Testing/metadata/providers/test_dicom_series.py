"""Series of DICOM, in memory, in a folder and in Slicer's database, found by their UIDs."""

from __future__ import annotations

import logging
import os

import pytest
from pydicom import DataElement
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from helpers.series_folder import DicomFolder
from IGTLMetaBrowserLib.metadata.modules import (
    DERIVED,
    GENERAL_SERIES,
    PATIENT,
    SERIES_FILES,
    SeriesFiles,
)
from IGTLMetaBrowserLib.metadata.providers.dicom_series import (
    DicomDatasetProvider,
    DicomSeriesProvider,
    SeriesUids,
)
from IGTLMetaBrowserLib.metadata.providers.message_metadata import MessageMetadataProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING, Priority


@pytest.fixture
def messages(providers):
    """In the registry: who knows the SeriesInstanceUIDs of images that came."""
    messages = MessageMetadataProvider()
    providers.add_provider(messages, Priority.MESSAGE)
    return messages


class TestDatasetsInMemory:
    @pytest.fixture
    def datasets(self, providers, ct):
        datasets = DicomDatasetProvider(SeriesUids(providers))
        datasets.keep(ct)
        providers.add_provider(datasets, Priority.DICOM)
        return datasets

    def test_a_dataset_is_found_by_its_uid(self, providers, datasets, ct):
        assert providers.get(PATIENT, ct.SeriesInstanceUID).PatientID == "1CT1"
        assert providers.get(PATIENT, "1.2.3") is NOTHING

    def test_and_by_the_id_of_an_image_whose_uid_somebody_knows(
        self, providers, datasets, messages, ct
    ):
        assert providers.get(PATIENT, "A") is NOTHING
        messages.keep("A", {"SeriesInstanceUID": str(ct.SeriesInstanceUID)})
        assert providers.get(PATIENT, "A").PatientID == "1CT1"
        assert providers.get(GENERAL_SERIES, "A").SeriesInstanceUID == ct.SeriesInstanceUID
        messages.keep("A", {"SeriesInstanceUID": "1.2.3"})
        assert providers.get(PATIENT, "A") is NOTHING

    def test_another_dataset_of_the_series_takes_its_place(self, providers, datasets, ct):
        uid = str(ct.SeriesInstanceUID)
        assert providers.get(PATIENT, uid).PatientID == "1CT1"
        ct.PatientID = "2"
        datasets.keep(ct)
        assert providers.get(PATIENT, uid).PatientID == "2"
        datasets.forget(uid)
        datasets.forget(uid)
        assert providers.get(PATIENT, uid) is NOTHING

    def test_a_dataset_without_uid_is_refused(self, datasets, ct):
        del ct.SeriesInstanceUID
        with pytest.raises(ValueError, match="no SeriesInstanceUID to find it by"):
            datasets.keep(ct)

    def test_many_that_ask_each_other_for_a_uid_come_to_an_end(self, providers, datasets):
        uids = SeriesUids(providers)
        asked = []
        for _ in range(20):
            files = DicomSeriesProvider(lambda uid: asked.append(uid) or (), uids)
            providers.add_provider(files)
        assert providers.get(GENERAL_SERIES, "A") is NOTHING
        assert providers.get(PATIENT, "A") is NOTHING
        assert asked == ["A"] * 20


class TestFolder:
    def test_series_are_found_whatever_the_files_are_called(self, tmp_path, write_ct):
        write_ct(tmp_path / "IM2", SeriesInstanceUID="1.2")
        write_ct(tmp_path / "a" / "IM1.txt", SeriesInstanceUID="1.2")
        write_ct(tmp_path / "a" / "b" / "c.dcm", SeriesInstanceUID="1.3")
        (tmp_path / "notes.dcm").write_text("not DICOM at all")
        folder = DicomFolder(tmp_path)
        assert len(folder) == 2
        assert folder.files_of_series("1.2") == [
            str(tmp_path / "IM2"),
            str(tmp_path / "a" / "IM1.txt"),
        ]
        assert folder.files_of_series("1.4") == ()
        assert folder.unreadable == []

    def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(self, tmp_path, write_ct):
        write_ct(tmp_path / "good.dcm", SeriesInstanceUID="1.2")
        (tmp_path / "gone.dcm").symlink_to(tmp_path / "nowhere.dcm")
        folder = DicomFolder(tmp_path)
        assert len(folder) == 1
        ((path, reason),) = folder.unreadable
        assert path == str(tmp_path / "gone.dcm")
        assert "No such file" in reason

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
    def test_a_pipe_is_not_waited_for(self, tmp_path, write_ct):
        write_ct(tmp_path / "good.dcm", SeriesInstanceUID="1.2")
        os.mkfifo(tmp_path / "pipe.dcm")
        assert len(DicomFolder(tmp_path)) == 1

    def test_no_folder(self, tmp_path):
        with pytest.raises(NotADirectoryError, match=r"there is no folder .*nowhere'; check"):
            DicomFolder(tmp_path / "nowhere")

    @pytest.mark.filterwarnings("ignore:Expected explicit VR")
    def test_pydicoms_own_folder(self):
        """Real files of many kinds, some of them broken."""
        folder = DicomFolder(get_testdata_file("CT_small.dcm").rpartition("/")[0])
        assert len(folder) > 20


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path, write_ct):
        for number in range(3):
            write_ct(tmp_path / f"{number}.dcm", SeriesInstanceUID="1.2", InstanceNumber=number)
        return DicomFolder(tmp_path)

    @pytest.fixture
    def files(self, providers, folder):
        files = DicomSeriesProvider(folder.files_of_series, SeriesUids(providers))
        providers.add_provider(files, Priority.DICOM)
        return files

    def test_a_series_is_what_its_files_agree_in(self, providers, files, tmp_path):
        assert providers.get(PATIENT, "1.2").PatientID == "1CT1"
        image = providers.get("generalImage", "1.2")
        assert (image.AcquisitionNumber, image.InstanceNumber) == (2, None)
        assert providers.get(SERIES_FILES, "1.2") == SeriesFiles(3, str(tmp_path / "0.dcm"))
        assert providers.get(PATIENT, "1.3") is NOTHING
        assert providers.get(DERIVED, "1.2") is NOTHING

    def test_the_first_file_is_the_first_by_instance_number(self, providers, tmp_path, write_ct):
        paths = [
            str(
                write_ct(tmp_path / f"{number}.dcm", SeriesInstanceUID="1.4", InstanceNumber=number)
            )
            for number in (12, 3, 7)
        ]
        providers.add_provider(DicomSeriesProvider(lambda uid: paths if uid == "1.4" else ()))
        assert providers.get(SERIES_FILES, "1.4").FirstFile == str(tmp_path / "3.dcm")

    def test_an_image_is_found_by_the_uid_that_its_message_brought(
        self, providers, files, messages
    ):
        messages.keep("A", {"SeriesInstanceUID": "1.2"})
        assert providers.get(PATIENT, "A").PatientID == "1CT1"

    def test_a_file_is_read_once(self, providers, files, tmp_path):
        providers.get(PATIENT, "1.2")
        for path in tmp_path.iterdir():
            path.unlink()
        assert providers.get(GENERAL_SERIES, "1.2").Modality == "CT"

    def test_files_that_vanish_are_passed_over(self, providers, files, tmp_path, caplog):
        (tmp_path / "0.dcm").unlink()
        assert providers.get(SERIES_FILES, "1.2").FirstFile == str(tmp_path / "1.dcm")
        assert "0.dcm cannot be read" in caplog.text

    @pytest.mark.filterwarnings("ignore:Expected implicit VR")
    def test_files_that_change_into_another_series_are_passed_over(
        self, providers, files, tmp_path, write_ct, caplog
    ):
        write_ct(tmp_path / "0.dcm", SeriesInstanceUID="1.9")
        (tmp_path / "1.dcm").write_bytes(b"no DICOM any more")
        (tmp_path / "2.dcm").write_bytes((tmp_path / "2.dcm").read_bytes()[:200])
        with caplog.at_level(logging.WARNING):
            assert providers.get(PATIENT, "1.2") is NOTHING
        assert all(f"{number}.dcm cannot be read" in caplog.text for number in range(3))

    def test_changes_are_seen_when_they_are_told_of(
        self, providers, files, folder, tmp_path, write_ct
    ):
        assert providers.get(PATIENT, "1.3") is NOTHING
        write_ct(tmp_path / "new.dcm", SeriesInstanceUID="1.3")
        folder.scan()
        files.files_changed()
        assert providers.get(PATIENT, "1.3").PatientID == "1CT1"

    def test_a_series_of_a_hundred_thousand_files(self, providers, write_ct, tmp_path):
        path = str(write_ct(tmp_path / "one.dcm", SeriesInstanceUID="1.5"))
        gone = [str(tmp_path / "gone.dcm")] * 100_000
        series = {"1.5": [path, *gone], "1.6": gone}
        providers.add_provider(DicomSeriesProvider(lambda uid: series.get(uid, ())))
        assert providers.get(SERIES_FILES, "1.5").NumberOfSeriesRelatedInstances == 100_001
        assert providers.get(SERIES_FILES, "1.6") is NOTHING

    def test_a_deflated_file_that_becomes_a_thousand_times_as_large_is_passed_over(
        self, ct, tmp_path, caplog
    ):
        """Slicer's database may have it of anybody."""
        ct[0x7FE11010] = DataElement(0x7FE11010, "OB", bytes(300 << 20))
        ct.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        ct.save_as(tmp_path / "bomb.dcm")
        del ct[0x7FE11010]
        files = DicomSeriesProvider(lambda uid: [str(tmp_path / "bomb.dcm")])
        assert files(PATIENT, str(ct.SeriesInstanceUID)) is NOTHING
        assert "bomb.dcm cannot be read: it inflates to more than 256 MiB" in caplog.text

    def test_zeros_behind_the_data_are_not_looked_at(self, tmp_path, write_ct):
        """A sparse file of terabytes takes no room, and years to be read."""
        path = write_ct(tmp_path / "one.dcm", SeriesInstanceUID="1.5", InstanceNumber=None)
        data = path.read_bytes()
        path.write_bytes(data[: data.index(b"\xe0\x7f\x10\x00OW")])  # without pixels
        os.truncate(path, 1 << 40)
        files = DicomSeriesProvider(lambda uid: [str(path)])
        assert files(PATIENT, "1.5").PatientID == "1CT1"

    def test_only_so_many_headers_are_remembered(self, folder, tmp_path):
        files = DicomSeriesProvider(folder.files_of_series, most_headers=2)
        files(PATIENT, "1.2")
        for uid in ("1.7", "1.8"):
            files(PATIENT, uid)
        for path in tmp_path.iterdir():
            path.unlink()
        assert files(PATIENT, "1.2") is NOTHING  # read again, and it is there no more
