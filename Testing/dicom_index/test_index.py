"""The index of a folder: what is in it, and how it is kept up to date."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pydicom.data
import pytest

from helpers import radiotherapy as study
from helpers.index_file import rows_of, updated, write_sums
from IGTLMetaBrowserLib.dicom_index import folder_walk
from IGTLMetaBrowserLib.dicom_index.database import DicomIndexError
from IGTLMetaBrowserLib.dicom_index.export import (
    COLUMNS,
    database_path,
    write_index,
)
from IGTLMetaBrowserLib.dicom_index.fields import FIELDS
from IGTLMetaBrowserLib.dicom_index.headers import header_reader
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import (
    DICOM,
    DICOMDIR,
    OTHER,
    REFUSED,
    UNREAD,
    UNREADABLE,
    read_file,
)
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.rows import INSTANCE, SERIES

TEST_FILES = Path(pydicom.data.__file__).parent / "test_files"


def paths(output: Path, folder: Path) -> list[str]:
    prefix = Path(os.path.relpath(folder)).as_posix()
    return [row["file_path"].removeprefix(f"{prefix}/") for row in rows_of(output)]


class TestWhatIsInIt:
    def test_files_are_told_by_their_content(self, folder: Path):
        shutil.copy(TEST_FILES / "dicomdirtests" / "DICOMDIR", folder / "scan.dcm")
        shutil.copy(TEST_FILES / "rtplan_truncated.dcm", folder)
        shutil.copy(TEST_FILES / "MR_small.dcm", folder / "notes.txt")
        (folder / "slice.dcm").write_text("not DICOM")
        (folder / "link").symlink_to("nowhere")
        os.mkfifo(folder / "pipe")
        with DicomIndex(folder) as index:
            assert index.update() == 12  # neither the link nor the pipe
            kinds = {kind: index.count(kind) for kind in (DICOM, DICOMDIR, OTHER, UNREAD)}
            assert kinds == {DICOM: 9, DICOMDIR: 1, OTHER: 2, UNREAD: 0}
            assert [*index.files(REFUSED, UNREADABLE)] == [
                ("link", REFUSED, "cannot be read: No such file or directory"),
                ("rtplan_truncated.dcm", UNREADABLE, "is cut off within (300A,00B0)"),
            ]

    def test_a_pipe_in_the_place_of_a_file_that_was_listed_is_not_waited_for(self, tmp_path: Path):
        """The thread that reads what is new would wait for ever, and all clients for it."""
        os.mkfifo(tmp_path / "slice.dcm")
        content = read_file(tmp_path / "slice.dcm")
        words = "cannot be read: it is a pipe or a device, and no file"
        assert (content.kind, content.reason) == (REFUSED, words)

    def test_a_row_is_a_subseries_or_a_file(self, folder: Path):
        with DicomIndex(folder) as index:
            index.update()
            files, series = [*index.rows(INSTANCE)], [*index.rows(SERIES, "here")]
        assert [row["file_path"] for row in files] == [
            "ct/1", "ct/2", "ct/3", "rtstruct", "rtplan", "rtdose", "pt", "seg"
        ]  # fmt: skip
        assert [row["instances"] for row in series] == [3, 1, 1, 1, 1, 1]
        assert series[0] == {
            **files[0], "folder": "here/ct", "file_path": "here/ct/1", "instances": 3
        }  # fmt: skip
        assert [*series[0]] == [*FIELDS]

    def test_acquisitions_are_subseries(self, tmp_path: Path):
        for number in (1, 2, 3):
            dataset = study.ct_slice(number)
            dataset.AcquisitionNumber = "" if number == 3 else number
            dataset.save_as(tmp_path / str(number), enforce_file_format=True)
        with DicomIndex(tmp_path) as index:
            index.update()
            found = [(row["subseries"], row["instances"]) for row in index.rows(SERIES)]
        assert found == [("1", 3), ("2", 3), ("default", 3)]

    def test_names_that_are_not_utf_8(self, tmp_path: Path, output: Path):
        name = os.fsdecode(b"sch\xf6n")
        study.ct_slice(1).save_as(tmp_path / name, enforce_file_format=True)
        updated(tmp_path, output)
        line = output.read_bytes().splitlines()[1]
        assert b"sch\xf6n" in line
        updated(tmp_path, output.with_suffix(".json"))
        text = output.with_suffix(".json").read_text(encoding="ascii")
        assert "sch\\udcf6n" in text

    def test_links_to_folders_are_not_followed(self, folder: Path):
        (folder / "ct" / "again").symlink_to(folder)
        with DicomIndex(folder) as index:
            assert index.update() == 8

    def test_a_missing_folder_is_named(self, tmp_path: Path):
        with pytest.raises(DicomIndexError, match=r"there is no folder '.*none'; check the path"):
            DicomIndex(tmp_path / "none")

    def test_a_file_in_the_place_of_the_folder_is_named(self, tmp_path: Path):
        (tmp_path / "1.dcm").touch()
        with pytest.raises(DicomIndexError, match=r"1\.dcm' is a file; give the folder it is in"):
            DicomIndex(tmp_path / "1.dcm")


class TestFiles:
    def test_json_is_nested(self, folder: Path, output: Path):
        output = output.with_suffix(".json")
        updated(folder, output)
        patients = json.loads(output.read_text(encoding="utf-8"))
        assert [*patients] == [study.PATIENT]
        series = patients[study.PATIENT][study.STUDY]
        assert [*series] == [
            study.CT, study.RTSTRUCT, study.RTPLAN, study.RTDOSE, study.PT, study.SEG
        ]  # fmt: skip
        assert [*series[study.CT]] == ["2"]  # CT_small's AcquisitionNumber
        assert series[study.RTDOSE]["default"]["reference_rs"] == study.instance_of(study.RTSTRUCT)

    def test_json_of_files_has_them_in_their_subseries(self, folder: Path, output: Path):
        output = output.with_suffix(".json")
        updated(folder, output, INSTANCE)
        patients = json.loads(output.read_text(encoding="utf-8"))
        files = patients[study.PATIENT][study.STUDY][study.CT]["2"]
        assert [row["instance_uid"] for row in files.values()] == [
            study.instance_of(study.CT, number) for number in (1, 2, 3)
        ]
        assert [*files] == [row["file_path"] for row in files.values()]

    def test_an_empty_folder_makes_an_empty_index(self, tmp_path: Path, output: Path):
        (tmp_path / "empty").mkdir()
        updated(tmp_path / "empty", output)
        assert output.read_text() == ",".join(COLUMNS) + "\n"
        updated(tmp_path / "empty", output.with_suffix(".json"))
        assert json.loads(output.with_suffix(".json").read_text()) == {}

    def test_parquet_has_a_column_for_each_field(self, folder: Path, output: Path):
        output = output.with_suffix(".parquet")
        updated(folder, output)
        table = pyarrow.parquet.read_table(output)
        assert tuple(table.column_names) == COLUMNS
        assert table["modality"].to_pylist() == ["CT", "RTSTRUCT", "RTPLAN", "RTDOSE", "PT", "SEG"]
        assert table["instances"].to_pylist() == [3, 1, 1, 1, 1, 1]

    def test_files_of_one_series_with_two_modalities_are_kept_apart(
        self, folder: Path, output: Path
    ):
        """Some planning systems give a structure set the SeriesInstanceUID of its CT."""
        structures = study.structure_set()
        structures.SeriesInstanceUID = study.CT
        structures.AcquisitionNumber = 2  # as the CT's
        structures.save_as(folder / "rtstruct", enforce_file_format=True)
        updated(folder, output)
        found = [(row["modality"], row["instances"]) for row in rows_of(output)]
        assert found[:2] == [("CT", "3"), ("RTSTRUCT", "1")]
        updated(folder, output.with_suffix(".json"))
        patients = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
        subseries = patients[study.PATIENT][study.STUDY][study.CT]
        assert {name: row["modality"] for name, row in subseries.items()} == {
            "2": "CT",
            "2 RTSTRUCT": "RTSTRUCT",
        }

    def test_references_are_resolved_to_series(self, folder: Path, output: Path):
        updated(folder, output)
        (dose,) = (row for row in rows_of(output) if row["modality"] == "RTDOSE")
        assert dose["reference_rs"] == study.instance_of(study.RTSTRUCT)
        assert dose["reference_rs_series"] == study.RTSTRUCT
        assert dose["reference_pl_series"] == study.RTPLAN
        assert dose["reference_ct_series"] == study.CT

    def test_rows_have_the_ids_of_their_images(self, folder: Path, output: Path):
        with DicomIndex(folder) as index:
            index.update()
            ids = {"ct/1": ["A"], "ct/2": ["A", "B"], "pt": ["C"]}
            write_index(index, output, SERIES, lambda: ids)
            by_series = {row["modality"]: row["image_id"] for row in rows_of(output)}
            write_index(index, output, INSTANCE, lambda: ids)
            by_file = [row["image_id"] for row in rows_of(output)]
        assert (by_series["CT"], by_series["PT"], by_series["SEG"]) == (r"A\B", "C", "")
        assert by_file == ["A", r"A\B", "", "", "", "", "C", ""]

    def test_paths_are_relative_to_the_current_folder(
        self, folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch
    ):
        for current, prefix in ((folder.parent, "data/"), (folder, ""), (folder / "ct", "../")):
            monkeypatch.chdir(current)
            updated(folder, output)
            assert rows_of(output)[0]["file_path"] == f"{prefix}ct/1"
            assert Path(rows_of(output)[0]["folder"]).resolve() == folder / "ct"

    def test_what_cannot_be_written_is_named(self, folder: Path, output: Path):
        output.mkdir()
        with pytest.raises(DicomIndexError, match=r"index\.csv' cannot be written"):
            updated(folder, output)
        assert [*output.parent.glob(".*")] == []


class TestUpToDate:
    def test_only_what_changed_is_read_again(self, folder: Path, output: Path):
        assert updated(folder, output) == 8
        assert updated(folder, output) == 0
        dataset = study.ct_slice(2)
        dataset.SeriesDescription = "changed"
        dataset.save_as(folder / "ct" / "2", enforce_file_format=True)
        study.ct_slice(4).save_as(folder / "new", enforce_file_format=True)
        assert updated(folder, output, INSTANCE) == 2
        assert [row["series_description"] for row in rows_of(output)][:4] == ["", "", "changed", ""]
        assert paths(output, folder)[:4] == ["new", "ct/1", "ct/2", "ct/3"]

    def test_a_change_of_the_time_alone_is_a_change(self, folder: Path, output: Path):
        updated(folder, output)
        os.utime(folder / "pt", ns=(1, 1))
        assert updated(folder, output) == 1

    def test_what_is_gone_is_forgotten(self, folder: Path, output: Path):
        updated(folder, output, INSTANCE)
        (folder / "ct" / "3").unlink()
        (folder / "rtplan").rename(folder / "moved")
        (folder / "seg").unlink()
        (folder / "seg").mkdir()
        assert updated(folder, output, INSTANCE) == 1
        assert paths(output, folder) == ["ct/1", "ct/2", "rtstruct", "moved", "rtdose", "pt"]
        shutil.rmtree(folder / "ct")
        assert updated(folder, output, INSTANCE) == 0
        assert paths(output, folder) == ["rtstruct", "moved", "rtdose", "pt"]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_folder_that_is_away_for_a_moment_is_looked_at_again(
        self, folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ):
        """It is listed up to three times: what has changed, all that is there, what is gone."""
        updated(folder, output, INSTANCE)
        for name in ("1", "2"):
            (folder / "ct" / name).unlink()
        study.ct_slice(9).save_as(folder / "ct" / "9", enforce_file_format=True)
        scandir, listed = os.scandir, []

        def list_folder(path: bytes) -> Any:
            if path == os.fsencode(folder / "ct"):
                listed.append(path)
                if len(listed) == number:
                    raise OSError(errno.EIO, "Input/output error")
            return scandir(path)

        with monkeypatch.context() as away:
            away.setattr(folder_walk.os, "scandir", list_folder)
            updated(folder, output, INSTANCE)
        updated(folder, output, INSTANCE)
        assert paths(output, folder)[:3] == ["ct/3", "ct/9", "rtstruct"]

    def test_nothing_stays_of_the_headers_of_what_is_gone(self, folder: Path, output: Path):
        """They name patients; and the index of a folder that changes each day would grow."""
        updated(folder, output)
        shutil.rmtree(folder / "ct")
        updated(folder, output)
        used = "SELECT header FROM images"
        with closing(sqlite3.connect(database_path(output))) as database:
            unused = database.execute(f"SELECT header FROM headers WHERE id NOT IN ({used})")
            assert unused.fetchall() == []

    def test_nothing_changed_leaves_the_file_alone(self, folder: Path, output: Path):
        updated(folder, output)
        before = output.stat()
        updated(folder, output)
        assert output.stat() == before
        updated(folder, output, INSTANCE)
        assert len(rows_of(output)) == 8

    def test_a_file_that_was_lost_or_touched_is_written_again(self, folder: Path, output: Path):
        updated(folder, output)
        text = output.read_text()
        output.unlink()
        updated(folder, output)
        assert output.read_text() == text
        output.write_text("something else")
        updated(folder, output)
        assert output.read_text() == text

    def test_csv_and_json_share_what_was_read(self, folder: Path, output: Path):
        assert updated(folder, output) == 8
        assert updated(folder, output.with_suffix(".json")) == 0

    def test_the_index_may_lie_in_the_folder(self, folder: Path):
        output = folder / "index.csv"
        for _ in range(2):
            updated(folder, output)
            with DicomIndex(folder, database_path(output), [output]) as index:
                assert index.count(OTHER) == 0

    def test_another_folder_is_read_anew(self, folder: Path, output: Path):
        updated(folder, output)
        assert updated(folder / "ct", output) == 3
        assert len(rows_of(output)) == 1

    def test_a_file_that_could_not_be_read_is_tried_again(self, folder: Path, output: Path):
        target = folder.parent / "target"
        (folder / "link").symlink_to(target)
        assert updated(folder, output) == 8
        study.ct_slice(9).save_as(target, enforce_file_format=True)
        assert updated(folder, output) == 1

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_permission_that_was_given_is_noticed(self, folder: Path, output: Path):
        (folder / "pt").chmod(0)
        updated(folder, output)
        assert len(rows_of(output)) == 5
        (folder / "pt").chmod(0o644)
        assert updated(folder, output) == 1

    def test_a_file_for_which_there_was_no_memory_is_read_the_next_time(
        self, folder: Path, output: Path, monkeypatch
    ):
        """It is not broken: what it is an image of would be without that slice for ever."""

        def read(*_arguments: object) -> None:
            raise MemoryError

        with monkeypatch.context() as short:
            short.setattr(header_reader, "_read", read)
            with DicomIndex(folder, output) as index:
                index.update()
                assert index.count(UNREADABLE) == 0
                reasons = {file.reason for file in index.files(REFUSED)}
                assert "cannot be read: there is not enough memory" in reasons
        with DicomIndex(folder, output) as index:
            index.update()
            assert index.count(DICOM) > 0

    def test_somebody_elses_database_is_left_alone(self, folder: Path, output: Path):
        with sqlite3.connect(database_path(output)) as other:
            other.execute("CREATE TABLE books (title TEXT)")
        other.close()
        with pytest.raises(DicomIndexError, match="is not an index of igtlmeta; choose another"):
            updated(folder, output)

    def test_two_at_a_time_are_told_so(self, folder: Path, output: Path):
        with (
            DicomIndex(folder, database_path(output)),
            pytest.raises(DicomIndexError, match="another igtlmeta is using it"),
        ):
            updated(folder, output)


@pytest.fixture
def socket_in(folder: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        yield folder


def test_sockets_are_not_waited_for(socket_in: Path):
    with DicomIndex(socket_in) as index:
        assert index.update() == 8
        assert index.count(OTHER) == 1


def test_a_series_of_a_hundred_thousand_files(tmp_path: Path):
    """As far as the database goes; the benchmark reads as many as there is time for."""
    study.ct_slice(1).save_as(tmp_path / "1", enforce_file_format=True)
    with DicomIndex(tmp_path) as index:
        index.update()
        numbers = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        index.query(
            f"{numbers} INSERT INTO files SELECT i, folder, CAST(i AS BLOB), 1, 1, 1, 1,"
            " kind, '', 0 FROM n, files"
        )
        columns = [name for _, name, *_ in index.query("PRAGMA table_info(instances)")][1:]
        index.query(
            f"{numbers} INSERT INTO instances SELECT i, {','.join(columns)} FROM n, instances"
        )
        write_sums(index)
        (row,) = index.rows(SERIES)
    assert row["instances"] == 100_000
