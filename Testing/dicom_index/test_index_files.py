"""The files of an index: beside a link, without a current folder, and on a damaged disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cli.command import forked_from_imported
from helpers.index_file import rows_of, updated
from IGTLMetaBrowserLib.dicom_index.database import DicomIndexError
from IGTLMetaBrowserLib.dicom_index.export import database_path, part_path
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.rows import INSTANCE
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource


def test_paths_are_whole_if_there_is_no_current_folder_any_more(
    folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch
):
    (output.parent / "gone").mkdir()
    monkeypatch.chdir(output.parent / "gone")
    (output.parent / "gone").rmdir()
    updated(folder, output)
    assert rows_of(output)[0]["file_path"] == f"{folder}/ct/1"


def test_of_a_link_what_is_written_lies_beside_the_file(folder: Path, output: Path):
    """That may be on another disk, from which nothing can be renamed to this one."""
    (output.parent / "disk").mkdir()
    output.symlink_to("disk/written.csv")
    assert part_path(output) == (output.parent / "disk/.written.csv.part").resolve()
    updated(folder, output)
    assert len(rows_of(output.parent / "disk" / "written.csv")) == 6
    assert output.is_symlink()


def test_a_carriage_return_is_no_end_of_a_row(folder: Path, output: Path):
    (folder / "ct" / "1").rename(folder / "ct" / "1\r1")
    updated(folder, output, INSTANCE)
    rows = rows_of(output)
    assert len(rows) == 8
    assert sum(row["file_path"].endswith("/ct/1\r1") for row in rows) == 1


def test_a_damaged_database_is_named(folder: Path, output: Path):
    database_path(output).write_bytes(b"no database" * 1000)
    with pytest.raises(DicomIndexError, match=r"index\.sqlite'.*: file is not a database; remove"):
        updated(folder, output)


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        (b"CREATE TABLE source", b"CREATE TABL\xf9 source"),
        (b"tableheadersheaders", b"tablehead\xe5rsheaders"),
    ],
)
def test_a_damaged_schema_is_named_too(folder: Path, output: Path, sound: bytes, damaged: bytes):
    """SQLite quotes it in what it says, in bytes that are no text."""
    updated(folder, output)
    content = database_path(output).read_bytes()
    assert sound in content
    database_path(output).write_bytes(content.replace(sound, damaged))
    with pytest.raises(DicomIndexError, match=r"what is in it is malformed; remove it"):
        updated(folder, output)


_INDEXES = "('series', 'instance_uid')"
_LAST = "(SELECT max(file) FROM images)"
CHANGES = {
    "what slices share": "UPDATE headers SET header = replace(header, '1', '2')",
    "what they do not": "UPDATE images SET own = replace(own, '1', '2')",
    "whose it is": "UPDATE images SET own = (SELECT own FROM images ORDER BY file LIMIT 1)",
    "no text": "UPDATE headers SET header = x'ff' || header",
    "no text to SQLite": "UPDATE headers SET header = CAST(header AS BLOB)",  # by one bit
    "a header that is lost": "DELETE FROM headers",
    "a slice whose header is lost": f"DELETE FROM images WHERE file = {_LAST}",
    "a slice that is lost": f"DELETE FROM files WHERE id = {_LAST}",
    "one that is no image": f"UPDATE files SET kind = 'other' WHERE id = {_LAST}",
    "one whose fields are lost": f"DELETE FROM instances WHERE file = {_LAST}",
    "another patient": "UPDATE instances SET patient_ID = patient_ID || '1'",
    "no text as a field": "UPDATE instances SET modality = CAST(modality AS BLOB)",
    "another file": f"UPDATE files SET name = 'x' WHERE id = {_LAST}",
    "another version": f"UPDATE files SET size = size + 1 WHERE id = {_LAST}",
    "where rows are looked for": (
        "UPDATE sqlite_master SET rootpage ="
        f" (SELECT sum(rootpage) FROM sqlite_master WHERE name IN {_INDEXES}) - rootpage"
        f" WHERE name IN {_INDEXES}"
    ),
}


@pytest.fixture
def damage(request: pytest.FixtureRequest) -> str:
    return CHANGES[request.param]


@pytest.mark.parametrize("damage", CHANGES, indirect=True)
def test_what_a_disk_has_changed_becomes_no_image(folder: Path, output: Path, damage: str):
    """It would be another image, another's, in another place, or without one of its slices."""
    updated(folder, output)
    change(database_path(output), damage)
    with DicomIndex(folder, database_path(output)) as index:
        index.update()
        for read in (index.images, index.rows):
            with pytest.raises(DicomIndexError, match=r"malformed|decode"):
                [*read()]


def change(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        for pragma in ("foreign_keys = OFF", "writable_schema = ON"):
            connection.execute(f"PRAGMA {pragma}")
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_a_folder_is_served_without_an_index_that_is_damaged(folder: Path, tmp_path: Path):
    database = tmp_path / "index.sqlite"
    with DicomIndex(folder, database) as index:
        index.update()
        count = len(DicomFolderSource(folder, index=index).images())
    change(database, CHANGES["what they do not"])
    with forked_from_imported("serve", folder, "--port", "0", "--index", database) as process:
        assert process.stdout.readline().startswith(f"serving {count} images on ")
        process.terminate()
        words = process.stderr.read()
    assert "malformed; remove it if it was an index, which is then made anew; else" in words
    assert "for this run, the index is kept in memory only" in words
