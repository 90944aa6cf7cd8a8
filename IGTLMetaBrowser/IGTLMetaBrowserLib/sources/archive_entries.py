"""What the entries of an archive's list are made of, and told apart by."""

from __future__ import annotations

from collections.abc import Hashable

from ..dicom_index.image_header import ImageHeader
from .archive import Archive, Series
from .dicom_files import Frame, ImageFile


def version_of(series: Series) -> Hashable:
    """Return what is another if the archive has other files of a series, or another's."""
    keywords = ("StudyInstanceUID", "PatientID", "PatientName")
    return (series.uid, series.count, *(series[keyword] for keyword in keywords))


def frame_of(series: Series) -> Frame:
    """Return what the fields of a listing can be read from."""
    return Frame(ImageFile("", 0, ImageHeader(series.attributes, {})))


def plain_name(series: Series) -> str:
    return series["PatientName"].partition("=")[0].rstrip("^ ").casefold()


def several_patients(archive: Archive, patient: str, count: int) -> str:
    return f"{archive.name} has {count} patients' names under the ID {patient}: check whose this is"
