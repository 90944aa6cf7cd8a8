"""The index of a folder of DICOM files: the dictionary's fields of each, kept up to date.

Files are recognized by their content, whatever they are called.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..file_version import FileVersion
from ..system_errors import with_advice
from .database import VERSION, DicomIndexError, change, errors_described, open_database
from .fields import PATHS
from .headers.header_reader import DICOM, UNREAD, FileContent
from .row_sums import sum_of
from .rows import (
    INSTANCE,
    File,
    ImageFile,
    Row,
    read_files,
    read_images,
    read_referenced_series,
    read_rows,
    read_rows_of,
    read_series_sizes,
)
from .scan import survey
from .workers import Batch, Contents, NoProcessesError, read_batches

_READ_AT_ONCE = 64
# To start processes takes longer than to read so few files.
_TOO_FEW_FOR_PROCESSES = 4 * _READ_AT_ONCE
# If the system has ended a process that reads, for want of memory perhaps.
_ATTEMPTS = 2
# What was read before Ctrl-C is kept; a commit for each file would wait for the disk each time.
_SECONDS_BETWEEN_COMMITS = 1.0


class DicomIndex:
    """What is known of the files below ``folder``; a context manager, closed with its block.

    ``database`` is the file that holds it from one run to the next (see ``database``);
    without one it is in memory. Files named in ``ignored`` are passed over, as is the database:
    they are what is written from it. Errors are ``DicomIndexError``.
    """

    def __init__(
        self, folder: Path, database: Path | None = None, ignored: Iterable[Path] = ()
    ) -> None:
        if folder.is_file():
            raise DicomIndexError(f"{os.fspath(folder)!r} is a file; give the folder it is in")
        if not folder.is_dir():
            raise DicomIndexError(f"there is no folder {os.fspath(folder)!r}; check the path")
        self.folder = folder
        self.database = database
        self._path_given = folder.absolute()
        self._root = self._resolved()
        own = [*ignored, *([database, Path(f"{database}-journal")] if database else [])]
        self._own = {os.fsencode(path.parent.resolve() / path.name) for path in own}
        self._sql = open_database(database, self._root)

    def __enter__(self) -> DicomIndex:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what is not committed is forgotten."""
        self._sql.close()

    def in_memory(self) -> DicomIndex:
        """Return a copy: while a database is open, no other process can open it."""
        copy = DicomIndex(self.folder)
        try:
            with self._errors_described():
                self._sql.backup(copy._sql)
        except BaseException:
            copy.close()
            raise
        return copy

    # Bringing it up to date ----------------------------------------------------------------------

    def update(
        self,
        jobs: int = 1,
        progress: Callable[[int, int], None] | None = None,
        executor: Any = None,
    ) -> int:
        """Read the files that are new or changed, and forget those that are gone.

        ``jobs`` processes read, or an executor of ``concurrent.futures``, see ``workers``.
        ``progress`` is called with how many files are read and are to be. Returns how many were
        read. An exception, as Ctrl-C raises, leaves what was read until then, and the next update
        goes on from there.
        """
        with self._errors_described():
            self._survey()
            total = self._count(UNREAD)
            if executor is None and total < _TOO_FEW_FOR_PROCESSES:
                jobs = 1
            done = 0
            for _ in range(_ATTEMPTS):
                batches = read_batches(self._unread(), jobs, executor)
                try:
                    with closing(batches), closing(self._committing(batches)) as committed:
                        for contents in committed:
                            self._store(contents)
                            done += len(contents)
                            if progress is not None:
                                progress(done, total)
                except NoProcessesError:
                    jobs = 1  # this one reads
                if done == total:
                    break
            if total != done:
                raise DicomIndexError(
                    f"{total - done} files have not been read yet: the processes that were to "
                    "read them were ended. Run it again, with fewer jobs if memory is short"
                )
        return done

    def _survey(self) -> None:
        self._root = self._resolved()
        try:
            with self._transaction():
                survey(self._sql, self._root, self._own)
        except OSError as error:
            raise DicomIndexError(
                f"the files in {os.fspath(self.folder)!r} cannot be listed: "
                f"{with_advice(error, 'check the folder')}"
            ) from None

    def add(self, files: Iterable[tuple[str, FileVersion, FileContent]]) -> None:
        """Take over files of this folder that were read elsewhere, perhaps before they are written.

        Each is its name, its version, and what is in it (``header_reader.read_content``). The next
        ``update`` reads those again of whose version no more is known than the size.
        """
        with self._errors_described(), self._transaction():
            self._store([(self._insert(name, known), content) for name, known, content in files])

    def _insert(self, name: str, version: FileVersion) -> int:
        """Note a file; return its number."""
        statement = (
            f"INSERT INTO files (folder, name, {VERSION}, kind, reason)"
            " VALUES (X'', ?, ?, ?, ?, ?, '', '')"
        )
        return self._sql.execute(statement, (os.fsencode(name), *version)).lastrowid or 0

    def _unread(self) -> Iterator[Batch]:
        last = 0
        while rows := self._sql.execute(
            "SELECT id, folder, name FROM files WHERE kind = '' AND id > ? ORDER BY id LIMIT ?",
            (last, _READ_AT_ONCE),
        ).fetchall():
            yield [(number, self._path(*names)) for number, *names in rows]
            last = rows[-1][0]

    def _committing(self, batches: Iterator[Contents]) -> Iterator[Contents]:
        """Yield the batches, and commit what is made of them now and then, and in the end."""
        self._sql.execute("BEGIN")
        began = time.monotonic()
        try:
            for contents in batches:
                yield contents
                if time.monotonic() - began > _SECONDS_BETWEEN_COMMITS:
                    self._sql.execute("COMMIT")
                    self._sql.execute("BEGIN")
                    began = time.monotonic()
        finally:
            try:
                self._sql.commit()
            except sqlite3.Error:  # the disk is full
                self._sql.rollback()
                raise

    def _store(self, contents: Contents) -> None:
        """Keep what was read: all of it, or nothing if somebody interrupts this."""
        with self._transaction():
            self._store_in_parts(contents)

    def _store_in_parts(self, contents: Contents) -> None:
        marks = ",".join("?" * (2 + len(PATHS)))
        change(
            self._sql,
            f"INSERT OR REPLACE INTO instances VALUES ({marks})",
            [
                (number, content.sop_class, *content.values)
                for number, content in contents
                if content.kind == DICOM
            ],
        )
        images = [
            (number, *packed)
            for number, content in contents
            if (packed := content.packed_image()) is not None
        ]
        self._sql.executemany(
            "INSERT OR IGNORE INTO headers (header) VALUES (?)", {(image[1],) for image in images}
        )
        self._sql.executemany(
            "INSERT OR REPLACE INTO images SELECT ?, id, ? FROM headers WHERE header = ?",
            [(number, own, shared) for number, shared, own in images],
        )
        change(
            self._sql,
            "UPDATE files SET kind = ?, reason = ?, sum = ? WHERE id = ?",
            [
                (content.kind, content.reason, sum_of(self._sql, number), number)
                for number, content in contents
            ],
        )

    # What is in it -------------------------------------------------------------------------------

    def count(self, kind: str) -> int:
        """Return how many files are of a kind (see ``header_reader``)."""
        with self._errors_described():
            return self._count(kind)

    def files(self, *kinds: str) -> Iterator[File]:
        """Yield the files of these kinds in the order of their paths, which are in the folder."""
        with self._errors_described():
            yield from read_files(self._sql, kinds)

    def rows(self, level: str = INSTANCE, prefix: str = "") -> Iterator[Row]:
        """Yield all fields of each file, or, at the level ``SERIES``, of each subseries' first.

        They come in the order of patient_ID, study, series, subseries, folder, and name. ``prefix``
        comes before the paths, which are in the folder.
        """
        with self._errors_described():
            yield from read_rows(self._sql, level, prefix)

    def images(self, known: Mapping[str, ImageFile] | None = None) -> Iterator[ImageFile]:
        """Yield the images in the order of their paths, which are in the folder.

        Headers of one series share what they have in common, so that memory does not grow with it.
        Those of ``known``, by their paths, that have not changed since come again as they are.
        """
        with self._errors_described():
            yield from read_images(self._sql, known or {})

    @property
    def changes(self) -> int:
        """A number that grows with each change of what is in the index."""
        return self.query("SELECT changes FROM source")[0][0]

    def row(self, path: str) -> Row:
        """Return all fields of a file, by its path in the folder; none if it is not known."""
        return next(self.rows_of([path]))

    def rows_of(self, paths: Iterable[str]) -> Iterator[Row]:
        """Yield for each of these paths what ``row`` returns."""
        split = map(os.path.split, paths)
        with self._errors_described():
            yield from read_rows_of(
                self._sql, ((os.fsencode(folder), os.fsencode(name)) for folder, name in split)
            )

    def series_sizes(self) -> dict[tuple[str, ...], int]:
        """Return how many files each series has, by its ``rows.SERIES_KEYS``."""
        with self._errors_described():
            return read_series_sizes(self._sql)

    def referenced_series(self) -> dict[str, str]:
        """Return the series that files refer to, by the UIDs in their references."""
        with self._errors_described():
            return read_referenced_series(self._sql)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the answer to a question in SQL, see ``database``."""
        with self._errors_described():
            return self._sql.execute(statement, values).fetchall()

    # Thumbnails ----------------------------------------------------------------------------------

    def thumbnail(self, image: str, version: bytes) -> bytes | None:
        """Return what ``keep_thumbnail`` has kept of this version of an image, or None."""
        found = self.query(
            "SELECT content FROM thumbnails WHERE image = ? AND version = ?", image, version
        )
        return found[0][0] if found else None

    def keep_thumbnail(self, image: str, version: bytes, content: bytes) -> None:
        """Keep what an image looks like, in place of what it looked like before."""
        self.query("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", image, version, content)

    def forget_thumbnails(self, images: Collection[str]) -> None:
        """Forget the thumbnails of all but these images."""
        for (image,) in self.query("SELECT image FROM thumbnails"):
            if image not in images:
                self.query("DELETE FROM thumbnails WHERE image = ?", image)

    # Parts ---------------------------------------------------------------------------------------

    def _resolved(self) -> bytes:
        """Return where the folder is: a link, as one to the newest data, may lead elsewhere now."""
        return os.fsencode(os.path.realpath(self._path_given))

    def _path(self, folder: bytes, name: bytes) -> bytes:
        return os.path.join(self._root, folder, name)  # noqa: PTH118 - pathlib has no bytes

    def _count(self, kind: str) -> int:
        statement = "SELECT COUNT(*) FROM files WHERE kind = ?"
        return self._sql.execute(statement, (kind,)).fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Take back all that the block has changed if it fails or is interrupted.

        There may be another one around it, of which the rest stays.
        """
        self._sql.execute("SAVEPOINT block")
        try:
            yield
            self._sql.execute("RELEASE block")
        except BaseException:
            with suppress(sqlite3.Error):  # if the disk is full, SQLite has taken all back itself
                self._sql.execute("ROLLBACK TO block")
                self._sql.execute("RELEASE block")
            raise

    def _errors_described(self) -> AbstractContextManager[None]:
        return errors_described(self.database)
