"""Modules of DICOM that say what an image's pixels mean and where they lie, and our own of that.

Each record names its section of PS3.3. Fields are named by DICOM's keywords. Positions and
directions of DICOM are in LPS, lengths in mm. What is not known is an empty text, an empty tuple or
None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .values import Cosines, Number, Numbers, Pair, Texts, Triple, Whole


@dataclass(frozen=True, slots=True)
class GeneralImage:
    """The image in its series (PS3.3 C.7.6.1).

    ``PatientOrientation`` is where a row and a column lead: ``("L", "P")`` in an axial image.
    """

    InstanceNumber: Whole = None
    ImageType: Texts = ()
    AcquisitionNumber: Whole = None
    AcquisitionDate: str = ""
    AcquisitionTime: str = ""
    AcquisitionDateTime: str = ""
    ContentDate: str = ""
    ContentTime: str = ""
    PatientOrientation: Texts = ()
    ImageComments: str = ""
    BurnedInAnnotation: str = ""
    LossyImageCompression: str = ""
    LossyImageCompressionMethod: Texts = ()
    LossyImageCompressionRatio: Numbers = ()


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """How pixels are stored (PS3.3 C.7.6.3). ``PixelRepresentation``: 0 unsigned, 1 signed."""

    Rows: Whole = None
    Columns: Whole = None
    SamplesPerPixel: Whole = None
    PhotometricInterpretation: str = ""
    BitsAllocated: Whole = None
    BitsStored: Whole = None
    HighBit: Whole = None
    PixelRepresentation: Whole = None
    PlanarConfiguration: Whole = None
    SmallestImagePixelValue: Whole = None
    LargestImagePixelValue: Whole = None


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Where the image lies (PS3.3 C.7.6.2; ``SpacingBetweenSlices``: C.8.3.1).

    PixelSpacing
        mm between rows, then mm between columns (PS3.3 10.7.1.3).
    ImageOrientationPatient
        Direction of a row, from its first pixel to its last, then of a column.
    ImagePositionPatient
        Center of the first pixel.
    SliceLocation
        mm from a plane that nobody names.
    """

    PixelSpacing: Pair = None
    ImageOrientationPatient: Cosines = None
    ImagePositionPatient: Triple = None
    SliceThickness: Number = None
    SpacingBetweenSlices: Number = None
    SliceLocation: Number = None


@dataclass(frozen=True, slots=True)
class MultiFrame:
    """How many frames a file has (PS3.3 C.7.6.6)."""

    NumberOfFrames: Whole = None


@dataclass(frozen=True, slots=True)
class VoiLut:
    """Window centers and widths, one or several of each (PS3.3 C.11.2)."""

    WindowCenter: Numbers = ()
    WindowWidth: Numbers = ()
    WindowCenterWidthExplanation: Texts = ()
    VOILUTFunction: str = ""


@dataclass(frozen=True, slots=True)
class ModalityLut:
    """From stored values to, for example, Hounsfield units (PS3.3 C.11.1)."""

    RescaleIntercept: Number = None
    RescaleSlope: Number = None
    RescaleType: str = ""


@dataclass(frozen=True, slots=True)
class Cine:
    """How frames follow each other (PS3.3 C.7.6.5). Times in ms, rates in frames a second."""

    FrameTime: Number = None
    FrameDelay: Number = None
    CineRate: Whole = None
    RecommendedDisplayFrameRate: Whole = None
    PreferredPlaybackSequencing: Whole = None
    ActualFrameDuration: Whole = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How pixel spacing came about (PS3.3 10.7; C.8.11.4 DX Detector, C.8.11.5 DX Positioning).

    ``PixelSpacingCalibrationType`` is ``GEOMETRY`` (corrected for magnification) or ``FIDUCIAL``
    (measured on an object of known size). ``ImagerPixelSpacing`` is mm between rows and between
    columns at the detector.
    """

    PixelSpacingCalibrationType: str = ""
    PixelSpacingCalibrationDescription: str = ""
    ImagerPixelSpacing: Pair = None
    EstimatedRadiographicMagnificationFactor: Number = None


@dataclass(frozen=True, slots=True)
class MrImage:
    """How a MR image was made (PS3.3 C.8.3.1). Times in ms, field strength in tesla."""

    ScanningSequence: Texts = ()
    SequenceVariant: Texts = ()
    RepetitionTime: Number = None
    EchoTime: Number = None
    InversionTime: Number = None
    FlipAngle: Number = None
    MagneticFieldStrength: Number = None
    ImagedNucleus: str = ""


@dataclass(frozen=True, slots=True)
class SopCommon:
    """What kind of file this is, and which (PS3.3 C.12.1)."""

    SOPClassUID: str = ""
    SOPInstanceUID: str = ""
    SpecificCharacterSet: Texts = ()
    InstanceCreationDate: str = ""
    InstanceCreationTime: str = ""
    TimezoneOffsetFromUTC: str = ""


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How the file is encoded (PS3.10 7.1, group 0002)."""

    TransferSyntaxUID: str = ""


@dataclass(frozen=True, slots=True)
class VolumeGeometry:
    """An image as an array in space; no module of DICOM's.

    IjkToRas
        The 16 numbers of the matrix, row by row, that maps the index (i, j, k, 1) of a voxel to
        the RAS position of its center in mm.
    Size
        Voxels along i, j, k.
    """

    IjkToRas: Numbers = ()
    Size: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from the geometry; no module of DICOM's.

    VolumeOrientation
        Where i, j and k lead, as in ``LPS``: the nearest of Left, Right, Posterior, Anterior,
        Superior and Inferior.
    SlicePlane
        ``axial``, ``coronal`` or ``sagittal``, or ``oblique`` if slices are turned out of all
        of these by more than about 18 degrees.
    NumberOfSlices
        Voxels along k, or else frames, or else files of the series.
    """

    VolumeOrientation: str = ""
    SlicePlane: str = ""
    NumberOfSlices: Whole = None


@dataclass(frozen=True, slots=True)
class SourceReference:
    """What a new object says that was made from this image: where it came from.

    The two Referenced UIDs are the SOP Instance Reference (PS3.3 10.8);
    ``ReferencedSeriesSequence`` is what the Common Instance Reference wants (PS3.3 C.12.2), as
    mappings of keywords.
    """

    ReferencedSOPClassUID: str = ""
    ReferencedSOPInstanceUID: str = ""
    StudyInstanceUID: str = ""
    FrameOfReferenceUID: str = ""
    ReferencedSeriesSequence: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What a new document says that takes this one's place.

    ``PredecessorDocumentsSequence`` is that of a structured report (PS3.3 C.17.2), as mappings of
    keywords; ``SOPInstanceUID`` is the document's own.
    """

    SOPInstanceUID: str = ""
    PredecessorDocumentsSequence: tuple[Mapping[str, Any], ...] = ()


# Who has written a file, if it is this program (PS3.7 D.3.3.2).
IMPLEMENTATION_CLASS_UID = "2.25.270391127343211914127254318561482403121"
IMPLEMENTATION_VERSION_NAME = "IGTLMETABROWSER"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """How a file of this instance begins (PS3.10 7.1), if it is written here."""

    MediaStorageSOPClassUID: str = ""
    MediaStorageSOPInstanceUID: str = ""
    TransferSyntaxUID: str = ""
    ImplementationClassUID: str = ""
    ImplementationVersionName: str = ""
