"""Writes the demo as a folder of DICOM files, such as a hospital's archive would export.

The folder then holds the three images of ``demo`` as series of single-frame files (CT, MR and PET
image storage, 384 files), their trajectories as ``trajectories.json``, and beside them the test
files that come with pydicom: scans, radiographs, color images, reports and broken files of many
makers.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.geometry import flip_matrix_lps_ras
from IGTLMetaBrowserLib.sources.demo import (
    PATIENT_ID,
    PATIENT_NAME,
    DemoImage,
    demo_images,
    demo_trajectories,
)
from IGTLMetaBrowserLib.sources.trajectory_file import write_trajectories

if TYPE_CHECKING:
    from pydicom import Dataset

# What each kind of image must say of its acquisition (PS3.3, the modules CT, MR, PET Series, PET
# Isotope, PET Image).
MODALITY_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "CT": {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "KVP": 120,
        "AcquisitionNumber": 1,
        "RescaleType": "HU",
        "WindowCenter": 40,
        "WindowWidth": 120,
    },
    "MR": {
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": "MP",
        "ScanOptions": None,
        "MRAcquisitionType": "3D",
        "RepetitionTime": 2300,
        "EchoTime": 2.98,
        "EchoTrainLength": 1,
        "InversionTime": 900,
        "WindowCenter": 500,
        "WindowWidth": 1000,
    },
    "PT": {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "Units": "BQML",
        "CountsSource": "EMISSION",
        "SeriesType": ["STATIC", "IMAGE"],
        "NumberOfSlices": 128,
        "CorrectedImage": ["DECY", "ATTN"],
        "DecayCorrection": "START",
        "DecayFactor": 1,
        "CollimatorType": "NONE",
        "FrameReferenceTime": 0,
        "ActualFrameDuration": 600000,
        "PatientOrientationCodeSequence": [],
        "PatientGantryRelationshipCodeSequence": [],
        "WindowCenter": 16000,
        "WindowWidth": 32000,
    },
}


def write_demo_folder(folder: Path) -> None:
    """Write everything into ``folder``, which is made where it does not exist; takes a few
    seconds."""
    write_phantom(folder)
    copy_pydicom_files(folder / "pydicom")


def write_phantom(folder: Path, count: int | None = None) -> None:
    """Write the three images, each into a folder named after its modality, and their trajectories.

    UIDs, dates and pixels are the same each time. With ``count``, only so many slices of each image
    are written, those in its middle.
    """
    for image in demo_images():
        write_series(image, folder / image.modality, count)
    write_trajectories(
        folder / "trajectories.json",
        [_with_owner(item, series_uid(item.owner)) for item in demo_trajectories()],
    )


def write_series(image: DemoImage, folder: Path, count: int | None = None) -> None:
    """Write one image as a file a slice: 0001.dcm, 0002.dcm ... in the order of k.

    With ``count``, only so many in its middle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dataset = _series_dataset(image)
    ijk_to_lps = flip_matrix_lps_ras(image.ijk_to_ras())
    volume = image.pixels()
    left_out = (len(volume) - (count or len(volume))) // 2
    for k in range(left_out, len(volume) - left_out):
        dataset.SOPInstanceUID = _uid(image.id, "slice", str(k))
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = _decimals((ijk_to_lps @ (0, 0, k, 1))[:3])
        _set_pixels(dataset, volume[k])
        dataset.save_as(folder / f"{k + 1:04d}.dcm", enforce_file_format=True)


def series_uid(image_id: str) -> str:
    """The SeriesInstanceUID of a demo image."""
    return _uid(image_id, "series")


def copy_pydicom_files(folder: Path) -> None:
    """Copy the test files that pydicom's own package holds; nothing is downloaded."""
    import pydicom.data

    data = Path(pydicom.data.__file__).parent
    for name in ("test_files", "charset_files"):
        shutil.copytree(data / name, folder / name, dirs_exist_ok=True)


def _series_dataset(image: DemoImage) -> Dataset:
    """All that the slices of a series have in common."""
    from pydicom import Dataset
    from pydicom.uid import (
        CTImageStorage,
        ExplicitVRLittleEndian,
        MRImageStorage,
        PositronEmissionTomographyImageStorage,
    )

    dataset = Dataset()
    dataset.SOPClassUID = {
        "CT": CTImageStorage,
        "MR": MRImageStorage,
        "PT": PositronEmissionTomographyImageStorage,
    }[image.modality]
    dataset.ensure_file_meta()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _set_patient_and_study(dataset, image)
    _set_geometry(dataset, image)
    for keyword, value in MODALITY_ATTRIBUTES[image.modality].items():
        setattr(dataset, keyword, value)
    if image.modality == "PT":
        dataset.RadiopharmaceuticalInformationSequence = [_fdg()]
    return dataset


def _set_patient_and_study(dataset: Dataset, image: DemoImage) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = PATIENT_NAME.replace(", ", "^")
    dataset.PatientID = PATIENT_ID
    dataset.PatientBirthDate = None
    dataset.PatientSex = "O"
    dataset.BodyPartExamined = "HEAD"
    if image.modality != "PT":  # it has PatientOrientationCodeSequence instead
        dataset.PatientPosition = "HFS"
    dataset.StudyInstanceUID = _uid(image.id, "study")
    dataset.StudyID = image.id
    dataset.StudyDescription = f"Demo of {image.modality}"
    dataset.AccessionNumber = None
    dataset.ReferringPhysicianName = None
    dataset.SeriesInstanceUID = series_uid(image.id)
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = image.name
    dataset.Modality = image.modality
    dataset.Manufacturer = "IGTLMetaBrowser"
    dataset.TimezoneOffsetFromUTC = "+0000"
    for event in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{event}Date", image.scan_time.strftime("%Y%m%d"))
        setattr(dataset, f"{event}Time", image.scan_time.strftime("%H%M%S"))


def _set_geometry(dataset: Dataset, image: DemoImage) -> None:
    """What the slices have in common of it; ImagePositionPatient is each one's own."""
    lps_directions = flip_matrix_lps_ras(image.directions)
    i_spacing, j_spacing, k_spacing = image.spacing
    dataset.FrameOfReferenceUID = _uid(PATIENT_ID, "frame of reference")
    dataset.PositionReferenceIndicator = None
    dataset.ImageOrientationPatient = _decimals([*lps_directions[:, 0], *lps_directions[:, 1]])
    dataset.PixelSpacing = _decimals([j_spacing, i_spacing])  # between rows, then between columns
    dataset.SliceThickness = k_spacing
    if image.modality == "MR":
        dataset.SpacingBetweenSlices = k_spacing


def _set_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    """Store one slice (j, i) as unsigned integers with the rescale that its modality is used to.

    CT with an intercept of -1024; PET with a slope of its own for each slice; MR as it is, without
    rescale.
    """
    bits = 12
    if dataset.Modality == "CT":
        dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
        pixels = pixels + 1024
    elif dataset.Modality == "PT":
        bits = 16
        dataset.RescaleIntercept = 0
        dataset.RescaleSlope = _decimals([max(float(pixels.max()), 1.0) / 65535])[0]
        pixels = np.rint(pixels / float(dataset.RescaleSlope))
        dataset.ImageIndex = dataset.InstanceNumber
    dataset.set_pixel_data(
        pixels.astype(np.uint16), "MONOCHROME2", bits, generate_instance_uid=False
    )


def _fdg() -> Dataset:
    """The tracer, F-18 fluorodeoxyglucose (PS3.16, CID 4020 and 4021)."""
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    tracer = Dataset()
    tracer.Radiopharmaceutical = codes.cid4021.FluorodeoxyglucoseF18.meaning
    for keyword, code in (
        ("RadionuclideCodeSequence", codes.cid4020._18Fluorine),
        ("RadiopharmaceuticalCodeSequence", codes.cid4021.FluorodeoxyglucoseF18),
    ):
        coded = Dataset()
        coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = code[:3]
        setattr(tracer, keyword, [coded])
    return tracer


def _with_owner(item: codec.TrajectoryItem, owner: str) -> codec.TrajectoryItem:
    return replace(item, owner=owner)


def _uid(*names: str) -> str:
    """A UID made from names, the same each time, under the root that pydicom gives its users."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["IGTLMetaBrowser demo", *names]))


def _decimals(numbers: Sequence[float] | np.ndarray) -> list[str]:
    """Numbers as DICOM's decimal strings of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(number)) for number in numbers]
