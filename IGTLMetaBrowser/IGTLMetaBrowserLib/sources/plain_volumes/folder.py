"""A folder of plain volumes as a source: NRRD, NIfTI and MetaImage, read by ITK.

- A file of a scalar or vector image in two or three dimensions is an image.
- A segmentation that Slicer wrote (``.seg.nrrd`` with one layer) is a label map; its structures
  have the names and colors of the file.
- What Slicer saved as markups (``.mrk.json``) is offered too: lines as trajectories, other points
  as points.

Needs SimpleITK, which runs in a process of its own: a file that ends it is refused, that is all.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ... import codec
from ...file_version import FileVersion
from ...net.source import SourceError
from ..background import Background
from ..dicom.fields import ID_LENGTH
from ..dicom.fields import image_id as id_of_text
from .itk_process import HEADER_SECONDS, PROCESS
from .markups_folder import Markups, read_markups
from .volume_file import (
    ENDINGS,
    VolumeFile,
    check_name,
    read_header,
    read_volume,
    require_simpleitk,
    stem_of,
    version_of_files,
)
from .voxel_files import voxel_file

MARKUPS_ENDING = ".mrk.json"
_ID_BYTES = 20
# So much may be lost on headers that are refused. Then the others have little time: ten seconds for
# each of a thousand would keep a server from starting for hours. What is read is not lost, however
# slow a network drive is.
_MOST_SECONDS_LOST = 60.0
_HEADER_SECONDS_THEN = 1.0


class PlainVolumeSource:
    """Offers the volumes and markups in the files below ``folder``, as they are when it is made.

    ``refused`` lists what is not offered: its path in the folder, and the reason. Raises
    ``SourceError`` if the folder is missing or SimpleITK is not installed.

    With ``is_served``, for a server that must not keep others waiting, files are read in a thread
    until ``close`` ends it.
    """

    def __init__(self, folder: str | os.PathLike[str], is_served: bool = False) -> None:
        require_simpleitk()
        self._background = Background() if is_served else None
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise SourceError(f"there is no folder {str(self.folder)!r}")
        self.refused: list[tuple[str, str]] = []
        self._files: dict[str, VolumeFile] = {}
        self._markups = Markups([], [])
        self._seconds_lost = 0.0
        paths = sorted(self.folder.rglob("*"))
        volumes = [path for path in paths if path.name.lower().endswith(ENDINGS)]
        self._stems = Counter(stem_of(path) for path in volumes if path.parent == self.folder)
        for path in paths:
            self._add(path)
        self._listing = tuple(file.item for file in self._files.values() if not file.labels)

    def close(self) -> None:
        """End the thread, and what it reads. Nothing can be asked for any more."""
        if self._background is not None:
            self._background.close(PROCESS.close)
            PROCESS.close()

    @classmethod
    def is_for(cls, folder: Path) -> bool:
        """Whether a folder has such files, and so is none of DICOM files."""
        return any(path.name.lower().endswith(ENDINGS) for path in folder.rglob("*"))

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing, in the order of the paths."""
        return self._listing

    def image(self, image_id: str) -> codec.ImageMessage:
        """Read an image or a label map; raises ``SourceError``, and ``NotReadyError`` meanwhile."""
        file = self._file(image_id)
        if version_of_files(file.path, file.voxels) != file.version:
            raise _changed(file.path)
        pixels, ijk_to_ras = self._read(file)
        return codec.ImageMessage.from_ijk_to_ras(
            pixels,
            ijk_to_ras,
            device_name=image_id,
            timestamp=file.item.scan_time,
            metadata=dict(file.metadata),
        )

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """Return what there is to know of an image's place. Raises ``SourceError``."""
        return self._file(image_id).metadata

    def _read(self, file: VolumeFile) -> tuple[np.ndarray, np.ndarray]:
        if self._background is None:
            return self._read_checked(file)
        key = (file.path, file.version)
        if not self._background.is_begun(key):
            self._background.wait_for_room()
            self._background.begin(key, partial(self._read_checked, file), is_large=True)
        return self._background.take(key)

    def _read_checked(self, file: VolumeFile) -> tuple[np.ndarray, np.ndarray]:
        """Read a volume. Raises ``SourceError``, also if it is another than was listed."""
        if voxel_file(file.path, self.folder) != file.voxels:
            raise _changed(file.path)
        volume = read_volume(file.path)
        # Only now: it may have been replaced while it waited, or was read.
        if version_of_files(file.path, file.voxels) != file.version:
            raise _changed(file.path)
        return volume

    def image_version(self, image_id: str) -> tuple[FileVersion, ...]:
        """Return what tells its file, or its two files, from others. Raises ``SourceError``."""
        file = self._file(image_id)
        return version_of_files(file.path, file.voxels)

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures of all segmentations."""
        return [label for file in self._files.values() for label in file.labels]

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the lines of the markups files."""
        return self._markups.trajectories

    def points(self) -> Sequence[codec.PointItem]:
        """Return the other points of the markups files."""
        return self._markups.points

    def _file(self, image_id: str) -> VolumeFile:
        if image_id not in self._files:
            raise SourceError(
                f"there is no image with the ID {image_id!r}; refresh the list of images"
            )
        return self._files[image_id]

    def _add(self, path: Path) -> None:
        name = path.relative_to(self.folder).as_posix()
        if not path.name.lower().endswith((*ENDINGS, MARKUPS_ENDING)):
            return
        try:
            if not path.is_file():  # one might wait for a pipe for ever
                raise SourceError("it is no file that can be read")
            if path.name.lower().endswith(MARKUPS_ENDING):
                self._markups.add(read_markups(path))
            else:
                check_name(path)
                file = self._read_header(path, self._id_of(path, name))
                self._files[file.item.id] = file
        except SourceError as error:
            self.refused.append((name, str(error)))
        except OSError as error:  # of a folder that the system does not let be read
            self.refused.append((name, f"it cannot be read: {error.strerror}"))

    def _read_header(self, path: Path, image_id: str) -> VolumeFile:
        is_late = self._seconds_lost >= _MOST_SECONDS_LOST
        seconds = _HEADER_SECONDS_THEN if is_late else HEADER_SECONDS
        begin = time.monotonic()
        try:
            return read_header(path, image_id, self.folder, seconds)
        except SourceError:
            self._seconds_lost += time.monotonic() - begin
            raise

    def _id_of(self, path: Path, name: str) -> str:
        """Return the file's name without its ending, or else one made of its path in the folder.

        Only of a file that has it alone, in the folder itself: if patients have subfolders, and
        each has a CT, the ID of one must not be another's when the server is started again.
        """
        stem = stem_of(path)
        fits = stem.isascii() and stem.isprintable() and 0 < len(stem) <= _ID_BYTES
        # As long as those that are made of paths, it could be one of them.
        is_alone = path.parent == self.folder and self._stems[stem] == 1 and len(stem) != ID_LENGTH
        return stem if fits and is_alone else id_of_text(name)


def _changed(path: Path) -> SourceError:
    return SourceError(f"{path.name!r} has changed since it was listed; start the server again")
