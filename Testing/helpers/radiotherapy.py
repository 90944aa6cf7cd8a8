"""A patient's radiotherapy as DICOM files: CT, structure set, plan, dose, PET and segmentation.

The CT is pydicom's CT_small, as three slices; highdicom makes the segmentation from it, with its
references; the others have what the standard demands of references (PS3.3 C.8.8), and little else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pydicom.data
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    RTPlanStorage,
    RTStructureSetStorage,
)

STUDY = "1.2.826.0.1.3680043.8.498.1"
CT, RTSTRUCT, RTPLAN, RTDOSE, PT, SEG = (f"{STUDY}.{number}" for number in range(1, 7))
FRAME = f"{STUDY}.100"
PATIENT = "R-17"


def instance_of(series: str, number: int = 1) -> str:
    """The SOPInstanceUID of a series' file, the first of which is 1."""
    return f"{series}.{number}"


def write_study(folder: Path) -> None:
    """Write ct/1 to ct/3, rtstruct, rtplan, rtdose, pt and seg."""
    slices = [ct_slice(number) for number in (1, 2, 3)]
    (folder / "ct").mkdir(parents=True)
    for number, dataset in enumerate(slices, start=1):
        dataset.save_as(folder / "ct" / str(number), enforce_file_format=True)
    others = {
        "rtstruct": structure_set(),
        "rtplan": plan(),
        "rtdose": dose(),
        "pt": pet(),
        "seg": segmentation(slices),
    }
    for name, dataset in others.items():
        dataset.save_as(folder / name, enforce_file_format=True)


def ct_slice(number: int) -> Dataset:
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm", download=False))
    _identify(dataset, CT, number)
    dataset.ImagePositionPatient = [-158.1, -179.0, -75.7 + 5 * number]
    dataset.InstanceNumber = number
    return dataset


def structure_set() -> Dataset:
    dataset = new_dataset(RTStructureSetStorage, "RTSTRUCT", RTSTRUCT)
    series = _item(SeriesInstanceUID=CT, ContourImageSequence=[reference(instance_of(CT))])
    study = _item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=STUDY,
        RTReferencedSeriesSequence=[series],
    )
    dataset.ReferencedFrameOfReferenceSequence = [
        _item(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=[study])
    ]
    return dataset


def plan() -> Dataset:
    dataset = new_dataset(RTPlanStorage, "RTPLAN", RTPLAN)
    dataset.ReferencedStructureSetSequence = [reference(instance_of(RTSTRUCT))]
    return dataset


def dose() -> Dataset:
    dataset = new_dataset(RTDoseStorage, "RTDOSE", RTDOSE)
    dataset.FrameOfReferenceUID = FRAME
    dataset.ReferencedRTPlanSequence = [reference(instance_of(RTPLAN))]
    dataset.ReferencedStructureSetSequence = [reference(instance_of(RTSTRUCT))]
    dataset.ReferencedImageSequence = [reference(instance_of(CT, 2))]
    return dataset


def pet() -> Dataset:
    dataset = new_dataset(PositronEmissionTomographyImageStorage, "PT", PT)
    dataset.ReferencedImageSequence = [reference(instance_of(CT, 3))]
    return dataset


def segmentation(slices: list[Dataset]) -> Dataset:
    """A liver that is everywhere in these slices."""
    return segments(slices, np.ones((len(slices), 128, 128), np.uint8), ["Liver"])


def segments(
    slices: list[Dataset],
    voxels: np.ndarray,
    names: list[str],
    are_frames_left_out: bool = False,
    kind: SegmentationTypeValues = SegmentationTypeValues.BINARY,
) -> Dataset:
    """Segments of these names: a label map (k, j, i), or masks (k, j, i, segments)."""
    descriptions = [
        SegmentDescription(
            number,
            name,
            codes.SCT.Organ,
            codes.SCT.Liver,
            SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(names, start=1)
    ]
    return Segmentation(
        slices,
        voxels,
        kind,
        descriptions,
        series_instance_uid=SEG,
        series_number=6,
        sop_instance_uid=instance_of(SEG),
        instance_number=1,
        manufacturer="-",
        manufacturer_model_name="-",
        software_versions="-",
        device_serial_number="-",
        content_label="SEGMENTATION",
        omit_empty_frames=are_frames_left_out,
        series_description=f"made with highdicom {hd.__version__}",
    )


def new_dataset(sop_class: str, modality: str, series: str) -> Dataset:
    """A dataset that says who and what it is, and nothing else."""
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.Modality = modality
    dataset.ensure_file_meta()
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _identify(dataset, series, 1)
    return dataset


def reference(instance: str) -> Dataset:
    """An item that refers to a file by its SOPInstanceUID."""
    return _item(ReferencedSOPClassUID="1.2.3", ReferencedSOPInstanceUID=instance)


def _identify(dataset: Dataset, series: str, number: int) -> None:
    dataset.PatientID = PATIENT
    dataset.StudyInstanceUID = STUDY
    dataset.SeriesInstanceUID = series
    dataset.SOPInstanceUID = instance_of(series, number)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if series == CT:
        dataset.FrameOfReferenceUID = FRAME


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item
