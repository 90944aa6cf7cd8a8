"""Compares what is in a folder with what an index knows, and notes what is to be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from hashlib import blake2b
from itertools import islice
from struct import Struct

from ..file_version import FileVersion
from .database import VERSION, change
from .folder_walk import FolderEntry, files_in, walk
from .headers.header_reader import REFUSED

_STORED_AT_ONCE = 500
_VERSION_BYTES = Struct(f"<{len(FileVersion._fields)}q")


def survey(database: sqlite3.Connection, root: bytes, ignored: Collection[bytes]) -> None:
    """Note the files below ``root`` that are new or changed, and forget those that are gone.

    Memory does not grow with the number of files. To be run in a transaction.
    """
    before = _changes(database)
    # Permission may have been given since, without a change of the file.
    change(database, f"UPDATE files SET kind = '' WHERE kind = '{REFUSED}' AND size >= 0")
    database.execute("CREATE TEMP TABLE visited (folder BLOB PRIMARY KEY)")
    for folder, entries in walk(root, ignored):
        database.execute("INSERT INTO visited VALUES (?)", (folder,))
        digest = _digest(entries)
        known = database.execute("SELECT digest FROM folders WHERE folder = ?", (folder,))
        if known.fetchone() != (digest,):
            stored = _survey_folder(database, root, folder, ignored)
            database.execute("REPLACE INTO folders VALUES (?, ?)", (folder, stored))
    for table in ("files", "folders"):
        change(database, f"DELETE FROM {table} WHERE folder NOT IN (SELECT folder FROM visited)")
    database.execute("DROP TABLE visited")
    if _changes(database) != before:  # of what is gone, no patient's name stays
        used = "SELECT 1 FROM images WHERE images.header = headers.id"
        database.execute(f"DELETE FROM headers WHERE NOT EXISTS ({used})")


def _changes(database: sqlite3.Connection) -> int:
    return database.execute("SELECT changes FROM source").fetchone()[0]


class _Listing:
    """The files in a folder in batches. When all were taken, ``digest`` tells them from others."""

    def __init__(self, entries: Iterator[FolderEntry]) -> None:
        self._entries = entries
        self._hash = blake2b(digest_size=16)

    def __iter__(self) -> Iterator[list[FolderEntry]]:
        pack = _VERSION_BYTES.pack
        while batch := list(islice(self._entries, _STORED_AT_ONCE)):
            parts = [part for one in batch for part in (one.name, pack(*one.version))]
            self._hash.update(b"/".join(parts))
            yield batch

    @property
    def digest(self) -> bytes:
        return self._hash.digest()


def _digest(entries: Iterator[FolderEntry]) -> bytes:
    """Return what shows whether anything in a folder has changed: by far most have not."""
    listing = _Listing(entries)
    for _ in listing:
        pass
    return listing.digest


def _survey_folder(
    database: sqlite3.Connection, root: bytes, folder: bytes, ignored: Collection[bytes]
) -> bytes:
    """Note the files that are new or changed, and forget those that are gone.

    Return the digest of what is known now: a share that is away for a moment, or descriptors that
    are short, can make each listing another one. It is empty if it is not clear what is gone.
    """
    count, listing = 0, _Listing(files_in(root, folder, ignored))
    for batch in listing:
        count += len(batch)
        _store_changed(database, folder, batch)
    statement = "SELECT COUNT(*) FROM files WHERE folder = ?"
    if database.execute(statement, (folder,)).fetchone() != (count,):
        again = _Listing(files_in(root, folder, ignored))
        present = {entry.name for batch in again for entry in batch}
        if again.digest != listing.digest:
            return b""
        known = database.execute("SELECT name FROM files WHERE folder = ?", (folder,))
        gone = [(folder, name) for (name,) in known if name not in present]
        change(database, "DELETE FROM files WHERE folder = ? AND name = ?", gone)
    return listing.digest


def _store_changed(database: sqlite3.Connection, folder: bytes, entries: list[FolderEntry]) -> None:
    """Store the entries that are new or changed."""
    marks = ",".join("?" * len(entries))
    known = {
        name: version
        for name, *version in database.execute(
            f"SELECT name, {VERSION} FROM files WHERE folder = ? AND name IN ({marks})",
            (folder, *(entry.name for entry in entries)),
        )
    }
    changed = [entry for entry in entries if known.get(entry.name) != [*entry.version]]
    # The fields of a changed file go with its row.
    old = [(folder, entry.name) for entry in changed if entry.name in known]
    change(database, "DELETE FROM files WHERE folder = ? AND name = ?", old)
    change(
        database,
        f"INSERT INTO files (folder, name, {VERSION}, kind, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(folder, entry.name, *entry.version, entry.kind, entry.reason) for entry in changed],
    )
