"""What the files below a folder offer, as they were when they were last looked at.

A file that is what it was is not read again. While this program runs, no file has an ID that
another has had: who has an older list must not get the image of another file by it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ... import codec
from ...codec.header import DEVICE_NAME_SIZE, MADE_ID_SIZE
from ...file_version import FileVersion
from ...net.source import SourceError
from ...system_errors import reason_of, with_advice
from ..dicom.fields import image_id as id_of_text
from .formats import NIFTI_ENDINGS, ending_of
from .itk_process import HEADER_SECONDS
from .markups_folder import Markups, read_markups
from .volume_file import (
    ENDINGS,
    VolumeFile,
    can_be_same,
    check_name,
    digest_of_files,
    read_header,
    stem_of,
    version_of_files,
)
from .voxel_files import voxel_file

MARKUPS_ENDING = ".mrk.json"
# So much may be lost on headers that are refused, or slow. Then the others have little time: ten
# seconds for each of a thousand would keep a server from starting for hours. Those for which that
# was too little, as on a slow network drive, get more when the folder is looked at again.
_MOST_SECONDS_LOST = 60.0
_HEADER_SECONDS_THEN = 1.0
_SECONDS_FOR_SLOW = 10.0
_SLOW = "its header takes long to be read; it is tried again when clients refresh their list"


@dataclass(frozen=True)
class Offers:
    """The volumes by their IDs, the list of those that are images, the markups of all files.

    ``refused`` is what is not offered: its path in the folder, and the reason.
    """

    files: Mapping[str, VolumeFile]
    listing: Sequence[codec.ImageMetaItem]
    markups: Markups
    refused: list[tuple[str, str]]


@dataclass(frozen=True)
class _Known:
    """What was found in a file, or why it is refused, and of which files of which versions.

    Without a version, it has to be looked at again: it is refused because of what else is in the
    folder.
    """

    found: VolumeFile | Markups | str
    files: tuple[Path, ...] = ()
    version: tuple[FileVersion, ...] | None = None

    @property
    def is_slow(self) -> bool:
        """Whether it had too little time to be read."""
        return self.found == _SLOW


class FolderFiles:
    """The files below a folder. For one thread at a time, but for ``forget``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, _Known] = {}
        self._forgotten: set[Path] = set()
        self._offered: Offers | None = None
        self._paths: dict[str, Path] = {}  # of the IDs that were ever made of names
        self._seconds_lost = 0.0

    def look(self) -> Offers:
        """Return what the folder offers, the same object as long as nothing has changed.

        Raises ``SourceError`` if the folder itself cannot be listed: a share that is away has not
        lost its files.
        """
        paths, closed = self._find()
        slow = [path for path, one in self._known.items() if one.is_slow]
        known = {path: self._look_at(path) for path in paths} | closed
        self._read_slow(known, slow)
        if self._offered is None or known != self._known:
            self._known, self._offered = known, self._offers(known)
        return self._offered

    def _find(self) -> tuple[list[Path], dict[Path, _Known]]:
        """Return the files by their endings, in order, and the folders that cannot be listed."""
        closed: dict[Path, _Known] = {}

        def refuse(error: OSError) -> None:
            path = Path(os.fspath(error.filename))
            if path == self._folder:
                raise SourceError(self._why_not_listed(error)) from error
            if not isinstance(error, FileNotFoundError):  # it is just removed
                reason = f"its files cannot be listed: {reason_of(error)}"
                closed[path] = _Known(reason, (path,), None)

        endings = (*ENDINGS, MARKUPS_ENDING)
        paths = sorted(
            Path(folder, name)
            for folder, _, names in os.walk(self._folder, onerror=refuse)
            for name in names
            if name.lower().endswith(endings)
        )
        return paths, closed

    def _why_not_listed(self, error: OSError) -> str:
        name = repr(str(self._folder))
        if isinstance(error, FileNotFoundError):
            return f"there is no folder {name}; check the path"
        if isinstance(error, NotADirectoryError):
            return f"{name} is a file; give the folder it is in"
        reason = with_advice(error, "check who may read them")
        return f"the files in {name} cannot be listed: {reason}"

    def forget(self, path: Path) -> None:
        """Read a file anew next time, whatever its version is.

        If the folder is just being looked at, and the file has been, that is the time after.
        """
        self._forgotten.add(path)

    def _look_at(self, path: Path) -> _Known:
        known = self._known.get(path)
        if path in self._forgotten:
            self._forgotten.discard(path)
            known = None
        same = None if known is None else self._same(path, known)
        return same or self._read(path)

    def _same(self, path: Path, known: _Known) -> _Known | None:
        """Return what is known of a file, with its version, if the file is the same."""
        if known.version is None:
            return None
        try:
            if ending_of(path) in NIFTI_ENDINGS:
                voxel_file(path, self._folder)  # which depends on what is beside it
            version, file = version_of_files(*known.files), known.found
            if version == known.version:
                return known
            # As all files of a backup that is made of links: their headers would take minutes.
            is_touched = isinstance(file, VolumeFile) and can_be_same(known.version, version)
            if is_touched and digest_of_files(*known.files) == file.digest:
                return replace(known, found=replace(file, version=version), version=version)
        except (SourceError, OSError):  # which is said when it is read
            pass
        return None

    def _read_slow(self, known: dict[Path, _Known], slow: Iterable[Path]) -> None:
        """Read what was slow before, for some seconds: who asks for the list waits meanwhile."""
        end = time.monotonic() + _SECONDS_FOR_SLOW
        for path in slow:
            if time.monotonic() >= end:
                return
            if path in known and known[path].is_slow:
                known[path] = self._read(path, HEADER_SECONDS)

    def _read(self, path: Path, seconds: float = 0.0) -> _Known:
        """Read a file, or its header in so many seconds; 0 is as many as there are left."""
        files, version = (path,), None
        found: VolumeFile | Markups | str
        try:
            if not path.is_file():  # one might wait for a pipe for ever
                raise SourceError("it is no file that can be read")
            if path.name.lower().endswith(MARKUPS_ENDING):
                version = version_of_files(path)
                found = read_markups(path)
            else:
                check_name(path)
                files = (path, voxel_file(path, self._folder))
                version = version_of_files(*files)
                found = self._read_header(*files, seconds)
        except SourceError as error:
            found = str(error)
        except OSError as error:  # of a folder that the system does not let be read
            found = f"it cannot be read: {reason_of(error)}"
        return _Known(found, files, version)

    def _read_header(self, path: Path, voxels: Path, seconds: float) -> VolumeFile:
        is_late = not seconds and self._seconds_lost >= _MOST_SECONDS_LOST
        seconds = _HEADER_SECONDS_THEN if is_late else seconds or HEADER_SECONDS
        begin = time.monotonic()
        try:
            file = read_header(path, voxels, seconds)
        except SourceError:
            taken = time.monotonic() - begin
            self._seconds_lost += taken
            if is_late and taken >= seconds:
                raise SourceError(_SLOW) from None
            raise
        self._seconds_lost += max(0.0, time.monotonic() - begin - _HEADER_SECONDS_THEN)
        return file

    def _offers(self, known: Mapping[Path, _Known]) -> Offers:
        files: dict[str, VolumeFile] = {}
        markups = Markups([], [])
        refused = []
        stems = Counter(
            stem_of(path)
            for path in known
            if path.parent == self._folder and path.name.lower().endswith(ENDINGS)
        )
        for path, one in known.items():
            name = path.relative_to(self._folder).as_posix()
            if isinstance(one.found, str):
                refused.append((name, one.found))
            elif isinstance(one.found, Markups):
                markups.add(one.found)
            else:
                image_id = self._id_of(path, name, stems)
                files[image_id] = one.found.with_id(image_id)
        listing = tuple(file.item for file in files.values() if not file.labels)
        return Offers(files, listing, markups, refused)

    def _id_of(self, path: Path, name: str, stems: Mapping[str, int]) -> str:
        """Return the file's name without its ending, or else one made of its path in the folder.

        Only of a file that has it alone, in the folder itself: if patients have subfolders, and
        each has a CT, the ID of one must not be another's when the server is started again.
        """
        stem = stem_of(path)
        fits = stem.isascii() and stem.isprintable() and 0 < len(stem) <= DEVICE_NAME_SIZE
        # As long as those that are made of paths, it could be one of them.
        is_alone = path.parent == self._folder and stems[stem] == 1 and len(stem) != MADE_ID_SIZE
        is_its_own = fits and is_alone and self._paths.setdefault(stem, path) == path
        return stem if is_its_own else id_of_text(name)
