"""What the entries of an archive's list are made of, and told apart by."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from ... import codec
from ...dicom_index.image_header import ImageHeader
from ...file_version import FileVersion
from ...net.source import SourceError
from ...person_names import plain_name
from ..dicom.files import Frame, ImageFile
from .archive import Archive, Series


def version_of(series: Series) -> Hashable:
    """Return what is another if the archive has other files of a series, or another's."""
    keywords = ("StudyInstanceUID", "PatientID", "PatientName")
    return (series.uid, series.count, *(series[keyword] for keyword in keywords))


def frame_of(series: Series) -> Frame:
    """Return what the fields of a listing can be read from."""
    return Frame(ImageFile("", FileVersion(0), ImageHeader(series.attributes, {})))


def patient_of(series: Series) -> str:
    """Return by what patients are told apart: their ID, or if there is none, their name."""
    return series["PatientID"] or plain_name(series["PatientName"])


def several_patients(archive: Archive, patient: str, count: int) -> str:
    return f"{archive.name} has {count} patients' names under the ID {patient}: check whose this is"


def no_single_image(
    items: Sequence[codec.ImageMetaItem], refused: Iterable[tuple[str, str]]
) -> SourceError:
    """Return why a series that was listed as one image has none, or several: ``items``.

    ``refused`` are what of it is not offered, and why.
    """
    if items:
        names = ", ".join(item.name for item in items[:4]) + (", ..." if items[4:] else "")
        return SourceError(
            f"This series has {len(items)} images: {names}. Refresh the list and choose one."
        )
    reasons = "; ".join(dict.fromkeys(reason for _, reason in refused))
    return SourceError(f"This series is not offered: {reasons or 'it has no images'}")
