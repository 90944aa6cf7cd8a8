"""The images among the DICOM files that an index has found, read without their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dicom_index.header_reader import DICOM, DICOMDIR, OTHER, REFUSED, UNREADABLE
from ..dicom_index.index import DicomIndex
from ..net.source import SourceError

if TYPE_CHECKING:
    from pydicom import Dataset

_KINDS = (DICOM, DICOMDIR, OTHER, REFUSED, UNREADABLE)

Refusal = tuple[str, str]  # a path or series, and why it is not offered

# What a listing needs. Everything else, pixels first of all, stays on the disk until it is asked
# for.
HEADER_KEYWORDS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionNumber",
    "AcquisitionTime",
    "BitsAllocated",
    "BitsStored",
    "Columns",
    "DiffusionBValue",
    "EchoNumbers",
    "EchoTime",
    "FrameOfReferenceUID",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "ImagerPixelSpacing",
    "InstanceNumber",
    "Modality",
    "ModalityLUTSequence",
    "NumberOfFrames",
    "PatientID",
    "PatientName",
    "PerFrameFunctionalGroupsSequence",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PixelSpacing",
    "ProtocolName",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SOPClassUID",
    "SOPInstanceUID",
    "SamplesPerPixel",
    "SeriesDate",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesTime",
    "SharedFunctionalGroupsSequence",
    "SliceThickness",
    "SpacingBetweenSlices",
    "StudyDate",
    "StudyDescription",
    "StudyInstanceUID",
    "StudyTime",
    "TemporalPositionIdentifier",
    "TimezoneOffsetFromUTC",
    "TriggerTime",
)

# Storage classes that have rows and columns, and are still no images that a volume can be made of.
NOT_OFFERED = {
    "1.2.840.10008.5.1.4.1.1.481.2": "RT dose",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a whole slide microscopy image",
}


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a DICOM image: the only one of a single-frame file, or number ``index`` (from
    0)."""

    path: Path
    header: Dataset
    index: int

    def get(self, keyword: str) -> Any:
        """The value of an attribute for this frame, or None where it is absent or empty.

        The functional groups of an enhanced multi-frame image come first (PS3.3 C.7.6.16): the
        frame's own, then the shared ones; then the attribute itself, where single-frame images have
        it.
        """
        own = self.header.get("PerFrameFunctionalGroupsSequence") or []
        shared = self.header.get("SharedFunctionalGroupsSequence") or []
        for group in [*own[self.index : self.index + 1], *shared[:1]]:
            for macro in group:
                if macro.VR == "SQ" and macro.value and keyword in macro.value[0]:
                    return macro.value[0][keyword].value
        value = self.header.get(keyword)
        return None if value in ("", []) else value

    def numbers(self, keyword: str, count: int) -> list[float] | None:
        """The value as ``count`` numbers, or None where it is absent or has another length."""
        value = self.get(keyword)
        if value is None or isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
            return None
        return [float(number) for number in value] if len(value) == count else None


def find_frames(index: DicomIndex) -> tuple[list[Frame], list[Refusal]]:
    """All frames of the DICOM images in the index's folder, in the order of their paths, and what
    was refused.

    A file whose SOPInstanceUID was met before is refused: it is the same image, stored twice.
    """
    frames: list[Frame] = []
    refused: list[Refusal] = []
    first_path: dict[str, str] = {}
    for name, kind, reason in index.files(*_KINDS):
        try:
            if kind not in (DICOM, DICOMDIR):
                raise SourceError(reason or "not a DICOM file")
            path = index.folder / name
            header = read_header(path)
            found = [Frame(path, header, number) for number in range(_number_of_frames(header))]
        except SourceError as error:
            refused.append((name, str(error)))
            continue
        uid = str(header.get("SOPInstanceUID") or name)
        if uid in first_path:
            twin = first_path[uid]
            refused.append((name, f"the same image as {twin}: both have the SOPInstanceUID {uid}"))
            continue
        first_path[uid] = name
        frames += found
    return frames, refused


def read_header(path: Path) -> Dataset:
    """What ``HEADER_KEYWORDS`` name of an image's file.

    Raises ``SourceError``, in words that complete "this file is refused: ...", where it is none.
    """
    import pydicom

    try:
        header = pydicom.dcmread(
            path, force=True, stop_before_pixels=True, specific_tags=list(HEADER_KEYWORDS)
        )
        header.decode()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}") from error
    except (
        Exception
    ) as error:  # a broken file raises anything: struct.error, KeyError, EOFError ...
        raise SourceError(f"cannot be read as DICOM: {error}") from error
    _check_is_image(header)
    return header


def _check_is_image(header: Dataset) -> None:
    from pydicom.uid import UID

    sop_class = str(
        header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID") or ""
    )
    if sop_class in NOT_OFFERED:
        raise SourceError(f"{NOT_OFFERED[sop_class]}, not an image")
    if not header.get("Rows") or not header.get("Columns"):
        what = UID(sop_class).name if sop_class else "DICOM without a SOPClassUID"
        raise SourceError(f"not an image: {what}, without rows and columns of pixels")


def _number_of_frames(header: Dataset) -> int:
    try:
        return max(1, int(header.get("NumberOfFrames") or 1))
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"cannot be read as DICOM: its NumberOfFrames is no number ({error})"
        ) from error
