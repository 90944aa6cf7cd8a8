"""What the entries of an archive's list are made of, and told apart by."""

from __future__ import annotations

from collections.abc import Hashable

from ..dicom_index.image_header import ImageHeader
from .archive import Archive, Series
from .dicom_files import Frame, ImageFile
from .dicom_places import plain_name


def version_of(series: Series) -> Hashable:
    """Return what is another if the archive has other files of a series, or another's."""
    keywords = ("StudyInstanceUID", "PatientID", "PatientName")
    return (series.uid, series.count, *(series[keyword] for keyword in keywords))


def frame_of(series: Series) -> Frame:
    """Return what the fields of a listing can be read from."""
    return Frame(ImageFile("", 0, ImageHeader(series.attributes, {})))


def patient_of(series: Series) -> str:
    """Return by what patients are told apart: their ID, or if there is none, their name."""
    return series["PatientID"] or plain_name(series["PatientName"])


def several_patients(archive: Archive, patient: str, count: int) -> str:
    return f"{archive.name} has {count} patients' names under the ID {patient}: check whose this is"
