"""Segmentations to and from dcmqi, which reads and writes those of 3D Slicer and of many archives.

PyPI: ``dcmqi`` has its programs.
"""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest

from cli.command import igtlmeta
from helpers import radiotherapy as study
from IGTLMetaBrowserLib.codec.geometry import flip_matrix_lps_ras
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.label_map import Structure
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore, write_label_file

SPEC = find_spec("dcmqi")
pytestmark = pytest.mark.skipif(SPEC is None, reason="no dcmqi: pip install dcmqi")

COUNT = 6
NAMES = ("Liver", "Tumor", "Clip")
TISSUE = {"CodeValue": "85756007", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Tissue"}
Points = set[tuple[float, ...]]


def dcmqi(program: str, **options: object) -> None:
    """Run one of its programs; ``options`` are the long ones of its command line."""
    assert SPEC is not None
    assert SPEC.origin is not None
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    path = Path(SPEC.origin).parent / "bin" / program
    result = subprocess.run([path, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(params=["axial", "oblique"])
def ct(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A CT of six slices, whose pixels are no squares."""
    folder = tmp_path / "ct"
    folder.mkdir()
    tilt = np.deg2rad([20, 15] if request.param == "oblique" else [0, 0])
    (cos, cos_2), (sin, sin_2) = np.cos(tilt), np.sin(tilt)
    row, column = np.array([cos, sin, 0]), np.array([-sin * cos_2, cos * cos_2, sin_2])
    for k in range(COUNT):
        dataset = study.ct_slice(1)
        dataset.SOPInstanceUID = study.instance_of(study.CT, k + 1)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = k + 1
        dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.9], 2.5
        dataset.ImageOrientationPatient = np.round([*row, *column], 10).tolist()
        place = np.array([-100, -80, 30]) + np.cross(row, column) * 2.5 * k
        dataset.ImagePositionPatient = np.round(place, 6).tolist()
        dataset.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture
def ijk_to_ras(ct: Path) -> np.ndarray:
    source = DicomFolderSource(ct)
    return source.image(source.images()[0].id).ijk_to_ras()


@pytest.fixture(params=["apart", "overlapping"])
def masks(request: pytest.FixtureRequest) -> list[np.ndarray]:
    """Three segments; of the last it is one voxel alone."""
    liver, tumor, clip = (np.zeros((COUNT, 128, 128), bool) for _ in NAMES)
    liver[1:4, 10:30, 20:50] = True
    tumor[2:5, 20:40, 40:70] = True
    clip[0, 3, 5] = True
    if request.param == "apart":
        tumor &= ~liver
    return [liver, tumor, clip]


def places(mask: np.ndarray, ijk_to_ras: np.ndarray) -> Points:
    """Where the voxels of a mask (k, j, i) lie, in RAS to a hundredth of a mm."""
    ijk = np.argwhere(mask)[:, ::-1]
    points = ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    return set(map(tuple, (np.round(points, 2) + 0.0).tolist()))


def test_dcmqi_reads_what_is_stored_here(ct, masks, ijk_to_ras, tmp_path):
    layers = np.zeros((2, *masks[0].shape), np.uint8)
    for number, mask in enumerate(masks, start=1):
        layers[int(number == 2)][mask] = number
    colors = ((255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255))
    structures = [Structure(name, n, colors[n - 1]) for n, name in enumerate(NAMES, start=1)]
    write_label_file(tmp_path / "labels.npz", LabelMapToStore(layers, ijk_to_ras, structures))
    stored = igtlmeta("store", tmp_path / "labels.npz", "--images", ct, "-o", tmp_path)
    assert stored.returncode == 0, stored.stderr
    dcmqi("segimage2itkimage", inputDICOM=stored.stdout.strip(), outputDirectory=tmp_path)
    for number, mask in enumerate(masks, start=1):
        voxels, header = nrrd.read(str(tmp_path / f"{number}.nrrd"))
        assert places(voxels.T > 0, matrix_of(header)) == places(mask, ijk_to_ras)
    said = json.loads((tmp_path / "meta.json").read_text())["segmentAttributes"]
    assert [one[0]["SegmentLabel"] for one in said] == [*NAMES]


@pytest.mark.parametrize("skip", [1, 0], ids=["without empty frames", "with all frames"])
def test_what_dcmqi_writes_is_read_here(ct, masks, ijk_to_ras, tmp_path, skip):
    files = [written(tmp_path / f"in{n}.nrrd", mask, ijk_to_ras) for n, mask in enumerate(masks)]
    (tmp_path / "meta.json").write_text(json.dumps(described()))
    dcmqi(
        "itkimage2segimage",
        inputImageList=",".join(map(str, files)),
        inputDICOMDirectory=ct,
        inputMetadata=tmp_path / "meta.json",
        outputDICOM=ct / "segmentation.dcm",
        skip=skip,
    )
    check_source(DicomFolderSource(ct), masks, ijk_to_ras)
    if (masks[0] & masks[1]).any():
        return
    # The same as a label map segmentation (PS3.3 C.8.20.5), in which none can overlap.
    segmentation = (ct / "segmentation.dcm").rename(tmp_path / "binary.dcm")
    dcmqi("bin2labelsegimage", inputDICOM=segmentation, outputDICOM=ct / "labels.dcm")
    check_source(DicomFolderSource(ct), masks, ijk_to_ras)


def check_source(
    source: DicomFolderSource, masks: list[np.ndarray], ijk_to_ras: np.ndarray
) -> None:
    """The segments are those of these masks, and of the image."""
    (image,) = source.images()
    items = source.label_maps()
    assert [item.name for item in items] == [*NAMES]
    assert source.refused == []
    for number, (item, mask) in enumerate(zip(items, masks, strict=True)):
        labels = source.image(item.id)
        found = places(labels.pixels == item.label, labels.ijk_to_ras())
        assert found == places(mask, ijk_to_ras)
        assert item.owner == image.id
        assert item.rgba[:3] == pytest.approx(color_of(number), abs=6)  # it rounds L*a*b*


def written(path: Path, mask: np.ndarray, ijk_to_ras: np.ndarray) -> Path:
    """A mask as ITK has it: in LPS, i first."""
    matrix = flip_matrix_lps_ras(ijk_to_ras)
    header = {
        "space": "left-posterior-superior",
        "space directions": matrix[:3, :3].T.tolist(),
        "space origin": matrix[:3, 3].tolist(),
        "kinds": ["domain"] * 3,
    }
    nrrd.write(str(path), mask.T.astype(np.uint8), header)
    return path


def matrix_of(header: dict[str, Any]) -> np.ndarray:
    """From the voxels of an NRRD in LPS to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(header["space directions"], float).T
    matrix[:3, 3] = header["space origin"]
    return flip_matrix_lps_ras(matrix)


def color_of(number: int) -> list[int]:
    return [200, 50 * number, 10]


def described() -> dict[str, Any]:
    """What dcmqi is told of the segments, each of which is the label 1 of a file of its own."""
    segments = [
        {
            "labelID": 1,
            "SegmentLabel": name,
            "SegmentDescription": name,
            "SegmentAlgorithmType": "MANUAL",
            "recommendedDisplayRGBValue": color_of(number),
            "SegmentedPropertyCategoryCodeSequence": TISSUE,
            "SegmentedPropertyTypeCodeSequence": TISSUE,
        }
        for number, name in enumerate(NAMES)
    ]
    return {
        "ContentCreatorName": "Doe^Jane",
        "ClinicalTrialSeriesID": "1",
        "ClinicalTrialTimePointID": "1",
        "SeriesDescription": "Segmentation",
        "SeriesNumber": "300",
        "InstanceNumber": "1",
        "BodyPartExamined": "",
        "segmentAttributes": [[segment] for segment in segments],
    }
