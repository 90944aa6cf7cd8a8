"""The SQLite database in which an index keeps what it knows of each file.

``files`` has one row for each file that was found, DICOM or not, with the version by which a change
is noticed (``file_version``); ``kind`` is empty until the file is read. Of one that is DICOM,
``sum`` is the checksum of all that is known of it (``row_sums``). ``folders`` has a digest of the
versions for each folder. ``instances`` has the dictionary's fields of the files that are DICOM,
``images`` the headers of those that are images (see ``image_header``); what many of these share is
in ``headers``.
``source`` has a number that grows with each change, and ``written`` the files that were written,
and after which. ``thumbnails`` has what images look like, by the ids under which they are served.
Paths are bytes, as the operating system has them, relative to the indexed folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..file_version import FileVersion
from .fields import PATHS
from .row_sums import DAMAGED

# "IGTM": by this a database is known as an index's own (SQLite's pragma application_id).
_APPLICATION_ID = 0x4947544D
_FORMAT = 20  # raise it when the tables or fields change: older databases are then made anew
# For another process that is writing into the same database.
_SECONDS_TO_WAIT = 2.0

VERSION = ", ".join(FileVersion._fields)
"""The columns of a file's version, in their order."""
_VERSION_COLUMNS = ", ".join(f"{field} INTEGER NOT NULL" for field in FileVersion._fields)
_FIELD_COLUMNS = ", ".join(f"{field} TEXT NOT NULL" for field in PATHS)
_TABLES = f"""
    CREATE TABLE source (folder BLOB NOT NULL, changes INTEGER NOT NULL);
    CREATE TABLE folders (folder BLOB PRIMARY KEY, digest BLOB NOT NULL);
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        folder BLOB NOT NULL,
        name BLOB NOT NULL,
        {_VERSION_COLUMNS},
        kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        sum INTEGER,
        UNIQUE (folder, name)
    );
    CREATE INDEX unread ON files (id) WHERE kind = '';
    CREATE TABLE instances (
        file INTEGER PRIMARY KEY REFERENCES files ON DELETE CASCADE,
        sop_class TEXT NOT NULL,
        {_FIELD_COLUMNS}
    );
    CREATE TABLE headers (id INTEGER PRIMARY KEY, header TEXT NOT NULL UNIQUE);
    CREATE TABLE images (
        file INTEGER PRIMARY KEY REFERENCES files ON DELETE CASCADE,
        header INTEGER NOT NULL REFERENCES headers,
        own TEXT NOT NULL
    );
    CREATE INDEX header ON images (header);
    CREATE INDEX series ON instances (series);
    CREATE INDEX instance_uid ON instances (instance_uid);
    CREATE TABLE thumbnails (
        image TEXT PRIMARY KEY,
        version BLOB NOT NULL,
        content BLOB NOT NULL
    );
    CREATE TABLE written (
        name BLOB PRIMARY KEY,
        how TEXT NOT NULL,
        changes INTEGER NOT NULL,
        {_VERSION_COLUMNS}
    );
"""


class DicomIndexError(Exception):
    """An index cannot be made, read or written; the text says why and what to do."""


def open_database(path: Path | None, folder: bytes) -> sqlite3.Connection:
    """Open the database for the index of ``folder`` at ``path``, or in memory for None.

    One that is missing is made; one of another folder or an older format is emptied. Raises
    ``DicomIndexError`` if the file is something else, or cannot be used.
    """
    with errors_described(path):
        database = sqlite3.connect(
            path or ":memory:",
            timeout=_SECONDS_TO_WAIT,
            isolation_level=None,
            # Used by one thread at a time, which need not be the one that opens it: a source is
            # opened before the thread of its server is started. No function of Python's may be
            # added, see ``row_sums``.
            check_same_thread=False,
        )
        try:
            _prepare(database, path, folder)
        except BaseException:
            database.close()
            raise
    return database


def change(
    database: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]] | None = None
) -> None:
    """Run a statement that changes the index, once or for each of ``rows``, and count it."""
    if rows is None:
        count = database.execute(statement).rowcount
    else:
        count = database.executemany(statement, rows).rowcount if rows else 0
    if count > 0:
        database.execute("UPDATE source SET changes = changes + 1")


@contextmanager
def errors_described(path: Path | None) -> Iterator[None]:
    """Have ``DicomIndexError`` say what goes wrong with the database, and what to do about it."""
    try:
        yield
    except sqlite3.Error as error:
        raise _described(error, path) from error
    except UnicodeDecodeError as error:  # what SQLite says of a damaged schema quotes it
        raise _described(sqlite3.DatabaseError(DAMAGED), path) from error


def _described(error: sqlite3.Error, path: Path | None) -> DicomIndexError:
    text = str(error) or DAMAGED  # Python 3.10 leaves out what quotes bytes that are no text
    if "locked" in text:
        advice = "another igtlmeta is using it; wait until it has finished"
    elif "not a database" in text or "malformed" in text:
        advice = "remove it if it was an index, which is then made anew; else choose another output"
    else:
        advice = "check the folder and its disk, or choose another output"
    return DicomIndexError(f"{os.fspath(path or 'the index')!r}: {text}; {advice}")


def _prepare(database: sqlite3.Connection, path: Path | None, folder: bytes) -> None:
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN IMMEDIATE")
    if _is_empty(database):
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif _pragma(database, "application_id") != _APPLICATION_ID:
        raise DicomIndexError(
            f"{os.fspath(path or '')!r} is not an index of igtlmeta; choose another output"
        )
    if not _is_up_to_date(database, folder):
        _make_tables(database, folder)
    database.execute("COMMIT")


def _make_tables(database: sqlite3.Connection, folder: bytes) -> None:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in tables:
        database.execute(f"DROP TABLE {name}")
    for statement in _TABLES.split(";"):
        database.execute(statement)
    database.execute("INSERT INTO source VALUES (?, 0)", (folder,))
    database.execute(f"PRAGMA user_version = {_FORMAT}")


def _is_up_to_date(database: sqlite3.Connection, folder: bytes) -> bool:
    is_known = _pragma(database, "user_version") == _FORMAT
    return is_known and database.execute("SELECT folder FROM source").fetchone() == (folder,)


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return database.execute(f"PRAGMA {name}").fetchone()[0]
