"""Whether a list of series has what its archive says of the studies that they are in.

Some archives have a limit of their own and do not say when it cuts a list: Orthanc's DICOMweb
plugin of Debian 12 gives one more than its LimitFindResults. But archives say how many series a
study has, and of which modalities (NumberOfStudyRelatedSeries, ModalitiesInStudy; PS3.18 10.6.3.3,
PS3.4 C.6.2.1.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..archive import STUDY_LEVEL, Query, Series, parsed_number
from .patterns import matches

COUNT, MODALITIES = "NumberOfStudyRelatedSeries", "ModalitiesInStudy"


def query_for_studies(query: Query) -> dict[str, str] | None:
    """Return what to ask for, to have the studies of the series that match a query.

    None if what an archive says of studies does not tell how many series match.
    """
    of_study, of_series = _levels(query)
    if of_series.keys() - known_by_studies(of_series).keys():
        return None
    modality = of_series.get("Modality", "")
    return {**of_study, **({MODALITIES: modality} if modality else {})}


def known_by_studies(query: Query) -> dict[str, str]:
    """Return what of a query is the same in what an archive is asked for of studies."""
    is_one = not {"*", "?", "\\"} & {*query.get("Modality", "")}
    keywords = (*STUDY_LEVEL, "Modality") if is_one else STUDY_LEVEL
    return {key: text for key, text in query.items() if key in keywords}


def is_any_missing(studies: Iterable[Series], found: Iterable[Series], query: Query) -> bool:
    """Whether a study has more series that match a query than were found.

    Of a modality among others, it is told only that there is one. Archives may pass over what they
    do not search by: what does not match does not count.
    """
    if query_for_studies(query) is None:
        return False
    of_study, of_series = _levels(query)
    there = Counter(one["StudyInstanceUID"] for one in found if matches(one, query))
    modality = of_series.get("Modality", "")
    for study in studies:
        count = parsed_number(study[COUNT]) or 0
        modalities = {*study[MODALITIES].split("\\")}
        if modality and modalities != {modality}:
            count = min(count, modality in modalities)
        if there[study["StudyInstanceUID"]] < count and matches(study, of_study):
            return True
    return False


def _levels(query: Query) -> tuple[dict[str, str], dict[str, str]]:
    """Return what of a query is of the study, and what of the series; not what admits all."""
    asked = {key: text for key, text in query.items() if text not in ("", "*")}
    of_study = {key: text for key, text in asked.items() if key in STUDY_LEVEL}
    return of_study, {key: text for key, text in asked.items() if key not in of_study}
