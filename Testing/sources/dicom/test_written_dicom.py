"""All DICOM files that are written here, held against the standard by programs of others."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import EnhancedCTImageStorage

from helpers import validators
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.label_map import Structure
from IGTLMetaBrowserLib.sources.documents.label_document import (
    replace_segments,
    write_segmentation,
)
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

TRAJECTORIES = [
    codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3), diameter=1.5),
    codec.TrajectoryItem(name="Ziel ü", type=codec.TrajectoryType.TARGET, target=(4, 5, 6)),
]
WRITTEN = (
    "plan", "replacing plan", "emptied plan", "segmentation", "replacing segmentation",
    "overlapping segmentation", "replacing segment", "plan of odd images",
    "segmentation of odd images", "plan of a frame", "CT", "MR", "PT",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(phantom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind: documents for the phantom's CT, and the phantom's images."""
    folder = tmp_path_factory.mktemp("written")
    images = [pydicom.dcmread(path) for path in sorted((phantom_folder / "CT").iterdir())]
    plan = write_plan(TRAJECTORIES, images)
    source = DicomFolderSource(phantom_folder / "CT")
    image = source.image(source.images()[0].id)
    labels = np.zeros(image.pixels.shape, np.uint8)
    labels[3, 10:20, 10:20], labels[5, 5:9, 9:20] = 3, 7
    liver = LabelMapToStore(
        labels, image.ijk_to_ras(), [Structure("Liver", 3, (221, 130, 101, 255))]
    )
    segmentation = write_segmentation(liver, images)
    odd = [pydicom.dcmread(path) for path in sorted((phantom_folder / "CT").iterdir())]
    for one in odd:
        one.PatientSex, one.PatientName = "QQ", ["Doe^Jane", "Roe^Jane"]
    both = write_segmentation(
        LabelMapToStore(np.stack([labels, labels // 3]), image.ijk_to_ras()), images
    )
    frames = deepcopy(images[:1])
    frames[0].SOPClassUID, frames[0].NumberOfFrames = EnhancedCTImageStorage, 4
    documents = {
        "plan": plan,
        "replacing plan": write_plan(TRAJECTORIES[:1], images, predecessor=plan),
        "emptied plan": write_plan([], images, predecessor=plan),
        "segmentation": segmentation,
        "replacing segmentation": write_segmentation(liver, images, predecessor=segmentation),
        "overlapping segmentation": both,
        "replacing segment": replace_segments(liver, images, both, [2])[0],
        "plan of a frame": write_plan(TRAJECTORIES, frames, frame_number=3),
        "plan of odd images": write_plan(TRAJECTORIES, odd),
        "segmentation of odd images": write_segmentation(liver, odd),
    }
    files = {
        modality: sorted((phantom_folder / modality).iterdir())[40]
        for modality in ("CT", "MR", "PT")
    }
    for name, document in documents.items():
        files[name] = folder / f"{name}.dcm"
        document.save_as(files[name], enforce_file_format=True)
    return files


@pytest.mark.skipif(not validators.has_dciodvfy(), reason=validators.INSTALL_DCIODVFY)
@pytest.mark.parametrize("name", WRITTEN)
def test_dciodvfy_finds_nothing_wrong(written, name):
    assert validators.dciodvfy(written[name]) == []


@pytest.mark.skipif(not validators.has_dciodvfy(), reason=validators.INSTALL_DCIODVFY)
def test_dciodvfy_finds_what_is_wrong(written, tmp_path):
    dataset = pydicom.dcmread(written["plan"])
    del dataset.CompletionFlag
    dataset.save_as(tmp_path / "plan.dcm")
    assert any("CompletionFlag" in error for error in validators.dciodvfy(tmp_path / "plan.dcm"))


@pytest.mark.skipif(not validators.STANDARD, reason=validators.WHY_NO_STANDARD)
@pytest.mark.parametrize("name", WRITTEN)
def test_dicom_validator_finds_nothing_wrong(written, name):
    result = validators.dicom_validator(written[name])
    if result.status.name == "UnknownSOPClassUID":
        pytest.skip("this edition, of which there is a part perhaps, does not have its IOD")
    assert result.errors == 0, result


@pytest.mark.skipif(not validators.STANDARD, reason=validators.WHY_NO_STANDARD)
def test_dicom_validator_finds_what_is_wrong(written, tmp_path):
    dataset = pydicom.dcmread(written["segmentation"])
    del dataset.SegmentSequence[0].SegmentAlgorithmType, dataset.ContentCreatorName
    dataset.save_as(tmp_path / "segmentation.dcm")
    assert validators.dicom_validator(tmp_path / "segmentation.dcm").errors == 2
