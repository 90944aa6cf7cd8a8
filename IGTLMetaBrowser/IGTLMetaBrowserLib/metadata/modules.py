"""Modules of metadata, their fields named by DICOM keywords, and who provides them.

The names of the types are Cornerstone's, the contents DICOM's (PS3.3, sections given below). A
field that is not known is an empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import ImageMetaItem
from .providers import NOTHING, MetadataProviders

PATIENT = "patient"
GENERAL_STUDY = "generalStudy"
GENERAL_SERIES = "generalSeries"


@dataclass(frozen=True)
class Patient:
    """PS3.3 C.7.1.1."""

    PatientName: str = ""
    PatientID: str = ""


@dataclass(frozen=True)
class GeneralStudy:
    """PS3.3 C.7.2.1."""

    StudyInstanceUID: str = ""
    StudyDescription: str = ""


@dataclass(frozen=True)
class GeneralSeries:
    """PS3.3 C.7.3.1."""

    Modality: str = ""
    SeriesDescription: str = ""
    SeriesInstanceUID: str = ""


class ImageMetaProvider:
    """Knows what the server's listing says; asked with an image's id.

    ``entries`` finds the entry of an id, or None.
    """

    def __init__(self, entries: Callable[[str], ImageMetaItem | None]) -> None:
        self._entries = entries

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return the patient or series module of an image."""
        entry = self._entries(image_id)
        if entry is None:
            return NOTHING
        if type_ == PATIENT:
            return Patient(entry.patient_name, entry.patient_id)
        if type_ == GENERAL_SERIES:
            return GeneralSeries(entry.modality, entry.name)
        return NOTHING


class MessageMetadataProvider:
    """Knows the version-3 metadata that came with images; asked with an image's id."""

    def __init__(self) -> None:
        self._metadata: dict[str, Mapping[str, str]] = {}

    def keep(self, image_id: str, metadata: Mapping[str, str]) -> None:
        """Remember the metadata of an image, whose keys are DICOM keywords."""
        self._metadata[image_id] = dict(metadata)

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return a module, if the metadata has any field of it."""
        module = _MODULES.get(type_)
        metadata = self._metadata.get(image_id, {})
        if module is None:
            return NOTHING
        known = {name: metadata[name] for name in module.__annotations__ if name in metadata}
        return module(**known) if known else NOTHING


def known_fields(providers: MetadataProviders, type_: str, *queries: Any) -> dict[str, str]:
    """Return the fields of a module of ``TYPES``; one that is not known is an empty text.

    Each field comes from the first provider that knows it.
    """
    fields = dict.fromkeys(_MODULES[type_].__annotations__, "")
    for module in providers.answers(type_, *queries):
        for keyword, value in vars(module).items():
            fields[keyword] = fields[keyword] or value
    return fields


_MODULES = {PATIENT: Patient, GENERAL_STUDY: GeneralStudy, GENERAL_SERIES: GeneralSeries}
TYPES = tuple(_MODULES)
