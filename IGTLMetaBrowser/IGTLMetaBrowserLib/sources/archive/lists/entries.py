"""What the entries of an archive's list are made of, and told apart by."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from .... import codec
from ....dicom_index.headers.image_header import ImageHeader
from ....dicom_index.rows import ImageFile
from ....file_version import FileVersion
from ....net.source import SourceError
from ....person_names import plain_name
from ...dicom import fields as dicom_fields
from ...dicom.files import Frame
from ...dicom.volumes.places import are_several_issuers
from ..archive import NOT_IMAGES, Archive, QueryResult, Series

_logger = logging.getLogger(__name__)


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


Items = tuple[codec.ImageMetaItem, ...]


@dataclass(frozen=True)
class FoundEntries:
    """What a query has found, and all that takes long to make of it: a thread does.

    Of a thousand series that takes 0.1 s. ``series`` are by the ids of their entries, ``items``,
    the entries themselves, by the UIDs, in the order of the list; ``marks`` are all marks of the
    patients.
    """

    found: QueryResult = field(default_factory=QueryResult)
    series: Mapping[str, Series] = field(default_factory=dict)
    items: Mapping[str, Items] = field(default_factory=dict)
    marks: frozenset[Mark] = frozenset()


def entries_of(found: QueryResult) -> FoundEntries:
    """Make what clients and the lists need of the series of a list."""
    for one in found:
        _ = one.version  # it is kept with the series
    return FoundEntries(
        found,
        {dicom_fields.image_id(one.uid): one for one in found},
        {one.uid: _items_of(one) for one in found},
        frozenset(mark for one in found for mark in marks_of(one)),
    )


def _items_of(series: Series) -> Items:
    if series["Modality"] in NOT_IMAGES:
        return ()
    frame = Frame(ImageFile("", FileVersion(0), ImageHeader(series.attributes, {})))
    name, item_id = dicom_fields.series_name(frame), dicom_fields.image_id(series.uid)
    return (dicom_fields.listing_item(frame, name, item_id, (0, 0, 0), codec.ScalarType.UINT8),)


class Patients:
    """Counts by what the patients of each ID in an archive are told apart."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._several: dict[str, dict[str, int]] = {}  # by the IDs, how many of which kind

    def count(self, marks: Iterable[Mark]) -> None:
        """Count anew, and have the log say of which IDs there are more patients than before."""
        before, self._several = self._several, {}
        for (patient, kind), count in Counter(map(itemgetter(0, 1), marks)).items():
            if count > 1:
                self._several.setdefault(patient, {})[kind] = count
        for patient, counts in self._several.items():
            known = before.get(patient, {})
            is_more = any(count > known.get(kind, 1) for kind, count in counts.items())
            if is_more and (words := self.words(patient)):
                _logger.warning("%s", words)

    def described(self, series: Series, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is known of an image, ``values``, and of its series and patient."""
        values = {**series.attributes, **values}
        if words := self.words(series["PatientID"]):
            values["Notice"] = "; ".join(filter(None, (values.get("Notice"), words)))
        return values

    def words(self, patient: str) -> str:
        """Return in words that an ID may be of several patients; nothing if it is of one."""
        several_of = self._several.get(patient, {})
        counts = [
            f"{several_of[kind]} {words}" for kind, words in _KINDS.items() if kind in several_of
        ]
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
