"""A small regular series, and what a folder of DICOM files offers."""

from __future__ import annotations

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

# Three slices, 2 mm apart, at the left posterior inferior corner (-10, -20, 30) of LPS.
REGULAR = [(-10, -20, 30), (-10, -20, 32), (-10, -20, 34)]


def names(source: DicomFolderSource) -> list[str]:
    return [item.name for item in source.images()]


def fetch_all(source: DicomFolderSource) -> list[codec.ImageMessage]:
    return [source.image(item.id) for item in source.images()]
