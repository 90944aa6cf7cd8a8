"""The headers of the images that a document is stored for, from a folder or an archive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..dicom_index.fields import without_padding
from ..dicom_index.headers.header_reader import DICOM, DICOMDIR, OTHER, read_content, read_file
from ..dicom_index.headers.image_header import unpack_header
from ..dicom_index.headers.limited_file import open_limited
from ..dicom_index.headers.whole_dataset import read_whole
from ..net.source import SourceError
from ..sources.archive.archive import Archive, Series
from ..system_errors import reason_of
from . import output

if TYPE_CHECKING:
    from pydicom import Dataset


def images_in_folder(folder: Path) -> list[Dataset]:
    """Return the headers of the images in a folder. Raises ``SourceError``."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; check --images")
    paths = sorted(folder.rglob("*"))
    files = [path for path in paths if path.is_file()]
    images = [image for path in files for image in _image_in(path, str(path))]
    if not images:
        raise SourceError(f"{folder} has no DICOM images; name the folder of the plan's images")
    return images


def images_of_series(archive: Archive, uid: str) -> list[Dataset]:
    """Return the headers of the images of a series. Raises ``SourceError``."""
    # An archive may pass over what it is asked for (PS3.18 8.3.4), and name any other.
    query = {"SeriesInstanceUID": uid}
    found = [one for one in archive.find(query, 2) if one.uid == uid]
    if len(found) != 1:
        many = f"{len(found)} series" if found else "no series"
        raise SourceError(f"{archive.name} has {many} {uid}; check --series")
    images: list[Dataset] = []
    # Nothing of them goes to the disk, where it would stay if this process is killed.
    archive.fetch(found[0], lambda content: images.extend(_image_in(content, "a file")))
    if not images:
        raise SourceError(f"the series {uid} has no images in {archive.name}")
    _check_series(images, found[0], archive)
    return images


def without_copies(images: Iterable[Dataset]) -> list[Dataset]:
    """Return each image once. Raises ``SourceError`` if two that differ are called the same."""
    found: dict[object, Dataset] = {}
    for image in images:
        uid = image.get("SOPInstanceUID") or id(image)
        if found.setdefault(uid, image) != image:
            raise SourceError(f"two images that differ are both {uid}; leave out the wrong one")
    return [*found.values()]


def _check_series(images: list[Dataset], series: Series, archive: Archive) -> None:
    """Raise ``SourceError`` unless images are of a series: they say where a document belongs."""
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "PatientID"):
        found = {without_padding(str(image.get(keyword) or "")) for image in images}
        if found - {series[keyword]}:
            raise SourceError(
                f"{archive.name} has sent images of another {keyword} than it lists for the series "
                f"{series.uid}; nothing is stored"
            )


def _image_in(source: Path | bytes | memoryview, name: str) -> Iterator[Dataset]:
    """Yield the header of the image in a file, or in its bytes, if there is one."""
    content = read_file(str(source)) if isinstance(source, Path) else read_content(source)
    reason = content.reason
    if content.image is not None:
        shared, rest = content.image
        header = unpack_header(json.loads(shared), rest)
        if header.get("SegmentationType"):  # a document that was stored beside its images
            return
        reason = header.problem
    elif content.kind in (DICOM, DICOMDIR, OTHER):
        return
    try:
        if not reason:
            with open_limited(source) as file:
                yield read_whole(file, stop_before_pixels=True)
            return
    except Exception as error:  # a broken file raises anything
        reason = reason_of(error)
    why = reason.removeprefix("cannot be read: ")
    output.note(f"{output.escaped(name)} is left out, it cannot be read: {why}")
