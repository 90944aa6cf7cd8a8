"""Modules of DICOM that are the same for all images of a patient, a study or a series.

Each record names its section of PS3.3. Fields are named by DICOM's keywords; dates are
``YYYYMMDD``, times ``HHMMSS.FFFFFF``, as DICOM writes them (PS3.5 6.2). What is not known is an
empty text or None.
"""

from __future__ import annotations

from dataclasses import dataclass

from .values import Number, Texts, Whole


@dataclass(frozen=True, slots=True)
class Patient:
    """Who is to be seen (PS3.3 C.7.1.1). Sex is ``M``, ``F`` or ``O``."""

    PatientName: str = ""
    PatientID: str = ""
    IssuerOfPatientID: str = ""
    PatientBirthDate: str = ""
    PatientSex: str = ""
    PatientComments: str = ""
    PatientIdentityRemoved: str = ""


@dataclass(frozen=True, slots=True)
class PatientStudy:
    """The patient at the time of the study (PS3.3 C.7.2.2).

    Age as in ``045Y``, ``018M``, ``003W`` or ``012D``; size in m, weight in kg.
    """

    PatientAge: str = ""
    PatientSize: Number = None
    PatientWeight: Number = None
    AdditionalPatientHistory: str = ""


@dataclass(frozen=True, slots=True)
class GeneralStudy:
    """The study (PS3.3 C.7.2.1)."""

    StudyInstanceUID: str = ""
    StudyDescription: str = ""
    StudyDate: str = ""
    StudyTime: str = ""
    StudyID: str = ""
    AccessionNumber: str = ""
    ReferringPhysicianName: str = ""


@dataclass(frozen=True, slots=True)
class GeneralSeries:
    """The series (PS3.3 C.7.3.1). ``PatientPosition`` as in ``HFS``: head first, supine."""

    Modality: str = ""
    SeriesDescription: str = ""
    SeriesInstanceUID: str = ""
    SeriesNumber: Whole = None
    SeriesDate: str = ""
    SeriesTime: str = ""
    ProtocolName: str = ""
    BodyPartExamined: str = ""
    PatientPosition: str = ""
    Laterality: str = ""
    AnatomicalOrientationType: str = ""


@dataclass(frozen=True, slots=True)
class FrameOfReference:
    """The coordinate system that images share (PS3.3 C.7.4.1)."""

    FrameOfReferenceUID: str = ""
    PositionReferenceIndicator: str = ""


@dataclass(frozen=True, slots=True)
class GeneralEquipment:
    """What made the images (PS3.3 C.7.5.1)."""

    Manufacturer: str = ""
    ManufacturerModelName: str = ""
    InstitutionName: str = ""
    StationName: str = ""
    DeviceSerialNumber: str = ""
    SoftwareVersions: Texts = ()


@dataclass(frozen=True, slots=True)
class SeriesFiles:
    """The files of a series; no module of DICOM's.

    ``NumberOfSeriesRelatedInstances`` is (0020,1209), with which an archive answers how many there
    are. ``FirstFile`` is the path of the one whose fields are shown.
    """

    NumberOfSeriesRelatedInstances: Whole = None
    FirstFile: str = ""
