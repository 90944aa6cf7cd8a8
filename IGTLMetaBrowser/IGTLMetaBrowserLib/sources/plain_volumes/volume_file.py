"""One file of a volume: what its header says, in words of OpenIGTLink, and its voxels."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ... import codec
from ...codec.geometry import flip_matrix_lps_ras
from ...file_version import FileVersion, version_of
from ...lengths import LONGEST, is_length
from ...net.source import SourceError
from ...optional_packages import is_installed, pip_command
from ...regular_file import opened
from ...system_errors import reason_of
from ..dicom.fields import LARGEST_SIZE
from ..dicom.label_maps.label_map import Structure
from ..dicom.volumes.pixel_sizes import MM_NOT_KNOWN
from ..documents.label_file import LabelMapToStore
from .formats import ending_of
from .headers import FileGeometry, check_header, place_of
from .itk_process import HEADER_SECONDS, PROCESS, ItkError
from .itk_reading import VolumeHeader
from .markups_folder import rgba_of
from .voxel_files import voxel_file

# What reads them: left to itself, ITK goes by what is in a file, and knows formats of many files.
_READERS = {
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".nii": "NiftiImageIO",
    ".nii.gz": "NiftiImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
}
ENDINGS = tuple(_READERS)
_NAME_BYTES = 64
_MOST_LISTED = 255  # the largest label of LBMETA
_MOST_DEFLATED = 1032  # bytes that a byte of deflate can stand for (zlib, technical details)
_FLATTEST = 1e-6  # the volume of three axes of length 1
_SAMPLE = 4096  # bytes of a file, three times
_LONGEST_REASON = 100  # it may repeat a text of the file


@dataclass(frozen=True)
class VolumeFile:
    """A file with its line in the listing, its labels, and its version when it was read.

    ``structures`` are all that it names, ``labels`` those that can be listed: LBMETA has a byte.
    ``voxels`` is the file that they are in, perhaps the same; ``metadata`` are what else is known.
    ``digest`` is made of some bytes of both.
    """

    path: Path
    voxels: Path
    item: codec.ImageMetaItem
    labels: tuple[codec.LabelMetaItem, ...]
    version: tuple[FileVersion, ...]
    metadata: Mapping[str, str]
    digest: bytes
    structures: tuple[Structure, ...] = ()

    def with_id(self, image_id: str) -> VolumeFile:
        """Return it as it is listed under an ID."""
        labels = tuple(replace(label, id=image_id) for label in self.labels)
        return replace(self, item=replace(self.item, id=image_id), labels=labels)

    def is_same(self, listed: VolumeFile) -> bool:
        """Whether it is what was listed, under whatever ID, though its version may be another."""
        return replace(self.with_id(listed.item.id), version=listed.version) == listed


def read_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels, (k, j, i) or (k, j, i, components), and the matrix from index to RAS mm.

    The matrix has the shape (4, 4). Raises ``SourceError``. A plain function of a path, so that
    worker processes can call it.
    """
    try:
        header = PROCESS.read_header(path, _READERS[ending_of(path)])
        dtype = _scalar_type(header).dtype
        components = [header.components] if header.components > 1 else []
        shape = (*header.size[::-1], *components)
        voxels = np.empty(shape, dtype.newbyteorder("="))
        read = PROCESS.read_voxels(path, _READERS[ending_of(path)], voxels)
        if _kind_of(read) != _kind_of(header):
            raise ItkError("it changes meanwhile; wait until that is done")
        # ITK does not apply all of its rules to a header that is read without its voxels.
        place = _place_of(path, read)
    except ItkError as error:
        raise SourceError(f"{path.name!r} cannot be read: {error}") from None
    except MemoryError:
        raise SourceError(f"{path.name!r} cannot be read: it takes too much memory") from None
    except OSError as error:
        raise SourceError(f"{path.name!r} cannot be read: {reason_of(error)}") from None
    return voxels[np.newaxis] if len(header.size) == 2 else voxels, place.ijk_to_ras


def read_label_map(path: Path) -> LabelMapToStore:
    """Return a label map with the names and colors that a segmentation of Slicer's has.

    Raises ``SourceError``.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise SourceError(
            f"{path.name} is no label map, which ends with one of {', '.join(ENDINGS)}; and a plan "
            "ends with .json"
        )
    require_simpleitk()
    check_name(path)
    file = read_header(path, voxel_file(path, path.parent))
    return LabelMapToStore(*read_volume(path), file.structures)


def stem_of(path: Path) -> str:
    """Return a file's name without the ending that says what it is."""
    name = path.name
    ending = ".seg.nrrd" if name.lower().endswith(".seg.nrrd") else ending_of(path)
    return name[: -len(ending)]


def check_name(path: Path) -> None:
    """Raise ``SourceError`` if SimpleITK would end the process: it expects names in UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise SourceError("its name, or that of its folder, is not UTF-8; rename it") from None


def read_header(path: Path, voxels: Path, seconds: float = HEADER_SECONDS) -> VolumeFile:
    """Return what a header says, of a volume whose voxels are in that file; it has no ID yet.

    Raises ``SourceError``, and ``OSError``.
    """
    version = version_of_files(path, voxels)
    digest = digest_of_files(path, voxels)
    check_header(path)
    try:
        header = PROCESS.read_header(path, _READERS[ending_of(path)], seconds)
    except ItkError as error:
        raise SourceError(f"it cannot be read: {error}") from None
    size = tuple(header.size)
    if len(size) == 2:
        size = (*size, 1)
    if len(size) != 3 or not 0 < min(size) <= max(size) <= LARGEST_SIZE:
        raise SourceError(f"its size is {size}; OpenIGTLink has images of 3 dimensions to 65535")
    place = _place_of(path, header)
    _check_sense(voxels, header, size, place.ijk_to_ras)
    item = codec.ImageMetaItem(
        name=stem_of(path) if place.has_spacing else f"{stem_of(path)} ({MM_NOT_KNOWN})",
        id="",
        scan_time=_time_of(path),
        size=size,
        scalar_type=_scalar_type(header),
    )
    try:
        is_segmentation = path.name.lower().endswith(".seg.nrrd")
        structures = tuple(_structures(header)) if is_segmentation else ()
    except ValueError as error:
        raise SourceError(f"its segments cannot be read: {str(error)[:_LONGEST_REASON]}") from None
    labels = tuple(
        codec.LabelMetaItem(one.name, item.id, one.label, one.rgba, item.size, "")
        for one in structures
        if one.label <= _MOST_LISTED
    )
    return VolumeFile(path, voxels, item, labels, version, place.metadata, digest, structures)


def _time_of(path: Path) -> codec.Timestamp:
    """Return when a file was last written; not set before 1970 and after 2106."""
    try:
        return codec.Timestamp.from_seconds(path.stat().st_mtime)
    except ValueError:
        return codec.Timestamp()


def _kind_of(header: VolumeHeader) -> tuple[object, ...]:
    return header.size, header.voxel, header.components


def _check_sense(
    voxels: Path, header: VolumeHeader, size: tuple[int, ...], ijk_to_ras: np.ndarray
) -> None:
    """Raise ``SourceError`` if a file cannot hold what its header says, or that makes no sense."""
    byte_count = math.prod(size) * header.components * _scalar_type(header).dtype.itemsize
    if byte_count > voxels.stat().st_size * _MOST_DEFLATED:
        raise SourceError(f"its header says {size} voxels, which its bytes cannot hold")
    is_flat = len(header.size) == 2
    if is_flat and abs(np.linalg.det(np.reshape(header.direction, (2, 2)))) < _FLATTEST:
        raise SourceError(
            "it is a slice across the first two axes of space, which ITK cannot read; "
            "save it as a volume of one slice"
        )
    if not (np.abs(ijk_to_ras) <= LONGEST).all():
        raise SourceError("its header makes no sense: its spacing or origin is over a kilometer")
    axes = ijk_to_ras[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not lengths.min() > 0 or not abs(np.linalg.det(axes / lengths)) > _FLATTEST:
        raise SourceError("its header makes no sense: its axes lie in one plane, or have no length")
    if not all(map(is_length, lengths)):
        widths = " x ".join(f"{length:g}" for length in lengths)
        raise SourceError(f"its header makes no sense: its voxels are {widths} mm wide")


def _scalar_type(header: VolumeHeader) -> codec.ScalarType:
    numpy_types = {
        f"{bits}-bit {sign} integer": f"{short}int{bits}"
        for bits in (8, 16, 32)
        for sign, short in (("signed", ""), ("unsigned", "u"))
    }
    numpy_types |= {"32-bit float": "float32", "64-bit float": "float64"}
    known = numpy_types.get(header.voxel.removeprefix("vector of "))
    if known is None:
        raise SourceError(f"its voxels are {header.voxel}, which OpenIGTLink does not have")
    return codec.ScalarType.of(np.dtype(known))


def _structures(header: VolumeHeader) -> Iterator[Structure]:
    """Yield the structures of a segmentation (Slicer's ``vtkMRMLSegmentationStorageNode``)."""
    if header.components > 1:
        raise SourceError("its segments overlap (several layers); save them as one label map each")
    fields = header.texts
    number = 0
    while f"Segment{number}_ID" in fields:
        prefix = f"Segment{number}_"
        value = int(fields.get(prefix + "LabelValue", number + 1))
        rgba = rgba_of(fields.get(prefix + "Color", "1 1 0").split())
        name = codec.cut_text(fields.get(prefix + "Name", ""), _NAME_BYTES)
        if value > 0:
            yield Structure(name, value, rgba)
        number += 1


def _place_of(path: Path, header: VolumeHeader) -> FileGeometry:
    """Return where an image lies; ITK's matrix is from index to LPS, of 2 or 3 dimensions.

    Raises ``SourceError``.
    """
    count = len(header.size)
    ijk_to_lps = np.eye(4)
    directions = np.reshape(header.direction, (count, count))
    ijk_to_lps[:count, :count] = directions * header.spacing
    ijk_to_lps[:count, 3] = header.origin
    size = (*header.size, 1)[:3]
    begin = bytes.fromhex(header.nifti)
    return place_of(path, flip_matrix_lps_ras(ijk_to_lps), size, begin)


def digest_of_files(*files: Path) -> bytes:
    """Return what some bytes of each file amount to: of its beginning, middle and end.

    That is cheap on any drive. At the end of what is compressed is a checksum of all.
    """
    digest = blake2b(digest_size=16)
    for path in dict.fromkeys(files):
        with opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            for begin in (0, size // 2, max(0, size - _SAMPLE)):
                file.seek(begin)
                digest.update(file.read(_SAMPLE))
    return digest.digest()


def version_of_files(*files: Path) -> tuple[FileVersion, ...]:
    """Return the versions of the files of a volume, of which two may be the same.

    Raises ``SourceError``.

    A server asks again and again while it is read: nothing is opened.
    """
    try:
        return tuple(version_of(file.stat()) for file in dict.fromkeys(files))
    except OSError as error:
        raise SourceError(f"{files[0].name!r} can no longer be read: {reason_of(error)}") from None


def can_be_same(listed: tuple[FileVersion, ...], now: tuple[FileVersion, ...]) -> bool:
    """Whether files can still be those that were listed.

    A new mode, owner or link, as of a backup that is made of links, changes the time of what the
    system knows of a file, and nothing else.
    """
    return [one._replace(ctime_ns=0) for one in listed] == [one._replace(ctime_ns=0) for one in now]


def require_simpleitk() -> None:
    """Raise ``SourceError`` if SimpleITK is not installed. Only its own process loads it."""
    if not is_installed("SimpleITK"):
        raise SourceError(
            "Serving NRRD, NIfTI and MetaImage files needs SimpleITK, which this Python does not "
            f"have, or too old. Install it: {pip_command('SimpleITK')}"
        )
