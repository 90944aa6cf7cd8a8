"""What follows from what is known: geometry, age, views of all of it, references.

Everything here is computed when it is asked for. The registry keeps the answers until something
they were computed from changes. Other providers say more: they are asked before this one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from ...dicom_index.headers.uids import EXPLICIT_VR_LITTLE_ENDIAN
from ..geometry import axes_of_matrix, axes_of_plane, image_plane, orientation_letters, slice_plane
from ..image_modules import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    Derived,
    FileMeta,
    GeneralImage,
    Predecessor,
    SourceReference,
)
from ..modules import (
    CALIBRATION,
    CINE,
    DERIVED,
    FILE_META,
    FRAME_OF_REFERENCE,
    GENERAL_EQUIPMENT,
    GENERAL_IMAGE,
    GENERAL_SERIES,
    GENERAL_STUDY,
    IMAGE_PIXEL,
    IMAGE_PLANE,
    INSTANCE_DATA,
    MODALITY_LUT,
    MR_IMAGE,
    MULTI_FRAME,
    PATIENT,
    PATIENT_STUDY,
    PREDECESSOR,
    SERIES_DATA,
    SERIES_FILES,
    SOP_COMMON,
    SOURCE_REFERENCE,
    STUDY_DATA,
    TRANSFER_SYNTAX,
    VOI_LUT,
    VOLUME_GEOMETRY,
    known_module,
)
from ..observable import ObservableProvider
from ..registry import NOTHING, MetadataProviders
from ..study_modules import PatientStudy

VIEWS: dict[str, Sequence[str]] = {
    STUDY_DATA: (PATIENT, PATIENT_STUDY, GENERAL_STUDY),
    SERIES_DATA: (GENERAL_SERIES, FRAME_OF_REFERENCE, GENERAL_EQUIPMENT),
    INSTANCE_DATA: (
        SOP_COMMON,
        GENERAL_IMAGE,
        IMAGE_PIXEL,
        IMAGE_PLANE,
        MULTI_FRAME,
        VOI_LUT,
        MODALITY_LUT,
        CINE,
        CALIBRATION,
        MR_IMAGE,
    ),
}
"""The modules that each normalized view is put together from."""


class ComputedProvider(ObservableProvider):
    """Computes from what ``providers``, the registry that it is itself in, knows of an image."""

    name = "computed"

    def __init__(self, providers: MetadataProviders) -> None:
        super().__init__()
        self._providers = providers
        self._makers: dict[str, Callable[[Hashable], Any]] = {
            IMAGE_PLANE: self._image_plane,
            GENERAL_IMAGE: self._general_image,
            PATIENT_STUDY: self._patient_study,
            DERIVED: self._derived,
            SOURCE_REFERENCE: self._source_reference,
            PREDECESSOR: self._predecessor,
            FILE_META: self._file_meta,
        }

    def __call__(self, type_: str, query: Hashable) -> Any:
        """Return a computed module, a normalized view, or ``NOTHING``."""
        if type_ in VIEWS:
            known = self._providers.get_normalized(query, VIEWS[type_])
            view = {keyword: entry.value for keyword, entry in known.items()}
            return MappingProxyType(view) if view else NOTHING
        make = self._makers.get(type_)
        return make(query) if make else NOTHING

    def _known(self, type_: str, query: Hashable) -> Any:
        return known_module(self._providers, type_, query)

    def _image_plane(self, query: Hashable) -> Any:
        geometry = self._known(VOLUME_GEOMETRY, query)
        if not geometry.IjkToRas:
            return NOTHING
        slices = geometry.Size[2] if geometry.Size else 1
        return image_plane(np.reshape(geometry.IjkToRas, (4, 4)), slices)

    def _axes(self, query: Hashable) -> np.ndarray | None:
        """Return the directions of i, j and k in LPS, by the matrix or else by DICOM."""
        geometry = self._known(VOLUME_GEOMETRY, query)
        if geometry.IjkToRas:
            return axes_of_matrix(np.reshape(geometry.IjkToRas, (4, 4)))
        orientation = self._known(IMAGE_PLANE, query).ImageOrientationPatient
        return None if orientation is None else axes_of_plane(orientation)

    def _general_image(self, query: Hashable) -> Any:
        axes = self._axes(query)
        if axes is None:
            return NOTHING
        row, column, _ = orientation_letters(axes)
        return GeneralImage(PatientOrientation=(row, column))

    def _derived(self, query: Hashable) -> Any:
        axes, slices = self._axes(query), self._slice_count(query)
        if axes is None:
            return NOTHING if slices is None else Derived(NumberOfSlices=slices)
        return Derived(orientation_letters(axes), slice_plane(axes), slices)

    def _slice_count(self, query: Hashable) -> int | None:
        size = self._known(VOLUME_GEOMETRY, query).Size
        if size is not None:
            return size[2]
        frames = self._known(MULTI_FRAME, query).NumberOfFrames
        return frames or self._known(SERIES_FILES, query).NumberOfSeriesRelatedInstances

    def _patient_study(self, query: Hashable) -> Any:
        birth = _date(self._known(PATIENT, query).PatientBirthDate)
        image, series = self._known(GENERAL_IMAGE, query), self._known(GENERAL_SERIES, query)
        moments = (
            image.AcquisitionDateTime,
            image.AcquisitionDate,
            series.SeriesDate,
            self._known(GENERAL_STUDY, query).StudyDate,
        )
        scan = next(filter(None, map(_date, moments)), None)
        # An age has three digits (PS3.5 6.2, AS).
        if birth is None or scan is None or not 0 <= scan.year - birth.year <= 999:
            return NOTHING  # a date that stands for none, as 00010101 does if names are removed
        return PatientStudy(PatientAge=age_text(birth, scan))

    def _reference(self, query: Hashable) -> dict[str, str] | None:
        """Return what names the instance (PS3.3 10.8); None if it has no UID."""
        instance = self._known(SOP_COMMON, query)
        if not instance.SOPInstanceUID:
            return None
        return {
            "ReferencedSOPClassUID": instance.SOPClassUID,
            "ReferencedSOPInstanceUID": instance.SOPInstanceUID,
        }

    def _source_reference(self, query: Hashable) -> Any:
        reference = self._reference(query)
        if reference is None:
            return NOTHING
        series = {
            "SeriesInstanceUID": self._known(GENERAL_SERIES, query).SeriesInstanceUID,
            "ReferencedInstanceSequence": (MappingProxyType(reference),),
        }
        return SourceReference(
            **reference,
            StudyInstanceUID=self._known(GENERAL_STUDY, query).StudyInstanceUID,
            FrameOfReferenceUID=self._known(FRAME_OF_REFERENCE, query).FrameOfReferenceUID,
            ReferencedSeriesSequence=(MappingProxyType(series),),
        )

    def _predecessor(self, query: Hashable) -> Any:
        reference = self._reference(query)
        if reference is None:
            return NOTHING
        series = {
            "SeriesInstanceUID": self._known(GENERAL_SERIES, query).SeriesInstanceUID,
            "ReferencedSOPSequence": (MappingProxyType(reference),),
        }
        study = {
            "StudyInstanceUID": self._known(GENERAL_STUDY, query).StudyInstanceUID,
            "ReferencedSeriesSequence": (MappingProxyType(series),),
        }
        return Predecessor(reference["ReferencedSOPInstanceUID"], (MappingProxyType(study),))

    def _file_meta(self, query: Hashable) -> Any:
        instance = self._known(SOP_COMMON, query)
        if not instance.SOPInstanceUID:
            return NOTHING
        # Every reader of DICOM knows the second.
        syntax = self._known(TRANSFER_SYNTAX, query).TransferSyntaxUID or EXPLICIT_VR_LITTLE_ENDIAN
        return FileMeta(
            instance.SOPClassUID,
            instance.SOPInstanceUID,
            syntax,
            IMPLEMENTATION_CLASS_UID,
            IMPLEMENTATION_VERSION_NAME,
        )


def age_text(birth: date, day: date) -> str:
    """Return the age on a day as DICOM writes it (PS3.5 6.2, AS).

    In days up to a month, in months up to two years, then in years.
    """
    months = 12 * (day.year - birth.year) + day.month - birth.month - (day.day < birth.day)
    if months < 1:
        return f"{(day - birth).days:03}D"
    return f"{months:03}M" if months < 24 else f"{months // 12:03}Y"


def _date(text: str) -> date | None:
    """Return the day of a DICOM date or date and time, or None if it is none."""
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None
