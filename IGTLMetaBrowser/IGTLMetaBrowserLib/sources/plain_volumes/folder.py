"""A folder of plain volumes as a source: NRRD, NIfTI and MetaImage, read by ITK.

- A file of a scalar or vector image in two or three dimensions is an image.
- A segmentation that Slicer wrote (``.seg.nrrd`` with one layer) is a label map; its structures
  have the names and colors of the file.
- What Slicer saved as markups (``.mrk.json``) is offered too: lines as trajectories, other points
  as points.

Needs SimpleITK, which runs in a process of its own: a file that ends it is refused, that is all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ... import codec
from ...file_version import FileVersion
from ...net.source import SourceError
from ..background import Background
from ..folder_scans import FolderScans
from .folder_files import FolderFiles
from .itk_process import PROCESS
from .volume_file import (
    ENDINGS,
    VolumeFile,
    can_be_same,
    read_header,
    read_volume,
    require_simpleitk,
    version_of_files,
)
from .voxel_files import voxel_file

_logger = logging.getLogger(__name__)


class PlainVolumeSource:
    """Offers the volumes and markups in the files below ``folder``.

    Files that come, change or go are noticed when a list is asked for again. A file that changed
    since it was listed is sent only if it is what the list says.

    Raises ``SourceError`` if the folder is missing or SimpleITK is not installed.

    With ``is_served``, for a server that must not keep others waiting, files are read in a thread,
    and the folder is looked at in another, until ``close`` ends them.
    """

    def __init__(self, folder: str | os.PathLike[str], is_served: bool = False) -> None:
        require_simpleitk()
        self._background = Background() if is_served else None
        self.folder = Path(folder)
        self._files = FolderFiles(self.folder)
        self._offers = self._files.look()
        self._scans = FolderScans(is_served)

    @property
    def refused(self) -> list[tuple[str, str]]:
        """What is not offered: its path in the folder, and the reason."""
        return self._offers.refused

    def close(self) -> None:
        """End the threads, and what they read. Nothing can be asked for any more."""
        self._scans.close(PROCESS.close)
        if self._background is not None:
            self._background.close(PROCESS.close)
            PROCESS.close()

    @classmethod
    def is_for(cls, folder: Path) -> bool:
        """Whether a folder has such files, and so is none of DICOM files."""
        return any(path.name.lower().endswith(ENDINGS) for path in folder.rglob("*"))

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the listing, in the order of the paths.

        This and the other lists raise ``NotReadyError`` while the folder is looked at, for a second
        at most.
        """
        self._look_again()
        return self._offers.listing

    def _look_again(self) -> None:
        try:
            found = self._scans.new(self._files.look)
        except SourceError as error:  # a share that is away
            _logger.warning("the list is as it was before: %s", error)
        else:
            self._offers = found or self._offers

    def image(self, image_id: str) -> codec.ImageMessage:
        """Read an image or a label map; raises ``SourceError``, and ``NotReadyError`` meanwhile."""
        file = self._file(image_id)
        try:
            pixels, ijk_to_ras = self._read(file, self.image_version(image_id))
        except _ChangedError:
            self._scans.scan_next_time()
            raise
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

    def _read(
        self, file: VolumeFile, version: tuple[FileVersion, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        if not can_be_same(file.version, version):
            raise _ChangedError(file.path)
        if self._background is None:
            return self._read_checked(file, version)
        key = (file.path, (file.version, version))
        if not self._background.is_begun(key):
            self._background.wait_for_room()
            work = partial(self._read_checked, file, version)
            self._background.begin(key, work, is_large=True)
        return self._background.take(key)

    def _read_checked(
        self, file: VolumeFile, version: tuple[FileVersion, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read a volume of this version.

        Raises ``SourceError``, also if it is another than was listed.
        """
        if voxel_file(file.path, self.folder) != file.voxels or (
            version != file.version and not self._is_as_listed(file)
        ):
            self._files.forget(file.path)
            raise _ChangedError(file.path)
        volume = read_volume(file.path)
        # Only now: it may have been replaced while it waited, or was read.
        if version_of_files(file.path, file.voxels) != version:
            raise _ChangedError(file.path)
        return volume

    def _is_as_listed(self, file: VolumeFile) -> bool:
        try:
            return read_header(file.path, file.voxels).is_same(file)
        except SourceError:  # the next list says it
            return False

    def image_version(self, image_id: str) -> tuple[FileVersion, ...]:
        """Return what tells its file, or its two files, from others. Raises ``SourceError``."""
        file = self._file(image_id)
        try:
            return version_of_files(file.path, file.voxels)
        except SourceError:
            raise _ChangedError(file.path) from None

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the structures of all segmentations."""
        self._look_again()
        return [label for file in self._offers.files.values() for label in file.labels]

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the lines of the markups files."""
        self._look_again()
        return self._offers.markups.trajectories

    def points(self) -> Sequence[codec.PointItem]:
        """Return the other points of the markups files."""
        self._look_again()
        return self._offers.markups.points

    def _file(self, image_id: str) -> VolumeFile:
        if image_id not in self._offers.files:
            raise SourceError(
                f"there is no image with the ID {image_id!r}; refresh the list of images"
            )
        return self._offers.files[image_id]


class _ChangedError(SourceError):
    """A file is no longer the one that was listed."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name!r} has changed since it was listed; refresh the list of images"
        )
