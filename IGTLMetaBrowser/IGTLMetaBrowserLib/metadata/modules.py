"""Modules of metadata: the types there are, and how a module is read and put together.

The names of the types are Cornerstone's, the contents DICOM's: each is a record of
``study_modules`` or ``image_modules``, whose fields are DICOM keywords.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from .image_modules import (
    Calibration,
    Cine,
    Derived,
    FileMeta,
    GeneralImage,
    ImagePixel,
    ImagePlane,
    ModalityLut,
    MrImage,
    MultiFrame,
    Predecessor,
    SopCommon,
    SourceReference,
    TransferSyntax,
    VoiLut,
    VolumeGeometry,
)
from .registry import NOTHING, MetadataProviders
from .study_modules import (
    FrameOfReference,
    GeneralEquipment,
    GeneralSeries,
    GeneralStudy,
    Patient,
    PatientStudy,
    SeriesFiles,
)
from .values import as_text, is_known, module_items, read_value

_logger = logging.getLogger(__name__)

PATIENT = "patient"
PATIENT_STUDY = "patientStudy"
GENERAL_STUDY = "generalStudy"
GENERAL_SERIES = "generalSeries"
FRAME_OF_REFERENCE = "frameOfReference"
GENERAL_EQUIPMENT = "generalEquipment"
GENERAL_IMAGE = "generalImage"
IMAGE_PIXEL = "imagePixel"
IMAGE_PLANE = "imagePlane"
MULTI_FRAME = "multiFrame"
VOI_LUT = "voiLut"
MODALITY_LUT = "modalityLut"
CINE = "cine"
CALIBRATION = "calibration"
MR_IMAGE = "mrImage"
SOP_COMMON = "sopCommon"
TRANSFER_SYNTAX = "transferSyntax"

SERIES_FILES = "seriesFiles"
VOLUME_GEOMETRY = "volumeGeometry"
DERIVED = "derived"
SOURCE_REFERENCE = "sourceReference"
PREDECESSOR = "predecessor"
FILE_META = "fileMeta"

OTHER = "other"
"""Keywords that are in no module, as a mapping: metadata of a message, values that were typed."""

STUDY_DATA = "studyData"
SERIES_DATA = "seriesData"
INSTANCE_DATA = "instanceData"
"""The three normalized views: mappings of all that is known of a study, a series, an image."""

DICOM_RECORDS: Mapping[str, type] = {
    PATIENT: Patient,
    PATIENT_STUDY: PatientStudy,
    GENERAL_STUDY: GeneralStudy,
    GENERAL_SERIES: GeneralSeries,
    FRAME_OF_REFERENCE: FrameOfReference,
    GENERAL_EQUIPMENT: GeneralEquipment,
    GENERAL_IMAGE: GeneralImage,
    IMAGE_PIXEL: ImagePixel,
    IMAGE_PLANE: ImagePlane,
    MULTI_FRAME: MultiFrame,
    VOI_LUT: VoiLut,
    MODALITY_LUT: ModalityLut,
    CINE: Cine,
    CALIBRATION: Calibration,
    MR_IMAGE: MrImage,
    SOP_COMMON: SopCommon,
    TRANSFER_SYNTAX: TransferSyntax,
}
"""The modules of DICOM, by type."""

RECORDS: Mapping[str, type] = {
    **DICOM_RECORDS,
    SERIES_FILES: SeriesFiles,
    VOLUME_GEOMETRY: VolumeGeometry,
    DERIVED: Derived,
    SOURCE_REFERENCE: SourceReference,
    PREDECESSOR: Predecessor,
    FILE_META: FileMeta,
}
"""These, and our own."""

TYPES = (PATIENT, GENERAL_STUDY, GENERAL_SERIES)
"""The modules that are written onto a volume's node."""

_KINDS = {type_: get_type_hints(record) for type_, record in RECORDS.items()}

KEYWORD_KINDS: Mapping[str, Any] = MappingProxyType(
    {keyword: kind for type_ in DICOM_RECORDS for keyword, kind in _KINDS[type_].items()}
)
"""The fields of all modules of DICOM, and of what kind (see ``values``) each is."""


def read_module(type_: str, find: Callable[[str], Any]) -> Any:
    """Return the module of DICOM that ``find`` knows fields of, or ``NOTHING``.

    ``find`` returns the value of a keyword in whatever form, or None; it may raise ``ValueError``.
    What is not of the kind that its keyword needs is passed over, and reported.
    """
    if type_ not in DICOM_RECORDS:
        return NOTHING
    known = {}
    for keyword, kind in _KINDS[type_].items():
        try:
            value = read_value(find(keyword), kind)
        except ValueError as error:
            _logger.warning("a value of %s is passed over: %s", keyword, error)
            continue
        if is_known(value):
            known[keyword] = value
    return DICOM_RECORDS[type_](**known) if known else NOTHING


def read_values(type_: str, values: Mapping[str, Any]) -> Any:
    """Return the module of DICOM that ``values``, by keyword, have fields of, or ``NOTHING``.

    As ``OTHER``, those under keys that no module has.
    """
    if type_ != OTHER:
        return read_module(type_, values.get)
    other = {key: value for key, value in values.items() if key not in KEYWORD_KINDS}
    return MappingProxyType(other) if other else NOTHING


def known_module(providers: MetadataProviders, type_: str, *queries: Hashable) -> Any:
    """Return a record of ``RECORDS``, each field from the first provider that knows it."""
    known: dict[str, Any] = {}
    for module in providers.answers(type_, *queries):
        for keyword, value in module_items(module):
            if keyword not in known and keyword in _KINDS[type_] and is_known(value):
                known[keyword] = value
    return RECORDS[type_](**known)


def known_fields(providers: MetadataProviders, type_: str, *queries: Hashable) -> dict[str, str]:
    """Return the fields of a module as texts; one that is not known is an empty text.

    Each field comes from the first provider that knows it.
    """
    module = known_module(providers, type_, *queries)
    return {keyword: as_text(value) for keyword, value in module_items(module)}
