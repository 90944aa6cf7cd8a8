"""What the entries of an archive's list are made of, and told apart by."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from .... import codec
from ....dicom_index.headers.image_header import ImageHeader
from ....dicom_index.rows import ImageFile
from ....file_version import FileVersion
from ....net.source import SourceError
from ....person_names import plain_name
from ...dicom.files import Frame
from ...dicom.volumes.places import are_several_issuers
from ..archive import Archive, Series

_logger = logging.getLogger(__name__)


def series_version(series: Series) -> Hashable:
    """Return what is another if the archive has other files of a series, or another's."""
    keywords = ("StudyInstanceUID", "PatientID", "IssuerOfPatientID", "PatientName")
    return (series.uid, series.count, *(series[keyword] for keyword in keywords))


def frame_of(series: Series) -> Frame:
    """Return what the fields of a listing can be read from."""
    return Frame(ImageFile("", FileVersion(0), ImageHeader(series.attributes, {})))


def patient_and_issuer(series: Series) -> tuple[str, str]:
    """Return the ID of the patient of a series, and who has given it."""
    return series["PatientID"], series["IssuerOfPatientID"]


def is_same_patient(one: Series, other: Series) -> bool:
    """Whether two series are of one patient, by the ID, or if there is none, by the name."""
    ids, issuers, names = (
        [series[keyword] for series in (one, other)]
        for keyword in ("PatientID", "IssuerOfPatientID", "PatientName")
    )
    if not any(ids):
        return plain_name(names[0]) == plain_name(names[1])
    return ids[0] == ids[1] and not are_several_issuers(issuers)


Mark = tuple[str, str, str]
"""What patients are told apart by: their ID, one of the words of ``_KINDS``, and a value of it."""
_KINDS = {"PatientName": "patients' names", "IssuerOfPatientID": "issuers"}


def marks_of(series: Series) -> Iterator[Mark]:
    """Yield what tells the patient of a series from others of that ID, as far as it is said."""
    yield series["PatientID"], "PatientName", plain_name(series["PatientName"])
    if issuer := series["IssuerOfPatientID"]:
        yield series["PatientID"], "IssuerOfPatientID", issuer


class Patients:
    """Counts by what the patients of each ID in an archive are told apart."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kinds: dict[str, Counter[str]] = {}  # by the IDs

    def count(self, marks: Iterable[Mark]) -> None:
        """Count anew, and have the log say of which IDs there are more patients than before."""
        before, self._kinds = self._kinds, {}
        for patient, kind, _ in marks:
            self._kinds.setdefault(patient, Counter())[kind] += 1
        for patient, kinds in self._kinds.items():
            words = self.words(patient)
            if words and kinds > before.get(patient, Counter()):
                _logger.warning("%s", words)

    def described(self, series: Series, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is known of an image, ``values``, and of its series and patient."""
        values = {**series.attributes, **values}
        if words := self.words(series["PatientID"]):
            values["Notice"] = "; ".join(filter(None, (values.get("Notice"), words)))
        return values

    def words(self, patient: str) -> str:
        """Return in words that an ID may be of several patients; nothing if it is of one."""
        kinds = self._kinds.get(patient, {})
        counts = [f"{count} {_KINDS[kind]}" for kind, count in kinds.items() if count > 1]
        if not patient or not counts:
            return ""
        several = " of ".join(counts)
        return f"{self._archive.name} has {several} under the ID {patient}: check whose this is"


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
